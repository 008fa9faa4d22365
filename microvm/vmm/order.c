/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fdpass.h"
#include "base/own.h"
#include "base/table.h"
#include "microvm/wire/wire.h"

#include "program.h"

enum { PATIENCE_MS = 60000 };

static int take_text(const struct wire_blob *blob, char *to, size_t size, struct error *err)
{
	if (blob->length >= size)
		return fail(err, ERROR_SYSTEM, "channel", "a text is longer than %zu bytes",
		            size - 1);
	memcpy(to, blob->bytes, blob->length);
	to[blob->length] = '\0';
	return 0;
}

static int take_descriptor(int channel, int *ret, struct error *err)
{
	char byte;
	ssize_t n = fdpass_receive(channel, &byte, sizeof(byte), ret, err);

	if (n < 0)
		return -1;
	if (n == 0 || *ret < 0)
		return fail(err, ERROR_SYSTEM, "channel", "a descriptor is missing");
	return 0;
}

static int take_descriptors(int channel, uint64_t flags, struct order *ret, struct error *err)
{
	const struct {
		int *fd;
		uint64_t flag; /* 0: there always is one */
	} all[] = {
		{&ret->kvm,       0                },
		{&ret->kernel,    0                },
		{&ret->initramfs, 0                },
		{&ret->listener,  0                },
		{&ret->control,   0                },
		{&ret->disk,      WIRE_HAS_DISK    },
		{&ret->overlay,   WIRE_DISK_OVERLAY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if ((flags & all[i].flag) == all[i].flag &&
		    take_descriptor(channel, all[i].fd, err) < 0)
			return -1;
	return 0;
}

static int take_cards(int channel, const struct wire_blob *blob, struct order *ret,
                      struct error *err)
{
	struct reader r = reader_of(blob->bytes, blob->length);
	size_t count = blob->length / WIRE_CARD;

	if (count > WIRE_CARDS_MOST)
		return fail(err, ERROR_SYSTEM, "channel", "more than %d network cards",
		            WIRE_CARDS_MOST);
	for (; ret->cards < count; ret->cards++) {
		struct virtio_net_options *card = &ret->card[ret->cards];

		memcpy(card->mac, read_bytes(&r, WIRE_CARD_MAC), WIRE_CARD_MAC);
		card->mtu = read_u16(&r);
		if (take_descriptor(channel, &card->tap, err) < 0)
			return -1;
	}
	return 0;
}

int order_receive(int channel, struct order *ret, struct error *err)
{
	struct wire_message m;
	owned_inbox inbox = {0};
	int got;

	*ret = (struct order){.kvm = -1,
	                      .kernel = -1,
	                      .initramfs = -1,
	                      .listener = -1,
	                      .control = -1,
	                      .disk = -1,
	                      .overlay = -1};
	got = wire_receive(channel, WIRE_LIMIT, PATIENCE_MS, &inbox, &m, err);
	if (got < 0)
		return -1;
	if (got == 0 || m.kind != WIRE_MACHINE)
		return fail(err, ERROR_SYSTEM, "channel", "no machine was asked for");
	ret->memory_bytes = m.number[0];
	ret->processors = (unsigned int)m.number[1];
	ret->debug = m.number[2] & WIRE_DEBUG;
	if (take_text(&m.blob[0], ret->parameters, sizeof(ret->parameters), err) < 0 ||
	    take_text(&m.blob[1], ret->name, sizeof(ret->name), err) < 0)
		return -1;
	if (take_descriptors(channel, m.number[2], ret, err) < 0)
		return -1;
	return take_cards(channel, &m.blob[2], ret, err);
}

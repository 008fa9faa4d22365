/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "netns/baggage.h"

#include "must.h"

/* Any bytes as what a create has written down of devices: three that say how many devices, addresses and notes there
 * are, and these, as many bytes as that takes; or, after 255, all of it. What is taken ends within its bounds, and is
 * written the same again. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COUNTS_AT = 24, HEAD_BYTES = 48, COUNTS = 3, RAW = 255, BYTES_MOST = 1 << 19 };

/* Behind our own head. */
static void put_together(const uint8_t *data, size_t size, struct text *out)
{
	static const size_t sizes[COUNTS] = {sizeof(struct device), sizeof(struct address),
	                                     sizeof(struct note)};
	static const char zeros[1024];
	struct netns_baggage *none = calloc(1, sizeof(*none));
	size_t wanted = 0;

	must(none != NULL);
	netns_baggage_save(none, out);
	netns_baggage_free(none);
	must(out->length == HEAD_BYTES);
	for (size_t i = 0; i < COUNTS; i++) {
		out->bytes[COUNTS_AT + 4 * i] = (char)data[i];
		wanted += data[i] * sizes[i];
	}
	data += COUNTS;
	size -= COUNTS;
	text_append_n(out, (const char *)data, size < wanted ? size : wanted);
	while (out->length < HEAD_BYTES + wanted) {
		size_t left = HEAD_BYTES + wanted - out->length;

		text_append_n(out, zeros, left < sizeof(zeros) ? left : sizeof(zeros));
	}
}

static void follow_note(const struct note *note)
{
	size_t at = NLMSG_ALIGN(note->head);

	while (at < note->length) {
		uint16_t length;

		must(note->length - at >= sizeof(length));
		memcpy(&length, note->bytes + at, sizeof(length));
		must(length >= 4);
		at += NLMSG_ALIGN(length);
	}
	must(at == note->length && note->length <= NOTE_BYTES);
}

static void follow(const struct netns_baggage *b)
{
	for (size_t i = 0; i < b->device_count; i++) {
		const struct device *it = &b->devices[i];
		size_t at = 0;

		must(strlen(it->host_name) < NETNS_NAME && strlen(it->name) < NETNS_NAME);
		must(strlen(it->settings.alias) < ALIAS_BYTES && it->is != AT_HOME);
		while (at < it->settings.further_length)
			at += strlen(it->settings.further + at) + 1;
		must(at <= FURTHER_BYTES);
	}
	for (size_t i = 0; i < b->address_count; i++)
		for (size_t j = 0; j < ADDRESS_KEPT; j++)
			must(b->addresses[i].length[j] <= ADDRESS_BYTES);
	for (size_t i = 0; i < b->note_count; i++)
		follow_note(&b->notes[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_text struct text bytes = {0}, again = {0}, third = {0};
	struct netns_baggage *b;
	struct error err;

	if (size < COUNTS || size > BYTES_MOST)
		return 0;
	if (data[0] == RAW)
		text_append_n(&bytes, (const char *)data + 1, size - 1);
	else
		put_together(data, size, &bytes);
	if (text_check(&bytes, &err) < 0 ||
	    netns_baggage_load(bytes.bytes, bytes.length, &b, &err) < 0)
		return 0;
	follow(b);
	netns_baggage_save(b, &again);
	netns_baggage_free(b);
	must(again.length == bytes.length);
	must(netns_baggage_load(again.bytes, again.length, &b, &err) == 0);
	netns_baggage_save(b, &third);
	netns_baggage_free(b);
	must(memcmp(again.bytes, third.bytes, again.length) == 0);
	return 0;
}

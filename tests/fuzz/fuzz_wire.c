/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/text.h"
#include "microvm/wire/wire.h"

#include "must.h"

/* Any bytes as what an agent sends. A message that is accepted is packed into the same bytes again; one that was
 * packed right comes whole. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns  how many messages came. */
static unsigned int collect(const void *data, size_t size, struct wire_message *ret_last)
{
	owned_inbox inbox = {0};
	struct error err = {0};
	unsigned int count = 0;
	int ends[2];

	if (size > 64 << 10 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return 0;
	if (send(ends[1], data, size, MSG_DONTWAIT) == (ssize_t)size)
		for (; wire_collect(&inbox, ends[0], WIRE_GUEST_LIMIT, ret_last, &err) > 0; count++)
			if (ret_last->kind == WIRE_FAILED) {
				must(wire_error(ret_last, &err) == -1);
				must(text_is_utf8(err.object, strlen(err.object)));
				must(text_is_utf8(err.reason, strlen(err.reason)));
			}
	(void)close(ends[0]);
	(void)close(ends[1]);
	return count;
}

/* A message of any kind, with any numbers and blobs. */
static void say(struct reader *in)
{
	struct wire_message m = {.kind = 1 + read_u8(in) % (WIRE_KINDS - 1)}, came = {0};
	owned_str bytes = NULL;
	struct error err;
	size_t length;

	for (size_t i = 0; i < WIRE_NUMBERS; i++)
		m.number[i] = read_u8(in) & 1 ? read_u64(in) : read_u8(in);
	for (size_t i = 0; i < WIRE_BLOBS; i++) {
		size_t part = read_u8(in) * 2U;

		part = part < in->left ? part : in->left;
		m.blob[i] = (struct wire_blob){read_bytes(in, part), part};
	}
	bytes = wire_pack(&m, &length, &err);
	must(bytes && collect(bytes, length, &came) == 1 && came.kind == m.kind);
	must(wire_unpack(bytes, length, &came, &err) == 0);
	for (size_t i = 0; i < WIRE_BLOBS; i++) {
		const struct wire_blob *one = &m.blob[i], *other = &came.blob[i];

		if (!other->bytes || one->length == 0)
			continue;
		must(one->length == other->length);
		must(memcmp(one->bytes, other->bytes, one->length) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_str copy = malloc(size + 1);
	struct reader in = reader_of(data, size);
	struct wire_message m;
	struct error err;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (wire_unpack(copy, size, &m, &err) == 0) {
		size_t length;
		owned_str again = wire_pack(&m, &length, &err);

		/* the length in the head is whoever cut the message out of the stream's to check */
		if (!again || length != size || memcmp(again + 4, copy + 4, size - 4) != 0)
			abort();
	}
	(void)collect(data, size, &m);
	say(&in);
	return 0;
}

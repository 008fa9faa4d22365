/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "microvm/wire/wire.h"

/* Any bytes as what an agent sends. A message that is accepted is packed into the same bytes again. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void collect(const uint8_t *data, size_t size)
{
	owned_inbox inbox = {0};
	struct wire_message m;
	struct error err;
	int ends[2];

	if (size > 64 << 10 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return;
	if (send(ends[1], data, size, MSG_DONTWAIT) == (ssize_t)size)
		while (wire_collect(&inbox, ends[0], WIRE_GUEST_LIMIT, &m, &err) > 0)
			if (m.kind == WIRE_FAILED && wire_error(&m, &err) != -1)
				abort();
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_str copy = malloc(size + 1);
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
	collect(data, size);
	return 0;
}

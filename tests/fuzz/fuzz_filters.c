/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "runtime/process/process.h"

/* Read any bytes as a kept filter, as they are and behind a head that says what is there: its numbers and its sum are
 * not to be guessed. The key is what the file itself has. What is accepted must lie within the bytes. */

enum { HEAD = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(char *bytes, size_t size, size_t key_length)
{
	struct sock_filter *filter = NULL;
	unsigned short length = 0;
	unsigned int sum = 0;

	if (!process_read_filter(bytes, size, bytes + (size > HEAD ? HEAD : 0), key_length, &filter,
	                         &length))
		return;
	if ((char *)filter < bytes || (char *)(filter + length) != bytes + size)
		abort();
	for (size_t i = 0; i < length; i++)
		sum += filter[i].k;
	if (sum == 1 && length == 0)
		abort();
}

/* As runtime/process/filters.c writes it. */
static void write_head(char *bytes, size_t size, size_t key_length)
{
	const uint64_t padded = (key_length + 7) & ~UINT64_C(7);
	uint64_t words[3] = {key_length, size - HEAD - padded, UINT64_C(0xcbf29ce484222325)};

	for (size_t i = HEAD; i < size; i++)
		words[2] = (words[2] ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	memcpy(bytes, "cella filter 4\n", 16);
	memcpy(bytes + 16, words, sizeof(words));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t key_length = size > HEAD ? (size - HEAD) / 2 : 0;
	char *bytes = malloc(size + 1);

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	try(bytes, size, key_length);
	if (size > HEAD) {
		write_head(bytes, size, key_length);
		try(bytes, size, key_length);
	}
	free(bytes);
	return 0;
}

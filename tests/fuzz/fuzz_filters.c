/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "runtime/process/process.h"

/* Read any bytes as a kept filter. The key is what the file itself has, so that more than its comparison is
 * reached; what is accepted must lie within the bytes. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { HEAD = 40 };
	size_t key_length = size > HEAD ? (size - HEAD) / 2 : 0;
	char *bytes = malloc(size + 1);
	struct sock_filter *filter = NULL;
	unsigned short length = 0;
	unsigned int sum = 0;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	if (process_read_filter(bytes, size, bytes + (size > HEAD ? HEAD : 0), key_length, &filter,
	                        &length)) {
		if ((char *)filter < bytes || (char *)(filter + length) != bytes + size)
			abort();
		for (size_t i = 0; i < length; i++)
			sum += filter[i].k;
		if (sum == 1 && length == 0)
			abort();
	}
	free(bytes);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "runtime/namespace/criu.h"

/* Read any bytes as CRIU's list of mounts: what is found lies in them, and putting it right ends. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	size_t offset = 0, found = 0;

	if (!bytes)
		return 0;
	if (size)
		memcpy(bytes, data, size);
	while (mountpoints_find_readonly_root(bytes, size, &offset)) {
		if (offset >= size || !(bytes[offset] & MS_RDONLY) || ++found > size)
			abort();
		bytes[offset] &= (uint8_t)~MS_RDONLY;
	}
	free(bytes);
	return 0;
}

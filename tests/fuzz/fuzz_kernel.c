/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "microvm/image/kernel.h"

/* Read any bytes as a kernel, and what they may be packed in by itself. What is accepted keeps its
 * promises: within the limit, an entry below 4 GiB. */

enum { LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes file = {data, size};
	owned_kernel struct kernel kernel = {0};
	owned_unpacked struct unpacked out = {.limit = LIMIT};
	char release[KERNEL_RELEASE_SIZE];
	struct error err;

	if (kernel_release("fuzz", file, release, &err) == 0 &&
	    (!*release || strchr(release, '/') || *release == '.'))
		abort();
	if (kernel_unpack("fuzz", file, LIMIT, &kernel, &err) == 0 &&
	    (kernel.elf.length > LIMIT || kernel.entry > UINT32_MAX))
		abort();
	if (unpack("fuzz", file, &out, &err) == 0 && out.length > LIMIT)
		abort();
	return 0;
}

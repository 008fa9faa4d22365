/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/process/process.h"

/* Find the interpreter in any head of a program: a text that is ended, within its room, out of the head. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *head = malloc(size + 1); /* of its own size, so that a look behind it is seen */
	char found[64];

	if (!head)
		return 0;
	memcpy(head, data, size);
	if (process_interpreter(head, size, found, sizeof(found)) &&
	    strnlen(found, sizeof(found)) == sizeof(found))
		abort();
	free(head);
	return 0;
}

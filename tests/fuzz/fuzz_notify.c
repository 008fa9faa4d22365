/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/notify.h"

/* What is passed on of any message has no line that may not be. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[NOTIFY_SIZE], again[NOTIFY_SIZE];
	size_t length = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
	size_t left;

	memcpy(text, data, length);
	text[length] = '\0';
	left = notify_filter(text);
	memcpy(again, text, left + 1);
	if (left != strlen(text) || notify_filter(again) != left || strcmp(text, again) != 0 ||
	    strncmp(text, "MAINPID=", 8) == 0 || strstr(text, "\nMAINPID=") ||
	    strstr(text, "\nFDSTORE="))
		abort();
	(void)notify_is_ready(text);
	return 0;
}

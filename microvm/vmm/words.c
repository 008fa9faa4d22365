/* SPDX-License-Identifier: Apache-2.0 */
/* A serial port that can only send: the one place where a kernel that panics says why, with nothing of its drivers
 * needed. Of what comes only the line that tells most is kept. Spec: 16550 UART. */
#include <ctype.h>
#include <string.h>

#include "base/table.h"

#include "parts.h"

enum {
	DATA = 0,
	LINE_CONTROL = 3,
	LINE_STATUS = 5,
	DIVISOR_LATCH = 0x80,
	CAN_SEND = 0x60, /* nothing waits, nothing is on the wire */
};

/* Lines that say more than any later one. */
static const char *const telling[] = {"Kernel panic", "Out of memory"};

/* The last that a kernel says before its processors stand still for ever. Nothing else tells it from one that idles. */
static const char halted[] = "reboot: System halted";
static const char restarts[] = "reboot: Restarting system"; /* and with what command */

/* What a kernel puts before a line: "[    1.234567] ". */
static const char *without_time(const char *line)
{
	const char *end = *line == '[' ? strchr(line, ']') : NULL;

	return end && end[1] == ' ' ? end + 2 : line;
}

static bool is_telling(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(telling); i++)
		if (strstr(line, telling[i]))
			return true;
	return false;
}

static void end_line(struct words *words)
{
	const char *line;

	words->line[words->length] = '\0';
	words->length = 0;
	line = without_time(words->line);
	words->halted = words->halted || strcmp(line, halted) == 0;
	words->restarts = words->restarts || strncmp(line, restarts, strlen(restarts)) == 0;
	if (*line == '\0' || words->told)
		return;
	words->told = is_telling(line);
	(void)memmove(words->kept, line, strlen(line) + 1);
}

static void hear(struct words *words, char c)
{
	if (c == '\n')
		end_line(words);
	else if (c != '\r' && words->length < sizeof(words->line) - 1)
		words->line[words->length++] = isprint((unsigned char)c) ? c : '?';
}

void words_write(struct words *words, unsigned int at, const uint8_t *bytes, size_t length)
{
	if (at == LINE_CONTROL)
		words->control = bytes[0];
	for (size_t i = 0; at == DATA && !(words->control & DIVISOR_LATCH) && i < length; i++)
		hear(words, (char)bytes[i]);
}

uint8_t words_read(const struct words *words, unsigned int at)
{
	switch (at) {
	case LINE_CONTROL:
		return words->control;
	case LINE_STATUS:
		return CAN_SEND;
	default:
		return 0;
	}
}

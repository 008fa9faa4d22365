/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "fd.h"
#include "owner.h"
#include "text.h"

enum { PASSWD_LIMIT = 4 << 20 };

/* The part of a line behind so many colons, its end cut off; NULL: there is none. */
static char *field(char *line, int number)
{
	for (; number > 0; number--) {
		line = strchr(line, ':');
		if (!line)
			return NULL;
		line++;
	}
	line[strcspn(line, ":")] = '\0';
	return line;
}

const char *owner_in(char *bytes, uint32_t uid)
{
	for (char *line = bytes, *next; line; line = next) {
		uint32_t number;
		char *text;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		text = field(line, 2);
		if (!text || !text_to_u32(text, &number) || number != uid)
			continue;
		text = field(line, 0);
		if (*text)
			return text;
	}
	return NULL;
}

const char *owner_name(uint32_t uid, struct arena *arena)
{
	const char *name = NULL;
	struct error ignored;
	size_t length;
	char *bytes;

	if (fd_read_file(AT_FDCWD, "/etc/passwd", PASSWD_LIMIT, arena, &bytes, &length, &ignored) ==
	    0)
		name = owner_in(bytes, uid);
	return name ? name : arena_format(arena, "%u", uid);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"

#include "parts.h"

enum { HOME_SIZE = 512, LINE_SIZE = 1024 };

/* A line of passwd(5): name:password:UID:GID:GECOS:directory:shell. Takes the line apart. */
static const char *home_in_line(char *line, uid_t uid)
{
	char *field[7];
	uint32_t number;
	int n = 0;

	for (char *part = line; part && n < 7; n++) {
		field[n] = part;
		part = strchr(part, ':');
		if (part)
			*part++ = '\0';
	}
	if (n < 6 || !text_to_u32(field[2], &number) || number != uid || field[5][0] != '/')
		return NULL;
	return field[5];
}

/* Reads the file a line at a time through a small window; a line that does not fit is no line. */
static bool find_home(uid_t uid, char *home, size_t size)
{
	owned_fd file = open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char window[LINE_SIZE + 1];
	size_t length = 0;
	bool skip = false;

	for (int reads = 0; file >= 0 && reads < 1024; reads++) {
		ssize_t n = read(file, window + length, LINE_SIZE - length);
		char *line = window, *end;

		if (n < 0 || (n == 0 && length == 0))
			return false;
		length += (size_t)n;
		if (n == 0)
			window[length++] = '\n';
		window[length] = '\0';
		while ((end = memchr(line, '\n', length - (size_t)(line - window)))) {
			const char *found;

			*end = '\0';
			found = skip ? NULL : home_in_line(line, uid);
			skip = false;
			if (found && strlen(found) < size) {
				(void)strcpy(home, found);
				return true;
			}
			line = end + 1;
		}
		length -= (size_t)(line - window);
		memmove(window, line, length);
		if (length == LINE_SIZE) {
			skip = true;
			length = 0;
		}
		if (n == 0)
			return false;
	}
	return false;
}

void environment_home(const struct process_plan *plan)
{
	static char variable[HOME_SIZE] = "HOME=";
	const size_t name = strlen("HOME=");

	for (size_t i = 0; i < plan->env_count; i++)
		if (text_begins(plan->env[i], "HOME="))
			return;
	if (!find_home(plan->uid, variable + name, sizeof(variable) - name))
		(void)strcpy(variable + name, "/");
	plan->env[plan->env_count] = variable; /* the room behind the end */
}

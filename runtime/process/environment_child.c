/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"

#include "parts.h"

enum { HOME_SIZE = 512, LINE_SIZE = 1024, LINES_MOST = 100000 };

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

/* A file read through a small window, a line at a time; a line that does not fit in is no line. */
struct window {
	int file;
	bool skip, ended;
	size_t length, used; /* bytes there; of these, before the next line */
	char bytes[LINE_SIZE + 1];
};

static bool fill(struct window *w)
{
	ssize_t n;

	w->length -= w->used;
	memmove(w->bytes, w->bytes + w->used, w->length);
	w->used = 0;
	if (w->length == LINE_SIZE) {
		w->skip = true;
		w->length = 0;
	}
	do
		n = w->ended ? -1 : read(w->file, w->bytes + w->length, LINE_SIZE - w->length);
	while (n < 0 && !w->ended && errno == EINTR);
	if (n < 0)
		return false;
	w->length += (size_t)n;
	if (n == 0) {
		w->ended = true;
		w->bytes[w->length++] = '\n'; /* there may be none behind the last line */
	}
	return true;
}

static char *next_line(struct window *w)
{
	for (;;) {
		char *line = w->bytes + w->used;
		char *end = memchr(line, '\n', w->length - w->used);

		if (!end && !fill(w))
			return NULL;
		if (!end)
			continue;
		*end = '\0';
		w->used = (size_t)(end + 1 - w->bytes);
		if (!w->skip)
			return line;
		w->skip = false;
	}
}

static bool find_home(uid_t uid, char *home, size_t size)
{
	owned_fd file = open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct window w = {.file = file};
	char *line;

	for (int lines = 0; file >= 0 && lines < LINES_MOST && (line = next_line(&w)); lines++) {
		const char *found = home_in_line(line, uid);

		if (found && strlen(found) < size) {
			memcpy(home, found, strlen(found) + 1);
			return true;
		}
	}
	return false;
}

void environment_listen(const struct process_plan *plan)
{
	static const size_t name = sizeof("LISTEN_PID=") - 1;

	if (plan->listen_pid)
		(void)snprintf(plan->listen_pid + name, 11, "%d", (int)getpid());
}

void environment_home(const struct process_plan *plan)
{
	static char variable[HOME_SIZE] = "HOME=";
	const size_t name = strlen("HOME=");

	for (size_t i = 0; i < plan->env_count; i++)
		if (text_begins(plan->env[i], "HOME="))
			return;
	if (!find_home(plan->uid, variable + name, sizeof(variable) - name))
		memcpy(variable + name, "/", sizeof("/"));
	plan->env[plan->env_count] = variable; /* the room behind the end */
}

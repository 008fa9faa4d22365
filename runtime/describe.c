/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

#include "runtime.h"

enum { PATH_SIZE = 64, STATUS_SIZE = 2048, COMMAND_SIZE = 1024 };

/* The first word behind "\nKEY:" of /proc/PID/status; "?" where it is missing. In arena. */
static const char *field(const char *status, const char *key, struct arena *arena)
{
	const char *found = strstr(status, key);
	size_t length = 0;

	if (found) {
		found += strlen(key);
		found += strspn(found, " \t");
		length = strcspn(found, " \t\n");
	}
	return length > 0 ? arena_text_n(arena, found, length) : arena_text(arena, "?");
}

/* The command line with blanks between its words; "[name]" for what has none. In arena; NULL: it has gone. */
static const char *read_command(pid_t pid, const char *status, struct arena *arena)
{
	char path[PATH_SIZE], command[COMMAND_SIZE];
	struct error gone;
	ssize_t length;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	length = fd_read_small(AT_FDCWD, path, command, sizeof(command), &gone);
	if (length < 0)
		return NULL;
	while (length > 0 && !command[length - 1])
		length--;
	for (ssize_t i = 0; i < length; i++)
		if (!command[i])
			command[i] = ' ';
	if (length == 0)
		return arena_format(arena, "[%s]", field(status, "Name:", arena));
	return arena_text_n(arena, command, (size_t)length);
}

static bool read_words(pid_t pid, struct arena *arena, struct process_words *ret)
{
	char path[PATH_SIZE], status[STATUS_SIZE];
	struct error gone;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (fd_read_small(AT_FDCWD, path, status, sizeof(status), &gone) < 0)
		return false;
	*ret = (struct process_words){
		.pid = pid,
		.parent = field(status, "\nPPid:", arena),
		.user = field(status, "\nUid:", arena),
		.command = read_command(pid, status, arena),
	};
	return ret->command != NULL;
}

int container_describe(struct container *c, struct process_words **ret_words, size_t *ret_count,
                       struct error *err)
{
	struct process_words *words;
	size_t pids_count, count = 0;
	pid_t *pids;

	if (c->executor->describe && c->executor->processes && c->state.status != STATUS_STOPPED)
		return c->executor->describe(c, ret_words, ret_count, err);
	if (container_processes(c, &pids, &pids_count, err) < 0)
		return -1;
	words = arena_alloc(c->arena, pids_count + 1, sizeof(*words));
	for (size_t i = 0; words && i < pids_count; i++)
		if (read_words(pids[i], c->arena, &words[count]))
			count++;
	*ret_words = words;
	*ret_count = count;
	return arena_check(c->arena, err);
}

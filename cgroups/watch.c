/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"

#include "cgroups.h"

/* The file from its beginning, which also rearms poll(2).
 * Returns  1, 0 when the cgroup is gone, -1 and *err. */
static int read_again(int fd, const char *name, char *text, size_t size, struct error *err)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	if (n < 0)
		return errno == ENODEV ? 0 : fail_errno(err, name, "read");
	text[n] = '\0';
	return 1;
}

/* The number behind "\nKEY " or at the beginning; 0 where there is none. */
static uint64_t number_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; *line; line += strspn(line, "\n")) {
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoull(line + length + 1, NULL, 10);
		line += strcspn(line, "\n");
	}
	return 0;
}

static int look(struct container_watch *watch, enum container_event *ret, struct error *err)
{
	char text[512];
	uint64_t kills;
	int there;

	/* in this order: whom the last kill ends is told of before the end */
	there = read_again(watch->population, "cgroup.events", text, sizeof(text), err);
	if (there < 0)
		return -1;
	*ret = there && number_of(text, "populated") ? EVENT_NONE : EVENT_END;
	if (watch->memory < 0)
		return 0;
	there = read_again(watch->memory, "memory.events", text, sizeof(text), err);
	kills = there > 0 ? number_of(text, "oom_kill") : 0;
	if (kills > watch->oom_kills) {
		watch->oom_kills = kills;
		*ret = EVENT_OOM;
	}
	return there < 0 ? -1 : 0;
}

int cgroup_watch_open(int dir, struct container_watch *watch, struct error *err)
{
	enum container_event ignored;

	watch->memory = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (watch->memory < 0 && errno != ENOENT)
		return fail_errno(err, "memory.events", "open");
	watch->population = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (watch->population < 0)
		return fail_errno(err, "cgroup.events", "open");
	return look(watch, &ignored, err); /* kills of the past are no event */
}

int cgroup_watch(struct container_watch *watch, int timeout_ms, enum container_event *ret,
                 struct error *err)
{
	struct pollfd wait[] = {
		{.fd = watch->population, .events = POLLPRI},
		{.fd = watch->memory,     .events = POLLPRI}, /* poll(2) passes over -1 */
	};

	if (look(watch, ret, err) < 0)
		return -1;
	if (*ret != EVENT_NONE)
		return 0;
	if (poll(wait, 2, timeout_ms) < 0 && errno != EINTR)
		return fail_errno(err, "cgroup.events", "poll");
	return look(watch, ret, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "cgroups.h"
#include "events.h"

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

/* oom_kill of a memory.events.
 * Returns  1, 0 when its cgroup is gone, -1 and *err. */
static int read_kills(int fd, uint64_t *ret, struct error *err)
{
	char text[512];
	int there = read_again(fd, "memory.events", text, sizeof(text), err);

	if (there > 0)
		*ret = number_of(text, "oom_kill");
	return there;
}

/* Where somebody (systemd) removes the cgroup as soon as nobody is in it, the last count is gone with it. It is in
 * the parent's too, whose other children's kills woke us when they happened and are known by now. */
static bool was_killed_last(const struct container_watch *watch)
{
	uint64_t now = 0;
	struct error ignored;

	return watch->above >= 0 && read_kills(watch->above, &now, &ignored) > 0 &&
	       now > watch->kills_above;
}

static int look_at_memory(struct container_watch *watch, enum container_event *ret,
                          struct error *err)
{
	uint64_t kills, above = 0, expected;
	struct error ignored;
	int there;

	/* first, as the kernel counts a kill from below to above */
	if (watch->above >= 0 && read_kills(watch->above, &above, &ignored) <= 0)
		above = 0;
	there = read_kills(watch->memory, &kills, err);
	if (there < 0)
		return -1;
	if (there == 0) {
		if (was_killed_last(watch))
			*ret = EVENT_OOM;
		watch->kills_above = UINT64_MAX; /* told once */
		return 0;
	}
	expected = watch->kills_above;
	if (kills > watch->oom_kills) {
		expected += kills - watch->oom_kills;
		watch->oom_kills = kills;
		*ret = EVENT_OOM;
	}
	watch->kills_above = above > expected ? above : expected;
	return 0;
}

static int look(struct container_watch *watch, enum container_event *ret, struct error *err)
{
	char text[512];
	/* in this order: whom the last kill ends is told of before the end */
	int there = read_again(watch->population, "cgroup.events", text, sizeof(text), err);

	if (there < 0)
		return -1;
	*ret = there && number_of(text, "populated") ? EVENT_NONE : EVENT_END;
	return watch->memory < 0 ? 0 : look_at_memory(watch, ret, err);
}

int cgroup_watch_open(int dir, struct container_watch *watch, struct error *err)
{
	enum container_event ignored;

	watch->memory = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (watch->memory < 0 && errno != ENOENT)
		return fail_errno(err, "memory.events", "open");
	/* not there at the top, and nobody's to read in some places */
	watch->above = openat(dir, "../memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	watch->population = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (watch->population < 0)
		return fail_errno(err, "cgroup.events", "open");
	return look(watch, &ignored, err); /* kills of the past are no event */
}

/* The kernel tells of a change at most every 10 ms, later if it must; who removes the cgroup until then has it never
 * told. So look now and then. */
int cgroup_watch(struct container_watch *watch, int timeout_ms, enum container_event *ret,
                 struct error *err)
{
	struct pollfd wait[] = {
		{.fd = watch->population, .events = POLLPRI},
		{.fd = watch->memory,     .events = POLLPRI}, /* poll(2) passes over -1 */
		{.fd = watch->above,      .events = POLLPRI},
		{.fd = watch->other,      .events = POLLIN },
	};

	for (;;) {
		int step = timeout_ms < 0 || timeout_ms > LOOK_MS ? LOOK_MS : timeout_ms;
		int woken;

		if (look(watch, ret, err) < 0)
			return -1;
		if (*ret != EVENT_NONE)
			return 0;
		woken = poll(wait, ARRAY_SIZE(wait), step);
		if (woken < 0 && errno != EINTR)
			return fail_errno(err, "cgroup.events", "poll");
		if (woken != 0 || step == timeout_ms)
			return look(watch, ret, err);
		if (timeout_ms > 0)
			timeout_ms -= step;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"

#include "events.h"

static int open_events(int dir, struct error *err)
{
	int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return events < 0 ? fail_errno(err, "cgroup.events", "open") : events;
}

/* The file from its beginning, which also rearms poll(2). */
struct words {
	char text[256];
};

static int read_words(int events, struct words *ret, struct error *err)
{
	ssize_t n = pread(events, ret->text, sizeof(ret->text) - 1, 0);

	if (n < 0)
		return fail_errno(err, "cgroup.events", "read");
	ret->text[n] = '\0';
	return 0;
}

/* Find "key N". */
static int find_key(const struct words *words, const char *key, bool *ret_value, struct error *err)
{
	size_t length = strlen(key);

	for (const char *line = words->text; *line; line += strspn(line, "\n")) {
		if (strncmp(line, key, length) == 0 && line[length] == ' ') {
			*ret_value = line[length + 1] == '1';
			return 0;
		}
		line += strcspn(line, "\n");
	}
	return fail(err, ERROR_UNSUPPORTED, "cgroup.events", "this kernel doesn't say '%s'", key);
}

int events_read(int dir, const char *key, bool *ret_value, struct error *err)
{
	owned_fd events = open_events(dir, err);
	struct words words;

	if (events < 0 || read_words(events, &words, err) < 0)
		return -1;
	return find_key(&words, key, ret_value, err);
}

int events_read_both(int dir, bool *ret_populated, bool *ret_frozen, struct error *err)
{
	owned_fd events = open_events(dir, err);
	struct words words;

	if (events < 0 || read_words(events, &words, err) < 0 ||
	    find_key(&words, "populated", ret_populated, err) < 0)
		return -1;
	return find_key(&words, "frozen", ret_frozen, err);
}

int events_wait(int dir, const char *key, bool wanted, int timeout_ms, struct error *err)
{
	owned_fd events = open_events(dir, err);
	struct pollfd wait = {.fd = events, .events = POLLPRI};
	int64_t end = clock_ms() + timeout_ms;
	struct words words;
	bool value = false;

	if (events < 0)
		return -1;
	for (;;) {
		int64_t left;

		if (read_words(events, &words, err) < 0 || find_key(&words, key, &value, err) < 0)
			return -1;
		if (value == wanted)
			return 1;
		left = end - clock_ms();
		if (left <= 0)
			return 0;
		/* whoever removes the cgroup may do so before the kernel tells: see cgroup_watch() */
		if (poll(&wait, 1, left < LOOK_MS ? (int)left : LOOK_MS) < 0 && errno != EINTR)
			return fail_errno(err, "cgroup.events", "poll");
	}
}

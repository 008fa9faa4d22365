/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/table.h"

#include "controllers.h"
#include "limits.h"
#include "tree.h"

static const char *const wanted[] = {"cpuset",  "cpu",  "io",   "memory",
                                     "hugetlb", "pids", "rdma", "misc"};

static const char control[] = "cgroup.subtree_control";

enum { PASSES = 16, PROCS_LIMIT = 1 << 22 };

/* Move everybody to "init" below. New ones may come while we go through the list. */
static int evacuate_processes(int dir, struct error *err)
{
	owned_fd init = tree_make(dir, "init", err);

	if (init < 0)
		return -1;
	for (int i = 0; i < PASSES; i++) {
		owned_arena struct arena *arena = arena_new(PROCS_LIMIT);
		char *procs = NULL;
		char *save = NULL;

		if (!arena || fd_read_file(dir, "cgroup.procs", PROCS_LIMIT / 2, arena, &procs,
		                           NULL, err) < 0)
			return -1;
		if (!*procs)
			return 0;
		for (char *pid = strtok_r(procs, "\n", &save); pid;
		     pid = strtok_r(NULL, "\n", &save))
			if (fd_write_file(init, "cgroup.procs", pid, err) < 0 &&
			    err->errnum != ESRCH)
				return -1;
	}
	return fail(err, ERROR_STATE, "cgroup.procs", "processes keep coming");
}

static int enable_at_once(int dir, const char *file, const char *missing[], size_t count,
                          struct error *err)
{
	char words[128] = "";

	for (size_t i = 0, at = 0; i < count; i++)
		at += (size_t)snprintf(words + at, sizeof(words) - at, "%s+%s", at ? " " : "",
		                       missing[i]);
	return fd_write_file(dir, file, words, err);
}

/* All in one write; one that is refused would keep the others out, so then one by one. */
static int enable(int dir, const char *missing[], size_t count, struct error *err)
{
	char words[128];
	int result = 0;

	if (enable_at_once(dir, control, missing, count, err) == 0)
		return 0;
	if (err->errnum == EBUSY || err->errnum == EACCES || err->errnum == EROFS)
		return -1; /* so it will be for each */
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(words, sizeof(words), "+%s", missing[i]);
		if (fd_write_file(dir, control, words, err) < 0)
			result = -1;
	}
	return result;
}

/* Those that we want of what a cgroup has and that are not on. */
static size_t find_missing(const char *have, const char *on,
                           const char *missing[ARRAY_SIZE(wanted)])
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (limits_has_word(have, wanted[i], strlen(wanted[i])) &&
		    !limits_has_word(on, wanted[i], strlen(wanted[i])))
			missing[count++] = wanted[i];
	return count;
}

bool controllers_are_on(int top, const char *path, const char *all, bool fresh)
{
	const char *missing[ARRAY_SIZE(wanted)];
	struct error ignored;
	char on[256] = "", file[PATH_MAX + sizeof(control)];
	size_t count;

	(void)snprintf(file, sizeof(file), "%s%s%s", path, *path ? "/" : "", control);
	if (!fresh && fd_read_small(top, file, on, sizeof(on), &ignored) < 0)
		return false;
	count = find_missing(all, on, missing);
	return count == 0 || (fresh && enable_at_once(top, file, missing, count, &ignored) == 0);
}

void controllers_enable(int dir, bool evacuate)
{
	char have[256], on[256];
	const char *missing[ARRAY_SIZE(wanted)];
	struct error err;
	size_t count;

	if (fd_read_small(dir, "cgroup.controllers", have, sizeof(have), &err) < 0 ||
	    fd_read_small(dir, control, on, sizeof(on), &err) < 0) {
		log_debug("controllers: %s: %s", err.object, err.reason);
		return;
	}
	count = find_missing(have, on, missing);
	if (count == 0 || enable(dir, missing, count, &err) == 0)
		return;
	if (err.errnum == EBUSY && evacuate && evacuate_processes(dir, &err) == 0 &&
	    enable(dir, missing, count, &err) == 0)
		return;
	log_debug("controllers: %s: %s", err.object, err.reason);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/own.h"

#include "cgroups.h"
#include "tree.h"

enum { PROCS_LIMIT = 64 << 20, DEPTH_LIMIT = 128 };

/* What was found so far, on the heap until its size is known. */
struct pids {
	pid_t *pid;
	size_t count, size;
};

static void pids_release(struct pids *pids)
{
	free(pids->pid);
}

static int add(struct pids *pids, pid_t pid, struct error *err)
{
	size_t size = pids->size ? pids->size * 2 : 64;
	pid_t *bigger;

	if (pids->count == pids->size) {
		bigger = reallocarray(pids->pid, size, sizeof(*bigger));
		if (!bigger)
			return fail(err, ERROR_SYSTEM, "cgroup.procs", "out of memory");
		pids->pid = bigger;
		pids->size = size;
	}
	pids->pid[pids->count++] = pid;
	return 0;
}

/* Read cgroup.procs of one cgroup. 0 stands for a process that our pid namespace can't see. */
static int read_procs(int dir, struct pids *pids, struct error *err)
{
	owned_arena struct arena *arena = arena_new(PROCS_LIMIT);
	char *text = NULL;
	char *end;
	long pid;

	if (!arena)
		return fail(err, ERROR_SYSTEM, "cgroup.procs", "out of memory");
	if (fd_read_file(dir, "cgroup.procs", PROCS_LIMIT / 2, arena, &text, NULL, err) < 0)
		return err->errnum == EOPNOTSUPP ? 0 : -1; /* threaded: listed further up */
	for (; *text; text = end + strspn(end, "\n")) {
		errno = 0;
		pid = strtol(text, &end, 10);
		if (end == text || errno || pid < 0 || pid > INT32_MAX)
			return fail(err, ERROR_SYSTEM, "cgroup.procs", "not a list of processes");
		if (pid > 0 && add(pids, (pid_t)pid, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_gone(const struct error *err)
{
	return err->errnum == ENOENT || err->errnum == ENODEV;
}

/* A cgroup below may vanish at any time: that is no error. */
static int collect(int dir, int depth, struct pids *pids, struct error *err)
{
	owned_list list = tree_list(dir);
	const char *name;

	if (depth > DEPTH_LIMIT)
		return fail(err, ERROR_UNSUPPORTED, "cgroup.procs", "more than %d levels",
		            DEPTH_LIMIT);
	if (!list)
		return fail_errno(err, "cgroup", "open");
	if (read_procs(dir, pids, err) < 0)
		return -1;
	while ((name = tree_next(list))) {
		owned_fd below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (below < 0 && errno != ENOENT)
			return fail_errno(err, name, "open");
		if (below >= 0 && collect(below, depth + 1, pids, err) < 0 && !is_gone(err))
			return error_within(err, "%s", name);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const pid_t *left = a;
	const pid_t *right = b;

	return (*left > *right) - (*left < *right);
}

int cgroup_processes(int dir, struct arena *arena, pid_t **ret_pids, size_t *ret_count,
                     struct error *err)
{
	OWNED(pids_release) struct pids found = {0};
	size_t count = 0;
	pid_t *pids;

	if (collect(dir, 0, &found, err) < 0)
		return -1;
	pids = arena_alloc(arena, found.count + 1, sizeof(*pids));
	if (!pids)
		return fail(err, ERROR_SYSTEM, "cgroup.procs", "out of memory");
	if (found.count)
		qsort(found.pid, found.count, sizeof(*found.pid), compare);
	for (size_t i = 0; i < found.count; i++) /* one that moved meanwhile was seen twice */
		if (count == 0 || pids[count - 1] != found.pid[i])
			pids[count++] = found.pid[i];
	*ret_pids = pids;
	*ret_count = count;
	return 0;
}

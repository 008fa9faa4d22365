/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of a user namespace that is joined. Only /proc of a process in it tells them, and the process that
 * made it may be gone: one of ours goes in and waits until they are read, from outside, as ids of ours.
 * Spec: user_namespaces(7). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/table.h"
#include "base/text.h"

#include "parts.h"

/* Tell how it went; then until the other end is closed: when the parent has what it wants, or dies. */
_Noreturn static void stay(int ns, int ours, int theirs)
{
	int errnum = 0;

	(void)close(theirs);
	/* a process that is in there must not look into us */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setns(ns, CLONE_NEWUSER) < 0)
		errnum = errno;
	_exit(write(ours, &errnum, sizeof(errnum)) < 0 || read(ours, &errnum, sizeof(errnum)) != 0);
}

static bool read_map(char **at, struct spec_id_map *ret)
{
	uint32_t *const numbers[] = {&ret->container_id, &ret->host_id, &ret->size};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char *end;

		*numbers[i] = (uint32_t)strtoul(*at, &end, 10);
		if (end == *at)
			return false;
		*at = end;
	}
	return true;
}

static int read_maps(pid_t pid, const char *file, struct arena *arena, id_map_list *ret,
                     struct error *err)
{
	struct spec_id_map map;
	size_t length, lines = 0;
	char path[64], *text;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if (fd_read_file(AT_FDCWD, path, 1 << 16, arena, &text, &length, err) < 0)
		return -1;
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	*ret = (id_map_list){.item = arena_alloc(arena, lines + 1, sizeof(*ret->item))};
	while (ret->item && ret->count < lines && read_map(&text, &map))
		ret->item[ret->count++] = map;
	return arena_check(arena, err);
}

int process_read_id_maps(int ns, struct arena *arena, id_map_list *ret_uids, id_map_list *ret_gids,
                         struct error *err)
{
	owned_fd theirs = -1, ours = -1;
	struct error ignored;
	int ends[2], errnum, result;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "", "socketpair");
	ours = ends[0];
	theirs = ends[1];
	pid = process_clone(0, -1, NULL, err);
	if (pid < 0)
		return -1;
	if (pid == 0)
		stay(ns, theirs, ours);
	(void)close(take_fd(&theirs));
	if (read(ours, &errnum, sizeof(errnum)) != (ssize_t)sizeof(errnum))
		errnum = ESRCH;
	errno = errnum;
	result = errnum ? fail_errno(err, "", "setns")
	                : read_maps(pid, "uid_map", arena, ret_uids, err);
	if (result == 0)
		result = read_maps(pid, "gid_map", arena, ret_gids, err);
	(void)close(take_fd(&ours));
	if (process_wait(pid, &ignored) < 0)
		log_dropped("a process that looked at a user namespace", &ignored);
	return result;
}

/* ---- whether two lists mean the same ---- */

static int by_container_id(const void *a, const void *b)
{
	const struct spec_id_map *one = a, *other = b;

	return (one->container_id > other->container_id) -
	       (one->container_id < other->container_id);
}

static bool goes_on(const struct spec_id_map *before, const struct spec_id_map *map)
{
	return (uint64_t)before->container_id + before->size == map->container_id &&
	       (uint64_t)before->host_id + before->size == map->host_id;
}

/* Sorted, and what goes on where another ends is one with it. */
static id_map_list simplify(const id_map_list *maps, struct arena *arena)
{
	id_map_list simple = {.item = arena_alloc(arena, maps->count + 1, sizeof(*maps->item))};

	if (!simple.item || maps->count == 0)
		return simple;
	memcpy(simple.item, maps->item, maps->count * sizeof(*maps->item));
	qsort(simple.item, maps->count, sizeof(*maps->item), by_container_id);
	for (size_t i = 0; i < maps->count; i++) {
		struct spec_id_map *last = simple.count ? &simple.item[simple.count - 1] : NULL;

		if (last && goes_on(last, &simple.item[i]))
			last->size += simple.item[i].size;
		else
			simple.item[simple.count++] = simple.item[i];
	}
	return simple;
}

int process_compare_id_maps(const char *member, const id_map_list *asked, const id_map_list *real,
                            struct arena *arena, struct error *err)
{
	id_map_list a = simplify(asked, arena), b = simplify(real, arena);
	owned_text struct text has = {0};

	if (arena_check(arena, err) < 0)
		return -1;
	if (a.count == b.count && memcmp(a.item, b.item, a.count * sizeof(*a.item)) == 0)
		return 0;
	for (size_t i = 0; i < real->count; i++)
		text_format(&has, "%s%u %u %u", i > 0 ? ", " : "", real->item[i].container_id,
		            real->item[i].host_id, real->item[i].size);
	return fail(err, ERROR_CONFIG, member,
	            "the user namespace that is joined has others (containerID, hostID, size): %s",
	            real->count > 0 && has.bytes ? has.bytes : "none");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of a new user namespace. Spec: user_namespaces(7), newuidmap(1). */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/table.h"
#include "base/text.h"

#include "parts.h"

static const struct kind {
	const char *file, *helper, *path;
} kinds[] = {
	{"uid_map", "newuidmap", "linux.uidMappings"},
	{"gid_map", "newgidmap", "linux.gidMappings"},
};

/* Of a mount. */
static const struct kind mount_kinds[] = {
	{"uid_map", NULL, "uidMappings"},
	{"gid_map", NULL, "gidMappings"},
};

bool id_maps_may_be_any(const struct host *host)
{
	const uint64_t wanted = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID;

	return (host->capabilities & wanted) == wanted;
}

static bool is_own(const id_map_list *maps, uint32_t id)
{
	return maps->count == 1 && maps->item[0].size == 1 && maps->item[0].host_id == id;
}

bool id_maps_are_own(const id_map_list *uids, const id_map_list *gids, const struct host *host)
{
	return !id_maps_may_be_any(host) && is_own(uids, host->uid) && is_own(gids, host->gid);
}

static int write_file(pid_t pid, const char *file, const char *text, struct error *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fd_write_file(AT_FDCWD, path, text, err);
}

static int write_map(pid_t pid, const struct kind *kind, const id_map_list *maps, struct error *err)
{
	owned_text struct text text = {.limit = 1 << 16};

	for (size_t i = 0; i < maps->count; i++)
		text_format(&text, "%u %u %u\n", maps->item[i].container_id, maps->item[i].host_id,
		            maps->item[i].size);
	if (text_check(&text, err) < 0 || write_file(pid, kind->file, text.bytes, err) < 0)
		return error_within(err, "%s", kind->path);
	return 0;
}

/* newuidmap PID, then three numbers a map. */
static char **helper_arguments(pid_t pid, const struct kind *kind, const id_map_list *maps,
                               struct arena *arena)
{
	char **args = arena_alloc(arena, 3 + 3 * maps->count, sizeof(*args));
	size_t n = 0;

	if (!args)
		return NULL;
	args[n++] = arena_text(arena, kind->helper);
	args[n++] = arena_format(arena, "%d", (int)pid);
	for (size_t i = 0; i < maps->count; i++) {
		args[n++] = arena_format(arena, "%u", maps->item[i].container_id);
		args[n++] = arena_format(arena, "%u", maps->item[i].host_id);
		args[n++] = arena_format(arena, "%u", maps->item[i].size);
	}
	return args;
}

/* Set-user-ID programs of the package uidmap, which know what /etc/subuid allows. */
static int ask_helper(pid_t pid, const struct kind *kind, const id_map_list *maps,
                      struct error *err)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct helper_options from_path = {.path = NULL};
	owned_fd answer = -1;
	struct helper helper;
	char **args, *said;
	size_t length;
	int status;

	if (!arena)
		return fail(err, ERROR_SYSTEM, kind->path, "out of memory");
	args = helper_arguments(pid, kind, maps, arena);
	if (arena_check(arena, err) < 0)
		return -1;
	if (helper_start(args, &from_path, &helper, err) < 0)
		return -1;
	answer = helper.answer;
	if (fd_read_whole(answer, kind->helper, 1 << 16, arena, &said, &length, err) < 0)
		said = NULL;
	(void)close(take_fd(&answer)); /* one that says more than we read must not wait for us */
	status = process_wait(helper.pid, err);
	if (status <= 0)
		return status;
	if (status == HELPER_NOT_RUN)
		return fail(err, ERROR_UNSUPPORTED, kind->path,
		            "more than one's own id needs %s: install the package uidmap",
		            kind->helper);
	if (said)
		said[strcspn(said, "\n")] = '\0';
	return fail(err, ERROR_CONFIG, kind->path, "%s",
	            said && *said ? said : "refused by newuidmap(1), see subuid(5)");
}

/* Without arguments one says how it is used, and has changed nothing. */
static bool runs(const char *program, struct arena *arena)
{
	const struct helper_options from_path = {.path = NULL};
	char *args[] = {arena_text(arena, program), NULL};
	struct helper helper;
	struct error ignored;

	if (!args[0] || helper_start(args, &from_path, &helper, &ignored) < 0)
		return false;
	(void)close(take_fd(&helper.answer));
	return process_wait(helper.pid, &ignored) != HELPER_NOT_RUN;
}

bool id_maps_have_helpers(struct arena *arena)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!runs(kinds[i].helper, arena)) {
			log_warning(
				"%s is not there (package uidmap): no id but one's own is mapped",
				kinds[i].helper);
			return false;
		}
	return true;
}

int process_write_id_maps(pid_t pid, const id_map_list *uids, const id_map_list *gids,
                          const struct host *host, struct error *err)
{
	int (*write)(pid_t, const struct kind *, const id_map_list *, struct error *) = write_map;

	if (id_maps_are_own(uids, gids, host)) {
		if (write_file(pid, "setgroups", "deny", err) < 0)
			return error_within(err, "%s", kinds[1].path);
	} else if (!id_maps_may_be_any(host))
		write = ask_helper;
	if (write(pid, &kinds[0], uids, err) < 0)
		return -1;
	return write(pid, &kinds[1], gids, err);
}

/* ---- a user namespace that nobody is in ---- */

/* Until the other end is closed: when the parent has what it wants, or dies. */
_Noreturn static void hold(int ours, int theirs)
{
	char byte;

	(void)close(theirs);
	_exit(read(ours, &byte, 1) != 0);
}

/* Write its maps and open it. Returns the namespace, the caller's, or -1 and *err. */
static int map_and_open(pid_t pid, const id_map_list *uids, const id_map_list *gids,
                        struct error *err)
{
	char path[64];
	int fd;

	if (write_map(pid, &mount_kinds[0], uids, err) < 0 ||
	    write_map(pid, &mount_kinds[1], gids, err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

int process_user_namespace(const id_map_list *uids, const id_map_list *gids, struct error *err)
{
	owned_fd theirs = -1, ours = -1, fd = -1;
	struct error ignored;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, "", "pipe");
	ours = ends[0];
	theirs = ends[1];
	pid = process_clone(CLONE_NEWUSER, -1, NULL, err);
	if (pid < 0)
		return -1;
	if (pid == 0)
		hold(ours, theirs);
	fd = map_and_open(pid, uids, gids, err);
	(void)close(take_fd(&theirs));
	if (process_wait(pid, &ignored) < 0)
		log_dropped("a process that held a user namespace", &ignored);
	return take_fd(&fd);
}

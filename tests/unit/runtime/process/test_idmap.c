/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "runtime/process/process.h"
#include "tests/unit/cmocka.h"

#include "scene.h"

static struct spec_id_map maps[] = {
	{0,    100000, 1000},
	{1000, 0,      1   }
};

static id_map_list list(size_t count)
{
	id_map_list l = {.item = maps, .count = count};

	return l;
}

/* A process in a user namespace of its own, that waits to be killed. */
static pid_t sleeper(void)
{
	struct error err;
	pid_t pid = process_clone(CLONE_NEWUSER, -1, NULL, &err);

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

static void end(pid_t pid)
{
	struct error err;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(process_wait(pid, &err), 128 + SIGKILL);
}

static void maps_are_written(void **state)
{
	id_map_list two = list(2), one = list(1);
	char path[64], text[256];
	unsigned int a, b, c;
	struct error err;
	struct host host;
	pid_t pid;

	(void)state;
	assert_int_equal(host_look(&host, &err), 0);
	if (geteuid() != 0)
		skip();
	pid = sleeper();
	assert_int_equal(process_write_id_maps(pid, &two, &one, &host, &err), 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	assert_true(fd_read_small(AT_FDCWD, path, text, sizeof(text), &err) > 0);
	assert_int_equal(sscanf(text, "%u %u %u", &a, &b, &c), 3);
	assert_int_equal(a, 0);
	assert_int_equal(b, 100000);
	assert_int_equal(c, 1000);
	/* a second time the kernel refuses: the map of a namespace is written once */
	assert_int_equal(process_write_id_maps(pid, &two, &one, &host, &err), -1);
	assert_non_null(strstr(err.object, "linux.uidMappings"));
	end(pid);
}

static void without_rights_the_helper_is_asked(void **state)
{
	const struct host nobody = {.uid = 65534, .gid = 65534};
	id_map_list one = list(1);
	struct error err;
	const char *path = getenv("PATH");
	char *kept = path ? strdup(path) : NULL;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = sleeper();
	assert_int_equal(setenv("PATH", "/no/such/folder", 1), 0);
	assert_int_equal(process_write_id_maps(pid, &one, &one, &nobody, &err), -1);
	assert_string_equal(err.object, "linux.uidMappings");
	assert_non_null(strstr(err.reason, "install the package uidmap"));
	if (kept)
		assert_int_equal(setenv("PATH", kept, 1), 0);
	free(kept);
	end(pid);
}

enum { USER = 1000, GROUP = 1001 };

/* The kernel wants the writer in the parent namespace: the child that waits is made by a process that
 * has become the user already. */
static void check_own_id(struct scene *s)
{
	struct spec_id_map uid = {0, USER, 1}, gid = {0, GROUP, 1};
	id_map_list uids = {.item = &uid, .count = 1}, gids = {.item = &gid, .count = 1};
	char path[64], text[64];
	pid_t parent = getpid(), pid;

	CHECK(syscall(SYS_setresgid, GROUP, GROUP, GROUP) == 0);
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	pid = process_clone(CLONE_NEWUSER, -1, NULL, &s->a->err);
	if (pid < 0)
		_exit(2);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) /* ended before it could be told */
			_exit(0);
		for (;;)
			(void)pause();
	}
	s->a->host = (struct host){.uid = USER, .gid = GROUP};
	WELL(s, process_write_id_maps(pid, &uids, &gids, &s->a->host, &s->a->err));
	(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
	CHECK(fd_read_small(AT_FDCWD, path, text, sizeof(text), &s->a->err) > 0);
	CHECK(strcmp(text, "deny\n") == 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
	CHECK(fd_read_small(AT_FDCWD, path, text, sizeof(text), &s->a->err) > 0);
	CHECK(strstr(text, " 1001 "));
	CHECK(kill(pid, SIGKILL) == 0);
}

static void a_plain_user_maps_the_own_id_without_help(void **state)
{
	struct scene *s = *state;
	int status;

	scene_needs_root();
	status = scene_status(s, check_own_id);
	if (status == 2) {
		print_message("user namespaces are not for plain users here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* ---- newuidmap ---- */

#define MAPS(...)                                                                                  \
	((id_map_list){.item = (struct spec_id_map[]){__VA_ARGS__},                                \
	               .count = ARRAY_SIZE(((struct spec_id_map[]){__VA_ARGS__}))})

static void helper(struct scene *s, const char *name, const char *script)
{
	scratch_file(s->scratch, name, script);
	assert_int_equal(fchmodat(s->scratch->dir, name, 0755, 0), 0);
}

/* Only our helpers are found. */
static int ask_helpers(struct scene *s, const id_map_list *uids, const id_map_list *gids)
{
	char *before = strdup(getenv("PATH"));
	int result;

	s->a->host = (struct host){.uid = USER, .gid = GROUP};
	assert_int_equal(setenv("HERE", s->scratch->path, 1), 0);
	assert_int_equal(setenv("PATH", s->scratch->path, 1), 0);
	result = process_write_id_maps(4711, uids, gids, &s->a->host, &s->a->err);
	assert_int_equal(setenv("PATH", before, 1), 0);
	free(before);
	return result;
}

static void more_than_that_is_asked_of_the_helpers(void **state)
{
	struct scene *s = *state;
	id_map_list uids = MAPS({0, USER, 1}, {1, 100000, 65536});
	id_map_list gids = MAPS({0, GROUP, 1}, {1, 200000, 65536});
	char text[256];

	helper(s, "newuidmap", "#!/bin/sh\necho \"$@\" >$HERE/uids\n");
	helper(s, "newgidmap", "#!/bin/sh\necho \"$@\" >$HERE/gids\n");
	assert_int_equal(ask_helpers(s, &uids, &gids), 0);
	assert_string_equal(scratch_text(s->scratch, "uids", text, sizeof(text)),
	                    "4711 0 1000 1 1 100000 65536\n");
	assert_string_equal(scratch_text(s->scratch, "gids", text, sizeof(text)),
	                    "4711 0 1001 1 1 200000 65536\n");
}

static void what_a_helper_says_is_the_reason(void **state)
{
	struct scene *s = *state;
	id_map_list some = MAPS({0, 100000, 10});

	helper(s, "newuidmap", "#!/bin/sh\necho \"no range for you\" >&2\necho more >&2\nexit 1\n");
	assert_int_equal(ask_helpers(s, &some, &some), -1);
	assert_string_equal(s->a->err.object, "linux.uidMappings");
	assert_string_equal(s->a->err.reason, "no range for you");
	helper(s, "newuidmap", "#!/bin/sh\nexit 1\n");
	assert_int_equal(ask_helpers(s, &some, &some), -1);
	assert_non_null(strstr(s->a->err.reason, "subuid(5)"));
}

static void a_helper_that_never_stops_talking_does_not_stop_us(void **state)
{
	struct scene *s = *state;
	id_map_list some = MAPS({0, 100000, 10});

	helper(s, "newuidmap", "#!/bin/sh\nwhile :; do echo talk >&2 || exit 1; done\n");
	assert_int_equal(ask_helpers(s, &some, &some), -1);
	assert_string_equal(s->a->err.object, "linux.uidMappings");
}

static void a_namespace_is_made_with_maps_and_nobody_in_it(void **state)
{
	id_map_list two = list(2), none = list(0);
	struct error err;
	int fd, status;

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = process_user_namespace(&two, &two, &err);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(process_reap(&status), 0); /* who made it has been waited for */
	two.item[1].container_id = 0;               /* overlaps */
	fd = process_user_namespace(&two, &none, &err);
	two.item[1].container_id = 1000;
	assert_int_equal(fd, -1);
	assert_int_equal(strncmp(err.object, "uidMappings", 11), 0);
	assert_int_equal(process_reap(&status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_written),
		cmocka_unit_test(a_namespace_is_made_with_maps_and_nobody_in_it),
		cmocka_unit_test(without_rights_the_helper_is_asked),
		SCENE_TEST(a_plain_user_maps_the_own_id_without_help),
		SCENE_TEST(more_than_that_is_asked_of_the_helpers),
		SCENE_TEST(what_a_helper_says_is_the_reason),
		SCENE_TEST(a_helper_that_never_stops_talking_does_not_stop_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

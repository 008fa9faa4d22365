/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/process.h"
#include "cgroups/cgroups.h"
#include "cgroups/tree.h"
#include "tests/unit/cmocka.h"

/* A cgroup of its own for each test: "/cella-unit-PID/cella/web". */
struct place {
	struct tree tree;
	char top[64], path[96], below[128];
	struct cgroup_plan plan;
};

static struct place place;
static bool possible;

static int setup(void **state)
{
	struct error err;
	int dir;

	(void)state;
	(void)snprintf(place.top, sizeof(place.top), "/cella-unit-%d", (int)getpid());
	(void)snprintf(place.path, sizeof(place.path), "%s/cella/web", place.top);
	(void)snprintf(place.below, sizeof(place.below), "%s/sub/deep", place.path);
	place.plan = (struct cgroup_plan){.path = place.top, .mount = place.tree.mount, .top = -1};
	owned_fd top = tree_find(&place.tree, &err);

	if (top < 0)
		return 0;
	dir = cgroup_apply(&place.plan, &err);
	possible = dir >= 0;
	if (dir >= 0)
		(void)close(dir);
	place.plan.path = place.path;
	return 0;
}

static int teardown(void **state)
{
	struct error err;

	(void)state;
	return possible ? cgroup_undo(-1, place.top, NULL, NULL, &err) : 0;
}

static bool is_there(const char *path)
{
	struct error err;
	owned_fd dir = cgroup_open(path, &err);

	return dir >= 0;
}

static int make(const char *path)
{
	struct cgroup_plan plan = {.path = path, .mount = place.tree.mount, .top = -1};
	struct error err = {0};
	int dir = cgroup_apply(&plan, &err);

	if (dir < 0)
		print_error("%s: %s\n", err.object, err.reason);
	assert_true(dir >= 0);
	return dir;
}

/* A child that lives in dir until it is killed. */
static pid_t sleeper(int dir)
{
	struct error err;
	pid_t pid = process_clone(0, dir, NULL, &err);

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

static void expect_killed(pid_t pid)
{
	struct error err;

	assert_int_equal(process_wait(pid, &err), 128 + SIGKILL);
}

static void undo_kills_what_is_inside_and_leaves_nothing(void **state)
{
	struct error err;
	owned_fd dir = -1;
	owned_fd below = -1;
	char shared[96];
	pid_t one, two;

	(void)state;
	if (!possible)
		skip();
	dir = make(place.path);
	below = make(place.below);
	one = sleeper(dir);
	two = sleeper(below);
	assert_int_equal(cgroup_undo(-1, place.path, NULL, NULL, &err), 0);
	expect_killed(one);
	expect_killed(two);
	assert_false(is_there(place.path));
	assert_int_equal(cgroup_open(place.path, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	(void)snprintf(shared, sizeof(shared), "%s/cella", place.top);
	assert_false(is_there(shared));
	assert_true(is_there(place.top));
	assert_int_equal(cgroup_undo(-1, place.path, NULL, NULL, &err), 0);
	assert_int_equal(cgroup_undo(-1, NULL, NULL, NULL, &err), 0);
}

static void undo_refuses_the_top_and_the_way_up(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(cgroup_undo(-1, "/", NULL, NULL, &err), -1);
	assert_int_equal(cgroup_undo(-1, "/a/../..", NULL, NULL, &err), -1);
	assert_int_equal(cgroup_undo(-1, "a", NULL, NULL, &err), -1);
}

static void processes_are_listed_sorted_with_those_below(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct error err;
	owned_fd dir = -1;
	owned_fd below = -1;
	pid_t one, two, *pids;
	size_t count;

	(void)state;
	if (!possible)
		skip();
	dir = make(place.path);
	assert_int_equal(cgroup_processes(dir, arena, &pids, &count, &err), 0);
	assert_int_equal(count, 0);
	below = make(place.below);
	one = sleeper(below);
	two = sleeper(dir);
	assert_int_equal(cgroup_processes(dir, arena, &pids, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(pids[0], one < two ? one : two);
	assert_int_equal(pids[1], one < two ? two : one);
	assert_int_equal(cgroup_signal(dir, SIGTERM, &err), 0);
	assert_int_equal(process_wait(one, &err), 128 + SIGTERM);
	assert_int_equal(process_wait(two, &err), 128 + SIGTERM);
	assert_int_equal(cgroup_undo(-1, place.path, NULL, NULL, &err), 0);
}

static void a_cgroup_is_frozen_thawed_and_killed_while_frozen(void **state)
{
	struct error err;
	owned_fd dir = -1;
	bool frozen = false;
	pid_t pid;

	(void)state;
	if (!possible)
		skip();
	dir = make(place.path);
	pid = sleeper(dir);
	assert_int_equal(cgroup_freeze(dir, true, &err), 0);
	assert_int_equal(cgroup_is_frozen(dir, &frozen, &err), 0);
	assert_true(frozen);
	assert_int_equal(cgroup_freeze(dir, false, &err), 0);
	assert_int_equal(cgroup_is_frozen(dir, &frozen, &err), 0);
	assert_false(frozen);
	assert_int_equal(cgroup_freeze(dir, true, &err), 0);
	assert_int_equal(cgroup_undo(-1, place.path, NULL, NULL, &err), 0);
	expect_killed(pid);
}

static void a_cgroup_in_use_or_frozen_is_refused(void **state)
{
	struct error err;
	owned_fd dir = -1;
	char reason[192];
	pid_t pid;

	(void)state;
	if (!possible)
		skip();
	dir = make(place.path);
	pid = sleeper(dir);
	assert_int_equal(cgroup_apply(&place.plan, &err), -1);
	assert_int_equal(err.kind, ERROR_STATE);
	assert_string_equal(err.object, "linux.cgroupsPath");
	(void)snprintf(reason, sizeof(reason), "'%s' has processes already", place.path);
	assert_string_equal(err.reason, reason);
	assert_int_equal(cgroup_signal(dir, SIGKILL, &err), 0);
	expect_killed(pid);
	assert_int_equal(cgroup_freeze(dir, true, &err), 0);
	assert_int_equal(cgroup_apply(&place.plan, &err), -1);
	(void)snprintf(reason, sizeof(reason), "'%s' is frozen", place.path);
	assert_string_equal(err.reason, reason);
	assert_int_equal(cgroup_undo(-1, place.path, NULL, NULL, &err), 0);
}

static void a_failed_apply_leaves_nothing_behind(void **state)
{
	char path[PATH_MAX], name[NAME_MAX + 2];
	struct cgroup_plan plan = {.path = path, .mount = place.tree.mount, .top = -1};
	struct error err;

	(void)state;
	if (!possible)
		skip();
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(path, sizeof(path), "%s/a/b/%s", place.top, name);
	assert_int_equal(cgroup_apply(&plan, &err), -1);
	(void)snprintf(path, sizeof(path), "%s/a/b/cgroup.procs", place.top);
	assert_int_equal(cgroup_apply(&plan, &err), -1);
	(void)snprintf(path, sizeof(path), "%s/a", place.top);
	assert_false(is_there(path));
	assert_true(is_there(place.top));
}

/* Come and go in the shared parent. */
static int come_and_go(int number)
{
	char path[128];
	struct cgroup_plan plan = {.path = path, .mount = place.tree.mount, .top = -1};
	struct error err;

	(void)snprintf(path, sizeof(path), "%s/cella/c%d", place.top, number);
	for (int i = 0; i < 40; i++) {
		owned_fd dir = cgroup_apply(&plan, &err);

		if (dir < 0 || cgroup_undo(-1, path, NULL, NULL, &err) < 0) {
			print_error("%s: %s\n", err.object, err.reason);
			return 1;
		}
	}
	return 0;
}

static void fifty_containers_share_a_parent_that_comes_and_goes(void **state)
{
	enum { CONTAINERS = 50 };
	pid_t pids[CONTAINERS];
	struct error err;
	char path[128];

	(void)state;
	if (!possible)
		skip();
	for (int i = 0; i < CONTAINERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(come_and_go(i));
	}
	for (int i = 0; i < CONTAINERS; i++)
		assert_int_equal(process_wait(pids[i], &err), 0);
	(void)snprintf(path, sizeof(path), "%s/cella", place.top);
	assert_false(is_there(path));
}

static void the_place_of_this_process_is_found(void **state)
{
	const struct host host = {.privileged = true};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = {0};
	struct cgroup_plan *plan = NULL;
	struct error err;

	(void)state;
	if (!possible)
		skip();
	assert_int_equal(
		cgroup_plan(&(struct cgroup_request){.spec = &spec, .host = &host, .id = "web"},
	                    arena, &plan, &err),
		0);
	assert_string_equal(plan->mount, place.tree.mount);
	assert_non_null(plan->path);
	assert_non_null(strstr(plan->path, "/cella/web"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undo_kills_what_is_inside_and_leaves_nothing),
		cmocka_unit_test(undo_refuses_the_top_and_the_way_up),
		cmocka_unit_test(processes_are_listed_sorted_with_those_below),
		cmocka_unit_test(a_cgroup_is_frozen_thawed_and_killed_while_frozen),
		cmocka_unit_test(a_cgroup_in_use_or_frozen_is_refused),
		cmocka_unit_test(a_failed_apply_leaves_nothing_behind),
		cmocka_unit_test(fifty_containers_share_a_parent_that_comes_and_goes),
		cmocka_unit_test(the_place_of_this_process_is_found),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/cgroups.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

static enum container_event happened(struct container_watch *watch)
{
	enum container_event event;
	struct error err = {0};

	assert_int_equal(cgroup_watch(watch, 0, &event, &err), 0);
	return event;
}

static void each_rise_of_kills_is_told_once_and_before_the_end(void **state)
{
	const struct scratch *scratch = *state;
	struct container_watch watch = WATCH_NONE;
	struct error err;

	scratch_file(scratch, "cgroup.events", "populated 1\nfrozen 0\n");
	scratch_file(scratch, "memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 9\n");
	assert_int_equal(cgroup_watch_open(scratch->dir, &watch, &err), 0);
	assert_int_equal(happened(&watch), EVENT_NONE);
	scratch_file(scratch, "memory.events", "low 1\noom 5\noom_kill 2\noom_group_kill 10\n");
	assert_int_equal(happened(&watch), EVENT_NONE);
	scratch_file(scratch, "memory.events", "low 1\noom 5\noom_kill 4\n");
	scratch_file(scratch, "cgroup.events", "populated 0\nfrozen 0\n");
	assert_int_equal(happened(&watch), EVENT_OOM);
	assert_int_equal(happened(&watch), EVENT_END);
	assert_int_equal(happened(&watch), EVENT_END);
	(void)close(watch.population);
	(void)close(watch.memory);
	if (watch.above >= 0)
		(void)close(watch.above);
}

static void without_the_memory_controller_only_the_end_is_seen(void **state)
{
	const struct scratch *scratch = *state;
	struct container_watch watch = WATCH_NONE;
	struct error err;

	assert_int_equal(cgroup_watch_open(scratch->dir, &watch, &err), -1);
	assert_string_equal(err.object, "cgroup.events");
	scratch_file(scratch, "cgroup.events", "populated 1\n");
	assert_int_equal(cgroup_watch_open(scratch->dir, &watch, &err), 0);
	assert_int_equal(watch.memory, -1);
	assert_int_equal(happened(&watch), EVENT_NONE);
	scratch_file(scratch, "cgroup.events", "populated 0\n");
	assert_int_equal(happened(&watch), EVENT_END);
	(void)close(watch.population);
}

static void whoever_else_has_something_to_say_ends_the_wait(void **state)
{
	const struct scratch *scratch = *state;
	struct container_watch watch = WATCH_NONE;
	enum container_event event = EVENT_END;
	struct error err;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	scratch_file(scratch, "cgroup.events", "populated 1\n");
	assert_int_equal(cgroup_watch_open(scratch->dir, &watch, &err), 0);
	watch.other = ends[0];
	assert_int_equal(cgroup_watch(&watch, -1, &event, &err), 0);
	assert_int_equal(event, EVENT_NONE);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(watch.population);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(each_rise_of_kills_is_told_once_and_before_the_end),
		SCRATCH_TEST(without_the_memory_controller_only_the_end_is_seen),
		SCRATCH_TEST(whoever_else_has_something_to_say_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

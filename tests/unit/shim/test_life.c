/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "shim/life.h"
#include "tests/unit/cmocka.h"

static void a_restore_that_fails_is_the_end_of_its_task(void **state)
{
	static const struct caller nobody;
	struct shim shim = {.loop = NULL};
	struct error err;
	struct task *task = task_new(&shim, "restored", "/bundle", &err);

	(void)state;
	assert_non_null(task);
	task->images = strdup("/images");
	task->processes->state = PROCESS_CREATED;
	task->processes->busy = true;
	assert_int_equal(process_wait_for(task->processes, &nobody, &err), 0);
	life_not_started(task->processes);
	assert_false(task->processes->busy);
	assert_int_equal(task->processes->state, PROCESS_STOPPED);
	assert_int_equal(task->processes->status, 255);
	assert_true(task->processes->exited_at.tv_sec > 0);
	assert_null(task->processes->waiters);
	task_remove(task);
}

static void a_created_container_that_does_not_start_stops_with_its_end(void **state)
{
	struct shim shim = {.loop = NULL};
	struct error err;
	struct task *task = task_new(&shim, "created", "/bundle", &err);

	(void)state;
	assert_non_null(task);
	life_created(task->processes, 1);
	task->processes->busy = true;
	life_not_started(task->processes);
	assert_false(task->processes->busy);
	assert_int_equal(task->processes->state, PROCESS_CREATED);
	task_remove(task);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restore_that_fails_is_the_end_of_its_task),
		cmocka_unit_test(a_created_container_that_does_not_start_stops_with_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

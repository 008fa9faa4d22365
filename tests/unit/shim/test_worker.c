/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/wait.h>

#include "shim/life.h"
#include "shim/worker.h"
#include "tests/unit/cmocka.h"

static int reports; /* that were taken in */

static int run(const struct work *work, struct work_report *ret, struct text *payload, int *console,
               struct error *err)
{
	(void)work;
	(void)ret;
	(void)payload;
	(void)console;
	(void)err;
	return 0;
}

static void count(struct work *work, const struct work_report *report, const struct text *payload,
                  int *console)
{
	(void)work;
	(void)report;
	(void)payload;
	(void)console;
	reports++;
}

/* As one of a Delete does. */
static void count_and_reap(struct work *work, const struct work_report *report,
                           const struct text *payload, int *console)
{
	count(work, report, payload, console);
	reap(work->shim);
}

/* Start one, and wait until it has ended: its end stays to be taken. */
static void start(struct shim *shim, const struct work *work)
{
	struct error err;
	siginfo_t info;

	assert_int_equal(work_start(work, &err), 0);
	assert_int_equal(waitid(P_PID, (id_t)shim->works->pid, &info, WEXITED | WNOWAIT), 0);
}

static void the_report_of_a_worker_that_is_reaped_meanwhile_is_taken_in_once(void **state)
{
	struct error err;
	struct shim shim = {.loop = loop_new(&err)};
	const struct work before = {.shim = &shim, .run = run, .done = count};
	const struct work reaping = {.shim = &shim, .run = run, .done = count_and_reap};

	(void)state;
	assert_non_null(shim.loop);
	reports = 0;
	start(&shim, &before);
	start(&shim, &before);
	start(&shim, &reaping);
	works_collect(&shim);
	assert_int_equal(reports, 3);
	assert_null(shim.works);
	loop_free(shim.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_report_of_a_worker_that_is_reaped_meanwhile_is_taken_in_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/host.h"
#include "base/open_files.h"
#include "base/process.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

/* In a process of its own: what there was is remembered once. */
static void in_a_child(void (*body)(void))
{
	struct error err;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(process_wait(pid, &err), 0);
}

static void limit_is(rlim_t soft, rlim_t hard)
{
	struct rlimit now;

	CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0);
	CHECK(now.rlim_cur == soft);
	CHECK(now.rlim_max == hard);
}

static void raise_and_restore(void)
{
	struct rlimit few = {8, 1000}, before;
	struct host host;
	struct error err;

	CHECK(!open_files_before(&before));
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	open_files_raise();
	limit_is(1000, 1000);
	CHECK(open_files_before(&before) && before.rlim_cur == 8 && before.rlim_max == 1000);
	CHECK(host_look(&host, &err) == 0);
	CHECK(host.more_open_files && host.open_files.rlim_cur == 8);
	open_files_restore();
	limit_is(8, 1000);
}

static void we_have_what_we_may_and_programs_what_there_was(void **state)
{
	(void)state;
	in_a_child(raise_and_restore);
}

/* With or without the right to more. */
static void hard(void)
{
	struct rlimit few = {8, 9}, now;

	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	open_files_raise();
	CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0);
	CHECK(now.rlim_cur == 9 || now.rlim_cur == OPEN_FILES_ENOUGH);
	CHECK(now.rlim_cur == now.rlim_max);
	open_files_restore();
	limit_is(8, 9);
}

static void a_hard_limit_is_raised_where_that_may_be(void **state)
{
	(void)state;
	in_a_child(hard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(we_have_what_we_may_and_programs_what_there_was),
		cmocka_unit_test(a_hard_limit_is_raised_where_that_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

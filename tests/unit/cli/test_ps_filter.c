/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ps_filter.h"
#include "tests/unit/cmocka.h"

static const pid_t pids[] = {7, 12};

static void the_column_is_found_by_its_whole_word(void **state)
{
	(void)state;
	assert_int_equal(ps_column("UID   PPID  PID TIME"), 2);
	assert_int_equal(ps_column("  PID TTY"), 0);
	assert_int_equal(ps_column("PPID PIDX"), -1);
	assert_int_equal(ps_column(""), -1);
}

static void a_line_is_of_the_process_in_that_column(void **state)
{
	(void)state;
	assert_true(ps_line_is_of("root  1  12 sh", 2, pids, 2));
	assert_false(ps_line_is_of("root 12   1 sh", 2, pids, 2));
	assert_false(ps_line_is_of("root 12", 2, pids, 2));
	assert_false(ps_line_is_of("root 1 012 sh", 2, pids, 2));
	assert_false(ps_line_is_of("7777777777777777777777", 0, pids, 2));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_column_is_found_by_its_whole_word),
		cmocka_unit_test(a_line_is_of_the_process_in_that_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

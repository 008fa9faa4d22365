/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/report.h"
#include "tests/unit/cmocka.h"

static void columns_are_aligned_and_control_characters_gone(void **state)
{
	static const char *const cells[] = {"ID",         "PID", "BUNDLE", "a-name-of-16-let", "1",
	                                    "/b\033[31m", "b",   "123456", "/a/very/long/one"};
	owned_arena struct arena *arena = arena_new(1 << 16);
	struct report report = {.arena = arena, .columns = 3};
	owned_text struct text out = {0};
	struct error err;

	(void)state;
	for (size_t i = 0; i < 9; i++)
		report_add(&report, cells[i]);
	assert_int_equal(report_print(&report, &out, &err), 0);
	assert_string_equal(out.bytes, "ID                 PID         BUNDLE\n"
	                               "a-name-of-16-let   1           /b?[31m\n"
	                               "b                  123456      /a/very/long/one\n");
}

static void a_table_may_grow_and_says_when_it_cannot(void **state)
{
	owned_arena struct arena *large = arena_new(1 << 20), *small = arena_new(2000);
	struct report report = {.arena = large, .columns = 1};
	struct report refused = {.arena = small, .columns = 1};
	owned_text struct text out = {0};
	struct error err;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		report_add(&report, "x");
		report_add(&refused, "x");
	}
	assert_int_equal(report_print(&report, &out, &err), 0);
	assert_int_equal(out.length, 2000);
	assert_int_equal(report_print(&refused, &out, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_and_control_characters_gone),
		cmocka_unit_test(a_table_may_grow_and_says_when_it_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

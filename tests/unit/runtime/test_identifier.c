/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "runtime/store.h"
#include "tests/unit/cmocka.h"

static void ordinary_names_are_taken(void **state)
{
	static const char *const names[] = {"a", "web-1", "A_b+c.d", "0", "-x", "_", "a..b"};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(identifier_check(names[i], &err), 0);
}

static void what_could_be_a_path_or_a_trick_is_refused(void **state)
{
	static const char *const names[] = {"",     ".",   "..",  ".hidden", "a/b",
	                                    "/",    "a b", "a\n", "\x1b[m",  "\xc3\xa9",
	                                    "a\\b", "a:b", "a*",  "$(x)",    "../x"};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(identifier_check(names[i], &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

static void a_name_has_a_longest_length(void **state)
{
	struct error err;
	char name[202];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[200] = '\0';
	assert_int_equal(identifier_check(name, &err), 0);
	name[200] = 'x';
	name[201] = '\0';
	assert_int_equal(identifier_check(name, &err), -1);
	assert_non_null(strstr(err.reason, "200"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_names_are_taken),
		cmocka_unit_test(what_could_be_a_path_or_a_trick_is_refused),
		cmocka_unit_test(a_name_has_a_longest_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

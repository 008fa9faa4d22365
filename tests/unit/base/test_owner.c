/* SPDX-License-Identifier: Apache-2.0 */
#include "base/owner.h"
#include "tests/unit/cmocka.h"

static void the_name_of_a_number_is_found(void **state)
{
	char file[] = "root:x:0:0:root:/root:/bin/sh\n\nbroken\nshort:x\n:x:5::/"
		      ":\nsailor:x:1000:1000::/:\n"
		      "again:x:1000::/:";

	(void)state;
	assert_string_equal(owner_in(file, 1000), "sailor");
}

static void a_number_that_nobody_has_is_none(void **state)
{
	char file[] = "root:x:0:0:root:/root:/bin/sh\nx:x:+7::/:\nempty:x:::/:\n:x:5::/:";

	(void)state;
	assert_null(owner_in(file, 7));
}

static void a_name_that_is_empty_is_none(void **state)
{
	char file[] = ":x:5::/:";

	(void)state;
	assert_null(owner_in(file, 5));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_of_a_number_is_found),
		cmocka_unit_test(a_number_that_nobody_has_is_none),
		cmocka_unit_test(a_name_that_is_empty_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/base64.h"
#include "base/table.h"
#include "tests/unit/cmocka.h"

static void bytes_are_as_the_standard_has_them(void **state)
{
	static const char *const cases[][2] = {
		{"",         ""      },
		{"Zg==",     "f"     },
		{"Zm8=",     "fo"    },
		{"Zm9v",     "foo"   },
		{"Zm9vYg==", "foob"  },
		{"Zm9vYmE=", "fooba" },
		{"Zm9vYmFy", "foobar"},
	};
	unsigned char bytes[BASE64_ROOM(8)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(base64_decode(cases[i][0], bytes), strlen(cases[i][1]));
		assert_memory_equal(bytes, cases[i][1], strlen(cases[i][1]));
	}
	assert_int_equal(base64_decode("+/8A", bytes), 3);
	assert_memory_equal(bytes, "\xfb\xff\x00", 3);
}

static void what_is_no_base64_is_refused(void **state)
{
	static const char *const cases[] = {
		"Z",    "Zg",       "Zg=",  "Zm9",  "=",    "====", "Z===",  "Zg=g",
		"Z=g=", "Zg==Zg==", "Zh==", "Zm9=", "Zm9-", "Zm 9", "Zm9\n", "\x80m9v",
	};
	unsigned char bytes[BASE64_ROOM(8)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(base64_decode(cases[i], bytes), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_as_the_standard_has_them),
		cmocka_unit_test(what_is_no_base64_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

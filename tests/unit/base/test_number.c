/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"
#include "base/text.h"
#include "tests/unit/cmocka.h"

static void numbers_are_read_to_their_limits(void **state)
{
	uint64_t u64 = 1;
	int64_t i64 = 1;
	uint32_t u32 = 1;

	(void)state;
	assert_true(text_to_u64("0", &u64) && u64 == 0);
	assert_true(text_to_u64("18446744073709551615", &u64) && u64 == UINT64_MAX);
	assert_true(text_to_i64("9223372036854775807", &i64) && i64 == INT64_MAX);
	assert_true(text_to_i64("-9223372036854775808", &i64) && i64 == INT64_MIN);
	assert_true(text_to_i64("-1", &i64) && i64 == -1);
	assert_true(text_to_i64("0", &i64) && i64 == 0);
	assert_true(text_to_u32("4294967295", &u32) && u32 == UINT32_MAX);
}

static void what_is_no_number_leaves_the_result_alone(void **state)
{
	static const char *const bad[] = {"",    " ",   "1 ",  " 1", "+1",  "-",
	                                  "--1", "01",  "00",  "-0", "-01", "0x1",
	                                  "1e3", "1.0", "1,0", "٣",  "a",   "1a"};
	uint64_t u64 = 42;
	int64_t i64 = 42;
	uint32_t u32 = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(text_to_u64(bad[i], &u64));
		assert_false(text_to_i64(bad[i], &i64));
		assert_false(text_to_u32(bad[i], &u32));
	}
	assert_false(text_to_u64("-1", &u64));
	assert_true(u64 == 42 && i64 == 42 && u32 == 42);
}

static void numbers_beyond_their_type_are_refused(void **state)
{
	uint64_t u64 = 42;
	int64_t i64 = 42;
	uint32_t u32 = 42;

	(void)state;
	assert_false(text_to_u64("18446744073709551616", &u64));
	assert_false(text_to_u64("99999999999999999999999999", &u64));
	assert_false(text_to_i64("9223372036854775808", &i64));
	assert_false(text_to_i64("-9223372036854775809", &i64));
	assert_false(text_to_u32("4294967296", &u32));
	assert_true(u64 == 42 && i64 == 42 && u32 == 42);
}

static void sizes_have_units_of_1024(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0",      0                    },
		{"4096",   4096                 },
		{"64k",    64 << 10             },
		{"64K",    64 << 10             },
		{"16M",    16 << 20             },
		{"2g",     UINT64_C(2) << 30    },
		{"1T",     UINT64_C(1) << 40    },
		{"1p",     UINT64_C(1) << 50    },
		{"64kb",   64 << 10             },
		{"64KiB",  64 << 10             },
		{"7b",     7                    },
		{"16383p", UINT64_C(16383) << 50},
	};
	static const char *const bad[] = {"",    "k",   "-1",  "1.5g", "1 k", "1kk",   "1x",
	                                  "1ib", "01k", "1k ", "1i",   "1@",  "16384p"};
	uint64_t bytes = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(text_to_size(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	bytes = 42;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(text_to_size(bad[i], &bytes));
	assert_int_equal(bytes, 42);
}

static void durations_are_as_go_writes_them(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{"5",		      UINT64_C(5000000000)   },
		{"5s",                     UINT64_C(5000000000)   },
		{"0",		      0                      },
		{"0s",                     0                      },
		{"500ms",                  500000000              },
		{"1m",                     UINT64_C(60000000000)  },
		{"1m30s",                  UINT64_C(90000000000)  },
		{"1.5h",                   UINT64_C(5400000000000)},
		{"0.25s",                  250000000              },
		{"2.0000019s",             UINT64_C(2000001000)   },
		{"1h0m0.5s",               UINT64_C(3600500000000)},
		{"3us",                    3000                   },
		{"1.9ns",                  1                      },
		{"05s",                    UINT64_C(5000000000)   },
		{"18446744073709551615ns", UINT64_MAX             },
	};
	static const char *const bad[] = {"",
	                                  "s",
	                                  "-1s",
	                                  "1 s",
	                                  "5x",
	                                  "1.s",
	                                  ".5s",
	                                  "1.5",
	                                  "1m5",
	                                  "5s ",
	                                  " 5s",
	                                  "05",
	                                  "1e3",
	                                  "1..5s",
	                                  "18446744073709551616ns",
	                                  "18446744073709551615",
	                                  "5124096h",
	                                  "18446744073709551615ns1ns"};
	uint64_t ns = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(text_to_duration(good[i].text, &ns));
		assert_int_equal(ns, good[i].ns);
	}
	ns = 42;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(text_to_duration(bad[i], &ns));
	assert_int_equal(ns, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_to_their_limits),
		cmocka_unit_test(what_is_no_number_leaves_the_result_alone),
		cmocka_unit_test(numbers_beyond_their_type_are_refused),
		cmocka_unit_test(sizes_have_units_of_1024),
		cmocka_unit_test(durations_are_as_go_writes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/bytes.h"
#include "tests/unit/cmocka.h"

static void numbers_are_little_endian_and_read_in_order(void **state)
{
	const uint8_t bytes[] = {1, 3, 2, 7, 6, 5, 4, 15, 14, 13, 12, 11, 10, 9, 8};
	struct reader r = reader_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(read_u8(&r), 1);
	assert_int_equal(read_u16(&r), 0x0203);
	assert_int_equal(read_u32(&r), 0x04050607);
	assert_int_equal(read_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(r.left, 0);
	assert_false(r.failed);
}

static void whoever_asks_for_too_much_gets_zeros_from_then_on(void **state)
{
	const uint8_t bytes[] = {1, 2, 3};
	struct reader r = reader_of(bytes, sizeof(bytes));
	uint8_t to[4] = {9, 9, 9, 9};

	(void)state;
	assert_int_equal(read_u32(&r), 0);
	assert_true(r.failed);
	/* what would fit is not given either: the message is read straight through */
	assert_int_equal(read_u8(&r), 0);
	read_into(&r, to, sizeof(to));
	assert_memory_equal(to, "\0\0\0\0", 4);
	assert_null(read_bytes(&r, 1));
	assert_null(read_bytes(&r, 0));
	assert_int_equal(r.left, 3);
}

static void bytes_are_lent_where_they_stand(void **state)
{
	const uint8_t bytes[] = {1, 2, 3};
	struct reader r = reader_of(bytes, sizeof(bytes));

	(void)state;
	assert_ptr_equal(read_bytes(&r, 2), bytes);
	assert_null(read_bytes(&r, SIZE_MAX));
	assert_true(r.failed);
	r = reader_of(NULL, 0);
	read_into(&r, NULL, 0);
	assert_false(r.failed);
	assert_int_equal(read_u16(&r), 0);
	assert_true(r.failed);
}

static void a_text_ends_within_the_bytes(void **state)
{
	const char bytes[] = {'a', 'b', 0, 0, 'c'};
	struct reader r = reader_of(bytes, sizeof(bytes));

	(void)state;
	assert_string_equal(read_text(&r), "ab");
	assert_string_equal(read_text(&r), "");
	assert_null(read_text(&r));
	assert_true(r.failed);
	r = reader_of(bytes, sizeof(bytes));
	assert_int_equal(read_u64(&r), 0);
	assert_null(read_text(&r)); /* failed before */
	r = reader_of(bytes, 0);
	assert_null(read_text(&r));
}

static void what_is_written_is_what_is_read(void **state)
{
	uint8_t bytes[18];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct reader r;

	(void)state;
	write_u8(&w, 0xfe);
	write_u16(&w, 0xfedc);
	write_u32(&w, 0xfedcba98);
	write_u64(&w, UINT64_C(0xfedcba9876543210));
	write_bytes(&w, "x", 1);
	write_zeros(&w, 1);
	write_bytes(&w, NULL, 0);
	assert_int_equal(w.written, 17);
	assert_int_equal(w.left, 1);
	assert_false(w.failed);
	assert_memory_equal(bytes, "\xfe\xdc\xfe\x98", 4);
	r = reader_of(bytes, w.written);
	assert_int_equal(read_u8(&r), 0xfe);
	assert_int_equal(read_u16(&r), 0xfedc);
	assert_int_equal(read_u32(&r), 0xfedcba98);
	assert_int_equal(read_u64(&r), UINT64_C(0xfedcba9876543210));
	assert_int_equal(read_u16(&r), 'x');
	assert_false(r.failed);
}

static void a_full_writer_writes_nothing_more(void **state)
{
	uint8_t bytes[5] = {9, 9, 9, 9, 9};
	struct writer w = writer_of(bytes, 4);

	(void)state;
	write_u8(&w, 1);
	write_u32(&w, 0);
	assert_true(w.failed);
	write_u8(&w, 2);
	write_zeros(&w, 1);
	write_zeros(&w, SIZE_MAX);
	assert_int_equal(w.written, 1);
	assert_memory_equal(bytes, "\x01\x09\x09\x09\x09", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_little_endian_and_read_in_order),
		cmocka_unit_test(whoever_asks_for_too_much_gets_zeros_from_then_on),
		cmocka_unit_test(bytes_are_lent_where_they_stand),
		cmocka_unit_test(a_text_ends_within_the_bytes),
		cmocka_unit_test(what_is_written_is_what_is_read),
		cmocka_unit_test(a_full_writer_writes_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

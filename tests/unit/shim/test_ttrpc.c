/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "shim/ttrpc.h"
#include "tests/unit/cmocka.h"

static void a_frame_is_written_as_it_is_read(void **state)
{
	owned_text struct text out = {0};
	struct text payload = {.bytes = (char[]){"hello"}, .length = 5};
	struct frame frame;
	struct error err;

	(void)state;
	frame_write(&out, 0x01020305, FRAME_RESPONSE, &payload);
	assert_int_equal(out.length, FRAME_HEADER + 5);
	assert_memory_equal(out.bytes, "\0\0\0\5\1\2\3\5\2\0hello", out.length);
	assert_int_equal(frame_read((const uint8_t *)out.bytes, out.length, &frame, &err),
	                 out.length);
	assert_int_equal(frame.stream, 0x01020305);
	assert_int_equal(frame.type, FRAME_RESPONSE);
	assert_int_equal(frame.flags, 0);
	assert_int_equal(frame.length, 5);
	assert_memory_equal(frame.payload, "hello", 5);
}

static void a_part_of_a_frame_waits_for_the_rest(void **state)
{
	const uint8_t bytes[] = "\0\0\0\3\0\0\0\1\1\0abc";
	struct frame frame;
	struct error err;

	(void)state;
	for (size_t length = 0; length < FRAME_HEADER + 3; length++)
		assert_int_equal(frame_read(bytes, length, &frame, &err), 0);
	assert_int_equal(frame_read(bytes, FRAME_HEADER + 3, &frame, &err), FRAME_HEADER + 3);
}

static void what_follows_a_frame_is_not_of_it(void **state)
{
	const uint8_t bytes[] = "\0\0\0\0\0\0\0\3\1\0more";
	struct frame frame;
	struct error err;

	(void)state;
	assert_int_equal(frame_read(bytes, sizeof(bytes), &frame, &err), FRAME_HEADER);
	assert_int_equal(frame.length, 0);
}

static void a_frame_larger_than_any_may_be_is_refused_by_its_head(void **state)
{
	const uint8_t most[] = "\0\x40\0\0\0\0\0\1\1\0", more[] = "\0\x40\0\1\0\0\0\1\1\0";
	struct frame frame;
	struct error err;

	(void)state;
	assert_int_equal(frame_read(most, FRAME_HEADER, &frame, &err), 0);
	assert_int_equal(frame_read(more, FRAME_HEADER, &frame, &err), -1);
	assert_non_null(strstr(err.reason, "4194305 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_written_as_it_is_read),
		cmocka_unit_test(a_part_of_a_frame_waits_for_the_rest),
		cmocka_unit_test(what_follows_a_frame_is_not_of_it),
		cmocka_unit_test(a_frame_larger_than_any_may_be_is_refused_by_its_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

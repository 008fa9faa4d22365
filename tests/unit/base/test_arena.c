/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/arena.h"
#include "tests/unit/cmocka.h"

/* AddressSanitizer ends a program that asks for too much unless told not to. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void what_an_arena_hands_out_is_zeroed_aligned_and_apart(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	unsigned char *before = NULL;

	(void)state;
	assert_non_null(arena);
	for (size_t size = 1; size < 300; size++) {
		unsigned char *bytes = arena_alloc(arena, 1, size);

		assert_non_null(bytes);
		assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xaa, size);
		if (before)
			assert_int_equal(before[size - 2], 0xaa);
		before = bytes;
	}
}

static void small_allocations_go_on_in_the_same_chunk_behind_a_large_one(void **state)
{
	owned_arena struct arena *arena = arena_new(64 << 20);
	char *first = arena_alloc(arena, 1, 16);
	char *large = arena_alloc(arena, 1, 8 << 20);
	char *second = arena_alloc(arena, 1, 16);

	(void)state;
	assert_non_null(large);
	large[(8 << 20) - 1] = 'x';
	assert_ptr_equal(second, first + 16);
}

static void an_arena_hands_out_its_limit_and_not_a_byte_more(void **state)
{
	owned_arena struct arena *arena = arena_new(100);
	struct error err = {0};

	(void)state;
	assert_non_null(arena_alloc(arena, 10, 10));
	assert_int_equal(arena_check(arena, &err), 0);
	assert_null(arena_alloc(arena, 1, 1));
	assert_int_equal(arena_check(arena, &err), -1);
	assert_string_equal(err.reason, "larger than 100 bytes in memory");
}

static void after_the_first_failure_every_allocation_fails(void **state)
{
	owned_arena struct arena *arena = arena_new(100);

	(void)state;
	assert_null(arena_alloc(arena, 1, 101));
	assert_null(arena_alloc(arena, 1, 1));
	assert_null(arena_text(arena, ""));
	assert_null(arena_format(arena, "%d", 1));
}

static void a_product_that_overflows_is_refused(void **state)
{
	owned_arena struct arena *arena = arena_new(SIZE_MAX);
	struct error err = {0};

	(void)state;
	assert_null(arena_alloc(arena, SIZE_MAX / 2, 3));
	assert_int_equal(arena_check(arena, &err), -1);
}

static void memory_that_the_machine_does_not_have_is_an_error(void **state)
{
	owned_arena struct arena *arena = arena_new(SIZE_MAX);
	struct error err = {0};

	(void)state;
	assert_null(arena_alloc(arena, 1, SIZE_MAX - 8));
	assert_int_equal(arena_check(arena, &err), -1);
	assert_string_equal(err.reason, "out of memory");
}

static void texts_are_copied_cut_and_formatted(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	char long_text[5000];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	assert_string_equal(arena_text(arena, "web"), "web");
	assert_string_equal(arena_text(arena, ""), "");
	assert_string_equal(arena_text_n(arena, "web", 2), "we");
	assert_string_equal(arena_text_n(arena, "web", 9), "web");
	assert_string_equal(arena_format(arena, "%s-%d", "a", 7), "a-7");
	assert_string_equal(arena_format(arena, "%s", long_text), long_text);
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_arena_hands_out_is_zeroed_aligned_and_apart),
		cmocka_unit_test(small_allocations_go_on_in_the_same_chunk_behind_a_large_one),
		cmocka_unit_test(an_arena_hands_out_its_limit_and_not_a_byte_more),
		cmocka_unit_test(after_the_first_failure_every_allocation_fails),
		cmocka_unit_test(a_product_that_overflows_is_refused),
		cmocka_unit_test(memory_that_the_machine_does_not_have_is_an_error),
		cmocka_unit_test(texts_are_copied_cut_and_formatted),
		cmocka_unit_test(freeing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

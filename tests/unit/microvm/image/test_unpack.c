/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/table.h"
#include "tests/unit/cmocka.h"

#include "pieces.h"

static void each_kind_is_known_and_comes_out_as_it_went_in(void **state)
{
	owned_piece elf = piece_elf(PIECE_ADDRESS);
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
		owned_piece packed = packers[i].pack(&elf);
		owned_unpacked struct unpacked out = {.limit = elf.length};

		assert_string_equal(unpack_kind(piece_bytes(&packed)), packers[i].kind);
		assert_int_equal(unpack("x", piece_bytes(&packed), &out, &err), 0);
		assert_int_equal(out.length, elf.length);
		assert_memory_equal(out.bytes, elf.at, elf.length);
	}
}

static void one_byte_more_than_the_limit_is_too_much(void **state)
{
	owned_piece elf = piece_elf(PIECE_ADDRESS);
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
		owned_piece packed = packers[i].pack(&elf);
		owned_unpacked struct unpacked out = {.limit = elf.length - 1};

		assert_int_equal(unpack("x", piece_bytes(&packed), &out, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.reason, "more than"));
		assert_true(out.size <= elf.length);
	}
}

static void what_is_cut_short_is_refused(void **state)
{
	owned_piece elf = piece_elf(PIECE_ADDRESS);
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
		owned_piece packed = packers[i].pack(&elf);

		for (size_t cut = 9; cut < packed.length; cut += packed.length / 7) {
			owned_unpacked struct unpacked out = {.limit = 1 << 20};
			struct bytes part = {packed.at, packed.length - cut};

			assert_int_equal(unpack("x", part, &out, &err), -1);
			assert_non_null(strstr(err.reason, packers[i].kind));
		}
	}
}

static void more_than_one_block_of_lz4(void **state)
{
	owned_piece plain = piece_new((8 << 20) + 5);
	struct error err = {0};

	(void)state;
	memcpy(plain.at + (8 << 20), "tail!", 5);
	{
		owned_piece packed = pack_lz4(&plain);
		owned_unpacked struct unpacked out = {.limit = 64 << 20};

		assert_int_equal(unpack("x", piece_bytes(&packed), &out, &err), 0);
		assert_int_equal(out.length, plain.length);
		assert_memory_equal(out.bytes + (8 << 20), "tail!", 5);
	}
}

static void what_is_not_unpacked_is_refused_by_name(void **state)
{
	static const uint8_t bzip2[] = "BZh91AY&SY", plain[] = "nothing";
	struct error err = {0};
	owned_unpacked struct unpacked out = {.limit = 100};

	(void)state;
	assert_int_equal(unpack("x", (struct bytes){bzip2, sizeof(bzip2)}, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.reason, "bzip2"));
	assert_null(unpack_kind((struct bytes){plain, sizeof(plain)}));
	assert_null(unpack_kind((struct bytes){plain, 0}));
	assert_int_equal(unpack("x", (struct bytes){plain, sizeof(plain)}, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_known_and_comes_out_as_it_went_in),
		cmocka_unit_test(one_byte_more_than_the_limit_is_too_much),
		cmocka_unit_test(what_is_cut_short_is_refused),
		cmocka_unit_test(more_than_one_block_of_lz4),
		cmocka_unit_test(what_is_not_unpacked_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

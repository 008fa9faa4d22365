/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/table.h"
#include "tests/unit/cmocka.h"

#include "pieces.h"

enum { LIMIT = 16 << 20 };

static void a_bzimage_of_each_packing_is_unpacked(void **state)
{
	owned_piece elf = piece_elf(PIECE_ADDRESS + 0x850);
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
		owned_piece packed = packers[i].pack(&elf);
		uint32_t promised = strcmp(packers[i].kind, "gzip") == 0 ? 0 : (uint32_t)elf.length;
		owned_piece image = piece_image(&packed, promised);
		owned_kernel struct kernel kernel = {0};

		assert_int_equal(kernel_unpack("x", piece_bytes(&image), LIMIT, &kernel, &err), 0);
		assert_string_equal(kernel.packing, packers[i].kind);
		assert_int_equal(kernel.entry, PIECE_ADDRESS + 0x850);
		assert_int_equal(kernel.elf.length, elf.length);
		assert_memory_equal(kernel.elf.at, elf.at, elf.length);
	}
}

static void an_elf_is_taken_as_it_is(void **state)
{
	owned_piece elf = piece_elf(PIECE_ADDRESS);
	owned_kernel struct kernel kernel = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(kernel_unpack("x", piece_bytes(&elf), LIMIT, &kernel, &err), 0);
	assert_ptr_equal(kernel.elf.at, elf.at);
	assert_string_equal(kernel.packing, "none");
	assert_int_equal(kernel.entry, PIECE_ADDRESS);
}

static void refused(const struct piece *piece, enum error_kind kind, const char *words)
{
	owned_kernel struct kernel kernel = {0};
	struct error err = {0};

	assert_int_equal(kernel_unpack("x", piece_bytes(piece), LIMIT, &kernel, &err), -1);
	if (!strstr(err.reason, words))
		assert_string_equal(err.reason, words);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.object, "x");
}

/* Change some bytes of an ELF or an image that was fine. */
static void refused_with(struct piece piece, size_t at, const char *bytes, size_t length,
                         enum error_kind kind, const char *words)
{
	uint8_t kept[8];

	memcpy(kept, piece.at + at, length);
	memcpy(piece.at + at, bytes, length);
	refused(&piece, kind, words);
	memcpy(piece.at + at, kept, length);
}

static void an_elf_that_can_not_be_booted_is_refused(void **state)
{
	const size_t load = sizeof(Elf64_Ehdr), notes = load + sizeof(Elf64_Phdr);
	owned_piece elf = piece_elf(PIECE_ADDRESS);
	owned_piece outside = piece_elf(PIECE_ADDRESS + PIECE_SIZE);
	struct piece cut = {elf.at, elf.length - 1};
	static const struct {
		size_t at;
		const char *bytes;
		size_t length;
		enum error_kind kind;
		const char *words;
	} cases[] = {
		{EI_CLASS,            "\x01",     1,                 ERROR_UNSUPPORTED, "x86-64"                        },
		{offsetof(Elf64_Ehdr, e_machine), "\xb7",            1,                 ERROR_UNSUPPORTED,                "x86-64"},
		{offsetof(Elf64_Ehdr,                   e_type),           "\x01",   1,    ERROR_CONFIG,                                 "loaded"},
		{offsetof(Elf64_Ehdr,           e_phnum),                     "\xff",                    1,                   ERROR_CONFIG,"loaded"},
		{offsetof(Elf64_Ehdr,       e_phoff) + 7,         "\xff",                          1,       ERROR_CONFIG,                             "cut short"},
		{PIECE_NOTES + 36,                  "\x13",                1,ERROR_UNSUPPORTED,        "CONFIG_PVH"},
		{PIECE_NOTES + 40,                  "Xem",3,     ERROR_UNSUPPORTED,               "CONFIG_PVH"                                   },
		{PIECE_NOTES + 32,                  "\xff",                1,                 ERROR_UNSUPPORTED,                    "CONFIG_PVH" },
		{PIECE_NOTES + 3,                  "\xff",1,ERROR_UNSUPPORTED,"CONFIG_PVH"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused_with(elf, cases[i].at, cases[i].bytes, cases[i].length, cases[i].kind,
		             cases[i].words);
	refused_with(elf, load, "\x07", 1, ERROR_CONFIG, "nothing to load");
	refused_with(elf, load + offsetof(Elf64_Phdr, p_memsz) + 2, "\x01", 1, ERROR_CONFIG,
	             "out of bounds");
	refused_with(elf, load + offsetof(Elf64_Phdr, p_paddr) + 3, "\xff\x01", 2, ERROR_CONFIG,
	             "out of bounds");
	refused_with(elf, notes + offsetof(Elf64_Phdr, p_offset) + 7, "\xff", 1, ERROR_CONFIG,
	             "cut short in segment 1");
	refused(&cut, ERROR_CONFIG, "cut short in segment 0");
	refused(&outside, ERROR_CONFIG, "outside");
}

static void a_bzimage_that_is_none_is_refused(void **state)
{
	owned_piece elf = piece_elf(PIECE_ADDRESS);
	owned_piece packed = pack_lz4(&elf);
	owned_piece image = piece_image(&packed, (uint32_t)elf.length);
	struct piece nothing = {image.at, 0}, head = {image.at, 0x24f};
	struct piece cut = {image.at, PIECE_SETUP + PIECE_BEFORE + packed.length};

	(void)state;
	refused(&nothing, ERROR_CONFIG, "no Linux kernel");
	refused(&head, ERROR_CONFIG, "no Linux kernel");
	refused(&cut, ERROR_CONFIG, "cut short");
	refused_with(image, 0x1fe, "\0", 1, ERROR_CONFIG, "no Linux kernel");
	refused_with(image, 0x202, "h", 1, ERROR_CONFIG, "no Linux kernel");
	refused_with(image, 0x206, "\x07", 1, ERROR_UNSUPPORTED, "too old");
	refused_with(image, 0x236, "\0", 1, ERROR_UNSUPPORTED, "64-bit");
	refused_with(image, 0x1f1, "\xff", 1, ERROR_CONFIG, "cut short");
	refused_with(image, 0x248, "\x41", 1, ERROR_UNSUPPORTED, "isn't known");
	refused_with(image, 0x248, "\xff\xff\xff\xff", 4, ERROR_CONFIG, "cut short");
	refused_with(image, 0x24c, "\xff\xff\xff\xff", 4, ERROR_CONFIG, "cut short");
	refused_with(image, 0x24c, "\x04\0\0\0", 4, ERROR_CONFIG, "cut short");
}

static void what_a_bzimage_promises_is_kept(void **state)
{
	owned_piece elf = piece_elf(PIECE_ADDRESS);
	owned_piece packed = pack_lz4(&elf);
	owned_piece more = piece_image(&packed, (uint32_t)elf.length + 1);
	owned_piece less = piece_image(&packed, (uint32_t)elf.length - 1);
	owned_piece large = piece_image(&packed, LIMIT + 1);

	(void)state;
	refused(&more, ERROR_CONFIG, "promises");
	refused(&less, ERROR_CONFIG, "more than");
	refused(&large, ERROR_CONFIG, "more than");
	elf.at[0] = 'X';
	{
		owned_piece other = pack_zstd(&elf);
		owned_piece no_elf = piece_image(&other, (uint32_t)elf.length);

		refused(&no_elf, ERROR_CONFIG, "no ELF");
	}
}

static void both_say_which_release_they_are(void **state)
{
	owned_piece elf = piece_elf(PIECE_ADDRESS);
	owned_piece packed = pack_zstd(&elf);
	owned_piece image = piece_image(&packed, (uint32_t)elf.length);
	char release[KERNEL_RELEASE_SIZE];
	struct error err = {0};

	(void)state;
	assert_int_equal(kernel_release("x", piece_bytes(&elf), release, &err), 0);
	assert_string_equal(release, piece_release);
	assert_int_equal(kernel_release("x", piece_bytes(&image), release, &err), 0);
	assert_string_equal(release, piece_release);
	memcpy(image.at + 0x400, "../etc", 6);
	assert_int_equal(kernel_release("x", piece_bytes(&image), release, &err), -1);
	memcpy(image.at + 0x400, "6/../..", 7);
	assert_int_equal(kernel_release("x", piece_bytes(&image), release, &err), -1);
	memset(image.at + 0x400, 'a', KERNEL_RELEASE_SIZE);
	assert_int_equal(kernel_release("x", piece_bytes(&image), release, &err), -1);
	memcpy(image.at + 0x20e, "\xff\xff", 2);
	memset(image.at + PIECE_SETUP, 'a', image.length - PIECE_SETUP);
	assert_int_equal(kernel_release("x", piece_bytes(&image), release, &err), -1);
	memset(elf.at + PIECE_CODE, 0, 4096);
	assert_int_equal(kernel_release("x", piece_bytes(&elf), release, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bzimage_of_each_packing_is_unpacked),
		cmocka_unit_test(an_elf_is_taken_as_it_is),
		cmocka_unit_test(an_elf_that_can_not_be_booted_is_refused),
		cmocka_unit_test(a_bzimage_that_is_none_is_refused),
		cmocka_unit_test(what_a_bzimage_promises_is_kept),
		cmocka_unit_test(both_say_which_release_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

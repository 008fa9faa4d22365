/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "microvm/image/initramfs.h"
#include "tests/unit/cmocka.h"

static struct module list[] = {
	{"k/a.ko.xz", "000-a.ko" },
	{"k/bc.ko",   "001-bc.ko"},
};
static struct module_line lines[] = {
	{"boot", 0},
	{"net",  1},
};
static const struct modules modules = {.list = list, .count = 2, .lines = lines, .lines_count = 2};

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static void write_it(struct text *out)
{
	const struct bytes contents[] = {bytes_of("12345"), bytes_of("")};
	struct error err = {0};

	assert_int_equal(initramfs_write(bytes_of("agent!"), &modules, contents,
	                                 bytes_of("boot 000-a.ko\nnet 001-bc.ko\n"), out, &err),
	                 0);
}

static unsigned long number(const char *at, int index)
{
	char digits[9] = {0};

	memcpy(digits, at + 6 + index * 8, 8);
	return strtoul(digits, NULL, 16);
}

struct expected {
	const char *path;
	unsigned long mode, major, minor;
	const char *bytes;
};

static const struct expected nodes[] = {
	{"dev",               S_IFDIR | 0755, 0, 0, ""                              },
	{"dev/console",       S_IFCHR | 0600, 5, 1, ""                              },
	{"dev/null",          S_IFCHR | 0666, 1, 3, ""                              },
	{"init",              S_IFREG | 0755, 0, 0, "agent!"                        },
	{"modules",           S_IFDIR | 0755, 0, 0, ""                              },
	{"modules/000-a.ko",  S_IFREG | 0644, 0, 0, "12345"                         },
	{"modules/001-bc.ko", S_IFREG | 0644, 0, 0, ""                              },
	{"modules/order",     S_IFREG | 0644, 0, 0, "boot 000-a.ko\nnet 001-bc.ko\n"},
	{"proc",              S_IFDIR | 0755, 0, 0, ""                              },
	{"run",               S_IFDIR | 0755, 0, 0, ""                              },
	{"sys",               S_IFDIR | 0755, 0, 0, ""                              },
	{"TRAILER!!!",        0,              0, 0, ""                              },
};

/* Read with the rules of the format: what the kernel does. */
static void the_kernel_finds_each_node_where_it_looks(void **state)
{
	owned_text struct text out = {.limit = INITRAMFS_LIMIT};
	size_t at = 0;

	(void)state;
	write_it(&out);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		const char *header = out.bytes + at;
		size_t name_end, size = strlen(nodes[i].bytes);

		assert_true(at + 110 < out.length);
		assert_memory_equal(header, "070701", 6);
		assert_int_equal(number(header, 1), nodes[i].mode);
		assert_int_equal(number(header, 2), 0); /* uid */
		assert_int_equal(number(header, 3), 0); /* gid */
		assert_int_equal(number(header, 4), S_ISDIR(nodes[i].mode) ? 2 : 1);
		assert_int_equal(number(header, 5), 0); /* mtime */
		assert_int_equal(number(header, 6), size);
		assert_int_equal(number(header, 9), nodes[i].major);
		assert_int_equal(number(header, 10), nodes[i].minor);
		assert_int_equal(number(header, 11), strlen(nodes[i].path) + 1);
		assert_int_equal(number(header, 12), 0);
		assert_string_equal(header + 110, nodes[i].path);
		name_end = (at + 110 + strlen(nodes[i].path) + 1 + 3) & ~(size_t)3;
		assert_memory_equal(out.bytes + name_end, nodes[i].bytes, size);
		at = (name_end + size + 3) & ~(size_t)3;
	}
	assert_int_equal(at, out.length);
}

static void inodes_differ_and_what_fills_up_is_zero(void **state)
{
	owned_text struct text out = {.limit = INITRAMFS_LIMIT};

	(void)state;
	write_it(&out);
	assert_int_equal(number(out.bytes, 0), 1);
	assert_int_equal(number(out.bytes + 116, 0),
	                 2); /* "dev" and its NUL: 114, then two zeros */
	assert_memory_equal(out.bytes + 113, "\0\0\0", 3);
}

static void the_same_input_gives_the_same_bytes(void **state)
{
	owned_text struct text one = {.limit = INITRAMFS_LIMIT}, other = one;

	(void)state;
	write_it(&one);
	write_it(&other);
	assert_int_equal(one.length, other.length);
	assert_memory_equal(one.bytes, other.bytes, one.length);
}

static void what_does_not_fit_is_an_error(void **state)
{
	const struct bytes contents[] = {bytes_of("12345"), bytes_of("")};
	owned_text struct text out = {.limit = 1000};
	struct error err = {0};

	(void)state;
	assert_int_equal(
		initramfs_write(bytes_of("agent!"), &modules, contents, bytes_of(""), &out, &err),
		-1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_finds_each_node_where_it_looks),
		cmocka_unit_test(inodes_differ_and_what_fills_up_is_zero),
		cmocka_unit_test(the_same_input_gives_the_same_bytes),
		cmocka_unit_test(what_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

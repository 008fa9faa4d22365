/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/mount.h>

#include "base/bytes.h"
#include "runtime/namespace/criu.h"
#include "tests/unit/cmocka.h"

enum { SIZE = 256 };

static void begin(struct writer *w, uint8_t *bytes)
{
	*w = writer_of(bytes, SIZE);
	write_u32(w, 0x54564319);
	write_u32(w, 0x55040429);
}

/* An entry with some members around the two. */
static void add_entry(struct writer *w, const char *place, uint8_t flags)
{
	uint8_t length = (uint8_t)strlen(place);

	write_u32(w, (uint32_t)(length + 14));
	write_u8(w, 1 << 3); /* fstype */
	write_u8(w, 0x85);
	write_u8(w, 0x01);
	write_u8(w, 5 << 3); /* flags, of two bytes */
	write_u8(w, (uint8_t)(flags | 0x80));
	write_u8(w, 0x20);
	write_u8(w, (6 << 3) | 2); /* root */
	write_u8(w, 1);
	write_u8(w, '/');
	write_u8(w, (7 << 3) | 2);
	write_u8(w, length);
	write_bytes(w, place, length);
	write_u8(w, 9 << 3);
	write_u8(w, 0x90);
	write_u8(w, 0x01);
}

static void only_the_flags_of_a_root_that_is_read_only_are_found(void **state)
{
	uint8_t bytes[SIZE];
	struct writer w;
	size_t offset = 0;

	(void)state;
	begin(&w, bytes);
	add_entry(&w, "/proc", MS_RDONLY);
	add_entry(&w, "/", MS_NOSUID);
	assert_false(mountpoints_find_readonly_root(bytes, w.written, &offset));
	add_entry(&w, "/", MS_NOSUID | MS_RDONLY);
	assert_true(mountpoints_find_readonly_root(bytes, w.written, &offset));
	assert_int_equal(bytes[offset], 0x80 | MS_NOSUID | MS_RDONLY);
	bytes[offset] &= (uint8_t)~MS_RDONLY;
	assert_false(mountpoints_find_readonly_root(bytes, w.written, &offset));
	assert_false(w.failed);
}

static void what_is_cut_short_is_no_root(void **state)
{
	uint8_t bytes[SIZE];
	struct writer w;
	size_t offset = 0;

	(void)state;
	begin(&w, bytes);
	add_entry(&w, "/", MS_RDONLY);
	for (size_t length = 0; length < w.written; length++)
		assert_false(mountpoints_find_readonly_root(bytes, length, &offset));
	assert_true(mountpoints_find_readonly_root(bytes, w.written, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_flags_of_a_root_that_is_read_only_are_found),
		cmocka_unit_test(what_is_cut_short_is_no_root),
	};

	return cmocka_run_group_tests_name("runtime/namespace/images", tests, NULL, NULL);
}

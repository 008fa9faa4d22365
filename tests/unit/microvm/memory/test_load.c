/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "microvm/memory/memory.h"
#include "tests/unit/cmocka.h"

enum { PAGE = 4096, MEMORY = 8 * PAGE };

static int file_of(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void a_part_of_a_file_is_seen_where_it_was_loaded(void **state)
{
	owned_fd file = file_of("0123456789");
	struct guest_memory m;
	struct error err;

	(void)state;
	assert_int_equal(memory_new(MEMORY, &m, &err), 0);
	assert_int_equal(memory_load(&m, 2 * PAGE - 3, file, 2, 7, &err), 0);
	assert_memory_equal(memory_at(&m, 2 * PAGE - 4, 9), "\0002345678\0", 9);
	assert_int_equal(memory_load(&m, MEMORY - 10, file, 0, 10, &err), 0);
	assert_memory_equal(memory_at(&m, MEMORY - 10, 10), "0123456789", 10);
	memory_release(&m);
}

static void a_part_of_the_upper_region_is_found_in_the_file(void **state)
{
	owned_fd file = file_of("up there");
	struct guest_memory m;
	struct error err;

	(void)state;
	assert_int_equal(memory_new(MEMORY_LOW_END + MEMORY, &m, &err), 0);
	assert_int_equal(memory_load(&m, MEMORY_HIGH_START + PAGE, file, 0, 8, &err), 0);
	assert_memory_equal(memory_at(&m, MEMORY_HIGH_START + PAGE, 8), "up there", 8);
	memory_release(&m);
}

static void what_is_not_in_memory_or_file_is_refused(void **state)
{
	owned_fd file = file_of("0123456789");
	struct guest_memory m;
	struct error err;

	(void)state;
	assert_int_equal(memory_new(MEMORY, &m, &err), 0);
	assert_int_equal(memory_load(&m, MEMORY - 9, file, 0, 10, &err), -1);
	assert_int_equal(memory_load(&m, UINT64_MAX, file, 0, 10, &err), -1);
	assert_int_equal(memory_load(&m, 0, file, 0, 0, &err), -1);
	assert_int_equal(memory_load(&m, 0, file, 1, 10, &err), -1);
	assert_int_equal(memory_load(&m, 0, file, UINT64_MAX, 10, &err), -1);
	assert_int_equal(memory_load(&m, 0, -1, 0, 10, &err), -1);
	memory_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_of_a_file_is_seen_where_it_was_loaded),
		cmocka_unit_test(a_part_of_the_upper_region_is_found_in_the_file),
		cmocka_unit_test(what_is_not_in_memory_or_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

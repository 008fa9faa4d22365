/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "microvm/memory/memory.h"
#include "tests/unit/cmocka.h"

enum { MIB = 1 << 20 };

static void only_what_lies_in_memory_is_given(void **state)
{
	struct guest_memory m;
	struct error err;

	(void)state;
	assert_int_equal(memory_new(MIB, &m, &err), 0);
	assert_int_equal(m.count, 1);
	assert_ptr_equal(memory_at(&m, 0, 1), m.region[0].host);
	assert_ptr_equal(memory_at(&m, 0, MIB), m.region[0].host);
	assert_ptr_equal(memory_at(&m, MIB - 1, 1), m.region[0].host + MIB - 1);
	assert_null(memory_at(&m, 0, 0));
	assert_null(memory_at(&m, 0, MIB + 1));
	assert_null(memory_at(&m, MIB, 1));
	assert_null(memory_at(&m, MIB - 1, 2));
	assert_null(memory_at(&m, 1, UINT64_MAX));
	assert_null(memory_at(&m, UINT64_MAX, 1));
	assert_null(memory_at(&m, UINT64_MAX, UINT64_MAX));
	assert_null(memory_at(&m, MEMORY_HIGH_START, 1));
	memory_release(&m);
	assert_null(memory_at(&m, 0, 1));
	memory_release(&m);
}

static void what_exceeds_the_low_end_lies_behind_the_hole(void **state)
{
	struct guest_memory m, other;
	struct error err;
	char *low, *high;

	(void)state;
	assert_int_equal(memory_new(MEMORY_LOW_END + MIB, &m, &err), 0);
	assert_int_equal(m.count, 2);
	low = memory_at(&m, MEMORY_LOW_END - 1, 1);
	high = memory_at(&m, MEMORY_HIGH_START, MIB);
	assert_non_null(low);
	assert_non_null(high);
	assert_null(memory_at(&m, MEMORY_LOW_END - 1, 2));
	assert_null(memory_at(&m, MEMORY_LOW_END, 1));
	assert_null(memory_at(&m, MEMORY_HIGH_START - 1, 1));
	assert_null(memory_at(&m, MEMORY_HIGH_START - 1, 2));
	assert_null(memory_at(&m, MEMORY_HIGH_START + MIB, 1));
	/* one file, seen alike through another mapping */
	*low = 'l';
	high[MIB - 1] = 'h';
	assert_int_equal(memory_map(fcntl(m.file, F_DUPFD_CLOEXEC, 0), &other, &err), 0);
	assert_int_equal(*(char *)memory_at(&other, MEMORY_LOW_END - 1, 1), 'l');
	assert_int_equal(*(char *)memory_at(&other, MEMORY_HIGH_START + MIB - 1, 1), 'h');
	memory_release(&other);
	memory_release(&m);
}

static void untouched_memory_is_not_used(void **state)
{
	struct guest_memory m;
	struct error err;
	struct stat st;

	(void)state;
	assert_int_equal(memory_new(UINT64_C(1) << 34, &m, &err), 0);
	assert_int_equal(fstat(m.file, &st), 0);
	assert_int_equal(st.st_blocks, 0);
	*(char *)memory_at(&m, MEMORY_HIGH_START, 1) = 1;
	assert_int_equal(fstat(m.file, &st), 0);
	assert_in_range(st.st_blocks, 1, (4 << 20) / 512);
	memory_release(&m);
}

static void sizes_that_are_no_pages_are_refused(void **state)
{
	static const uint64_t sizes[] = {0, 1, 4095, 4097, UINT64_MAX, UINT64_MAX - 4095};
	struct guest_memory m;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		err.reason[0] = '\0';
		assert_int_equal(memory_new(sizes[i], &m, &err), -1);
		assert_string_equal(err.object, "guest memory");
		assert_true(err.reason[0]);
	}
	assert_int_equal(memory_new(UINT64_C(1) << 62, &m, &err), -1); /* more than can be mapped */
}

static void a_file_that_is_none_of_ours_is_refused_and_closed(void **state)
{
	struct guest_memory m;
	struct error err;
	int file;

	(void)state;
	/* empty; no whole pages; no file */
	file = memfd_create("x", MFD_CLOEXEC);
	assert_int_equal(memory_map(file, &m, &err), -1);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	file = memfd_create("x", MFD_CLOEXEC);
	assert_int_equal(ftruncate(file, 5000), 0);
	assert_int_equal(memory_map(file, &m, &err), -1);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	assert_int_equal(memory_map(-1, &m, &err), -1);
	assert_int_equal(err.errnum, EBADF);
}

static void nobody_changes_the_size_below_the_others(void **state)
{
	struct guest_memory m;
	struct error err;

	(void)state;
	assert_int_equal(memory_new(MIB, &m, &err), 0);
	assert_int_equal(ftruncate(m.file, 4096), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(m.file, 2 * MIB), -1);
	assert_int_equal(fcntl(m.file, F_ADD_SEALS, F_SEAL_WRITE), -1);
	memory_release(&m);
}

static void a_child_has_no_part_in_it(void **state)
{
	struct guest_memory m;
	struct error err;
	unsigned char there;
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(memory_new(MIB, &m, &err), 0);
	assert_int_equal(mincore(m.region[0].host, 4096, &there), 0);
	child = fork();
	if (child == 0)
		_exit(mincore(m.region[0].host, 4096, &there) < 0 && errno == ENOMEM ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	memory_release(&m);
}

/* Whether the host can is its own affair: it must not change what is there, nor touch what is not asked for. */
static void huge_pages_keep_what_is_there(void **state)
{
	struct guest_memory m;
	struct error err;
	struct stat st;
	uint8_t *at;

	(void)state;
	assert_int_equal(memory_new(9 * MIB, &m, &err), 0);
	assert_int_equal((uintptr_t)m.region[0].host % (2 * MIB), 0);
	at = memory_at(&m, 3 * MIB, 2 * MIB);
	memset(at, 'x', 2 * MIB);
	memory_huge(&m, 3 * MIB, 5 * MIB);
	for (size_t i = 0; i < 2 * MIB; i++)
		assert_int_equal(at[i], 'x');
	assert_int_equal(at[-1] | at[2 * MIB], 0);
	assert_int_equal(fstat(m.file, &st), 0);
	assert_in_range(st.st_blocks, 2 * MIB / 512, 4 * MIB / 512);
	/* no whole page of 2 MiB, nothing, nowhere */
	memory_huge(&m, 8 * MIB, 9 * MIB);
	memory_huge(&m, 7 * MIB, 6 * MIB);
	memory_huge(&m, UINT64_MAX - MIB, UINT64_MAX);
	memory_huge(&m, MEMORY_HIGH_START, MEMORY_HIGH_START + 2 * MIB);
	assert_int_equal(fstat(m.file, &st), 0);
	assert_in_range(st.st_blocks, 2 * MIB / 512, 4 * MIB / 512);
	memory_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_lies_in_memory_is_given),
		cmocka_unit_test(what_exceeds_the_low_end_lies_behind_the_hole),
		cmocka_unit_test(untouched_memory_is_not_used),
		cmocka_unit_test(sizes_that_are_no_pages_are_refused),
		cmocka_unit_test(a_file_that_is_none_of_ours_is_refused_and_closed),
		cmocka_unit_test(nobody_changes_the_size_below_the_others),
		cmocka_unit_test(a_child_has_no_part_in_it),
		cmocka_unit_test(huge_pages_keep_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "scratch.h"

static int entries_of(const struct scratch *scratch)
{
	DIR *dir = opendir(scratch->path);
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count - 2;
}

static void a_file_is_replaced_whole(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	struct stat st;
	char text[16];

	(void)umask(022);
	assert_int_equal(file_replace(scratch->dir, "state.json", "old", 3, 0600, &err), 0);
	assert_int_equal(file_replace(scratch->dir, "state.json", "newer", 5, 0600, &err), 0);
	assert_string_equal(scratch_text(scratch, "state.json", text, sizeof(text)), "newer");
	assert_int_equal(fstatat(scratch->dir, "state.json", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(entries_of(scratch), 1);
}

static void a_new_file_is_no_old_one(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	char text[16];

	assert_int_equal(file_create(scratch->dir, "config.json", "new", 3, 0600, &err), 0);
	assert_int_equal(file_create(scratch->dir, "config.json", "x", 1, 0600, &err), -1);
	assert_int_equal(err.errnum, EEXIST);
	assert_string_equal(scratch_text(scratch, "config.json", text, sizeof(text)), "new");
	assert_int_equal(entries_of(scratch), 1);
}

static void a_file_in_a_folder_is_replaced_there(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	char text[16];

	scratch_folder(scratch, "web");
	assert_int_equal(file_replace(scratch->dir, "web/state.json", "x", 1, 0600, &err), 0);
	assert_string_equal(scratch_text(scratch, "web/state.json", text, sizeof(text)), "x");
	assert_int_equal(entries_of(scratch), 1);
}

static void a_link_is_replaced_and_not_written_through(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	char text[16];

	scratch_file(scratch, "victim", "safe");
	scratch_link(scratch, "victim", "state.json");
	assert_int_equal(file_replace(scratch->dir, "state.json", "x", 1, 0600, &err), 0);
	assert_string_equal(scratch_text(scratch, "victim", text, sizeof(text)), "safe");
}

static void what_can_not_be_replaced_stays_and_nothing_new_is_left(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};

	scratch_folder(scratch, "folder");
	assert_int_equal(file_replace(scratch->dir, "folder", "x", 1, 0600, &err), -1);
	assert_string_equal(err.object, "folder");
	assert_int_equal(err.errnum, EISDIR);
	assert_int_equal(entries_of(scratch), 1);
	assert_int_equal(file_replace(scratch->dir, "none/file", "x", 1, 0600, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(entries_of(scratch), 1);
}

static void a_lock_is_exclusive_until_its_descriptor_is_closed(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd one = openat(scratch->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	owned_fd other = openat(scratch->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	assert_int_equal(file_lock(one, "web", true, &err), 0);
	assert_int_equal(file_lock(other, "web", false, &err), -1);
	assert_int_equal(err.errnum, EWOULDBLOCK);
	assert_string_equal(err.object, "web");
	(void)close(take_fd(&one));
	assert_int_equal(file_lock(other, "web", false, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_file_is_replaced_whole),
		SCRATCH_TEST(a_new_file_is_no_old_one),
		SCRATCH_TEST(a_file_in_a_folder_is_replaced_there),
		SCRATCH_TEST(a_link_is_replaced_and_not_written_through),
		SCRATCH_TEST(what_can_not_be_replaced_stays_and_nothing_new_is_left),
		SCRATCH_TEST(a_lock_is_exclusive_until_its_descriptor_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

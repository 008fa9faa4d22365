/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "scratch.h"

static void a_tree_is_removed_with_all_in_it(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	char name[64];

	scratch_folder(scratch, "web");
	scratch_folder(scratch, "web/a");
	scratch_folder(scratch, "web/a/b");
	scratch_folder(scratch, "web/empty");
	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "web/a/b/file-%d", i);
		scratch_file(scratch, name, "x");
	}
	assert_int_equal(mkfifoat(scratch->dir, "web/fifo", 0600), 0);
	assert_int_equal(file_remove_tree(scratch->dir, "web", &err), 0);
	assert_false(scratch_exists(scratch, "web"));
}

static void a_tree_that_is_not_there_is_no_error(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};

	assert_int_equal(file_remove_tree(scratch->dir, "none", &err), 0);
}

static void links_in_a_tree_are_removed_and_not_followed(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};

	scratch_folder(scratch, "victim");
	scratch_file(scratch, "victim/file", "safe");
	scratch_folder(scratch, "web");
	scratch_link(scratch, "../victim", "web/link");
	scratch_link(scratch, "nowhere", "web/dangling");
	assert_int_equal(file_remove_tree(scratch->dir, "web", &err), 0);
	assert_true(scratch_exists(scratch, "victim/file"));
	assert_false(scratch_exists(scratch, "web"));
}

static void a_link_or_a_file_is_no_tree(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};

	scratch_folder(scratch, "victim");
	scratch_file(scratch, "victim/file", "safe");
	scratch_link(scratch, "victim", "link");
	assert_int_equal(file_remove_tree(scratch->dir, "link", &err), -1);
	assert_string_equal(err.object, "link");
	assert_true(scratch_exists(scratch, "victim/file"));
	assert_int_equal(file_remove_tree(scratch->dir, "victim/file", &err), -1);
	assert_int_equal(err.errnum, ENOTDIR);
	assert_int_equal(file_remove_tree(scratch->dir, "../etc", &err), -1);
	assert_int_equal(err.errnum, EXDEV);
}

static void a_tree_deeper_than_the_limit_stays_and_is_named(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	owned_fd at = openat(scratch->dir, ".", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < 150; i++) {
		owned_fd next = -1;

		assert_int_equal(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_RDONLY | O_CLOEXEC);
		assert_true(next >= 0);
		(void)close(at);
		at = take_fd(&next);
	}
	assert_int_equal(file_remove_tree(scratch->dir, "d", &err), -1);
	assert_int_equal(err.errnum, ELOOP);
	assert_memory_equal(err.object, "d/d/d", 5);
	assert_true(scratch_exists(scratch, "d"));
}

static void the_first_thing_that_stayed_is_named_by_its_path(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};

	if (geteuid() == 0)
		skip(); /* root may remove everything */
	scratch_folder(scratch, "web");
	scratch_folder(scratch, "web/locked");
	scratch_file(scratch, "web/locked/file", "");
	assert_int_equal(fchmodat(scratch->dir, "web/locked", 0555, 0), 0);
	assert_int_equal(file_remove_tree(scratch->dir, "web", &err), -1);
	assert_string_equal(err.object, "web/locked/file");
	assert_int_equal(err.errnum, EACCES);
	assert_int_equal(fchmodat(scratch->dir, "web/locked", 0755, 0), 0);
}

/* In a mount namespace of its own: mount something in the tree, and try to remove it.
 * Returns  0 when it stayed, 77 where such a namespace can't be had. */
static int try_mounted(const struct scratch *scratch)
{
	struct error err = {0};
	owned_fd dir = -1;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/web/mounted", scratch->path);
	if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(scratch->path, path, NULL, MS_BIND, NULL) < 0)
		return 77;
	dir = open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC); /* in this namespace */
	if (file_remove_tree(dir, "web", &err) == 0)
		return 1;
	return strcmp(err.object, "web/mounted") == 0 && err.errnum == EXDEV ? 0 : 2;
}

static void a_mount_in_a_tree_is_not_entered(void **state)
{
	const struct scratch *scratch = *state;
	int status = 0;
	pid_t child;

	scratch_folder(scratch, "web");
	scratch_folder(scratch, "web/mounted");
	scratch_file(scratch, "precious", "safe");
	child = fork();
	if (child == 0)
		_exit(try_mounted(scratch));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* no mount namespace for us here */
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(scratch_exists(scratch, "precious"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_tree_is_removed_with_all_in_it),
		SCRATCH_TEST(a_tree_that_is_not_there_is_no_error),
		SCRATCH_TEST(links_in_a_tree_are_removed_and_not_followed),
		SCRATCH_TEST(a_link_or_a_file_is_no_tree),
		SCRATCH_TEST(a_tree_deeper_than_the_limit_stays_and_is_named),
		SCRATCH_TEST(the_first_thing_that_stayed_is_named_by_its_path),
		SCRATCH_TEST(a_mount_in_a_tree_is_not_entered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

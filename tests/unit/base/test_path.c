/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/path.h"
#include "tests/unit/cmocka.h"

#include "scratch.h"

/* In the scratch directory: "root" is the foreign root, "outside" what must stay as it is. */
static int open_root(const struct scratch *scratch)
{
	int root;

	scratch_folder(scratch, "root");
	scratch_folder(scratch, "outside");
	scratch_file(scratch, "outside/secret", "secret");
	root = openat(scratch->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	return root;
}

static int same_place(int fd, const struct scratch *scratch, const char *name)
{
	struct stat a, b;

	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstatat(scratch->dir, name, &b, AT_SYMLINK_NOFOLLOW), 0);
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void a_path_is_meant_below_the_root_with_or_without_a_slash(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	static const char *const paths[] = {"etc/file", "/etc/file", "//etc/./file",
	                                    "etc/../etc/file"};
	struct error err = {0};

	scratch_folder(scratch, "root/etc");
	scratch_file(scratch, "root/etc/file", "");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		owned_fd fd = path_open(root, paths[i], O_RDONLY, &err);

		assert_true(fd >= 0);
		assert_true(same_place(fd, scratch, "root/etc/file"));
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
}

static void no_path_leaves_the_root(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	static const char *const escapes[] = {"../outside/secret",      "/../../outside/secret",
	                                      "up/outside/secret",      "slash/etc/passwd",
	                                      "absolute/secret",        "a/../../outside/secret",
	                                      "chain/../outside/secret"};
	struct error err = {0};
	char target[128];

	scratch_folder(scratch, "root/a");
	scratch_link(scratch, "..", "root/up");
	scratch_link(scratch, "/", "root/slash");
	scratch_link(scratch, "up", "root/chain");
	(void)snprintf(target, sizeof(target), "%s/outside", scratch->path);
	scratch_link(scratch, target, "root/absolute");
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		assert_int_equal(path_open(root, escapes[i], O_PATH, &err), -1);
		assert_int_equal(err.errnum, ENOENT);
		assert_int_equal(errno, ENOENT);
		assert_string_equal(err.object, escapes[i]);
	}
}

static void links_are_followed_inside_the_root(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	owned_fd by_link = -1;
	owned_fd the_link = -1;
	owned_fd top = -1;
	struct error err = {0};

	scratch_folder(scratch, "root/usr");
	scratch_file(scratch, "root/usr/file", "");
	scratch_link(scratch, "/usr/file", "root/link");
	scratch_link(scratch, "../../..", "root/top");
	by_link = path_open(root, "/link", O_RDONLY, &err);
	assert_true(by_link >= 0);
	assert_true(same_place(by_link, scratch, "root/usr/file"));
	the_link = path_open(root, "/link", O_PATH | O_NOFOLLOW, &err);
	assert_true(the_link >= 0);
	assert_true(same_place(the_link, scratch, "root/link"));
	top = path_open(root, "/top", O_PATH, &err);
	assert_true(top >= 0);
	assert_true(same_place(top, scratch, "root"));
}

static void magic_links_are_refused(void **state)
{
	owned_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	(void)state;
	assert_int_equal(path_open(root, "/proc/self/root/etc", O_PATH, &err), -1);
	assert_int_equal(err.errnum, ELOOP);
	assert_int_equal(path_open(root, "/proc/self/fd/0", O_PATH, &err), -1);
	assert_int_equal(err.errnum, ELOOP);
	assert_int_equal(path_make_directory(root, "/proc/self/cwd/x", 0755, &err), -1);
	assert_int_equal(err.errnum, ELOOP);
}

static void directories_are_made_with_their_parents(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	owned_fd made = -1;
	owned_fd again = -1;
	struct error err = {0};
	struct stat st;

	(void)umask(022);
	made = path_make_directory(root, "/a//b/./c/", 0711, &err);
	assert_true(made >= 0);
	assert_true(same_place(made, scratch, "root/a/b/c"));
	assert_int_equal(fcntl(made, F_GETFL) & O_PATH, O_PATH);
	assert_int_equal(fstat(made, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0711);
	again = path_make_directory(root, "a/b/c", 0755, &err);
	assert_true(again >= 0);
	assert_true(same_place(again, scratch, "root/a/b/c"));
}

static void the_root_itself_is_a_directory_that_is_there(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	static const char *const paths[] = {"/", "", ".", "..", "/../..", "x/.."};
	struct error err = {0};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		owned_fd made = path_make_directory(root, paths[i], 0755, &err);

		assert_true(made >= 0);
		assert_true(same_place(made, scratch, "root"));
	}
}

static void directories_are_made_through_links_inside_the_root(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	owned_fd by_absolute = -1;
	owned_fd by_relative = -1;
	owned_fd by_parent = -1;
	struct error err = {0};

	scratch_folder(scratch, "root/run");
	scratch_folder(scratch, "root/var");
	scratch_link(scratch, "/run", "root/var/run");
	scratch_link(scratch, "../../../outside/../run", "root/var/odd");
	scratch_link(scratch, "../../..", "root/var/up");
	by_absolute = path_make_directory(root, "/var/run/lock/a", 0755, &err);
	assert_true(by_absolute >= 0);
	assert_true(same_place(by_absolute, scratch, "root/run/lock/a"));
	assert_int_equal(path_make_directory(root, "/var/odd/b", 0755, &err), -1);
	scratch_folder(scratch, "root/outside");
	by_relative = path_make_directory(root, "/var/odd/b", 0755, &err);
	assert_true(by_relative >= 0);
	assert_true(same_place(by_relative, scratch, "root/run/b"));
	by_parent = path_make_directory(root, "/var/up/outside/new", 0755, &err);
	assert_true(by_parent >= 0);
	assert_true(same_place(by_parent, scratch, "root/outside/new"));
	assert_false(scratch_exists(scratch, "outside/new"));
}

static void a_dangling_link_is_refused_and_nothing_is_made_behind_it(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	static const char *const paths[] = {"dangling", "dangling/x", "/dangling/x/y"};
	struct error err = {0};

	scratch_link(scratch, "missing", "root/dangling");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(path_make_directory(root, paths[i], 0755, &err), -1);
		assert_int_equal(err.errnum, ELOOP);
		assert_string_equal(err.object, paths[i]);
		assert_int_equal(path_make_file(root, paths[i], 0644, &err), -1);
		assert_int_equal(err.errnum, ELOOP);
	}
	assert_false(scratch_exists(scratch, "root/missing"));
}

static void links_that_go_in_circles_are_refused(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	struct error err = {0};

	scratch_link(scratch, "b", "root/a");
	scratch_link(scratch, "a", "root/b");
	assert_int_equal(path_open(root, "a/x", O_PATH, &err), -1);
	assert_int_equal(err.errnum, ELOOP);
	assert_int_equal(path_make_directory(root, "a/x", 0755, &err), -1);
	assert_int_equal(err.errnum, ELOOP);
}

static void a_file_in_the_way_of_a_directory_is_an_error(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	struct error err = {0};

	scratch_file(scratch, "root/file", "");
	assert_int_equal(path_make_directory(root, "file", 0755, &err), -1);
	assert_int_equal(err.errnum, ENOTDIR);
	assert_int_equal(path_make_directory(root, "file/x/y", 0755, &err), -1);
	assert_int_equal(err.errnum, ENOTDIR);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	struct error err = {0};
	char path[PATH_MAX + 1];

	for (size_t i = 0; i < PATH_MAX; i++)
		path[i] = i % 2 ? 'x' : '/';
	path[PATH_MAX] = '\0';
	assert_int_equal(path_make_directory(root, path, 0755, &err), -1);
	assert_int_equal(err.errnum, ENAMETOOLONG);
	memset(path, 'x', PATH_MAX);
	assert_int_equal(path_make_file(root, path, 0644, &err), -1);
	assert_int_equal(err.errnum, ENAMETOOLONG);
}

static void a_file_is_made_empty_and_an_old_one_is_kept(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	owned_fd made = -1;
	owned_fd old = -1;
	struct error err = {0};
	struct stat st;
	char text[8];

	(void)umask(022);
	made = path_make_file(root, "/etc/deep/hosts", 0640, &err);
	assert_true(made >= 0);
	assert_true(same_place(made, scratch, "root/etc/deep/hosts"));
	assert_int_equal(fcntl(made, F_GETFL) & O_PATH, O_PATH);
	assert_int_equal(fstat(made, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	scratch_file(scratch, "root/etc/old", "kept");
	old = path_make_file(root, "/etc/old", 0600, &err);
	assert_true(old >= 0);
	assert_string_equal(scratch_text(scratch, "root/etc/old", text, sizeof(text)), "kept");
}

static void a_file_behind_an_escaping_link_is_made_inside(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	owned_fd made = -1;
	struct error err = {0};

	scratch_link(scratch, "../../../..", "root/up");
	made = path_make_file(root, "/up/new", 0600, &err);
	assert_true(made >= 0);
	assert_true(same_place(made, scratch, "root/new"));
}

static void a_parent_is_made_and_the_name_is_told(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	owned_fd parent = -1;
	owned_fd top = -1;
	const char *path = "/dev/net/tun";
	struct error err = {0};
	const char *name = NULL;

	parent = path_make_parent(root, path, &name, &err);
	assert_true(parent >= 0);
	assert_true(same_place(parent, scratch, "root/dev/net"));
	assert_ptr_equal(name, path + 9);
	top = path_make_parent(root, "null", &name, &err);
	assert_true(top >= 0);
	assert_true(same_place(top, scratch, "root"));
	assert_string_equal(name, "null");
}

static void a_path_without_a_last_name_has_no_parent(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	static const char *const paths[] = {"", "/", ".", "..", "a/", "a/.", "a/..", "/.."};
	const char *name = "untouched";
	struct error err = {0};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(path_make_parent(root, paths[i], &name, &err), -1);
	assert_string_equal(name, "untouched");
	assert_false(scratch_exists(scratch, "root/a"));
}

static void opening_strictly_follows_no_link_and_no_parent(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	owned_fd good = -1;
	struct error err = {0};

	scratch_folder(scratch, "root/a");
	scratch_file(scratch, "root/a/file", "");
	scratch_link(scratch, "a", "root/link");
	good = path_open_strict(root, "a/file", O_RDONLY, &err);
	assert_true(good >= 0);
	assert_int_equal(path_open_strict(root, "link/file", O_RDONLY, &err), -1);
	assert_int_equal(err.errnum, ELOOP);
	assert_int_equal(path_open_strict(root, "link", O_RDONLY, &err), -1);
	assert_int_equal(err.errnum, ELOOP);
	assert_int_equal(path_open_strict(root, "../outside", O_PATH, &err), -1);
	assert_int_equal(err.errnum, EXDEV);
	assert_int_equal(path_open_strict(root, "/a/file", O_PATH, &err), -1);
	assert_int_equal(err.errnum, EXDEV);
}

static void opening_strictly_enters_no_mount(void **state)
{
	owned_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	(void)state;
	assert_int_equal(path_open_strict(root, "proc/uptime", O_RDONLY, &err), -1);
	assert_int_equal(err.errnum, EXDEV);
}

static void procfs_is_known_by_its_root(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	owned_fd proc = path_open_proc(&err);
	owned_fd uptime = -1;

	assert_true(proc >= 0);
	assert_true(path_is_on(proc, PROC_SUPER_MAGIC));
	assert_false(path_is_on(proc, SYSFS_MAGIC));
	assert_false(path_is_on(scratch->dir, PROC_SUPER_MAGIC));
	assert_false(path_is_on(-1, PROC_SUPER_MAGIC));
	uptime = path_open_strict(proc, "uptime", O_RDONLY, &err);
	assert_true(uptime >= 0);
}

/* Swap a directory of the root and a link that leads out of it, until somebody ends this. */
static _Noreturn void swap_for_ever(const struct scratch *scratch)
{
	(void)alarm(60); /* for when the test fails and nobody ends this */
	for (;;)
		(void)renameat2(scratch->dir, "root/swap", scratch->dir, "root/link",
		                RENAME_EXCHANGE);
}

static void nothing_is_made_outside_while_somebody_swaps_a_link_in(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	struct error ignored;
	pid_t swapper;
	int made = 0;

	scratch_folder(scratch, "root/swap");
	scratch_link(scratch, "../outside", "root/link");
	swapper = fork();
	if (swapper == 0)
		swap_for_ever(scratch);
	for (int i = 0; i < 3000; i++) {
		owned_fd folder = path_make_directory(root, "swap/new/deep", 0755, &ignored);
		owned_fd file = path_make_file(root, "swap/file", 0644, &ignored);

		made += folder >= 0 && file >= 0;
		(void)unlinkat(scratch->dir, "root/swap/new/deep", AT_REMOVEDIR);
		(void)unlinkat(scratch->dir, "root/swap/new", AT_REMOVEDIR);
		(void)unlinkat(scratch->dir, "root/swap/file", 0);
		assert_false(scratch_exists(scratch, "outside/new"));
		assert_false(scratch_exists(scratch, "outside/file"));
	}
	(void)kill(swapper, SIGKILL);
	(void)waitpid(swapper, NULL, 0);
	assert_true(made > 0);
}

static void a_plain_path_has_no_link_in_it(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd root = open_root(scratch);
	owned_fd plain = -1, linked = -1;
	struct error err;

	scratch_folder(scratch, "root/plain");
	scratch_link(scratch, "plain", "root/crooked");
	plain = path_open_plain(root, "/plain", O_PATH, &err);
	assert_true(plain >= 0);
	linked = path_open_plain(root, "/crooked", O_PATH, &err);
	assert_true(linked < 0);
	assert_int_equal(err.errnum, ELOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_path_is_meant_below_the_root_with_or_without_a_slash),
		SCRATCH_TEST(no_path_leaves_the_root),
		SCRATCH_TEST(links_are_followed_inside_the_root),
		SCRATCH_TEST(a_plain_path_has_no_link_in_it),
		cmocka_unit_test(magic_links_are_refused),
		SCRATCH_TEST(directories_are_made_with_their_parents),
		SCRATCH_TEST(the_root_itself_is_a_directory_that_is_there),
		SCRATCH_TEST(directories_are_made_through_links_inside_the_root),
		SCRATCH_TEST(a_dangling_link_is_refused_and_nothing_is_made_behind_it),
		SCRATCH_TEST(links_that_go_in_circles_are_refused),
		SCRATCH_TEST(a_file_in_the_way_of_a_directory_is_an_error),
		SCRATCH_TEST(a_path_that_is_too_long_is_refused),
		SCRATCH_TEST(a_file_is_made_empty_and_an_old_one_is_kept),
		SCRATCH_TEST(a_file_behind_an_escaping_link_is_made_inside),
		SCRATCH_TEST(a_parent_is_made_and_the_name_is_told),
		SCRATCH_TEST(a_path_without_a_last_name_has_no_parent),
		SCRATCH_TEST(opening_strictly_follows_no_link_and_no_parent),
		cmocka_unit_test(opening_strictly_enters_no_mount),
		SCRATCH_TEST(procfs_is_known_by_its_root),
		SCRATCH_TEST(nothing_is_made_outside_while_somebody_swaps_a_link_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

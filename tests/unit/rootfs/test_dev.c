/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "tests/unit/cmocka.h"

#include "scene.h"

static const struct {
	const char *path;
	int major, minor;
} defaults[] = {
	{"/dev/null",    1, 3},
        {"/dev/zero",    1, 5},
        {"/dev/full",    1, 7},
	{"/dev/random",  1, 8},
        {"/dev/urandom", 1, 9},
        {"/dev/tty",     5, 0},
};

static bool leads_to(const char *path, const char *to)
{
	char target[64] = "";

	return readlink(path, target, sizeof(target) - 1) > 0 && strcmp(target, to) == 0;
}

/* Whosever they are: what is bound belongs to whom it belongs on the host. */
static void check_usable(void)
{
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		CHECK(scene_is_device(defaults[i].path, defaults[i].major, defaults[i].minor));
		CHECK(scene_is_mode(defaults[i].path, 0666));
	}
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	(void)close(fd);
}

static void check_defaults(const struct scene *scene)
{
	struct stat st;

	(void)scene;
	check_usable();
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		CHECK(stat(defaults[i].path, &st) == 0 && st.st_uid == 0 && st.st_gid == 0);
}

static void check_links(void)
{
	CHECK(leads_to("/dev/fd", "/proc/self/fd"));
	CHECK(leads_to("/dev/stdin", "/proc/self/fd/0"));
	CHECK(leads_to("/dev/stdout", "/proc/self/fd/1"));
	CHECK(leads_to("/dev/stderr", "/proc/self/fd/2"));
	CHECK(leads_to("/dev/core", "/proc/kcore") == (access("/proc/kcore", F_OK) == 0));
	CHECK(leads_to("/dev/ptmx", "pts/ptmx"));
}

static void check_made(const struct scene *scene)
{
	check_defaults(scene);
	check_links();
}

static void the_default_devices_and_links_are_there(void **state)
{
	struct scene scene = scene_new(state);

	scene_proc(&scene);
	scene_mount(&scene, "/dev", "tmpfs", "tmpfs", "nosuid noexec mode=755");
	scene.check = check_made;
	scene_play(&scene);
}

static void check_bound(const struct scene *scene)
{
	struct stat st;

	(void)scene;
	check_usable();
	check_links();
	CHECK(scene_mounted("/dev/null", " /dev/null "));
	CHECK(stat("/dev/pipe", &st) == 0 && S_ISFIFO(st.st_mode));
}

static void check_bound_and_fuse(const struct scene *scene)
{
	check_bound(scene);
	CHECK(scene_is_device("/dev/fuse", 10, 229));
}

static void in_a_user_namespace_the_hosts_devices_are_bound(void **state)
{
	struct scene scene = scene_new(state);
	struct stat st;

	scene.namespaces |= CLONE_NEWUSER;
	scene_proc(&scene);
	scene_mount(&scene, "/dev", "tmpfs", "tmpfs", "nosuid noexec mode=755");
	scene_device(&scene, "/dev/pipe", 'p', 0, 0);
	scene.check = check_bound;
	if (stat("/dev/fuse", &st) == 0) {
		scene_device(&scene, "/dev/fuse", 'c', 10, 229);
		scene.check = check_bound_and_fuse;
	}
	scene_play(&scene);
}

static void a_bound_device_must_be_the_one_that_is_asked_for(void **state)
{
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWUSER;
	scene_mount(&scene, "/dev", "tmpfs", "tmpfs", "");
	scene_device(&scene, "/dev/zero", 'c', 1, 1);
	scene_refused(&scene, "linux.devices[0]: /dev/zero", "another device");
}

static void check_without_proc(const struct scene *scene)
{
	struct stat st;

	check_defaults(scene);
	CHECK(leads_to("/dev/ptmx", "pts/ptmx"));
	CHECK(lstat("/dev/fd", &st) < 0 && lstat("/dev/stdin", &st) < 0);
	CHECK(lstat("/dev/core", &st) < 0);
}

static void without_a_procfs_there_are_no_links_to_it(void **state)
{
	struct scene scene = scene_new(state);

	scene.check = check_without_proc;
	scene_play(&scene);
}

static void check_listed(const struct scene *scene)
{
	struct stat st;

	(void)scene;
	CHECK(stat("/dev/mine", &st) == 0 && S_ISCHR(st.st_mode));
	CHECK(st.st_rdev == makedev(1, 5) && (st.st_mode & 07777) == 0640);
	CHECK(st.st_uid == 11 && st.st_gid == 12);
	CHECK(stat("/dev/sub/disk", &st) == 0 && S_ISBLK(st.st_mode));
	CHECK(st.st_rdev == makedev(7, 999));
	CHECK(stat("/fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK(scene_is_mode("/dev/null", 0600) && scene_is_device("/dev/null", 1, 3));
	CHECK(scene_is_device("/dev/full", 1, 7));
}

static void listed_devices_have_their_mode_and_owner(void **state)
{
	struct scene scene = scene_new(state);

	scene_mount(&scene, "/dev", "tmpfs", "tmpfs", "");
	scene_device(&scene, "/dev/mine", 'u', 1, 5);
	scene.devices[0].mode = (struct maybe_u64){true, 0640};
	scene.devices[0].uid = (struct maybe_u64){true, 11};
	scene.devices[0].gid = (struct maybe_u64){true, 12};
	scene_device(&scene, "/dev/sub/disk", 'b', 7, 999);
	scene_device(&scene, "/fifo", 'p', 0, 0);
	scene_device(&scene, "/dev/null", 'c', 1, 3);
	scene.devices[3].mode = (struct maybe_u64){true, 0600};
	scene.check = check_listed;
	scene_play(&scene);
}

static void make_node(struct scratch *s, const char *path, unsigned int minor_number)
{
	assert_int_equal(mknodat(s->dir, path, S_IFCHR | 0600, makedev(1, minor_number)), 0);
}

static void another_file_where_a_listed_device_goes_is_refused(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "rootfs/dev");
	make_node(scene.scratch, "rootfs/dev/mine", 5);
	make_node(scene.scratch, "rootfs/dev/other", 3);
	scene_device(&scene, "/dev/mine", 'c', 1, 5);
	scene_device(&scene, "/dev/other", 'c', 1, 5);
	scene_refused(&scene, "linux.devices[1]: /dev/other", "something else is there");
}

static void check_covered(const struct scene *scene)
{
	(void)scene;
	check_usable();
}

static void an_images_own_file_is_covered_by_the_default_device(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "rootfs/dev");
	scratch_file(scene.scratch, "rootfs/dev/null", "no device");
	make_node(scene.scratch, "rootfs/dev/zero", 9); /* urandom by its number */
	scene.check = check_covered;
	/* the image's modes would stay on nodes that are right already */
	scene_play(&scene);
}

static void check_foreign(const struct scene *scene)
{
	struct stat st;

	(void)scene;
	CHECK(scene_is_device("/dev/mine", 1, 5));
	CHECK(stat("/dev/null", &st) < 0 && lstat("/dev/fd", &st) < 0);
	CHECK(lstat("/dev/ptmx", &st) < 0);
	CHECK(scene_is_device("/other/zero", 1, 5));
}

static void nothing_is_made_in_a_dev_that_is_bound(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "dev");
	make_node(scene.scratch, "dev/mine", 5);
	scene_proc(&scene);
	scene_mount(&scene, "/dev", "bind", "dev", "rbind");
	scene_device(&scene, "/dev/mine", 'c', 1, 5);
	scene_device(&scene, "/other/zero", 'c', 1, 5);
	scene.check = check_foreign;
	scene_play(&scene);
	assert_false(scratch_exists(scene.scratch, "dev/null"));
}

static void a_listed_device_that_a_bound_dev_has_not_is_refused(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "dev");
	scene_mount(&scene, "/dev", "bind", "dev", "rbind");
	scene_device(&scene, "/dev/mine", 'c', 1, 5);
	scene_run(&scene);
	assert_non_null(scene.step);
	assert_int_equal(strncmp(scene.err.object, "linux.devices[0]", 16), 0);
	assert_false(scratch_exists(scene.scratch, "dev/mine"));
}

static void check_nothing(const struct scene *scene)
{
	(void)scene;
	CHECK(access("/dev", F_OK) < 0);
}

static void a_root_that_takes_no_devices_goes_without_the_default_ones(void **state)
{
	struct scene scene = scene_new(state);
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/rootfs", scene.scratch->path);
	assert_int_equal(mount("tmpfs", path, "tmpfs", MS_RDONLY, NULL), 0);
	scene.check = check_nothing;
	scene_play(&scene);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void a_root_that_takes_no_devices_can_not_have_listed_ones(void **state)
{
	struct scene scene = scene_new(state);
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/rootfs", scene.scratch->path);
	assert_int_equal(mount("tmpfs", path, "tmpfs", MS_RDONLY, NULL), 0);
	scene_device(&scene, "/dev/mine", 'c', 1, 5);
	scene_run(&scene);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_non_null(scene.step);
	assert_int_equal(strncmp(scene.err.object, "linux.devices[0]", 16), 0);
	assert_non_null(strstr(scene.err.reason, "Read-only file system"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCRATCH_TEST(the_default_devices_and_links_are_there),
		SCRATCH_TEST(in_a_user_namespace_the_hosts_devices_are_bound),
		SCRATCH_TEST(a_bound_device_must_be_the_one_that_is_asked_for),
		SCRATCH_TEST(without_a_procfs_there_are_no_links_to_it),
		SCRATCH_TEST(listed_devices_have_their_mode_and_owner),
		SCRATCH_TEST(another_file_where_a_listed_device_goes_is_refused),
		SCRATCH_TEST(an_images_own_file_is_covered_by_the_default_device),
		SCRATCH_TEST(nothing_is_made_in_a_dev_that_is_bound),
		SCRATCH_TEST(a_listed_device_that_a_bound_dev_has_not_is_refused),
		SCRATCH_TEST(a_root_that_takes_no_devices_goes_without_the_default_ones),
		SCRATCH_TEST(a_root_that_takes_no_devices_can_not_have_listed_ones),
	};

	return cmocka_run_group_tests(tests, scene_isolate, NULL);
}

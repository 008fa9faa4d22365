/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>

#include "tests/unit/cmocka.h"

#include "scene.h"

/* ---- order and kinds ---- */

static void check_order(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_holds("/a/b/f", "inner"));
	CHECK(scene_holds("/c/f", "late"));
	CHECK(access("/a/x", F_OK) < 0);
}

static void mounts_are_made_in_the_order_of_the_config(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "rootfs/a");
	scratch_file(scene.scratch, "rootfs/a/x", "covered");
	scratch_folder(scene.scratch, "late");
	scratch_file(scene.scratch, "inner", "inner");
	scratch_file(scene.scratch, "late/f", "late");
	scene_mount(&scene, "/a", "tmpfs", "tmpfs", "");
	scene_mount(&scene, "/a/b", "tmpfs", "tmpfs", "");
	scene_mount(&scene, "/a/b/f", "bind", "inner", "bind");
	scene_mount(&scene, "/c", "tmpfs", "tmpfs", "");
	scene_mount(&scene, "/c", "bind", "late", "bind");
	scene.check = check_order;
	scene_play(&scene);
}

static void check_tmpfs(const struct scene *scene)
{
	struct statvfs fs;

	(void)scene;
	CHECK(statvfs("/t", &fs) == 0);
	CHECK(fs.f_blocks * fs.f_frsize == 1 << 20);
	CHECK((fs.f_flag & ST_NOSUID) && (fs.f_flag & ST_NODEV) && (fs.f_flag & ST_NOEXEC));
	CHECK((fs.f_flag & ST_NOATIME) && !(fs.f_flag & ST_RDONLY));
	CHECK(scene_is_mode("/t", 0711));
	CHECK(scene_mounted("/t", "size=1024k"));
	CHECK(scene_mounted("/t", "sync"));
	CHECK(statvfs("/ro", &fs) == 0 && (fs.f_flag & ST_RDONLY));
	CHECK(access("/ro/in", F_OK) == 0); /* made before it was */
}

static void a_tmpfs_has_its_options_and_its_data(void **state)
{
	struct scene scene = scene_new(state);

	scene_proc(&scene);
	scene_mount(&scene, "/t", "tmpfs", "tmpfs",
	            "nosuid nodev noexec noatime sync size=1m mode=711");
	scene_mount(&scene, "/ro", "tmpfs", "tmpfs", "ro");
	scene_mount(&scene, "/ro/in", "tmpfs", "tmpfs", "");
	scene.check = check_tmpfs;
	scene_play(&scene);
}

static void check_default_mounts(const struct scene *scene)
{
	struct statvfs fs;

	(void)scene;
	CHECK(scene_is_on("/proc", PROC_SUPER_MAGIC));
	CHECK(scene_is_on("/dev", TMPFS_MAGIC) && scene_is_mode("/dev", 0755));
	CHECK(scene_is_on("/dev/pts", DEVPTS_SUPER_MAGIC));
	CHECK(scene_is_device("/dev/pts/ptmx", 5, 2) && scene_is_mode("/dev/pts/ptmx", 0666));
	CHECK(scene_is_on("/dev/shm", TMPFS_MAGIC) && scene_is_mode("/dev/shm", 01777));
	CHECK(scene_is_on("/dev/mqueue", 0x19800202));
	CHECK(scene_is_on("/sys", SYSFS_MAGIC));
	CHECK(statvfs("/sys", &fs) == 0 && (fs.f_flag & ST_RDONLY) && (fs.f_flag & ST_NOEXEC));
	CHECK(scene_is_on("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC));
	CHECK(statvfs("/sys/fs/cgroup", &fs) == 0 && (fs.f_flag & ST_RDONLY));
	CHECK(scene_mounted("/sys/fs/cgroup", " / /sys/fs/cgroup "));
	CHECK(getpid() == 1 && scene_holds("/proc/self/comm", "test_apply\n"));
}

static void add_default_mounts(struct scene *scene, const char *pts)
{
	scene_proc(scene);
	scene_mount(scene, "/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k");
	scene_mount(scene, "/dev/pts", "devpts", "devpts", pts);
	scene_mount(scene, "/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k");
	scene_mount(scene, "/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev");
	scene_mount(scene, "/sys", "sysfs", "sysfs", "nosuid noexec nodev ro");
	scene_mount(scene, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro");
	scene->namespaces |= CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWCGROUP;
}

static void the_default_mounts_are_what_they_are_called(void **state)
{
	struct scene scene = scene_new(state);

	add_default_mounts(&scene, "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5");
	scene.check = check_default_mounts;
	scene_play(&scene);
}

static void the_default_mounts_can_be_made_in_a_user_namespace(void **state)
{
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWUSER;
	add_default_mounts(&scene, "nosuid noexec newinstance ptmxmode=0666 mode=0620");
	scene.check = check_default_mounts;
	scene_play(&scene);
}

static void check_copied_proc(const struct scene *scene)
{
	struct statvfs fs;

	(void)scene;
	CHECK(scene_is_on("/proc", PROC_SUPER_MAGIC) && statvfs("/proc", &fs) == 0);
	CHECK(fs.f_flag & ST_NOEXEC);
}

static void without_a_pid_namespace_the_hosts_proc_is_shown(void **state)
{
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWUSER;
	scene_mount(&scene, "/proc", "proc", "proc", "noexec");
	scene.check = check_copied_proc;
	scene_play(&scene);
}

static void the_refusal_of_proc_in_a_pid_namespace_is_explained(void **state)
{
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWUSER;
	scene.spec.linux_.namespaces[NAMESPACE_PID].set = true; /* a joined one, of another owner */
	scene_mount(&scene, "/proc", "proc", "proc", "");
	scene_refused(&scene, "mounts[0]: proc",
	              "Operation not permitted (in a user namespace: "
	              "its pid namespace must be new too");
}

static void check_copied_cgroup(const struct scene *scene)
{
	struct statvfs fs;

	(void)scene;
	CHECK(scene_is_on("/cg", CGROUP2_SUPER_MAGIC) && statvfs("/cg", &fs) == 0);
	CHECK((fs.f_flag & ST_RDONLY) && (fs.f_flag & ST_NOEXEC));
}

static void without_a_cgroup_namespace_only_the_containers_own_cgroup_is_shown(void **state)
{
	struct scene scene = scene_new(state);
	char path[128];

	scratch_folder(scene.scratch, "cgroup");
	(void)snprintf(path, sizeof(path), "%s/cgroup", scene.scratch->path);
	assert_int_equal(mount("none", path, "cgroup2", 0, NULL), 0);
	scene.namespaces |= CLONE_NEWUSER;
	scene.cgroup = path;
	scene_mount(&scene, "/cg", "cgroup", "cgroup", "ro noexec relatime");
	scene.check = check_copied_cgroup;
	scene_play(&scene);
	scene.cgroup = NULL;
	scene_refused(&scene, "mounts[0]: cgroup2", "Operation not permitted");
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void check_copied_sysfs(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_is_on("/sys", SYSFS_MAGIC));
	CHECK(access("/sys/kernel/uevent_seqnum", W_OK) < 0 && errno == EROFS);
}

static void without_a_network_namespace_the_hosts_sysfs_is_shown_read_only(void **state)
{
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWUSER;
	scene_mount(&scene, "/sys", "sysfs", "sysfs", "nosuid");
	scene.check = check_copied_sysfs;
	scene_play(&scene);
}

/* ---- what can't be ---- */

static void what_the_kernel_refuses_is_named_with_its_words(void **state)
{
	static const struct {
		const char *type, *options, *object, *reason;
	} cases[] = {
		{"nosuchfs", "",              "mounts[0].type: nosuchfs", "No such device"      },
		{"tmpfs",    "nosuid size=x", "mounts[0].options[1]",     "Bad value for 'size'"},
		{"tmpfs",    "nosuchoption",  "mounts[0].options[0]",     "Unknown parameter"   },
		{"none",     "",              "mounts[0].type: none",     "No such device"      },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scene scene = {0};

		if (i > 0)
			assert_int_equal(
				unlinkat(((struct scratch *)*state)->dir, "rootfs/t", AT_REMOVEDIR),
				-1); /* a mount that failed has made no place either */
		if (i > 0)
			assert_int_equal(
				unlinkat(((struct scratch *)*state)->dir, "rootfs", AT_REMOVEDIR),
				0);
		scene = scene_new(state);
		scene_mount(&scene, "/t", cases[i].type, "x", cases[i].options);
		scene_refused(&scene, cases[i].object, cases[i].reason);
	}
}

static void a_place_that_can_not_be_made_is_named(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "src");
	scene_mount(&scene, "/ro", "bind", "src", "bind ro");
	scene_mount(&scene, "/ro/new", "tmpfs", "tmpfs", "");
	scene_refused(&scene, "mounts[1].destination: /ro/new", "Read-only file system");
}

static void a_file_that_can_not_be_made_is_named(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "src");
	scratch_file(scene.scratch, "f", "x");
	scene_mount(&scene, "/ro", "bind", "src", "bind ro");
	scene_mount(&scene, "/ro/new", "bind", "f", "bind");
	scene_refused(&scene, "mounts[1].destination: /ro/new", "Read-only file system");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCRATCH_TEST(mounts_are_made_in_the_order_of_the_config),
		SCRATCH_TEST(a_tmpfs_has_its_options_and_its_data),
		SCRATCH_TEST(the_default_mounts_are_what_they_are_called),
		SCRATCH_TEST(the_default_mounts_can_be_made_in_a_user_namespace),
		SCRATCH_TEST(without_a_pid_namespace_the_hosts_proc_is_shown),
		SCRATCH_TEST(the_refusal_of_proc_in_a_pid_namespace_is_explained),
		SCRATCH_TEST(without_a_cgroup_namespace_only_the_containers_own_cgroup_is_shown),
		SCRATCH_TEST(without_a_network_namespace_the_hosts_sysfs_is_shown_read_only),
		SCRATCH_TEST(what_the_kernel_refuses_is_named_with_its_words),
		SCRATCH_TEST(a_place_that_can_not_be_made_is_named),
		SCRATCH_TEST(a_file_that_can_not_be_made_is_named),
	};

	return cmocka_run_group_tests(tests, scene_isolate, NULL);
}

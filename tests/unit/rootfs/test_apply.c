/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#undef fail /* base/error.h has its own */
/* clang-format on */

#include <errno.h>
#include <linux/magic.h>

#include "scene.h"

static bool is_on(const char *path, uint32_t magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == magic;
}

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
	CHECK(is_on("/proc", PROC_SUPER_MAGIC));
	CHECK(is_on("/dev", TMPFS_MAGIC) && scene_is_mode("/dev", 0755));
	CHECK(is_on("/dev/pts", DEVPTS_SUPER_MAGIC));
	CHECK(scene_is_device("/dev/pts/ptmx", 5, 2) && scene_is_mode("/dev/pts/ptmx", 0666));
	CHECK(is_on("/dev/shm", TMPFS_MAGIC) && scene_is_mode("/dev/shm", 01777));
	CHECK(is_on("/dev/mqueue", 0x19800202));
	CHECK(is_on("/sys", SYSFS_MAGIC));
	CHECK(statvfs("/sys", &fs) == 0 && (fs.f_flag & ST_RDONLY) && (fs.f_flag & ST_NOEXEC));
	CHECK(is_on("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC));
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
	CHECK(is_on("/proc", PROC_SUPER_MAGIC) && statvfs("/proc", &fs) == 0);
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
	CHECK(is_on("/cg", CGROUP2_SUPER_MAGIC) && statvfs("/cg", &fs) == 0);
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
	CHECK(is_on("/sys", SYSFS_MAGIC));
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

/* ---- binds ---- */

static void check_binds(const struct scene *scene)
{
	struct stat st;

	(void)scene;
	CHECK(scene_holds("/etc/name", "web"));
	CHECK(scene_holds("/new/deep/file", "web"));
	CHECK(stat("/new/deep/file", &st) == 0 && S_ISREG(st.st_mode));
	CHECK(access("/flat/below/f", F_OK) < 0);
	CHECK(access("/deep/below/f", F_OK) == 0);
}

static void make_tree_with_a_mount(struct scene *scene)
{
	char path[128];

	scratch_folder(scene->scratch, "tree");
	scratch_folder(scene->scratch, "tree/below");
	(void)snprintf(path, sizeof(path), "%s/tree/below", scene->scratch->path);
	assert_int_equal(mount("tmpfs", path, "tmpfs", 0, NULL), 0);
	scratch_file(scene->scratch, "tree/below/f", "x");
}

static void remove_tree_with_a_mount(struct scene *scene)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/tree/below", scene->scratch->path);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void files_and_directories_are_bound_flat_or_with_all_below(void **state)
{
	struct scene scene = scene_new(state);

	make_tree_with_a_mount(&scene);
	scratch_file(scene.scratch, "name", "web");
	scratch_folder(scene.scratch, "rootfs/etc");
	scratch_file(scene.scratch, "rootfs/etc/name", "image");
	scene_mount(&scene, "/etc/name", "bind", "name", "bind");
	scene_mount(&scene, "/new/deep/file", "none", "name", "bind");
	scene_mount(&scene, "/flat", "bind", "tree", "bind");
	scene_mount(&scene, "/deep", "none", "tree", "rbind");
	scene.check = check_binds;
	scene_play(&scene);
	remove_tree_with_a_mount(&scene);
}

static void check_readonly_binds(const struct scene *scene)
{
	(void)scene;
	CHECK(!scene_makes("/top/x") && errno == EROFS);
	CHECK(scene_makes("/top/below/x"));
	CHECK(!scene_makes("/all/x") && errno == EROFS);
	CHECK(!scene_makes("/all/below/x") && errno == EROFS);
	CHECK(scene_makes("/but/x"));
	CHECK(!scene_makes("/but/below/y") && errno == EROFS);
	CHECK(scene_mounted("/marked", ",nosuid,nodev,noexec,noatime"));
	CHECK(scene_mounted("/marked/below", ",nosuid,nodev,noexec,noatime"));
}

static void read_only_is_the_top_or_with_r_in_front_all_below_too(void **state)
{
	struct scene scene = scene_new(state);

	make_tree_with_a_mount(&scene);
	scene_proc(&scene);
	scene_mount(&scene, "/top", "bind", "tree", "rbind ro");
	scene_mount(&scene, "/all", "bind", "tree", "rbind rro");
	scene_mount(&scene, "/but", "bind", "tree", "rbind rro rw");
	scene_mount(&scene, "/marked", "bind", "tree", "rbind rnosuid rnodev rnoexec rnoatime");
	scene.check = check_readonly_binds;
	scene_play(&scene);
	remove_tree_with_a_mount(&scene);
}

static void check_attributes(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_mounted("/kept", ",nosuid,nodev,noexec,relatime"));
	CHECK(scene_mounted("/freed", " rw,relatime"));
	CHECK(scene_mounted("/strict", " rw,nosuid,nodev,noexec "));
	CHECK(scene_mounted("/links", ",nosymfollow"));
}

static void a_bind_keeps_the_attributes_that_no_word_changes(void **state)
{
	struct scene scene = scene_new(state);
	char path[128];

	scratch_folder(scene.scratch, "from");
	(void)snprintf(path, sizeof(path), "%s/from", scene.scratch->path);
	assert_int_equal(mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), 0);
	scene_proc(&scene);
	scene_mount(&scene, "/kept", "bind", "from", "bind");
	scene_mount(&scene, "/freed", "bind", "from", "bind suid dev exec rw");
	scene_mount(&scene, "/strict", "bind", "from", "bind strictatime");
	scene_mount(&scene, "/links", "bind", "from", "bind nosymfollow");
	scene.check = check_attributes;
	scene_play(&scene);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void check_locked(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_mounted("/bound", " ro,nosuid,nodev,noatime"));
}

static void a_user_namespace_keeps_what_the_host_has_restricted(void **state)
{
	struct scene scene = scene_new(state);
	char path[128];

	scratch_folder(scene.scratch, "from");
	(void)snprintf(path, sizeof(path), "%s/from", scene.scratch->path);
	assert_int_equal(
		mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY | MS_NOATIME, NULL),
		0);
	scene.namespaces |= CLONE_NEWUSER;
	scene_proc(&scene);
	scene_mount(&scene, "/bound", "bind", "from", "rbind rw suid dev relatime");
	scene.check = check_locked;
	scene_play(&scene);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void remove_source(struct scene *scene)
{
	assert_int_equal(unlinkat(scene->scratch->dir, "src", AT_REMOVEDIR), 0);
}

static void a_source_that_has_gone_is_named(void **state)
{
	struct scene scene = scene_new(state);
	char object[128];

	scratch_folder(scene.scratch, "src");
	scene_mount(&scene, "/a", "bind", "src", "rbind");
	scene.planned = remove_source;
	(void)snprintf(object, sizeof(object), "mounts[0].source: %s/src", scene.scratch->path);
	scene_refused(&scene, object, "No such file or directory");
}

/* ---- propagation ---- */

static void mount_on_the_source(struct scene *scene)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/from/later", scene->scratch->path);
	assert_int_equal(mount("later", path, "tmpfs", 0, NULL), 0);
}

static void check_propagation(const struct scene *scene)
{
	(void)scene;
	CHECK(!scene_mounted("/none", "shared:") && !scene_mounted("/none", "master:"));
	CHECK(!scene_mounted("/private", "shared:") && !scene_mounted("/private", "master:"));
	CHECK(scene_mounted("/slave", "master:") && !scene_mounted("/slave", "shared:"));
	CHECK(scene_mounted("/shared", "shared:"));
	CHECK(scene_mounted("/unbindable", "unbindable"));
	/* the host has mounted on the source meanwhile */
	CHECK(scene_mounted("/slave/later", "tmpfs"));
	CHECK(is_on("/slave/later", TMPFS_MAGIC) && !is_on("/private/later", TMPFS_MAGIC));
	CHECK(!is_on("/none/later", TMPFS_MAGIC));
}

static void play_propagation(void **state, const char *root)
{
	struct scene scene = scene_new(state);
	char path[128];

	/* ramfs: what is mounted below is a tmpfs */
	scratch_folder(scene.scratch, "from");
	(void)snprintf(path, sizeof(path), "%s/from", scene.scratch->path);
	assert_int_equal(mount("ramfs", path, "ramfs", 0, NULL), 0);
	scratch_folder(scene.scratch, "from/later");
	scene_proc(&scene);
	scene_mount(&scene, "/none", "bind", "from", "rbind");
	scene_mount(&scene, "/private", "bind", "from", "rbind rprivate");
	scene_mount(&scene, "/slave", "bind", "from", "rbind rslave");
	scene_mount(&scene, "/shared", "bind", "from", "rbind rshared");
	scene_mount(&scene, "/unbindable", "bind", "from", "rbind runbindable");
	scene.spec.linux_.rootfs_propagation = root;
	scene.entered = mount_on_the_source;
	scene.check = check_propagation;
	scene_play(&scene);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void a_bind_hears_of_the_host_only_where_it_is_asked_for(void **state)
{
	play_propagation(state, NULL);
}

static void a_slave_root_leaves_binds_their_words(void **state)
{
	play_propagation(state, "slave");
}

static void check_back(const struct scene *scene)
{
	(void)scene;
	CHECK(mount("back", "/both/later", "tmpfs", 0, NULL) == 0);
	CHECK(mount("not", "/one/later", "tmpfs", 0, NULL) == 0);
}

static void what_is_mounted_on_a_shared_bind_reaches_the_host_below_a_shared_root(void **state)
{
	struct scene scene = scene_new(state);
	char path[128];
	char *before;

	scratch_folder(scene.scratch, "from");
	(void)snprintf(path, sizeof(path), "%s/from", scene.scratch->path);
	assert_int_equal(mount("ramfs", path, "ramfs", 0, NULL), 0);
	scratch_folder(scene.scratch, "from/later");
	scene_mount(&scene, "/one", "bind", "from", "rbind");
	scene_mount(&scene, "/both", "bind", "from", "rbind rshared");
	scene.spec.linux_.rootfs_propagation = "shared";
	scene.check = check_back;
	scene.entered = scene_nothing;
	scene_play(&scene);
	before = scene_mountinfo();
	assert_non_null(strstr(before, " back "));
	assert_null(strstr(before, " not "));
	free(before);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

/* ---- tmpfs over an image's directory ---- */

static void check_modes(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_is_mode("/tmp", 01777));
	CHECK(scene_is_mode("/secret", 0700));
	CHECK(scene_is_mode("/asked", 0750));
	CHECK(access("/secret/f", F_OK) < 0);
}

static void a_tmpfs_has_the_mode_of_the_directory_it_covers(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "rootfs/tmp");
	scratch_folder(scene.scratch, "rootfs/secret");
	scratch_folder(scene.scratch, "rootfs/asked");
	scratch_file(scene.scratch, "rootfs/secret/f", "x");
	assert_int_equal(fchmodat(scene.scratch->dir, "rootfs/tmp", 01777, 0), 0);
	assert_int_equal(fchmodat(scene.scratch->dir, "rootfs/secret", 0700, 0), 0);
	scene_mount(&scene, "/tmp", "tmpfs", "tmpfs", "");
	scene_mount(&scene, "/secret", "tmpfs", "tmpfs", "");
	scene_mount(&scene, "/asked", "tmpfs", "tmpfs", "mode=750");
	scene.check = check_modes;
	scene_play(&scene);
}

static void check_copy(const struct scene *scene)
{
	char target[32] = "";
	struct stat st;

	(void)scene;
	CHECK(is_on("/run", TMPFS_MAGIC));
	CHECK(scene_holds("/run/f", "text") && scene_is_mode("/run/f", 04711));
	CHECK(stat("/run/f", &st) == 0 && st.st_uid == 7 && st.st_gid == 8 && st.st_mtime == 1000);
	CHECK(scene_holds("/run/d/e/deep", "deep") && scene_is_mode("/run/d", 0710));
	CHECK(readlink("/run/l", target, sizeof(target) - 1) == 11);
	CHECK(strcmp(target, "/etc/shadow") == 0);
	CHECK(stat("/run/p", &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK(access("/run/many/199", F_OK) == 0);
	CHECK(!scene_makes("/run/x") && errno == EROFS);
	CHECK(stat("/run/big", &st) == 0 && st.st_size == 3 << 20);
}

static void make_image_run(struct scratch *s)
{
	const struct timespec times[] = {
		{1000, 0},
		{1000, 0}
        };
	char name[128];

	scratch_folder(s, "rootfs/run");
	scratch_folder(s, "rootfs/run/d");
	scratch_folder(s, "rootfs/run/d/e");
	scratch_folder(s, "rootfs/run/many");
	scratch_file(s, "rootfs/run/f", "text");
	scratch_file(s, "rootfs/run/d/e/deep", "deep");
	scratch_file(s, "rootfs/run/big", "");
	scratch_link(s, "/etc/shadow", "rootfs/run/l");
	assert_int_equal(mkfifoat(s->dir, "rootfs/run/p", 0600), 0);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "rootfs/run/many/%d", i);
		scratch_file(s, name, "x");
	}
	(void)snprintf(name, sizeof(name), "%s/rootfs/run/big", s->path);
	assert_int_equal(truncate(name, 3 << 20), 0);
	assert_int_equal(fchownat(s->dir, "rootfs/run/f", 7, 8, 0), 0);
	assert_int_equal(fchmodat(s->dir, "rootfs/run/f", 04711, 0), 0);
	assert_int_equal(fchmodat(s->dir, "rootfs/run/d", 0710, 0), 0);
	assert_int_equal(utimensat(s->dir, "rootfs/run/f", times, 0), 0);
}

static void tmpcopyup_begins_with_what_the_image_has(void **state)
{
	struct scene scene = scene_new(state);

	make_image_run(scene.scratch);
	scene_mount(&scene, "/run", "tmpfs", "tmpfs", "ro nosuid nodev tmpcopyup");
	scene.check = check_copy;
	scene_play(&scene);
}

static void tmpcopyup_into_a_tmpfs_that_is_too_small_is_refused(void **state)
{
	struct scene scene = scene_new(state);

	make_image_run(scene.scratch);
	scene_mount(&scene, "/run", "tmpfs", "tmpfs", "size=1m tmpcopyup");
	scene_refused(&scene, "mounts[0].options: /run: big", "No space left on device");
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

static void the_same_for_a_file(void **state)
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
		SCRATCH_TEST(files_and_directories_are_bound_flat_or_with_all_below),
		SCRATCH_TEST(read_only_is_the_top_or_with_r_in_front_all_below_too),
		SCRATCH_TEST(a_bind_keeps_the_attributes_that_no_word_changes),
		SCRATCH_TEST(a_user_namespace_keeps_what_the_host_has_restricted),
		SCRATCH_TEST(a_source_that_has_gone_is_named),
		SCRATCH_TEST(a_bind_hears_of_the_host_only_where_it_is_asked_for),
		SCRATCH_TEST(a_slave_root_leaves_binds_their_words),
		SCRATCH_TEST(what_is_mounted_on_a_shared_bind_reaches_the_host_below_a_shared_root),
		SCRATCH_TEST(a_tmpfs_has_the_mode_of_the_directory_it_covers),
		SCRATCH_TEST(tmpcopyup_begins_with_what_the_image_has),
		SCRATCH_TEST(tmpcopyup_into_a_tmpfs_that_is_too_small_is_refused),
		SCRATCH_TEST(what_the_kernel_refuses_is_named_with_its_words),
		SCRATCH_TEST(a_place_that_can_not_be_made_is_named),
		SCRATCH_TEST(the_same_for_a_file),
	};

	return cmocka_run_group_tests(tests, scene_isolate, NULL);
}

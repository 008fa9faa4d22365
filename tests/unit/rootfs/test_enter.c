/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "tests/unit/cmocka.h"

#include "scene.h"

/* ---- masks and read-only paths ---- */

static void check_masks(const struct scene *scene)
{
	struct statvfs fs;
	int fd;

	(void)scene;
	CHECK(scene_is_device("/proc/keys", 1, 3) && scene_holds("/proc/keys", ""));
	CHECK(scene_is_device("/etc/key", 1, 3) && scene_holds("/etc/key", ""));
	CHECK(scene_is_device("/etc/real", 1, 3)); /* /etc/link leads there */
	CHECK(access("/secret/f", F_OK) < 0 && access("/secret2/f", F_OK) < 0);
	CHECK(statvfs("/secret", &fs) == 0 && (fs.f_flag & ST_RDONLY));
	CHECK(!scene_makes("/secret/x") && errno == EROFS);
	CHECK(access("/nowhere", F_OK) < 0);
	CHECK(!scene_makes("/proc/sys/kernel/domainname") && errno == EROFS);
	fd = open("/proc/sys/kernel/domainname", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(!scene_makes("/fixed/x") && errno == EROFS);
	CHECK(!scene_makes("/fixed/below/x") && errno == EROFS);
	CHECK(access("/fixed/below/covered", F_OK) < 0);
	CHECK(scene_makes("/free"));
}

static void prepare_masks(struct scene *scene)
{
	static const char *masked[] = {
		"/proc/keys", "/etc/key", "/etc/link",  "/secret",
		"/secret2",   "/nowhere", "/etc/key/x",
	};
	static const char *fixed[] = {"/proc/sys", "/fixed", "/nowhere/at/all"};
	struct scratch *s = scene->scratch;

	scratch_folder(s, "rootfs/etc");
	scratch_folder(s, "rootfs/secret");
	scratch_folder(s, "rootfs/secret2");
	scratch_folder(s, "rootfs/fixed");
	scratch_folder(s, "rootfs/fixed/below");
	scratch_file(s, "rootfs/fixed/below/covered", "x");
	scratch_file(s, "rootfs/etc/key", "key");
	scratch_file(s, "rootfs/etc/real", "key");
	scratch_file(s, "rootfs/secret/f", "x");
	scratch_file(s, "rootfs/secret2/f", "x");
	scratch_link(s, "real", "rootfs/etc/link");
	scene_proc(scene);
	scene_mount(scene, "/fixed/below", "tmpfs", "tmpfs", "");
	scene->spec.linux_.masked_paths.item = masked;
	scene->spec.linux_.masked_paths.count = ARRAY_SIZE(masked);
	scene->spec.linux_.readonly_paths.item = fixed;
	scene->spec.linux_.readonly_paths.count = ARRAY_SIZE(fixed);
	scene->check = check_masks;
}

static void masked_paths_show_nothing_and_readonly_paths_take_nothing(void **state)
{
	struct scene scene = scene_new(state);

	prepare_masks(&scene);
	scene_play(&scene);
}

static void masked_and_readonly_paths_hold_in_a_user_namespace(void **state)
{
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWUSER;
	prepare_masks(&scene);
	scene_play(&scene);
}

static void check_all_fixed(const struct scene *scene)
{
	struct statvfs fs;
	bool met = scene->spec.mounts.count > 1;

	CHECK(statvfs("/proc", &fs) == 0 && !(fs.f_flag & ST_RDONLY));
	CHECK(statvfs("/proc/sys", &fs) == 0 && (fs.f_flag & ST_RDONLY));
	CHECK(statvfs("/proc/irq", &fs) == 0 && (fs.f_flag & ST_RDONLY));
	CHECK(statvfs("/proc/fs", &fs) == 0 && (fs.f_flag & ST_RDONLY));
	CHECK(!met || scene_makes("/proc/version")); /* a volume's file */
}

static void fix_all(struct scene *scene)
{
	static const char *fixed[] = {"/proc/sys", "/proc/irq", "/proc/fs", "/proc/none"};

	scene_proc(scene);
	scene->spec.linux_.readonly_paths.item = fixed;
	scene->spec.linux_.readonly_paths.count = ARRAY_SIZE(fixed);
	scene->check = check_all_fixed;
}

static void readonly_paths_of_proc_leave_proc_itself_writable(void **state)
{
	struct scene scene = scene_new(state);

	fix_all(&scene);
	scene_play(&scene);
}

static void what_is_mounted_in_proc_by_a_link_stays_writable(void **state)
{
	struct scene scene = scene_new(state);

	fix_all(&scene);
	scratch_link(scene.scratch, "proc", "rootfs/link");
	scratch_file(scene.scratch, "volume", "x");
	scene_mount(&scene, "/link/version", "bind", "volume", "bind");
	scene_play(&scene);
}

static void an_images_dev_null_hides_nothing_so_the_hosts_does(void **state)
{
	static const char *masked[] = {"/key"};
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "rootfs/dev");
	scratch_file(scene.scratch, "rootfs/key", "key");
	scratch_file(scene.scratch, "rootfs/bait", "bait");
	scratch_link(scene.scratch, "/bait", "rootfs/dev/null");
	scene.spec.linux_.masked_paths.item = masked;
	scene.spec.linux_.masked_paths.count = 1;
	scene_play(&scene);
}

/* ---- the root ---- */

static void check_readonly_root(const struct scene *scene)
{
	(void)scene;
	CHECK(!scene_makes("/x") && errno == EROFS);
	CHECK(scene_makes("/t/x"));
	CHECK(scene_is_device("/dev/null", 1, 3));
}

static void a_readonly_root_leaves_mounts_writable(void **state)
{
	struct scene scene = scene_new(state);

	scene.spec.root_readonly = true;
	scene_mount(&scene, "/t", "tmpfs", "tmpfs", "");
	scene.check = check_readonly_root;
	scene_play(&scene);
	assert_false(scratch_exists(scene.scratch, "rootfs/x"));
}

static void check_covered_root(const struct scene *scene)
{
	(void)scene;
	CHECK(access("/covered", F_OK) < 0);
	CHECK(scene_holds("/other", "other") && access("/t", F_OK) == 0);
	CHECK(!scene_makes("/x") && errno == EROFS);
}

static void a_mount_on_the_root_itself_is_the_root_from_then_on(void **state)
{
	struct scene scene = scene_new(state);

	scratch_file(scene.scratch, "rootfs/covered", "x");
	scratch_folder(scene.scratch, "other");
	scratch_file(scene.scratch, "other/other", "other");
	scene.spec.root_readonly = true;
	scene_mount(&scene, "/", "bind", "other", "bind");
	scene_mount(&scene, "/t", "tmpfs", "tmpfs", "");
	scene.check = check_covered_root;
	scene_play(&scene);
}

static void check_root_words(const struct scene *scene)
{
	const char *asked = scene->spec.linux_.rootfs_propagation;
	bool shared = scene_mounted("/", "shared:"), master = scene_mounted("/", "master:");
	bool unbindable = scene_mounted("/", "unbindable");

	if (!asked || strstr(asked, "private"))
		CHECK(!shared && !master && !unbindable);
	else if (strstr(asked, "slave"))
		CHECK(master && !shared);
	else if (strstr(asked, "shared"))
		CHECK(shared);
	else
		CHECK(unbindable && !shared);
}

/* A mount in a shared root must stay there: the host hears of binds that say so only. */
static void check_root_and_mount(const struct scene *scene)
{
	check_root_words(scene);
	CHECK(mkdir("/inside", 0755) == 0);
	CHECK(mount("inside", "/inside", "tmpfs", 0, NULL) == 0);
}

static void the_root_has_the_propagation_that_is_asked_for(void **state)
{
	static const char *const words[] = {NULL,      "private",    "rprivate",
	                                    "slave",   "rslave",     "shared",
	                                    "rshared", "unbindable", "runbindable"};
	struct scene scene = scene_new(state);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int pivot = 0; pivot < 2; pivot++) {
			scene.spec.mounts.count = 0;
			scene.no_pivot = pivot == 0;
			scene.spec.linux_.rootfs_propagation = words[i];
			scene_proc(&scene);
			scene.check = check_root_and_mount;
			scene_play(&scene);
			(void)unlinkat(scene.scratch->dir, "rootfs/inside", AT_REMOVEDIR);
		}
	}
}

/* The same where the root's parent is a mount of its own, and the host's "/" stays what it is. */
static void the_root_may_be_a_mount_of_the_host(void **state)
{
	static const char *const words[] = {NULL, "slave", "shared", "rshared"};
	struct scene scene = scene_new(state);
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/rootfs", scene.scratch->path);
	assert_int_equal(mount("tmpfs", path, "tmpfs", 0, NULL), 0);
	assert_int_equal(mount("proc", "/proc", "proc", 0, NULL), 0); /* one more, to be taken */
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int pivot = 0; pivot < 2; pivot++) {
			scene.spec.mounts.count = 0;
			scene.no_pivot = pivot == 0;
			scene.spec.linux_.rootfs_propagation = words[i];
			scene_proc(&scene);
			scene.check = check_root_words;
			scene_play(&scene);
		}
	}
	assert_int_equal(umount2("/proc", MNT_DETACH), 0);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void check_nothing_of_the_host(const struct scene *scene)
{
	char text[8192] = "";
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char cwd[64];
	size_t lines = 0;

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	CHECK(lines == scene->spec.mounts.count + 1); /* and the root */
	CHECK(access(scene->scratch->path, F_OK) < 0);
	CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
	CHECK(access("/../../mark", F_OK) == 0);
}

static void nothing_of_the_host_is_left_in_the_root(void **state)
{
	struct scene scene = scene_new(state);

	scratch_file(scene.scratch, "rootfs/mark", "");
	scene_proc(&scene);
	scene_mount(&scene, "/t", "tmpfs", "tmpfs", "");
	scene.check = check_nothing_of_the_host;
	scene_play(&scene);
}

static bool lies_below(const char *name, uint32_t magic)
{
	struct statfs fs;
	int fd = openat(SCENE_OLD_ROOT, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is = fd >= 0 && fstatfs(fd, &fs) == 0 && (uint32_t)fs.f_type == magic;

	(void)close(fd);
	return is;
}

static void check_no_pivot(const struct scene *scene)
{
	CHECK(!lies_below("proc", PROC_SUPER_MAGIC) && !lies_below("sys", SYSFS_MAGIC));
	if (scene->spec.mounts.count == 2)
		check_nothing_of_the_host(scene);
}

static void no_pivot_moves_the_root_and_takes_the_hosts_proc_away(void **state)
{
	struct scene scene = scene_new(state);

	scratch_file(scene.scratch, "rootfs/mark", "");
	scene.no_pivot = true;
	scene_proc(&scene);
	scene_mount(&scene, "/t", "tmpfs", "tmpfs", "");
	scene.check = check_no_pivot;
	scene_play(&scene);
}

static void no_pivot_works_in_a_user_namespace(void **state)
{
	struct scene scene = scene_new(state);

	scratch_file(scene.scratch, "rootfs/mark", "");
	scene.no_pivot = true;
	scene.namespaces |= CLONE_NEWUSER;
	scene_mount(&scene, "/t", "tmpfs", "tmpfs", "");
	scene.check = check_no_pivot;
	scene_play(&scene);
}

/* ---- sysctl ---- */

static void check_sysctl(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_holds("/proc/sys/kernel/shmmni", "1234\n"));
	CHECK(scene_holds("/proc/sys/net/ipv4/ip_forward", "1\n"));
	CHECK(!scene_makes("/proc/sys/kernel/shmmni") && errno == EROFS);
}

static void sysctls_are_written_before_they_are_locked(void **state)
{
	static const char *fixed[] = {"/proc/sys"};
	struct key_value entries[] = {
		{"kernel.shmmni",       "1234"},
		{"net.ipv4.ip_forward", "1"   }
        };
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWIPC | CLONE_NEWNET;
	scene_proc(&scene);
	scene.spec.linux_.sysctl.item = entries;
	scene.spec.linux_.sysctl.count = ARRAY_SIZE(entries);
	scene.spec.linux_.readonly_paths.item = fixed;
	scene.spec.linux_.readonly_paths.count = 1;
	scene.check = check_sysctl;
	scene_play(&scene);
}

static void a_sysctl_that_the_kernel_refuses_is_named(void **state)
{
	struct key_value entry = {"net.ipv4.no_such", "1"};
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWNET;
	scene.spec.linux_.sysctl.item = &entry;
	scene.spec.linux_.sysctl.count = 1;
	scene_refused(&scene, "linux.sysctl[\"net.ipv4.no_such\"]", "No such file or directory");
}

static void a_value_that_the_kernel_refuses_is_named(void **state)
{
	struct key_value entry = {"net.ipv4.ip_forward", "yes"};
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWNET;
	scene.spec.linux_.sysctl.item = &entry;
	scene.spec.linux_.sysctl.count = 1;
	scene_refused(&scene, "linux.sysctl[\"net.ipv4.ip_forward\"]", "Invalid argument");
}

/* ---- terminal ---- */

enum { MASTER = 100, SLAVE = 101 };

static void check_terminal(const struct scene *scene)
{
	struct stat slave, console;
	char text[8] = "";
	struct pollfd ready = {.fd = MASTER, .events = POLLIN};
	int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	(void)scene;
	CHECK(fstat(SLAVE, &slave) == 0 && S_ISCHR(slave.st_mode) && major(slave.st_rdev) == 136);
	CHECK(fstat(fd, &console) == 0 && console.st_rdev == slave.st_rdev);
	CHECK(stat("/dev/pts/0", &console) == 0 && console.st_ino == slave.st_ino);
	CHECK(write(fd, "hi", 2) == 2 && poll(&ready, 1, 5000) == 1);
	CHECK(read(MASTER, text, sizeof(text)) == 2 && strcmp(text, "hi") == 0);
	CHECK(isatty(SLAVE));
}

static void add_terminal(struct scene *scene)
{
	scene->terminal = true;
	scene_mount(scene, "/dev", "tmpfs", "tmpfs", "ro");
	scene_mount(scene, "/dev/pts", "devpts", "devpts", "newinstance ptmxmode=0666 mode=0620");
	scene->check = check_terminal;
}

static void the_terminal_is_of_the_containers_devpts_and_its_console(void **state)
{
	struct scene scene = scene_new(state);

	add_terminal(&scene);
	scene_play(&scene);
}

static void a_terminal_works_in_a_user_namespace(void **state)
{
	struct scene scene = scene_new(state);

	scene.namespaces |= CLONE_NEWUSER;
	add_terminal(&scene);
	scene_play(&scene);
}

static void without_a_devpts_there_is_no_terminal(void **state)
{
	struct scene scene = scene_new(state);

	scene.terminal = true;
	scratch_folder(scene.scratch, "rootfs/dev");
	scratch_folder(scene.scratch, "rootfs/dev/pts");
	/* opening it would wait for ever */
	assert_int_equal(mkfifoat(scene.scratch->dir, "rootfs/dev/pts/ptmx", 0666), 0);
	scene_refused(&scene, "process.terminal: /dev/pts", "no devpts");
}

static void a_console_that_is_a_link_is_refused(void **state)
{
	struct scene scene = scene_new(state);

	scene.terminal = true;
	scratch_folder(scene.scratch, "rootfs/dev");
	scratch_file(scene.scratch, "rootfs/victim", "x");
	scratch_link(scene.scratch, "/victim", "rootfs/dev/console");
	scene_mount(&scene, "/dev/pts", "devpts", "devpts", "newinstance ptmxmode=0666");
	scene_refused(&scene, "process.terminal: /dev/console", "symbolic link");
}

static void check_further_terminal(const struct scene *scene)
{
	struct error err;
	int slave = -1;
	int root = open("/", O_PATH | O_CLOEXEC);
	int master = rootfs_terminal_below(root, &slave, &err);

	(void)scene;
	CHECK(root >= 0 && master >= 0 && isatty(slave));
	CHECK(fcntl(master, F_GETFD) == FD_CLOEXEC && fcntl(slave, F_GETFD) == FD_CLOEXEC);
}

static void a_further_process_gets_a_terminal_too(void **state)
{
	struct scene scene = scene_new(state);

	add_terminal(&scene);
	scene.terminal = false;
	scene.check = check_further_terminal;
	scene_play(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCRATCH_TEST(masked_paths_show_nothing_and_readonly_paths_take_nothing),
		SCRATCH_TEST(readonly_paths_of_proc_leave_proc_itself_writable),
		SCRATCH_TEST(what_is_mounted_in_proc_by_a_link_stays_writable),
		SCRATCH_TEST(masked_and_readonly_paths_hold_in_a_user_namespace),
		SCRATCH_TEST(an_images_dev_null_hides_nothing_so_the_hosts_does),
		SCRATCH_TEST(a_readonly_root_leaves_mounts_writable),
		SCRATCH_TEST(a_mount_on_the_root_itself_is_the_root_from_then_on),
		SCRATCH_TEST(the_root_has_the_propagation_that_is_asked_for),
		SCRATCH_TEST(the_root_may_be_a_mount_of_the_host),
		SCRATCH_TEST(nothing_of_the_host_is_left_in_the_root),
		SCRATCH_TEST(no_pivot_moves_the_root_and_takes_the_hosts_proc_away),
		SCRATCH_TEST(no_pivot_works_in_a_user_namespace),
		SCRATCH_TEST(sysctls_are_written_before_they_are_locked),
		SCRATCH_TEST(a_sysctl_that_the_kernel_refuses_is_named),
		SCRATCH_TEST(a_value_that_the_kernel_refuses_is_named),
		SCRATCH_TEST(the_terminal_is_of_the_containers_devpts_and_its_console),
		SCRATCH_TEST(a_terminal_works_in_a_user_namespace),
		SCRATCH_TEST(without_a_devpts_there_is_no_terminal),
		SCRATCH_TEST(a_console_that_is_a_link_is_refused),
		SCRATCH_TEST(a_further_process_gets_a_terminal_too),
	};

	return cmocka_run_group_tests(tests, scene_isolate, NULL);
}

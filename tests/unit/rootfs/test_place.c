/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>

#include "tests/unit/cmocka.h"

#include "scene.h"

/* Roots that an enemy has made, or is changing at this moment. */

static void a_link_where_a_file_system_of_the_kernel_goes_is_refused(void **state)
{
	static const struct {
		const char *link, *destination, *type, *object;
	} cases[] = {
		{"rootfs/proc", "/proc", "proc",  "mounts[0].destination: /proc"},
		{"rootfs/sys",  "/sys",  "sysfs", "mounts[0].destination: /sys" },
		{"rootfs/dev",  "/dev",  "tmpfs", "mounts[0].destination: /dev" },
		{"rootfs/dev",  "/none", "tmpfs", "root.path: /dev"             },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static const char *const targets[] = {"/etc", "../../../..", "nowhere", "."};

		for (size_t k = 0; k < ARRAY_SIZE(targets); k++) {
			struct scene scene = scene_new(state);

			scene.namespaces |= CLONE_NEWPID | CLONE_NEWNET;
			scratch_folder(scene.scratch, "rootfs/etc");
			scratch_folder(scene.scratch, "rootfs/none");
			scratch_link(scene.scratch, targets[k], cases[i].link);
			scene_mount(&scene, cases[i].destination, cases[i].type, "x", "");
			scene_refused(&scene, cases[i].object, "symbolic link");
			assert_int_equal(unlinkat(scene.scratch->dir, cases[i].link, 0), 0);
			assert_int_equal(unlinkat(scene.scratch->dir, "rootfs/etc", AT_REMOVEDIR),
			                 0);
			assert_int_equal(unlinkat(scene.scratch->dir, "rootfs/none", AT_REMOVEDIR),
			                 0);
			assert_int_equal(unlinkat(scene.scratch->dir, "rootfs", AT_REMOVEDIR), 0);
		}
	}
}

static void check_inside(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_holds("/outside/d/f", "src"));
	CHECK(scene_holds("/f1", "file") && scene_holds("/run/made/f2", "file"));
	CHECK(scene_holds("/etc/resolv.conf", "file"));
	CHECK(scene_holds("/run/x/resolve/stub.conf", "file"));
	CHECK(scene_holds("/a/b/c/deep", "file"));
}

static void links_end_inside_the_root_and_what_they_miss_is_made_there(void **state)
{
	struct scene scene = scene_new(state);
	struct scratch *s = scene.scratch;
	char outside[128];

	(void)snprintf(outside, sizeof(outside), "../../../../../../..%s/outside", s->path);
	scratch_folder(s, "outside");
	scratch_folder(s, "src");
	scratch_file(s, "src/f", "src");
	scratch_file(s, "file", "file");
	scratch_folder(s, "rootfs/outside");
	scratch_folder(s, "rootfs/etc");
	scratch_link(s, "../../../outside", "rootfs/up");
	scratch_link(s, outside, "rootfs/far");
	scratch_link(s, "/../../f1", "rootfs/one");
	scratch_link(s, "/run/made", "rootfs/two");
	scratch_link(s, "../run/x/resolve/stub.conf", "rootfs/etc/resolv.conf");
	scratch_link(s, "b/c", "rootfs/first");
	scratch_folder(s, "rootfs/a");
	scratch_link(s, "../../a/b", "rootfs/a/second");
	scene_mount(&scene, "/up/d", "bind", "src", "bind");
	scene_mount(&scene, "/far", "bind", "src", "bind");
	scene_mount(&scene, "/one", "bind", "file", "bind");
	scene_mount(&scene, "/two/f2", "bind", "file", "bind");
	scene_mount(&scene, "/etc/resolv.conf", "bind", "file", "bind");
	scene_mount(&scene, "/a/second/c/deep", "bind", "file", "bind");
	scene.check = check_inside;
	scene_play(&scene);
	assert_int_equal(unlinkat(s->dir, "outside", AT_REMOVEDIR), 0); /* still empty */
	assert_false(scratch_exists(s, "f1"));
}

static void a_path_that_can_not_be_walked_is_refused(void **state)
{
	static const struct {
		const char *destination, *source, *reason;
	} cases[] = {
		{"/loop/x",  "src",  "Too many levels of symbolic links"     },
		{"/loop",    "file", "Too many levels of symbolic links"     },
		{"/file/x",  "src",  "Not a directory"                       },
		{"/file",    "src",  "Not a directory"                       },
		{"/dir",     "file", "a file can't be mounted on a directory"},
		{"/chain0",  "file", "leads nowhere"                         },
		{"/magic/x", "src",  "Too many levels of symbolic links"     },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scene scene = scene_new(state);
		struct scratch *s = scene.scratch;
		char name[64], next[64], object[64];

		scratch_folder(s, "src");
		scratch_file(s, "file", "file");
		scratch_folder(s, "rootfs/dir");
		scratch_file(s, "rootfs/file", "x");
		scratch_link(s, "loop", "rootfs/loop");
		scratch_link(s, "/proc/self/root", "rootfs/magic");
		/* each leads to the next by a name that is too long a way round to resolve */
		for (int k = 0; k < 60; k++) {
			(void)snprintf(name, sizeof(name), "rootfs/chain%d", k);
			(void)snprintf(next, sizeof(next), "missing%d/../chain%d", k, k + 1);
			scratch_link(s, next, name);
		}
		scene_proc(&scene);
		scene_mount(&scene, cases[i].destination, "bind", cases[i].source, "bind");
		(void)snprintf(object, sizeof(object), "mounts[1].destination: %s",
		               cases[i].destination);
		scene_refused(&scene, object, cases[i].reason);
		assert_int_equal(scratch_teardown(state), 0);
		assert_int_equal(scratch_setup(state), 0);
	}
}

static void a_volume_can_not_take_the_place_of_proc(void **state)
{
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "src");
	scratch_link(scene.scratch, "/proc", "rootfs/volume");
	scene_proc(&scene);
	scene_mount(&scene, "/volume", "bind", "src", "rbind");
	scene_refused(&scene, "mounts[1].destination: /volume", "hide the proc file system");
}

static void check_proc_files(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_holds("/proc/uptime", "fake"));
	CHECK(scene_mounted("/proc", "proc"));
}

static void another_proc_and_files_in_it_can_be_mounted_there(void **state)
{
	struct scene scene = scene_new(state);

	scratch_file(scene.scratch, "fake", "fake");
	scene_proc(&scene);
	scene_mount(&scene, "/proc", "bind", "/proc", "rbind");
	scene_mount(&scene, "/proc", "proc", "proc", "");
	scene_mount(&scene, "/proc/uptime", "bind", "fake", "bind");
	scene.check = check_proc_files;
	scene_play(&scene);
}

/* ---- while it is done ---- */

static void swap(struct scene *scene, const char *name)
{
	char from[64], to[64];

	(void)snprintf(from, sizeof(from), "rootfs/%s", name);
	(void)snprintf(to, sizeof(to), "rootfs/old-%s", name);
	assert_int_equal(renameat(scene->scratch->dir, from, scene->scratch->dir, to), 0);
	scratch_folder(scene->scratch, from);
}

static void swap_proc(struct scene *scene)
{
	swap(scene, "proc");
	scratch_file(scene->scratch, "rootfs/proc/keys", "bait");
	scratch_folder(scene->scratch, "rootfs/proc/sys");
}

static void check_swapped_proc(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_is_device("/old-proc/keys", 1, 3));
	CHECK(!scene_makes("/old-proc/sys/kernel/domainname") && errno == EROFS);
}

static void masks_stay_with_the_procfs_that_was_mounted(void **state)
{
	static const char *masked[] = {"/proc/keys"}, *fixed[] = {"/proc/sys"};
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "rootfs/proc");
	scene_proc(&scene);
	scene.spec.linux_.masked_paths.item = masked;
	scene.spec.linux_.masked_paths.count = 1;
	scene.spec.linux_.readonly_paths.item = fixed;
	scene.spec.linux_.readonly_paths.count = 1;
	scene.applied = swap_proc;
	scene.check = check_swapped_proc;
	scene_play(&scene);
}

static void check_dots(const struct scene *scene)
{
	(void)scene;
	CHECK(scene_is_device("/etc/key", 1, 3));
}

static void a_mask_that_climbs_out_of_proc_is_found_all_the_same(void **state)
{
	static const char *masked[] = {"/proc/../etc/key"};
	struct scene scene = scene_new(state);

	scratch_folder(scene.scratch, "rootfs/etc");
	scratch_file(scene.scratch, "rootfs/etc/key", "key");
	scene_proc(&scene);
	scene.spec.linux_.masked_paths.item = masked;
	scene.spec.linux_.masked_paths.count = 1;
	scene.check = check_dots;
	scene_play(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_link_where_a_file_system_of_the_kernel_goes_is_refused),
		SCRATCH_TEST(links_end_inside_the_root_and_what_they_miss_is_made_there),
		SCRATCH_TEST(a_path_that_can_not_be_walked_is_refused),
		SCRATCH_TEST(a_volume_can_not_take_the_place_of_proc),
		SCRATCH_TEST(another_proc_and_files_in_it_can_be_mounted_there),
		SCRATCH_TEST(masks_stay_with_the_procfs_that_was_mounted),
		SCRATCH_TEST(a_mask_that_climbs_out_of_proc_is_found_all_the_same),
	};

	return cmocka_run_group_tests(tests, scene_isolate, NULL);
}

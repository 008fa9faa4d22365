/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>

#include "tests/unit/cmocka.h"

#include "scene.h"

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
	CHECK(scene_is_on("/slave/later", TMPFS_MAGIC) &&
	      !scene_is_on("/private/later", TMPFS_MAGIC));
	CHECK(!scene_is_on("/none/later", TMPFS_MAGIC));
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCRATCH_TEST(files_and_directories_are_bound_flat_or_with_all_below),
		SCRATCH_TEST(read_only_is_the_top_or_with_r_in_front_all_below_too),
		SCRATCH_TEST(a_bind_keeps_the_attributes_that_no_word_changes),
		SCRATCH_TEST(a_user_namespace_keeps_what_the_host_has_restricted),
		SCRATCH_TEST(a_source_that_has_gone_is_named),
		SCRATCH_TEST(a_bind_hears_of_the_host_only_where_it_is_asked_for),
		SCRATCH_TEST(a_slave_root_leaves_binds_their_words),
		SCRATCH_TEST(what_is_mounted_on_a_shared_bind_reaches_the_host_below_a_shared_root),
	};

	return cmocka_run_group_tests(tests, scene_isolate, NULL);
}

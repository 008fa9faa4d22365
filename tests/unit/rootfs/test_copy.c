/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>

#include "tests/unit/cmocka.h"

#include "scene.h"

/* A tmpfs over a directory of the image: its mode, and with tmpcopyup what is in it. */

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
	CHECK(scene_is_on("/run", TMPFS_MAGIC));
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_tmpfs_has_the_mode_of_the_directory_it_covers),
		SCRATCH_TEST(tmpcopyup_begins_with_what_the_image_has),
		SCRATCH_TEST(tmpcopyup_into_a_tmpfs_that_is_too_small_is_refused),
	};

	return cmocka_run_group_tests(tests, scene_isolate, NULL);
}

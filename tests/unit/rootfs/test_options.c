/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "rootfs/steps.h"
#include "tests/unit/cmocka.h"

enum { WORDS_MOST = 4 };

static int read_words(const char *type, const char *const *words, struct arena *arena,
                      struct rootfs_mount *mount, struct error *err)
{
	const char *copy[WORDS_MOST];
	struct spec_mount asked = {
		.destination = "/x",
		.type = type,
		.options = {copy, 0}
        };

	while (asked.options.count < WORDS_MOST && words[asked.options.count]) {
		copy[asked.options.count] = words[asked.options.count];
		asked.options.count++;
	}
	*mount = (struct rootfs_mount){.index = 3};
	return rootfs_read_options(&asked, arena, mount, err);
}

static void later_words_win_over_earlier_ones(void **state)
{
	static const struct {
		const char *words[WORDS_MOST];
		uint64_t set, clear;
	} cases[] = {
		{{"ro"},                     MOUNT_ATTR_RDONLY,      0                },
		{{"ro", "rw"},               0,                      MOUNT_ATTR_RDONLY},
		{{"rw", "ro"},               MOUNT_ATTR_RDONLY,      0                },
		{{"noatime"},                MOUNT_ATTR_NOATIME,     MOUNT_ATTR__ATIME},
		{{"noatime", "relatime"},    0,                      MOUNT_ATTR__ATIME},
		{{"noatime", "strictatime"}, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
		{{"defaults", "silent"},     0,                      0                },
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_words("tmpfs", cases[i].words, arena, &mount, &err), 0);
		assert_true(mount.set == cases[i].set && mount.clear == cases[i].clear);
	}
}

static void binds_and_propagations_are_known_by_their_words(void **state)
{
	static const char *const words[WORDS_MOST] = {"rbind", "rslave", "sync"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	assert_int_equal(read_words("none", words, arena, &mount, &err), 0);
	assert_true(mount.bind && mount.recursive);
	assert_true(mount.propagation == (MS_SLAVE | MS_REC));
	assert_int_equal(mount.data_count, 0);
}

static void unknown_words_are_for_the_file_system(void **state)
{
	static const char *const words[WORDS_MOST] = {"nosuid", "size=65536k", "newinstance"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	assert_int_equal(read_words("tmpfs", words, arena, &mount, &err), 0);
	assert_int_equal(mount.data_count, 2);
	assert_string_equal(mount.data[0].key, "size");
	assert_string_equal(mount.data[0].value, "65536k");
	assert_int_equal(mount.data[0].option, 1);
	assert_string_equal(mount.data[1].key, "newinstance");
	assert_null(mount.data[1].value);
}

static void unknown_words_of_a_bind_mean_nothing(void **state)
{
	static char value[5000] = "lowerdir=";
	const char *words[WORDS_MOST] = {"bind", "size=1", "acl,teapot", value};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	memset(value + strlen(value), 'x', sizeof(value) - strlen("lowerdir=") - 1);
	assert_int_equal(read_words("none", words, arena, &mount, &err), 0);
	assert_true(mount.bind && !mount.at_once);
	assert_int_equal(mount.data_count, 0);
}

static void a_comma_ends_a_word_where_the_kernel_would_end_it(void **state)
{
	static const struct {
		const char *type, *option, *words[WORDS_MOST];
	} cases[] = {
		{"tmpfs",   "size=1m,mode=700",         {"size=1m", "mode=700"}              },
		{"tmpfs",   ",size=1m,,x-a,nofail,",    {"size=1m"}                          },
		{"tmpfs",   "mpol=bind:0,2,mode=700",   {"mpol=bind:0,2", "mode=700"}        },
		{"tmpfs",   "context=\"a:b,c\",size=1", {"context=\"a:b,c\"", "size=1"}      },
		{"tmpfs",   "size=\"1,mode=7\"",        {"size=\"1", "mode=7\""}             },
		{"overlay",
	         "lowerdir=/a\\,b:/c,upperdir=/u",      {"lowerdir=/a\\,b:/c", "upperdir=/u"}},
		{"ext4",    "lowerdir=/a\\,b",          {"lowerdir=/a\\", "b"}               },
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *one[WORDS_MOST] = {cases[i].option};
		size_t count = 0;

		assert_int_equal(read_words(cases[i].type, one, arena, &mount, &err), 0);
		for (; cases[i].words[count]; count++)
			assert_string_equal(mount.data[count].word, cases[i].words[count]);
		assert_int_equal(mount.data_count, count);
	}
}

static void words_between_commas_are_the_file_systems(void **state)
{
	static const char *const words[WORDS_MOST] = {"ro,nosuid,size=1"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	assert_int_equal(read_words("tmpfs", words, arena, &mount, &err), 0);
	assert_true(mount.set == 0);
	assert_int_equal(mount.data_count, 3);
	assert_int_equal(read_words("bind", words, arena, &mount, &err), 0);
	assert_true(mount.set == 0);
	assert_int_equal(mount.data_count, 0);
}

static void words_of_mount_8_and_empty_ones_are_dropped(void **state)
{
	static const char *const words[] = {
		"",      "nofail",    "_netdev", "auto",  "noauto",      "user",         "nouser",
		"owner", "comment=x", "users",   "group", "x-gvfs-show", "X-mount.mkdir"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *one[WORDS_MOST] = {words[i]};

		assert_int_equal(read_words("tmpfs", one, arena, &mount, &err), 0);
		assert_int_equal(mount.data_count, 0);
	}
}

static void acl_is_for_file_systems_that_have_a_choice(void **state)
{
	static const struct {
		const char *type;
		size_t count;
	} cases[] = {
		{"ext4",    3},
                {"tmpfs",   1},
                {"proc",    1},
                {"overlay", 1},
                {NULL,      1},
                {"bind",    0},
	};
	static const char *const words[WORDS_MOST] = {"acl", "x=1", "noacl"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_words(cases[i].type, words, arena, &mount, &err), 0);
		assert_int_equal(mount.data_count, cases[i].count);
	}
}

static void words_for_links_and_ids_are_for_binds(void **state)
{
	static const char *const words[] = {"copy-symlink", "idmap", "ridmap", "src-nofollow",
	                                    "idmap=uids=0-1-1;gids=0-1-1"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *one[WORDS_MOST] = {words[i]};

		assert_int_equal(read_words("tmpfs", one, arena, &mount, &err), -1);
		assert_string_equal(err.object, "mounts[3].options");
		assert_int_equal(read_words("bind", one, arena, &mount, &err), 0);
	}
	assert_string_equal(mount.ids, "uids=0-1-1;gids=0-1-1");
}

static void a_link_is_copied_or_bound_not_both(void **state)
{
	static const char *const words[][WORDS_MOST] = {
		{"copy-symlink",  "src-nofollow"},
		{"dest-nofollow", "copy-symlink"}
        };
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		assert_int_equal(read_words("bind", words[i], arena, &mount, &err), -1);
		assert_string_equal(err.object, "mounts[3].options");
	}
}

static void a_long_value_is_for_mount_2_up_to_a_page(void **state)
{
	static char value[5000];
	const char *words[WORDS_MOST] = {value};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	memset(value, 'x', 9 + 255);
	memcpy(value, "lowerdir=", 9);
	assert_int_equal(read_words("overlay", words, arena, &mount, &err), 0);
	assert_false(mount.at_once);
	memset(value + 9, 'x', 256);
	assert_int_equal(read_words("overlay", words, arena, &mount, &err), 0);
	assert_true(mount.at_once);
	memset(value + 9, 'x', 4095);
	assert_int_equal(read_words("overlay", words, arena, &mount, &err), -1);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

static void recursive_words_of_a_file_system_are_its_own(void **state)
{
	static const char *const words[WORDS_MOST] = {"rsync", "rdirsync", "rmand"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	assert_int_equal(read_words("tmpfs", words, arena, &mount, &err), 0);
	assert_int_equal(mount.data_count, 2);
	assert_string_equal(mount.data[0].key, "sync");
	assert_string_equal(mount.data[1].key, "dirsync");
	assert_int_equal(read_words("bind", words, arena, &mount, &err), 0);
	assert_int_equal(mount.data_count, 0);
}

static void recursive_words_mean_the_mount_and_all_below_it(void **state)
{
	static const struct {
		const char *words[WORDS_MOST];
		uint64_t set, clear, set_below, clear_below;
	} cases[] = {
		{{"rro"},       MOUNT_ATTR_RDONLY, 0,                 MOUNT_ATTR_RDONLY, 0                },
		{{"rro", "rw"}, 0,                 MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY, 0                },
		{{"ro", "rrw"}, 0,                 MOUNT_ATTR_RDONLY, 0,                 MOUNT_ATTR_RDONLY},
		{{"rnoatime"},
	         MOUNT_ATTR_NOATIME,               MOUNT_ATTR__ATIME,
	         MOUNT_ATTR_NOATIME,	                                             MOUNT_ATTR__ATIME},
		{{"ro"},        MOUNT_ATTR_RDONLY, 0,                 0,                 0                },
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_words("bind", cases[i].words, arena, &mount, &err), 0);
		assert_true(mount.set == cases[i].set && mount.clear == cases[i].clear);
		assert_true(mount.set_below == cases[i].set_below);
		assert_true(mount.clear_below == cases[i].clear_below);
	}
}

static void tmpcopyup_is_for_a_tmpfs(void **state)
{
	static const char *const words[WORDS_MOST] = {"tmpcopyup"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	assert_int_equal(read_words("tmpfs", words, arena, &mount, &err), 0);
	assert_true(mount.copy_up);
	assert_int_equal(read_words("bind", words, arena, &mount, &err), -1);
	assert_int_equal(read_words(NULL, words, arena, &mount, &err), -1);
	assert_string_equal(err.object, "mounts[3].options");
}

static void features_lists_each_honoured_word_once_in_order(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	size_t count = 0;
	const char *const *words = rootfs_option_words(&count);
	struct rootfs_mount mount;
	struct error err;

	(void)state;
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		const char *one[WORDS_MOST] = {words[i]};

		assert_true(i == 0 || strcmp(words[i - 1], words[i]) < 0);
		assert_true(read_words("tmpfs", one, arena, &mount, &err) == 0 ||
		            read_words("bind", one, arena, &mount, &err) == 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_words_win_over_earlier_ones),
		cmocka_unit_test(binds_and_propagations_are_known_by_their_words),
		cmocka_unit_test(unknown_words_are_for_the_file_system),
		cmocka_unit_test(unknown_words_of_a_bind_mean_nothing),
		cmocka_unit_test(a_comma_ends_a_word_where_the_kernel_would_end_it),
		cmocka_unit_test(words_between_commas_are_the_file_systems),
		cmocka_unit_test(words_of_mount_8_and_empty_ones_are_dropped),
		cmocka_unit_test(acl_is_for_file_systems_that_have_a_choice),
		cmocka_unit_test(words_for_links_and_ids_are_for_binds),
		cmocka_unit_test(a_link_is_copied_or_bound_not_both),
		cmocka_unit_test(a_long_value_is_for_mount_2_up_to_a_page),
		cmocka_unit_test(recursive_words_of_a_file_system_are_its_own),
		cmocka_unit_test(recursive_words_mean_the_mount_and_all_below_it),
		cmocka_unit_test(tmpcopyup_is_for_a_tmpfs),
		cmocka_unit_test(features_lists_each_honoured_word_once_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

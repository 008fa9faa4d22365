/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "runtime/criu/parts.h"
#include "tests/unit/cmocka.h"

static struct arena *arena;

static int make_arena(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return arena ? 0 : -1;
}

static int free_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static int read_words(const char *const *words, CriuOpts *opts, struct error *err)
{
	char *copy[32] = {NULL};

	for (size_t i = 0; words[i]; i++)
		copy[i] = arena_text(arena, words[i]);
	criu_opts__init(opts);
	return members_read(copy, arena, &opts->base, err);
}

static void values_of_each_type_are_set(void **state)
{
	static const char *const words[] = {"images_dir_fd",
	                                    "7",
	                                    "leave_running",
	                                    "true",
	                                    "log_file",
	                                    "a.log",
	                                    "empty_ns",
	                                    "4026",
	                                    "manage_cgroups_mode",
	                                    "FULL",
	                                    "file_locks",
	                                    "false",
	                                    NULL};
	struct error err;
	CriuOpts opts;

	(void)state;
	assert_int_equal(read_words(words, &opts, &err), 0);
	assert_int_equal(opts.images_dir_fd, 7);
	assert_true(opts.has_leave_running && opts.leave_running);
	assert_string_equal(opts.log_file, "a.log");
	assert_true(opts.has_empty_ns);
	assert_int_equal(opts.empty_ns, 4026);
	assert_true(opts.has_manage_cgroups_mode);
	assert_int_equal(opts.manage_cgroups_mode, CRIU_CG_MODE__FULL);
	assert_true(opts.has_file_locks && !opts.file_locks);
	assert_false(opts.has_tcp_close);
}

static void what_is_repeated_is_added_and_objects_are_in_braces(void **state)
{
	static const char *const words[] = {"external", "net[1]:a", "ext_mnt", "{",   "key",
	                                    "/a",       "val",      "/b",      "}",   "external",
	                                    "pid[2]:b", "ext_mnt",  "{",       "key", "}",
	                                    "val",      "{",        "}",       NULL};
	struct error err;
	CriuOpts opts;

	(void)state;
	assert_int_equal(read_words(words, &opts, &err), 0);
	assert_int_equal(opts.n_external, 2);
	assert_string_equal(opts.external[0], "net[1]:a");
	assert_string_equal(opts.external[1], "pid[2]:b");
	assert_int_equal(opts.n_ext_mnt, 2);
	assert_string_equal(opts.ext_mnt[0]->key, "/a");
	assert_string_equal(opts.ext_mnt[0]->val, "/b");
	assert_string_equal(opts.ext_mnt[1]->key, "}");
	assert_string_equal(opts.ext_mnt[1]->val, "{");
}

static void what_the_library_does_not_know_is_refused_by_name(void **state)
{
	static const char *const wrong[][5] = {
		{"no_such_option", "1"},
		{"leave_running",                "yes"},
		{"log_level","1.5"},
		{"empty_ns",      "-1"},
		{"log_level",                "99999999999"},
		{"manage_cgroups_mode",       "some"},
		{"ext_mnt",      "/a"},
		{"ext_mnt",                "{", "key", "/a"},
		{"log_level"   },
	};
	struct error err;
	CriuOpts opts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(read_words(wrong[i], &opts, &err), -1);
		assert_non_null(err.object);
		if (i < 2)
			assert_string_equal(err.object, wrong[i][0]);
	}
}

static void the_reason_is_what_stands_behind_the_place_in_the_source(void **state)
{
	static const char *const rows[][2] = {
		{"(00.1) Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using "
	         "it.\nmore",   "inet: Connected TCP socket, consider using it"},
		{"Error (criu/a.c:1): a (b): c", "a (b): c"                                     },
		{"plain words",                  "plain words"                                  },
		{"",			     ""					     },
	};
	char reason[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		reason_of_line(rows[i][0], reason, sizeof(reason));
		assert_string_equal(reason, rows[i][1]);
	}
	reason_of_line("0123456789", reason, 5);
	assert_string_equal(reason, "0123");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_each_type_are_set),
		cmocka_unit_test(what_is_repeated_is_added_and_objects_are_in_braces),
		cmocka_unit_test(what_the_library_does_not_know_is_refused_by_name),
		cmocka_unit_test(the_reason_is_what_stands_behind_the_place_in_the_source),
	};

	return cmocka_run_group_tests_name("runtime/criu/words", tests, make_arena, free_arena);
}

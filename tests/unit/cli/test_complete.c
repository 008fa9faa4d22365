/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "cli/complete.h"
#include "tests/unit/cmocka.h"

/* Run from the top of the tree. */
static void the_script_in_contrib_is_what_the_tables_say(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	struct error err = {0};
	char *bytes = NULL;
	size_t length = 0;

	(void)state;
	complete_bash(global_options, global_options_count, commands, &out);
	assert_int_equal(text_check(&out, &err), 0);
	assert_int_equal(fd_read_file(AT_FDCWD, "contrib/completion/cella.bash", 1 << 18, arena,
	                              &bytes, &length, &err),
	                 0);
	assert_string_equal(out.bytes, bytes);
}

struct flags {
	const char *dir, *name;
	int format;
	bool all;
};

static const struct word formats[] = {
	{"table", 1},
	{"json",  2},
};

static const struct option_row rows[] = {
	{"dir",		 'd',    "DIR",    "",                  TEXT_AT(struct flags, dir)},
	{"name",		     0,		      "NAME",         "", TEXT_AT(struct flags,           name)},
	{"format",                0,		      "FORMAT",                       "",                          WORD_AT(struct flags,       format, formats)},
	{"all", 'a', NULL, "",SWITCH_AT(struct flags,     all)},
	{"later",                 0,		     "FILE",       NULL,                            REFUSED					   },
};

static const struct command one = {.name = "one",
                                   .operands = "CONTAINER",
                                   .options = rows,
                                   .options_count = ARRAY_SIZE(rows)};
static const struct command two = {.name = "two", .operands = ""};
static const struct command *const list[] = {&one, &two, NULL};

static void values_are_completed_by_their_kind(void **state)
{
	static const char *const wanted[] = {
		"\t'one --dir' | 'one -d')\n\t\t_cella_files -d\n",
		"\t'one --name')\n\t\t:\n",
		"\t'one --format')\n\t\t_cella_words -W 'table json'\n",
		"\tone)\n\t\toptions='-d --dir --name --format -a --all -h --help'\n",
		"--help'\n\t\toperand=containers\n",
		"\ttwo)\n\t\toptions='-h --help'\n\t\t;;\n",
		"operand='one two'",
		"\t\t--dir | -d | --name | --format)\n",
	};
	owned_text struct text out = {0};

	(void)state;
	complete_bash(rows, ARRAY_SIZE(rows), list, &out);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_non_null(strstr(out.bytes, wanted[i]));
	assert_null(strstr(out.bytes, "later"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_in_contrib_is_what_the_tables_say),
		cmocka_unit_test(values_are_completed_by_their_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

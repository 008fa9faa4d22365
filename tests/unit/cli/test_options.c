/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/options.h"
#include "tests/unit/cmocka.h"

struct flags {
	bool all, force;
	const char *bundle;
	unsigned int count;
	struct option_list env;
	int format;
};

static const struct word formats[] = {
	{"table", 1},
	{"json",  2},
};

static const struct option_row rows[] = {
	{"all",		 'a',       NULL,     "all",                        SWITCH_AT(struct flags, all)},
	{"force",		     'f',			NULL,         "force",          SWITCH_AT(struct flags,                 force)},
	{"bundle",               'b',			"DIR",                         "bundle",                                    TEXT_AT(struct flags,              bundle)},
	{"count", 0,   "N",           "count",NUMBER_AT(struct flags,      count)},
	{"env",              'e', "NAME=VALUE","env",                        LIST_AT(struct flags,                                     env)},
	{"format",         0,             "FORMAT",         "format",          WORD_AT(struct flags,format, formats)},
	{"regex",            'r', NULL,NULL,REFUSED            },
	{"label",		     0,			"LABEL",                  NULL,					  REFUSED								   },
};

struct parsed {
	struct arena *arena;
	struct flags flags;
	struct option_output line;
	struct error err;
};

static int set_up(void **state)
{
	static struct parsed parsed;

	parsed = (struct parsed){.arena = arena_new(1 << 20)};
	*state = &parsed;
	return parsed.arena ? 0 : -1;
}

static int tear_down(void **state)
{
	arena_free(((struct parsed *)*state)->arena);
	return 0;
}

static int parse(struct parsed *p, bool in_order, char **words)
{
	const struct option_input in = {rows,  ARRAY_SIZE(rows), in_order, "cella try",
	                                words, p->arena};

	p->flags = (struct flags){0};
	return options_read(&in, &p->flags, &p->line, &p->err);
}

#define PARSE(p, in_order, ...) parse(p, in_order, (char *[]){__VA_ARGS__, NULL})

static char a_all[] = "--all", a_force[] = "--force", a_bundle[] = "--bundle", a_dir[] = "dir",
	    a_id[] = "id", a_dashes[] = "--";

static void options_may_stand_before_and_behind_operands(void **state)
{
	struct parsed *p = *state;

	assert_int_equal(PARSE(p, false, a_id, a_all, a_bundle, a_dir, a_dir), 0);
	assert_true(p->flags.all);
	assert_false(p->flags.force);
	assert_string_equal(p->flags.bundle, "dir");
	assert_int_equal(p->line.operands_count, 2);
	assert_string_equal(p->line.operands[0], "id");
	assert_string_equal(p->line.operands[1], "dir");
	assert_null(p->line.operands[2]);
}

static void in_order_they_end_at_the_first_operand(void **state)
{
	struct parsed *p = *state;

	assert_int_equal(PARSE(p, true, a_all, a_id, a_force, a_dashes), 0);
	assert_true(p->flags.all);
	assert_false(p->flags.force);
	assert_int_equal(p->line.operands_count, 3);
	assert_string_equal(p->line.operands[1], "--force");
	assert_string_equal(p->line.operands[2], "--");
}

static void two_dashes_end_options(void **state)
{
	struct parsed *p = *state;

	assert_int_equal(PARSE(p, false, a_all, a_dashes, a_force, a_dashes), 0);
	assert_false(p->flags.force);
	assert_int_equal(p->line.operands_count, 2);
	assert_string_equal(p->line.operands[0], "--force");
}

static void a_single_dash_is_an_operand(void **state)
{
	struct parsed *p = *state;
	char dash[] = "-";

	assert_int_equal(PARSE(p, false, dash), 0);
	assert_int_equal(p->line.operands_count, 1);
}

static void values_stand_behind_equals_or_in_the_next_word(void **state)
{
	struct parsed *p = *state;
	char equals[] = "--bundle=a=b", behind[] = "-bx", letter[] = "-b";
	char option[] = "--all";

	assert_int_equal(PARSE(p, false, equals), 0);
	assert_string_equal(p->flags.bundle, "a=b");
	assert_int_equal(PARSE(p, false, behind), 0);
	assert_string_equal(p->flags.bundle, "x");
	assert_int_equal(PARSE(p, false, letter, option), 0);
	assert_string_equal(p->flags.bundle, "--all");
	assert_false(p->flags.all);
}

static void letters_may_be_bundled(void **state)
{
	struct parsed *p = *state;
	char bundled[] = "-afb", joined[] = "-fbdir";

	assert_int_equal(PARSE(p, false, bundled, a_dir), 0);
	assert_true(p->flags.all && p->flags.force);
	assert_string_equal(p->flags.bundle, "dir");
	assert_int_equal(PARSE(p, false, joined), 0);
	assert_true(p->flags.force);
	assert_string_equal(p->flags.bundle, "dir");
}

static void a_list_keeps_every_value_in_order(void **state)
{
	struct parsed *p = *state;
	char first[] = "--env=A=1", letter[] = "-e", second[] = "B=2";

	assert_int_equal(PARSE(p, false, first, letter, second), 0);
	assert_int_equal(p->flags.env.count, 2);
	assert_string_equal(p->flags.env.item[0], "A=1");
	assert_string_equal(p->flags.env.item[1], "B=2");
}

static void words_and_numbers_are_checked(void **state)
{
	struct parsed *p = *state;
	char json[] = "--format=json", xml[] = "--format=xml", seven[] = "--count=7";
	char minus[] = "--count=-1", empty[] = "--count=", letter[] = "--count=7x";
	char large[] = "--count=4294967296", *no_numbers[] = {minus, empty, letter, large};

	assert_int_equal(PARSE(p, false, json), 0);
	assert_int_equal(p->flags.format, 2);
	assert_int_equal(PARSE(p, false, seven), 0);
	assert_int_equal(p->flags.count, 7);
	assert_int_equal(PARSE(p, false, xml), -1);
	assert_string_equal(p->err.object, "--format");
	assert_non_null(strstr(p->err.reason, "'xml'"));
	assert_non_null(strstr(p->err.reason, "table or json"));
	for (size_t i = 0; i < ARRAY_SIZE(no_numbers); i++) {
		assert_int_equal(PARSE(p, false, no_numbers[i]), -1);
		assert_string_equal(p->err.object, "--count");
		assert_non_null(strstr(p->err.reason, "is not a number"));
		assert_int_equal(p->flags.count, 0);
	}
}

static void an_unknown_option_is_named_with_what_may_be_meant(void **state)
{
	static const struct {
		const char *typed, *object, *reason;
	} cases[] = {
		{"--forse", "--forse",
	         "unknown option; did you mean --force? try 'cella try --help'"                     },
		{"--bun=x", "--bun",
	         "unknown option; did you mean --bundle? try 'cella try --help'"                    },
		{"--hepl",  "--hepl",  "unknown option; did you mean --help? try 'cella try --help'"},
		{"-force",  "-force",
	         "unknown option; did you mean --force? try 'cella try --help'"                     },
		{"--zzz",   "--zzz",   "unknown option; try 'cella try --help'"                     },
		{"-z",      "-z",      "unknown option; try 'cella try --help'"                     },
		{"-9",      "-9",      "unknown option; try 'cella try --help'"                     },
	};
	struct parsed *p = *state;
	char word[32];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memcpy(word, cases[i].typed, strlen(cases[i].typed) + 1);
		assert_int_equal(PARSE(p, false, word), -1);
		assert_int_equal(p->err.kind, ERROR_USAGE);
		assert_string_equal(p->err.object, cases[i].object);
		assert_string_equal(p->err.reason, cases[i].reason);
	}
}

static void a_missing_or_needless_value_is_refused(void **state)
{
	struct parsed *p = *state;
	char needless[] = "--all=yes", letter[] = "-ab",
	     empty[] = "--bundle=", no_path[] = "--env=";

	assert_int_equal(PARSE(p, false, a_bundle), -1);
	assert_string_equal(p->err.object, "--bundle");
	assert_string_equal(p->err.reason, "needs a value: DIR; try 'cella try --help'");
	assert_int_equal(PARSE(p, false, letter), -1);
	assert_string_equal(p->err.object, "-b");
	assert_int_equal(PARSE(p, false, needless), -1);
	assert_string_equal(p->err.object, "--all");
	assert_string_equal(p->err.reason, "takes no value");
	assert_int_equal(PARSE(p, false, empty), -1);
	assert_string_equal(p->err.object, "--bundle");
	assert_string_equal(p->err.reason, "needs a value: DIR; try 'cella try --help'");
	assert_int_equal(PARSE(p, false, no_path), 0); /* what is no path may be empty */
}

static void a_switch_may_be_told_off(void **state)
{
	struct parsed *p = *state;
	char on[] = "--all=true", off[] = "--all=false", force[] = "--force";

	assert_int_equal(PARSE(p, false, on, force), 0);
	assert_true(p->flags.all && p->flags.force);
	assert_int_equal(PARSE(p, false, on, off), 0);
	assert_false(p->flags.all);
}

static void what_is_not_there_yet_is_refused_by_name(void **state)
{
	char regex[] = "--regex", letter[] = "-r", label[] = "--label", value[] = "--label=x";
	char *cases[] = {regex, letter, label, value};
	struct parsed *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(PARSE(p, false, cases[i]), -1);
		assert_int_equal(p->err.kind, ERROR_UNSUPPORTED);
		assert_true(strncmp(p->err.object, cases[i], strlen(p->err.object)) == 0);
	}
}

static void help_ends_reading(void **state)
{
	struct parsed *p = *state;
	char help[] = "--help", letter[] = "-h", bundled[] = "-ah", unknown[] = "--zzz";

	assert_int_equal(PARSE(p, false, help, unknown), 0);
	assert_true(p->line.help);
	assert_int_equal(PARSE(p, false, letter, unknown), 0);
	assert_true(p->line.help);
	assert_int_equal(PARSE(p, false, bundled), 0);
	assert_true(p->line.help);
	assert_int_equal(PARSE(p, true, a_id, help), 0);
	assert_false(p->line.help);
}

static void the_nearest_name_is_found_or_none(void **state)
{
	static const char *const names[] = {"run", "resume", "exec", "delete"};

	(void)state;
	assert_string_equal(options_nearest("rum", names, ARRAY_SIZE(names)), "run");
	assert_string_equal(options_nearest("delte", names, ARRAY_SIZE(names)), "delete");
	assert_string_equal(options_nearest("res", names, ARRAY_SIZE(names)), "resume");
	assert_null(options_nearest("x", names, ARRAY_SIZE(names)));
	assert_null(options_nearest("", names, ARRAY_SIZE(names)));
	assert_null(options_nearest("a-word-much-longer-than-any-option-could-ever-be", names,
	                            ARRAY_SIZE(names)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_switch_may_be_told_off),
		TEST(options_may_stand_before_and_behind_operands),
		TEST(in_order_they_end_at_the_first_operand),
		TEST(two_dashes_end_options),
		TEST(a_single_dash_is_an_operand),
		TEST(values_stand_behind_equals_or_in_the_next_word),
		TEST(letters_may_be_bundled),
		TEST(a_list_keeps_every_value_in_order),
		TEST(words_and_numbers_are_checked),
		TEST(an_unknown_option_is_named_with_what_may_be_meant),
		TEST(a_missing_or_needless_value_is_refused),
		TEST(what_is_not_there_yet_is_refused_by_name),
		TEST(help_ends_reading),
		TEST(the_nearest_name_is_found_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

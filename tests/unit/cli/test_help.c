/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "cli/help.h"
#include "runtime/namespace/namespace.h"
#include "tests/unit/cmocka.h"

enum { COLUMNS = 80 };

static void assert_fits(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		assert_true(length <= COLUMNS);
		assert_true(length == 0 || text[length - 1] != ' ');
		assert_int_equal(text[length], '\n');
		text += length + 1;
	}
}

static void every_row_is_shown_but_those_refused(void **state)
{
	(void)state;
	for (size_t i = 0; commands[i]; i++) {
		owned_text struct text out = {0};
		struct error err;

		help_command(commands[i], &out);
		assert_int_equal(text_check(&out, &err), 0);
		assert_fits(out.bytes);
		for (size_t j = 0; j < commands[i]->options_count; j++) {
			const struct option_row *row = &commands[i]->options[j];
			char wanted[64] = "--";

			strncat(wanted, row->name, sizeof(wanted) - 8);
			strncat(wanted, " ", 2);
			assert_int_equal(strstr(out.bytes, wanted) != NULL,
			                 row->kind != OPTION_REFUSED);
		}
		assert_non_null(strstr(out.bytes, "\n  -h, --help"));
		assert_non_null(strstr(out.bytes, "\nexamples:\n  "));
	}
}

static void commands_that_enter_are_known_at_the_programs_beginning(void **state)
{
	(void)state;
	for (size_t i = 0; commands[i]; i++)
		assert_int_equal(commands[i]->enters, namespace_protects(commands[i]->name));
	assert_false(namespace_protects("runs"));
	assert_false(namespace_protects("ru"));
	assert_false(namespace_protects(""));
}

static void help_of_kill_reads_so(void **state)
{
	static const char wanted[] =
		"usage: cella kill [OPTIONS] CONTAINER [SIGNAL]\n"
		"\n"
		"Send a signal to a container.\n"
		"TERM goes to its first process unless told otherwise; 0 asks whether it lives.\n"
		"\n"
		"  -a, --all    send it to every process of the container\n"
		"  -r, --regex  to each container whose name matches a regular expression\n"
		"  -h, --help   show this help\n"
		"\n"
		"examples:\n"
		"  cella kill web          # SIGTERM to its first process\n"
		"  cella kill --all web 9  # SIGKILL to all of them\n"
		"  cella kill --regex '^web-' HUP\n";
	owned_text struct text out = {0};

	(void)state;
	help_command(&kill_command, &out);
	assert_string_equal(out.bytes, wanted);
}

static void help_of_the_program_lists_every_command(void **state)
{
	owned_text struct text out = {0};

	(void)state;
	help_program(global_options, global_options_count, commands, &out);
	assert_fits(out.bytes);
	assert_non_null(strstr(out.bytes, "--criu"));
	for (size_t i = 0; commands[i]; i++) {
		assert_non_null(strstr(out.bytes, commands[i]->summary));
		assert_non_null(strstr(out.bytes, commands[i]->name));
	}
}

static bool unique(const struct option_row *rows, size_t count, size_t i)
{
	for (size_t j = 0; j < i && i < count; j++)
		if (strcmp(rows[j].name, rows[i].name) == 0 ||
		    (rows[i].letter && rows[j].letter == rows[i].letter))
			return false;
	return true;
}

static void check_rows(const struct option_row *rows, size_t count, size_t flags_size)
{
	for (size_t i = 0; i < count; i++) {
		assert_true(unique(rows, count, i));
		assert_true(rows[i].letter != 'h' && strcmp(rows[i].name, "help") != 0);
		assert_true(rows[i].kind == OPTION_REFUSED || rows[i].help);
		assert_true(rows[i].kind == OPTION_REFUSED || rows[i].offset < flags_size);
		assert_int_equal(rows[i].kind == OPTION_SWITCH,
		                 rows[i].kind != OPTION_REFUSED && !rows[i].argument);
		assert_int_equal(rows[i].kind == OPTION_WORD, rows[i].words != NULL);
	}
}

static void tables_are_sound(void **state)
{
	(void)state;
	check_rows(global_options, global_options_count, sizeof(struct global_flags));
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		check_rows(c->options, c->options_count, c->flags_size);
		assert_true(isupper((unsigned char)c->summary[0]));
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		assert_non_null(c->run);
		assert_true(c->operands_least <= c->operands_most);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(c->name, commands[j]->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_shown_but_those_refused),
		cmocka_unit_test(commands_that_enter_are_known_at_the_programs_beginning),
		cmocka_unit_test(help_of_kill_reads_so),
		cmocka_unit_test(help_of_the_program_lists_every_command),
		cmocka_unit_test(tables_are_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

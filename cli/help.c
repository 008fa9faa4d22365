/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "help.h"

enum { LEFT_SIZE = 64 };

static const struct option_row help_row = {.name = "help",
                                           .letter = 'h',
                                           .help = "show this help",
                                           .kind = OPTION_SWITCH};

/* "-b, --bundle DIR"; the letter's place stays empty where there is none. */
static void left_side(const struct option_row *row, char *left)
{
	char letter[8] = "    ";

	if (row->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	(void)snprintf(left, LEFT_SIZE, "%s--%s%s%s", letter, row->name, row->argument ? " " : "",
	               row->argument ? row->argument : "");
}

static void write_options(const struct option_row *rows, size_t count, struct text *out)
{
	char left[LEFT_SIZE];
	size_t width = strlen("-h, --help");

	for (size_t i = 0; i < count; i++) {
		left_side(&rows[i], left);
		if (rows[i].kind != OPTION_REFUSED && strlen(left) > width)
			width = strlen(left);
	}
	for (size_t i = 0; i <= count; i++) {
		const struct option_row *row = i < count ? &rows[i] : &help_row;

		if (row->kind == OPTION_REFUSED)
			continue;
		left_side(row, left);
		text_format(out, "  %-*s  %s\n", (int)width, left, row->help);
	}
}

/* "usage: cella kill [OPTIONS] CONTAINER [SIGNAL]", without a newline. */
static void usage(const struct command *command, struct text *out)
{
	text_format(out, "usage: cella %s [OPTIONS]%s%s", command->name,
	            *command->operands ? " " : "", command->operands);
}

/* Examples, each line set in by two. */
static void write_examples(const char *examples, struct text *out)
{
	text_append(out, "\nexamples:\n");
	while (*examples) {
		size_t length = strcspn(examples, "\n") + 1;

		text_append(out, "  ");
		text_append_n(out, examples, length);
		examples += length;
	}
}

void help_command(const struct command *command, struct text *out)
{
	usage(command, out);
	text_format(out, "\n\n%s.\n", command->summary);
	if (command->about)
		text_append(out, command->about);
	text_append(out, "\n");
	write_options(command->options, command->options_count, out);
	if (command->examples)
		write_examples(command->examples, out);
}

void help_program(const struct option_row *globals, size_t count, const struct command *const *list,
                  struct text *out)
{
	text_append(out, "usage: cella [OPTIONS] COMMAND [OPTIONS] [OPERANDS]\n\n"
	                 "Run containers as the OCI runtime specification has them.\n\n"
	                 "commands:\n");
	for (; *list; list++)
		text_format(out, "  %-12s %s\n", (*list)->name, (*list)->summary);
	text_append(out, "\noptions:\n");
	write_options(globals, count, out);
	write_examples("cella spec              # writes config.json for a directory rootfs\n"
	               "cella run web           # runs it, in front\n"
	               "cella run --help        # one command in detail\n",
	               out);
}

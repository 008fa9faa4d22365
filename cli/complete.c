/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "complete.h"

/* The script looks for the command's word, then asks three `case` lists that are written here: which
 * options take a value in front of the command, what follows the word before the cursor, and which
 * words the command itself has. */

static const char before[] =
	"# SPDX-License-Identifier: Apache-2.0\n"
	"# bash completion for cella, written by `cella completion bash`: change the tables "
	"instead.\n"
	"\n"
	"_cella_words()\n"
	"{\n"
	"\tlocal word\n"
	"\n"
	"\twhile read -r word; do\n"
	"\t\tCOMPREPLY+=(\"$word\")\n"
	"\tdone < <(compgen \"$@\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"_cella_files()\n"
	"{\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\t_cella_words \"$1\"\n"
	"}\n"
	"\n"
	"_cella()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal command='' options='' operand='' front=() i\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n";

static const char after_values_in_front[] = "\t\t\t((i++))\n"
					    "\t\t\t;;\n"
					    "\t\t-*) ;;\n"
					    "\t\t*)\n"
					    "\t\t\tcommand=${COMP_WORDS[i]}\n"
					    "\t\t\tbreak\n"
					    "\t\t\t;;\n"
					    "\t\tesac\n"
					    "\tdone\n"
					    "\tfront=(\"${COMP_WORDS[@]:1:i - 1}\")\n"
					    "\n"
					    "\tcase \"$command $prev\" in\n";

static const char after_values[] = "\tesac\n"
				   "\n"
				   "\tcase $command in\n";

static const char after_commands[] =
	"\tesac\n"
	"\n"
	"\tif [[ $cur == -* ]]; then\n"
	"\t\t_cella_words -W \"$options\"\n"
	"\telif [[ $operand == containers ]]; then\n"
	"\t\t_cella_words -W \"$(cella \"${front[@]}\" list --quiet 2>/dev/null)\"\n"
	"\telse\n"
	"\t\t_cella_words -W \"$operand\"\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _cella cella\n";

static void write_values_in_front(const struct option_row *rows, size_t count, struct text *out)
{
	const char *between = "\t\t";

	for (size_t i = 0; i < count; i++) {
		if (!rows[i].argument || rows[i].kind == OPTION_REFUSED)
			continue;
		text_format(out, "%s--%s", between, rows[i].name);
		between = " | ";
		if (rows[i].letter)
			text_format(out, " | -%c", rows[i].letter);
	}
	text_append(out, ")\n");
}

static void write_words(const struct option_row *row, struct text *out)
{
	text_append(out, "_cella_words -W '");
	for (size_t i = 0; i < row->words_count; i++)
		text_format(out, "%s%s", i ? " " : "", row->words[i].word);
	text_append(out, "'");
}

/* What may follow "COMMAND --option": words, directories, files, or nothing that could be known. */
static void write_value(const char *command, const struct option_row *row, struct text *out)
{
	text_format(out, "\t'%s --%s'", command, row->name);
	if (row->letter)
		text_format(out, " | '%s -%c'", command, row->letter);
	text_append(out, ")\n\t\t");
	if (row->words)
		write_words(row, out);
	else if (strcmp(row->argument, "DIR") == 0)
		text_append(out, "_cella_files -d");
	else if (strcmp(row->argument, "FILE") == 0 || strcmp(row->argument, "PATH") == 0)
		text_append(out, "_cella_files -f");
	else
		text_append(out, ":");
	text_append(out, "\n\t\treturn\n\t\t;;\n");
}

static void write_values(const char *command, const struct option_row *rows, size_t count,
                         struct text *out)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].argument && rows[i].kind != OPTION_REFUSED)
			write_value(command, &rows[i], out);
}

static void write_options(const struct option_row *rows, size_t count, struct text *out)
{
	text_append(out, "\t\toptions='");
	for (size_t i = 0; i < count; i++) {
		if (rows[i].kind == OPTION_REFUSED)
			continue;
		if (rows[i].letter)
			text_format(out, "-%c ", rows[i].letter);
		text_format(out, "--%s ", rows[i].name);
	}
	text_append(out, "-h --help'\n");
}

static void write_command(const struct command *command, struct text *out)
{
	text_format(out, "\t%s)\n", command->name);
	write_options(command->options, command->options_count, out);
	if (strncmp(command->operands, "CONTAINER", strlen("CONTAINER")) == 0)
		text_append(out, "\t\toperand=containers\n");
	else if (strncmp(command->operands, "bash", strlen("bash")) == 0)
		text_append(out, "\t\toperand=bash\n");
	text_append(out, "\t\t;;\n");
}

void complete_bash(const struct option_row *globals, size_t count,
                   const struct command *const *list, struct text *out)
{
	text_append(out, before);
	write_values_in_front(globals, count, out);
	text_append(out, after_values_in_front);
	write_values("", globals, count, out);
	for (size_t i = 0; list[i]; i++)
		write_values(list[i]->name, list[i]->options, list[i]->options_count, out);
	text_append(out, after_values);
	text_append(out, "\t'')\n");
	write_options(globals, count, out);
	text_append(out, "\t\toperand='");
	for (size_t i = 0; list[i]; i++)
		text_format(out, "%s%s", i ? " " : "", list[i]->name);
	text_append(out, "'\n\t\t;;\n");
	for (size_t i = 0; list[i]; i++)
		write_command(list[i], out);
	text_append(out, after_commands);
}

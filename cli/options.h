/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "command.h"

/* A command line, and the table that it is read by. */
struct option_input {
	const struct option_row *rows;
	size_t count;
	bool in_order;    /* options end at the first operand */
	const char *help; /* "cella kill": what --help is asked of, for errors */
	char **words;     /* NULL-terminated, without the program's or the command's name */
	struct arena *arena;
};

struct option_output {
	char **operands; /* NULL-terminated, in arena */
	size_t operands_count;
	bool help; /* --help or -h was there; nothing behind it was read */
};

/* Read options: --name, --name=VALUE, --name VALUE, -n, -n VALUE, -nVALUE, bundled letters, and "--"
 * that ends them. -h and --help are in every table without a row.
 *
 * flags    the struct that the rows' offsets are in; values go there, texts are borrowed from words.
 * Returns  0, or -1 and *err (ERROR_USAGE, or ERROR_UNSUPPORTED for a row that is refused; the
 *          object is the option as it was typed). */
int options_read(const struct option_input *in, void *flags, struct option_output *ret,
                 struct error *err) FALLIBLE;

/* The name that a mistyped word may have meant, by its beginning or by letters that differ.
 * Returns  one of names, or NULL when none is near. */
const char *options_nearest(const char *word, const char *const *names, size_t count);

#endif

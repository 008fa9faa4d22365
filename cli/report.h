/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* A table for people: cells are added row by row, left to right, the first row is the heading. */
struct report {
	struct arena *arena;
	size_t columns;
	size_t least_width; /* of a column; 0: as runc has it */
	const char **cells; /* private */
	size_t count, size; /* private */
};

/* cell is copied; control characters of it, which might steer a terminal, become '?'. */
void report_add(struct report *report, const char *cell);

/* Write the table with its columns aligned.
 * Returns  0, or -1 and *err when there was no memory. */
int report_print(const struct report *report, struct text *out, struct error *err) FALLIBLE;

/* Write a finished text to stdout.
 * Returns  0, or -1 and *err. */
int report_write(const struct text *out, struct error *err) FALLIBLE;

#endif

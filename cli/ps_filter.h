/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PS_FILTER_H
#define CLI_PS_FILTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Ask ps(1), and take its heading and the lines of some processes.
 *
 * words    its arguments, ended by NULL; a column PID must come of them.
 * Returns  0, or -1 and *err: there is no ps, it failed, or it printed no such column. */
int ps_filter(char *const *words, const pid_t *pids, size_t count, struct arena *arena,
              struct text *out, struct error *err) FALLIBLE;

/* Which column of a heading is "PID", from 0 on; -1: none. */
int ps_column(const char *heading);

/* Whether the word in this column of a line is one of these. */
bool ps_line_is_of(const char *line, int column, const pid_t *pids, size_t count);

#endif

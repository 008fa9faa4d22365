/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "base/text.h"

#include "command.h"

/* What --help shows: of one command, and of the program. Out of the tables; check out afterwards. */
void help_command(const struct command *command, struct text *out);
void help_program(const struct option_row *globals, size_t count, const struct command *const *list,
                  struct text *out);

#endif

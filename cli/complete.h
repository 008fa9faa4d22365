/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "base/text.h"

#include "command.h"

/* Write a completion script for bash out of the tables; check out afterwards. */
void complete_bash(const struct option_row *globals, size_t count,
                   const struct command *const *list, struct text *out);

#endif

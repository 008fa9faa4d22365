/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EACH_H
#define CLI_EACH_H

#include "command.h"

/* Do something with the container that the first operand names, or with --regex each one whose name it matches.
 *
 * regex    whether it is a POSIX extended regular expression; it may match any part of a name.
 * Returns  0, also when none matches; or -1 and *err: what one of them failed with. The others are tried all the
 *          same, and what more of them failed with is logged. Spec: regex(7). */
int each_container(const struct call *call, bool regex,
                   int (*act)(const struct call *call, const char *id, struct error *err),
                   struct error *err) FALLIBLE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESCTRL_PARTS_H
#define RESCTRL_PARTS_H

#include "resctrl.h"

enum { SCHEMATA_LIMIT = 1 << 16 }; /* bytes */

/* The one that all processes are in that were put into no other: closID "/". */
#define DEFAULT_GROUP "."

/* The name of the container's group, from the config or its id. */
const char *group_name(const struct spec *spec, const char *id);

/* One text of several members: those of the L3 cache without bandwidth when that is given by itself, the bandwidth,
 * then any line of `more`. NULL: nothing was asked; in arena. */
const char *schemata_join(const char *l3, const char *bandwidth, const text_list *more,
                          struct arena *arena);

/* Whether a group that others may be in has what `asked` names. Returns 0, or -1 and *err. */
int schemata_check(int root, const char *group, const char *asked, struct error *err) FALLIBLE;

/* Whether each domain that `asked` names has this value in `there`. */
bool schemata_agree(const char *asked, const char *there);

/* Write them into a group; the kernel's reason is in *err. */
int schemata_write(int root, const char *group, const char *schemata, struct error *err) FALLIBLE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OWNER_H
#define BASE_OWNER_H

#include <stdint.h>

#include "arena.h"

/* The name of a user of this host, by passwd(5) alone; the number where there is none.
 * Returns  text in arena; NULL when that has failed for good. */
const char *owner_name(uint32_t uid, struct arena *arena);

/* The same, from the bytes of such a file. NULL: nobody has this number there. */
const char *owner_in(char *bytes, uint32_t uid);

#endif

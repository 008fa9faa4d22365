/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include <stddef.h>

#include "error.h"

/* Programs of ours that are started by others of ours: in LIBEXECDIR, or beside the one that runs. */

/* Where this program's file is, for one that was executed by a descriptor and can't look it up.
 * path  borrowed for good. */
void program_remember(const char *path);

/* This program's file. Returns its length, or -1 and *err. */
int program_path(char *path, size_t size, struct error *err) FALLIBLE;

/* Find such a program. Returns 0, or -1 and *err (ERROR_UNSUPPORTED: it is not installed). */
int program_helper(const char *name, char *path, size_t size, struct error *err) FALLIBLE;

#endif

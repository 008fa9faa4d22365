/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/* Write a file below dir whole or not at all: into a name beside it, then rename(2). No fsync: the
 * files are of this boot only.
 * Returns  0, or -1 and *err; on -1 the old file is untouched and nothing new is left. */
int file_replace(int dir, const char *name, const void *bytes, size_t length, mode_t mode,
                 struct error *err) FALLIBLE;

/* Write a new file, which nobody reads before it is whole. Returns 0, or -1 and *err; on -1 it is not there, or it is
 * what was there before (EEXIST). */
int file_create(int dir, const char *name, const void *bytes, size_t length, mode_t mode,
                struct error *err) FALLIBLE;

/* Lock an open file or directory exclusively for as long as fd is open (flock(2)).
 * wait     false: fail at once with EWOULDBLOCK where somebody else has it.
 * Returns  0, or -1 and *err. */
int file_lock(int fd, const char *name, bool wait, struct error *err) FALLIBLE;

/* Remove a directory below dir and all in it, never following a link, never leaving its file
 * system; content when it is not there.
 * Returns  0, or -1 and *err naming the first thing that stayed. */
int file_remove_tree(int dir, const char *name, struct error *err) FALLIBLE;

#endif

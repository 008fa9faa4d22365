/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_LINES_H
#define CGROUPS_LINES_H

/* The files of a cgroup that count. Each function: dir is borrowed, memory is in arena.
 * Returns  1, 0 where the file is not there (its controller is off), or -1 and *err: the object is the
 *          file. The kernel ends each line; what stands behind the last newline was cut off and is not
 *          believed. */

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

/* One number, or "max": STATS_NO_LIMIT. */
int lines_number(int dir, const char *file, struct arena *arena, uint64_t *ret,
                 struct error *err) FALLIBLE;

/* "name number" lines; what is none is left out, for later kernels may have others. */
int lines_counters(int dir, const char *file, struct arena *arena, struct counters *ret,
                   struct error *err) FALLIBLE;

/* cpu.pressure and its like. */
int lines_pressure(int dir, const char *file, struct arena *arena, struct pressure *ret,
                   struct error *err) FALLIBLE;

/* io.stat: what was moved, and by how many requests. Keys that we do not know are left out. */
int lines_io(int dir, const char *file, struct arena *arena, struct io_counts *ret_bytes,
             struct io_counts *ret_requests, struct error *err) FALLIBLE;

#endif

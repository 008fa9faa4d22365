/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_LIMITS_H
#define CGROUPS_LIMITS_H

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

#include "cgroups.h"

/* Turn linux.resources into what is written to the files of a cgroup; device rules are devices.h's.
 *
 * What is 0, empty or absent is not set, as engines write it; -1 is "max". What cgroup v2 has no word for is
 * refused, as is what needs a controller that is not there.
 *
 * controllers  what cgroup.controllers says ("cpu memory pids"); NULL: nobody looked, all are there.
 * Returns      0, or -1 and *err (the object is the limit's JSON path). Changes nothing.
 * Spec         config-linux.md "Control groups"; the kernel's cgroup-v2.rst */
int limits_plan(const struct spec_resources *resources, const char *controllers,
                struct arena *arena, struct cgroup_writes *ret_writes, struct error *err) FALLIBLE;

/* Write them to a cgroup, in order. The first that fails ends it.
 * Returns  0, or -1 and *err; the object is the JSON path. dir is borrowed. */
int limits_write(int dir, const struct cgroup_writes *writes, struct error *err) FALLIBLE;

struct limits_last {
	int (*run)(void *data, struct error *err) FALLIBLE;
	void *data;
};

/* Likewise, but when one fails, those before it get back what they had.
 * last          done behind the writes and undone by nobody: when it fails, they are; NULL: nothing.
 * memory_check  refuse first if less memory than is used now is allowed (checkBeforeUpdate). */
int limits_replace(int dir, const struct cgroup_writes *writes, bool memory_check,
                   const struct limits_last *last, struct error *err) FALLIBLE;

/* Whether a word of `length` bytes is among words, which blanks and a line's end keep apart. */
bool limits_has_word(const char *words, const char *word, size_t length);

/* linux.resources.cpu.shares (2 to 262144, 1024 is normal) as cpu.weight (1 to 10000, 100 is normal): a
 * quadratic curve through these three points, on logarithms, as crun and runc have it. */
uint64_t limits_cpu_weight(uint64_t shares);

#endif

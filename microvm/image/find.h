/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_FIND_H
#define IMAGE_FIND_H

#include "base/arena.h"

#include "source.h"

/* A kernel that a package installed. */
struct candidate {
	const char *kernel, *modules; /* paths */
	const char *release;
};

struct candidates {
	struct candidate *list; /* in the arena, the best first */
	size_t count;
};

/* All installed kernels that have modules: /boot/vmlinuz-RELEASE and vmlinuz beside the modules. Those
 * for clouds come first, then the newer before the older.
 *
 * root     in front of each path; "" for this machine.
 * sources  the directories are noted there: a new kernel shows in them.
 * Returns  0, also with none, or -1 and *err. */
int find_kernels(const char *root, struct sources *sources, struct candidates *ret,
                 struct error *err) FALLIBLE;

/* The directory of modules of a release.
 * Returns  0 and the path in the arena of sources, NULL where there is none (that too is noted);
 *          -1 and *err. */
int find_modules(const char *root, const char *release, struct sources *sources, const char **ret,
                 struct error *err) FALLIBLE;

/* Compare versions as Debian's packages are: numbers as numbers, '~' before the end.
 * Returns  less than, equal to or more than 0. */
int version_compare(const char *a, const char *b);

#endif

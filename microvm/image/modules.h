/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_MODULES_H
#define IMAGE_MODULES_H

#include "base/arena.h"

#include "source.h"

/* A module of the guest. */
struct module {
	const char *path; /* below the directory of modules: "kernel/fs/fuse/fuse.ko.xz" */
	const char *file; /* in the guest: "003-fuse.ko" */
};

/* One line of the guest's list: it is loaded with this group. */
struct module_line {
	const char *group;
	size_t module; /* which one of the list */
};

/* What a guest is given, in the order to load it; all in one arena. */
struct modules {
	struct module *list;
	size_t count;
	struct module_line *lines;
	size_t lines_count;
	const char **missing; /* that this kernel has not; NULL-terminated */
	size_t missing_count;
};

/* Resolve what the guest needs.
 *
 * dep      contents of modules.dep(5): "PATH: PATHS…", each path one word.
 * builtin  contents of modules.builtin: a path a line.
 * Returns  0, or -1 and *err.
 * Errors   a module that no guest does without is neither there nor built in; a file that isn't
 *          what it should be. */
int modules_resolve(const char *dep, const char *builtin, struct arena *arena, struct modules *ret,
                    struct error *err) FALLIBLE;

/* The same from a directory of modules, whose two files are noted as sources. */
int modules_read(const char *directory, struct sources *sources, struct modules *ret,
                 struct error *err) FALLIBLE;

#endif

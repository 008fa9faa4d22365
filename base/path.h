/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* The only way to a path below a foreign root. Symbolic links are followed inside the root only,
 * ".." stops at it, magic links are refused, and what comes back is a descriptor: nothing is ever
 * resolved twice.
 *
 * Every function: root is a directory's descriptor, borrowed; path may begin with "/" and is meant
 * below root either way.
 * Context: any, the child too (no allocation). Spec: openat2(2), RESOLVE_IN_ROOT |
 * RESOLVE_NO_MAGICLINKS. */

/* Open what is there. flags as for openat(2); O_CLOEXEC is added.
 * Returns  the descriptor, owned by the caller, or -1 and *err with path as the object and errno
 *          kept. */
int path_open(int root, const char *path, int flags, struct error *err) FALLIBLE;

/* The same, where no component may be a symbolic link.
 * Errors  ELOOP when one is. */
int path_open_plain(int root, const char *path, int flags, struct error *err) FALLIBLE;

/* What mkdir -p does, resolving each component in the root; existing directories (and links to
 * directories inside the root) are entered.
 * Returns  an O_PATH descriptor of the last one, owned by the caller, or -1 and *err.
 * Errors   ENOTDIR where a component is something else; ELOOP for a dangling link. */
int path_make_directory(int root, const char *path, mode_t mode, struct error *err) FALLIBLE;

/* Make the parents, then the regular file itself where nothing is there, empty.
 * Returns  an O_PATH descriptor of the file, owned by the caller, or -1 and *err. */
int path_make_file(int root, const char *path, mode_t mode, struct error *err) FALLIBLE;

/* Open the parent directory of path, made where missing with mode 0755, and give the last
 * component's name.
 * Returns  an O_PATH descriptor, owned by the caller, or -1 and *err (a path that ends in "..", "."
 *          or "/" is refused).
 * ret_name points into path. */
int path_make_parent(int root, const char *path, const char **ret_name, struct error *err) FALLIBLE;

/* Open below dir without following any link in any component and without leaving its mount: for
 * procfs, sysfs, cgroupfs and our own state.
 * Spec  openat2(2), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV. */
int path_open_strict(int dir, const char *path, int flags, struct error *err) FALLIBLE;

/* The path of a directory of this machine without links, "." and "..", as realpath(3) has it, in real (PATH_MAX bytes).
 * One that has none, which the kernel says at once, is not looked at step by step.
 * Returns  0, or -1 and errno. Context: host. */
int path_real_directory(const char *path, char *real);

/* Open /proc (of this mount namespace) and check that it is procfs, its root.
 * Returns  an O_PATH descriptor, owned by the caller, or -1 and *err. */
int path_open_proc(struct error *err) FALLIBLE;

/* Whether what fd is in has this magic number (statfs(2)). */
bool path_is_on(int fd, int64_t filesystem_magic);

#endif

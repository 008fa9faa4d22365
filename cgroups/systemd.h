/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_SYSTEMD_H
#define CGROUPS_SYSTEMD_H

/* The other manager: systemd makes the cgroup, as a scope. What talks to it is a program of its own,
 * cella-systemd (cgroups/systemd/), so that no one else loads its library. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

#include "cgroups.h"

/* type: s b i u x t, or as (a line each), ay (a list of CPUs: a mask), ast ("PATH NUMBER", a line each); the
 * number "infinity" is the largest. */
struct systemd_property {
	const char *name, *type, *value;
};

struct systemd_scope {
	bool user;               /* the user's own manager */
	bool bfq;                /* weights of block devices are BFQ's: there is io.bfq.weight */
	const char *unit;        /* "cella-web.scope" */
	const char *slice;       /* "machine.slice" */
	const char *below;       /* a cgroup in it that is the container's; NULL: its own is */
	const char *description; /* NULL where nothing is made */
	struct systemd_property *property;
	size_t count;
};

/* Decide unit and slice from linux.cgroupsPath: "SLICE:PREFIX:NAME", or absent; and where that will be in the
 * v2 tree. own is our own cgroup, in which a user's manager is looked for.
 * Returns  0, or -1 and *err. Spec: systemd.unit(5), systemd.slice(5) */
int systemd_place(const char *wanted, const char *id, bool user, const char *own,
                  struct arena *arena, struct systemd_scope *scope, char **ret_path,
                  struct error *err) FALLIBLE;

/* Whether a value of linux.cgroupsPath has that form. */
bool systemd_is_form(const char *path);

/* Whether a cgroup is one that a user's manager made. */
bool systemd_is_users(const char *path);

/* How much of a container's path is that of its scope: less than all where it is in a cgroup below that. */
size_t systemd_scope_length(const char *path, const char *unit);

/* Add what annotations "org.systemd.property.NAME" ask for: a value as gvariant-text has it ('text', true,
 * uint64 5, ['a', 'b']); NAMESec is NAMEUSec in seconds.
 * Returns  0, or -1 and *err (the object is the annotation). */
int systemd_annotations(const struct spec *spec, struct arena *arena, struct systemd_scope *scope,
                        struct error *err) FALLIBLE;

/* Add the properties that say the same as these writes, so that systemd, whenever it writes the files anew, writes
 * what is in them. dir: a cgroup to take values from that the writes only touch; -1: none is there. */
int systemd_limits(const struct cgroup_writes *writes, int dir, struct arena *arena,
                   struct systemd_scope *scope, struct error *err) FALLIBLE;

/* Make the scope and wait until it is there.
 * ret_path    its cgroup, in arena.
 * ret_holder  the process that it begins with, a child: a scope ends with its last process, so the caller ends this
 *             one when another is in it. Returns 0, or -1 and *err (errnum ENOMEM: it was killed). */
int systemd_start(const struct systemd_scope *scope, struct arena *arena, char **ret_path,
                  pid_t *ret_holder, struct error *err) FALLIBLE;
/* Change its properties. */
int systemd_set(const struct systemd_scope *scope, struct error *err) FALLIBLE;

/* End and forget it; content when it is not there.
 * Returns  0, or -1 and *err (errnum ENOTCONN: there is no such manager, at least for us). */
int systemd_stop(const struct systemd_scope *scope, struct error *err) FALLIBLE;

#endif

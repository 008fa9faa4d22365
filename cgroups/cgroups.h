/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_CGROUPS_H
#define CGROUPS_CGROUPS_H

/* cgroups: where a container stands in the v2 tree.
 *
 * PROMISE: each container has a cgroup of its own at linux.cgroupsPath, is born in it with its limits in
 * force, can be frozen, killed and measured as a whole, and leaves no directory behind. */

#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/host.h"
#include "base/json_write.h"
#include "spec/spec.h"

enum cgroup_write_kind {
	CGROUP_WRITE_MUST,     /* no such file: an error */
	CGROUP_WRITE_IF_THERE, /* no such file: nothing to do */
	CGROUP_WRITE_ELSE,     /* only when the file of the write before it was not there */
};

/* As the first word of a value: what the file has now. */
#define CGROUP_KEEP "="

/* One line for one file of a cgroup. */
struct cgroup_write {
	const char *file, *value;
	const char *member; /* JSON path of the limit it carries out */
	enum cgroup_write_kind kind;
};

struct cgroup_writes {
	struct cgroup_write *item;
	size_t count;
};

struct device_program;
struct systemd_scope;

struct cgroup_plan {
	const char *
		path; /* "/cella/web", absolute in the v2 tree; NULL: no cgroup (disabled, or rootless without rights) */
	const char *mount; /* where the v2 tree is: "/sys/fs/cgroup" or "/sys/fs/cgroup/unified" */
	int top; /* its descriptor, for cgroup_apply(); the caller's, who may take it for cgroup_undo(); -1 */
	const char *own; /* the cgroup we are in ourselves */
	const char *
		controllers; /* that the tree's top has: they are switched on down to the container's; NULL: left as they are */
	bool delegate;                 /* the container's user may divide it further */
	uint32_t owner_uid, owner_gid; /* who that is on the host */
	const char *
		owner; /* the container, as no other is called; the caller's to set before cgroup_apply() */
	const char
		*below; /* a cgroup below it where the first process is, for it to divide; NULL */
	struct cgroup_writes writes;          /* limits, in the order to write them */
	const struct device_program *devices; /* NULL: no rules */
	struct arena *arena;                  /* where the plan is */
	struct systemd_scope *scope;          /* systemd makes it; NULL: we do */
	pid_t holder;                         /* keeps a scope alive until it has a first process */
};

struct cgroup_request {
	const struct spec *spec;
	const struct host *host;
	const char *id;
	bool systemd;  /* have systemd make it */
	bool disabled; /* make none */
	enum rootless rootless;
};

/* Decide the place and the limits; what can't be limited here is refused by its JSON path. Changes nothing.
 * ret_plan  in arena; its top is the caller's to close.
 * Returns  0, or -1 and *err. Context: host. */
int cgroup_plan(const struct cgroup_request *request, struct arena *arena,
                struct cgroup_plan **ret_plan, struct error *err) FALLIBLE;

/* The unit that systemd has for it ("cella-web.scope"); NULL: none. */
const char *cgroup_unit(const struct cgroup_plan *plan);

void cgroup_print(const struct cgroup_plan *plan, struct json_writer *w, const char *key);

/* Make the cgroup with its limits. Parents that are missing are made too, and controllers switched on in
 * each. Where our cgroup namespace begins at a cgroup with processes in it, which so can't hand out
 * controllers, they move to its "init".
 * Returns  its directory's descriptor for clone3(2), owned by the caller; -1 and *err, and what was made is gone.
 * Errors   ERROR_STATE when it has processes already or is frozen. */
int cgroup_apply(struct cgroup_plan *plan, struct error *err) FALLIBLE;

/* Its first process is in it and runs nothing of the container yet, or never will be: whatever held its place
 * until now goes. dir is cgroup_apply()'s, borrowed. Returns 0, or -1 and *err. */
int cgroup_settle(struct cgroup_plan *plan, int dir, struct error *err) FALLIBLE;

/* A process of ours was killed in it, or got no memory, and systemd has removed what would say why: where memory is
 * limited, that is why, as far as one can tell. Returns -1; where nothing points there the error stays as it is. */
int cgroup_suspect_memory(const struct cgroup_plan *plan, struct error *err) FALLIBLE;

/* Make the cgroup that the plan has below the container's, give it to the container's root, and move a
 * process there; where it has none, nothing. Returns 0, or -1 and *err. Context: host. Spec: crun(1), "run.oci.delegate-cgroup". */
int cgroup_move_below(const struct cgroup_plan *plan, pid_t pid, struct error *err) FALLIBLE;

/* From here on `path` is the absolute path in the v2 tree as state.json has it; the tree is found again. */

/* Open a container's cgroup. Returns the directory's descriptor, or -1 and *err (ENOENT: gone). */
int cgroup_open(const char *path, struct error *err) FALLIBLE;
/* Likewise a sub-cgroup that the container has made: below is "/NAME", without links or ".."; "/" is its own. */
int cgroup_open_below(const char *path, const char *below, struct error *err) FALLIBLE;
/* Likewise the cgroup that a process of the container is in: path, or one below it. */
int cgroup_open_of(pid_t pid, const char *path, struct error *err) FALLIBLE;

/* Change the limits of a container: all of them, or on -1 none.
 * unit     systemd's, which is told too; NULL: none.
 * Returns  0, or -1 and *err (the object is the limit's JSON path). */
int cgroup_update(const char *path, const char *unit, const struct spec_resources *resources,
                  struct arena *arena, struct error *err) FALLIBLE;

/* Freeze or thaw and wait until the kernel says so (timeout 10 s). dir is borrowed.
 * Returns  0, or -1 and *err; what could not be frozen in time is thawed again. */
int cgroup_freeze(int dir, bool frozen, struct error *err) FALLIBLE;
/* Whether it is frozen, by itself or with one above it, or is to be: one whose freezing was given up half-way, by a
 * signal, can be thawed. Returns 0, or -1 and *err. */
int cgroup_is_frozen(int dir, bool *ret_frozen, struct error *err) FALLIBLE;

/* Send a signal to every process in it and below; SIGKILL by cgroup.kill where the kernel has it. */
int cgroup_signal(int dir, int signum, struct error *err) FALLIBLE;

/* All processes in it and below, in arena, sorted. */
int cgroup_processes(int dir, struct arena *arena, pid_t **ret_pids, size_t *ret_count,
                     struct error *err) FALLIBLE;

/* Read what it and all below use; a part whose controller is off is not set, keys that we do not know
 * are kept where they are counted raw. Memory is in arena.
 * Returns  0, or -1 and *err (ENOENT, ENODEV: the cgroup is gone). */
int cgroup_stats(int dir, struct arena *arena, struct stats *ret, struct error *err) FALLIBLE;

/* Begin to watch a cgroup: what happened until now is no event. The caller closes both descriptors,
 * of a watch that could not be opened too.
 * Returns  0, or -1 and *err. */
int cgroup_watch_open(int dir, struct container_watch *watch, struct error *err) FALLIBLE;

/* Wait at most timeout_ms (-1: for ever) until the kernel kills a process in it or below for want of
 * memory, or the last one has gone. EVENT_NONE: the time is over, or nothing of the kind happened; an
 * end is told again each time.
 * Returns  0, or -1 and *err. */
int cgroup_watch(struct container_watch *watch, int timeout_ms, enum container_event *ret,
                 struct error *err) FALLIBLE;

/* Whether a cgroup that was this container's (owner, as in the plan) is by now that of another one, to which the config
 * gives the same path. What happens to it must not happen in the name of the first, who has ended. */
bool cgroup_is_anothers(int dir, const char *owner);

/* Kill what is inside, wait, remove it and all below, then empty parents that cella itself made ("/cella").
 * A unit of systemd's is ended too. Content when nothing is there, or it is another's.
 * top  of the tree, where it is open, borrowed; -1: it is found again. Returns 0, or -1 and *err. */
int cgroup_undo(int top, const char *path, const char *unit, const char *owner,
                struct error *err) FALLIBLE;

#endif

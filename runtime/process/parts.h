/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_PROCESS_PARTS_H
#define RUNTIME_PROCESS_PARTS_H

/* What the files of this room do for each other. */

#include "process.h"

enum { CAPABILITIES = 41 }; /* CAP_CHOWN to CAP_CHECKPOINT_RESTORE */

/* Host, may allocate: each fills its part of the plan. Returns 0, or -1 and *err. */
void plan_capabilities(const struct spec *spec, const struct spec_process *process,
                       const struct host *host, struct process_plan *plan);
int plan_rlimits(const struct spec_process *process, const struct host *host, struct arena *arena,
                 struct process_plan *plan, struct error *err) FALLIBLE;
int plan_policy(const struct spec *spec, const struct spec_process *process, struct arena *arena,
                struct process_plan *plan, struct error *err) FALLIBLE;
int plan_seccomp(const struct spec *spec, const struct host *host, struct arena *arena,
                 struct process_plan *plan, struct error *err) FALLIBLE;

int plan_labels(const struct spec_process *process, const struct host *host, struct arena *arena,
                struct process_plan *plan, struct error *err) FALLIBLE;

/* The filter where the config has the program itself.
 * try  ask this kernel whether it takes it. */
int plan_seccomp_program(const struct spec_seccomp *asked, bool try, struct arena *arena,
                         struct process_plan *plan, struct error *err) FALLIBLE;

/* The filter of what was asked, from those made before (dir; -1: none): plan->filter stays NULL when it is not
 * there, and plan->filter_key is set so that it can be kept. */
int filters_find(const struct spec_seccomp *asked, int dir, struct arena *arena,
                 struct process_plan *plan, struct error *err) FALLIBLE;

/* Instructions for the head of a filter: to a call of an architecture that is newer than all that is named they say
 * ENOSYS, all else falls through them. The default action must be one that lets no call through.
 *
 * architecture  of libseccomp's numbers.
 * Returns       how many; 0 where no call is named. */
enum { NEWER_MOST = 12 };
size_t filter_newer(const struct spec_seccomp *asked, uint32_t architecture,
                    struct sock_filter code[NEWER_MOST]);

/* Make plan->filter decide the same with fewer instructions, where it is understood and that comes out. */
void filter_compact(struct arena *arena, struct process_plan *plan);

/* Refuse system calls that libseccomp does not know, where crun's annotation
 * run.oci.seccomp_fail_unknown_syscall is there. */
int plan_seccomp_strict(const struct spec *spec, struct error *err) FALLIBLE;

/* "RLIMIT_NOFILE" and its number; NULL and false for none that we know. Context: any. */
const char *rlimit_name(int resource);
bool rlimit_number(const char *name, int *ret);

/* Whether a plain user writes both maps without help: one id each, its own. Then setgroups(2) is
 * denied for good (user_namespaces(7)). */
bool id_maps_are_own(const id_map_list *uids, const id_map_list *gids, const struct host *host);

/* Whether we may write any maps ourselves; else, whether the helpers that may are there. Context: host. */
bool id_maps_may_be_any(const struct host *host);
bool id_maps_have_helpers(struct arena *arena);

/* What a file as /etc/subuid gives a user: the lines of name (NULL: it is not known) and of uid, as far as their ranges
 * have no id in common, and not own. A line that is broken is nobody's.
 *
 * bytes    taken apart.
 * ret      host_id and size; room for SUBIDS_MOST.
 * Returns  how many. */
enum { SUBIDS_MOST = 64 };
size_t subids_in(char *bytes, const char *name, uint32_t uid, uint32_t own,
                 struct spec_id_map *ret);

/* Maps with own as id, and the ranges below and above it in their order. ret has room for one more than twice as
 * many. */
void subids_spread(const struct spec_id_map *ranges, size_t count, uint32_t id, uint32_t own,
                   id_map_list *ret);

/* Child. */

/* Write the labels into a procfs. */
int labels_write(const struct process_plan *plan, int proc, struct error *err) FALLIBLE;

/* What 0, 1 or 2 is, as far as is known without a look. */
void stream_look(const struct process_plan *plan, int fd, struct host_stream *ret);

/* The bounding set; the caller still has its rights. */
int capabilities_bound(const struct process_plan *plan, struct error *err) FALLIBLE;
/* All that is permitted becomes effective, for the steps that need rights after the change of ids. */
int capabilities_raise(struct error *err) FALLIBLE;
/* The sets of the program. */
int capabilities_set(const struct process_plan *plan, struct error *err) FALLIBLE;
/* Give env a HOME, as /etc/passwd of the container has it, where it has none. */
void environment_home(const struct process_plan *plan);
/* Its pid where LISTEN_PID is told. Context: child. */
void environment_listen(const struct process_plan *plan);

/* Do work in a process of its own, which may take so many seconds of a processor.
 *
 * work      writes what it makes to the file.
 * ret_file  a memfd with what it wrote, the caller's.
 * Returns   0, or -1 and *err: the work's own; ETIME: it was not done in the time.
 *           Context: host. Spec: getrlimit(2), RLIMIT_CPU. */
int apart(int (*work)(const void *data, int file, struct error *err), const void *data,
          unsigned int seconds, int *ret_file, struct error *err) FALLIBLE;

#endif

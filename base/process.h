/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* Start a copy of this process (fork with clone3(2)), into namespaces and a cgroup.
 *
 * flags     CLONE_NEW…, CLONE_PARENT, CLONE_FILES …; never CLONE_VM. CLONE_PIDFD and
 *           CLONE_INTO_CGROUP are added by the arguments.
 * cgroup    directory descriptor the child is born in, or -1.
 * ret_pidfd the caller's, close-on-exec; NULL when none is wanted.
 * Returns   the child's pid, 0 in the child, or -1 and *err. */
pid_t process_clone(uint64_t flags, int cgroup, int *ret_pidfd, struct error *err) FALLIBLE;

/* Let this process have all processors that its cgroup has, now and later, whatever who started it was put on. Where
 * that is forbidden it is left as it is.
 * Returns  0, or -1 and *err. Context: any; nothing is allocated. Spec: sched_setaffinity(2), cpuset(7). */
int process_take_processors(struct error *err) FALLIBLE;

/* Wait until a child has ended.
 * Returns  its status as a shell has it: 0..255, or 128 + signal; -1 and *err. */
int process_wait(pid_t pid, struct error *err) FALLIBLE;

/* Likewise of a pidfd, and the status stays to be taken. */
int process_peek(int pidfd, struct error *err) FALLIBLE;

/* Take the status of any child that has ended, without waiting.
 * Returns  its pid and *ret_status as process_wait() has it; 0: there is none. */
pid_t process_reap(int *ret_status);

/* What a shell makes of a status of waitpid(2). */
int process_status(int wait_status);

/* A process that may be gone and whose number may be another's by now: pid and start time together
 * name it. */
struct process_identity {
	pid_t pid;
	uint64_t start_time; /* field 22 of /proc/PID/stat, clock ticks since boot */
};

/* Read the start time of a process, and its state letter.
 * Returns  0, or -1 and *err (ESRCH when there is none). Spec: proc_pid_stat(5). */
int process_look(pid_t pid, uint64_t *ret_start_time, char *ret_state, struct error *err) FALLIBLE;

/* Read the state letter of a thread, and whether it is one of the kernel's own (PF_KTHREAD).
 * Returns  0, or -1 and *err (ESRCH when there is none). Spec: proc_pid_stat(5). */
int process_look_at_thread(pid_t thread, char *ret_state, bool *ret_kernels,
                           struct error *err) FALLIBLE;

/* A pidfd of exactly this process.
 * Returns  the descriptor, owned by the caller; -1 and *err with errnum ESRCH when it has ended (a
 *          zombie has ended). */
int process_open(const struct process_identity *who, struct error *err) FALLIBLE;

/* pidfd_send_signal(2). Returns 0, or -1 and *err. */
int process_signal(int pidfd, int signum, struct error *err) FALLIBLE;

/* Wait until the process of a pidfd has ended, with a limit; timeout_ms -1 waits for ever.
 * Returns  1 when it has ended, 0 when the time is over, -1 and *err. */
int process_wait_pidfd(int pidfd, int timeout_ms, struct error *err) FALLIBLE;

#endif

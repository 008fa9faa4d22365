/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CREATION_H
#define CLI_CREATION_H

#include "command.h"

/* What create and run have in common. */
struct creation_flags {
	const char *bundle, *config, *console_socket, *pidfd_socket, *pid_file;
	unsigned int preserve_fds;
	bool no_pivot, no_new_keyring, no_subreaper, dry_run;
	bool detach, keep; /* run only */
};

/* Their common rows. */
#define CREATION_AT(kind, member) kind(struct creation_flags, member)
/* clang-format off */
#define CREATION_ROWS                                                                              \
	{"bundle", 'b', "DIR", "bundle directory, instead of the current one",                     \
	 CREATION_AT(TEXT_AT, bundle)},                                                            \
	{"config", 'f', "FILE", "configuration, instead of the bundle's config.json",              \
	 CREATION_AT(TEXT_AT, config)},                                                            \
	{"console-socket", 0, "PATH", "socket that gets the terminal's master end",                \
	 CREATION_AT(TEXT_AT, console_socket)},                                                    \
	{"pid-file", 0, "FILE", "write the pid of the container's process here",                   \
	 CREATION_AT(TEXT_AT, pid_file)},                                                          \
	{"pidfd-socket", 0, "PATH", "socket that gets a pidfd of its process",                     \
	 CREATION_AT(TEXT_AT, pidfd_socket)},                                                      \
	{"preserve-fds", 0, "N", "pass descriptors 3 to 2 + N on",                                 \
	 CREATION_AT(NUMBER_AT, preserve_fds)},                                                    \
	{"no-pivot", 0, NULL, "enter the root without pivot_root",                                 \
	 CREATION_AT(SWITCH_AT, no_pivot)},                                                        \
	{"no-new-keyring", 0, NULL, "keep the session keyring of the caller",                      \
	 CREATION_AT(SWITCH_AT, no_new_keyring)},                                                  \
	{"no-subreaper", 0, NULL, "accepted: cella never adopts processes",                        \
	 CREATION_AT(SWITCH_AT, no_subreaper)},                                                    \
	{"dry-run", 0, NULL, "print the plan as JSON and change nothing",                          \
	 CREATION_AT(SWITCH_AT, dry_run)}
/* clang-format on */

/* The bundle that --bundle names, or (NULL) the current folder, as an absolute path without links.
 * Returns 0 and *ret_path, the arena's; or -1 and *err. */
int creation_bundle(const struct call *call, const char *bundle, const char **ret_path,
                    struct error *err) FALLIBLE;

/* Where the environment says that the agent of a seccomp filter listens; NULL: it says nothing. */
const char *creation_seccomp_agent(void);

/* --dry-run: print the plan. Returns the exit status, or -1 and *err. */
int creation_dry_run(const struct call *call, bool start_at_once, struct error *err) FALLIBLE;

/* Create the container that the flags and the operand ask for, hand its terminal over where a socket
 * is given, and write the pid file.
 *
 * in_front       we stay and serve its terminal: it needs no socket.
 * ret_container  freed by container_free().
 * Returns        0, or -1 and *err; on -1 nothing is left. */
int creation_make(const struct call *call, bool start_at_once, bool in_front,
                  struct container **ret_container, struct error *err) FALLIBLE;

/* The terminal's master goes to who asked for it, or (socket -1) stays with us in front. Returns 0, or -1 and *err. */
int creation_hand_over(struct container *c, int socket, struct error *err) FALLIBLE;

/* End and delete what was made, after a later failure; errors of that are logged. */
void creation_undo(struct container *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HELPER_H
#define BASE_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/* Another program that is started, asked one thing by its arguments, and heard through pipes. */

enum { HELPER_NOT_RUN = 127 /* its status when it could not be executed at all, as in a shell */ };

struct helper_options {
	const char *path;      /* its file; NULL: args[0] is looked up in PATH */
	int input;             /* its stdin, borrowed; 0: ours */
	bool errors_apart;     /* its stderr has a pipe of its own; otherwise it goes with stdout */
	bool ends_with_caller; /* SIGTERM when the thread that started it ends */
};

struct helper {
	pid_t pid;  /* a child, to be waited for with process_wait() */
	int answer; /* its stdout, and its stderr unless that is apart; the caller's */
	int said;   /* its stderr, where apart; the caller's; otherwise -1 */
};

/* Start one, with this process's environment and no other descriptor than its stdin and those pipes.
 * args     its words from argv[0] on, ended by NULL.
 * Returns  0, or -1 and *err with args[0] as the object. Context: host. */
int helper_start(char *const *args, const struct helper_options *options, struct helper *ret,
                 struct error *err) FALLIBLE;

/* The next line of what it says, without its end, cut where there is no room.
 * Returns  false at the end; line is "" then. */
bool helper_line(int fd, char *line, size_t size);

#endif

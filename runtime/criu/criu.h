/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_CRIU_CRIU_H
#define RUNTIME_CRIU_CRIU_H

/* runtime/criu: the program cella-criu, which has CRIU dump and restore processes for cella.
 *
 * PROMISE: one request to CRIU a call. All that comes of it is told as events over a socket; the program says nothing
 * else, and ends after CRIU_DONE or CRIU_FAILED.
 *
 *	cella-criu dump|pre-dump|restore SOCKET CGROUP PROGRAM [NAME VALUE]…
 *	cella-criu find PROGRAM                  whether there is CRIU: its exit status
 *
 *	SOCKET   number of the descriptor that events go to, of type SOCK_SEQPACKET
 *	CGROUP   likewise of a cgroup's directory that CRIU is born in, and so what it restores; -1: ours
 *	PROGRAM  CRIU; "": looked up in PATH
 *      NAME     of a member of criu_opts in CRIU's rpc.proto; what may be repeated is added. A VALUE that
 *               is an object is "{" [NAME VALUE]... "}"
 *
 * Theory of operation. CRIU is a program (`criu swrk`), asked over a socket in messages of protobuf. Its library
 * brings these messages; the calls that it has beside them don't say why CRIU failed and have no name for lazy_pages,
 * empty_ns and config_file, so the messages are used and the conversation is our own. CRIU is a sibling of ours
 * (CLONE_PARENT), and so are the processes that it restores (rst_sibling): they are children of cella's, which can wait
 * for them. */

#include <sys/types.h>

#include "base/error.h"

enum criu_event_kind {
	CRIU_STARTED = 1, /* pid: of CRIU, to be waited for */
	CRIU_NAMESPACES, /* pid: first process of what is restored; its namespaces are there. Wants CRIU_GO_ON */
	CRIU_CONSOLE,  /* with the master of a terminal */
	CRIU_RESTORED, /* pid: all is there and waits. Wants CRIU_GO_ON */
	CRIU_LAZY,     /* pages are served from here on, until all have been fetched */
	CRIU_DONE,
	CRIU_FAILED, /* err */
	CRIU_GO_ON,  /* cella's answer */
};

struct criu_event {
	enum criu_event_kind kind;
	pid_t pid;
	struct error err;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_NAMESPACE_HANDSHAKE_H
#define RUNTIME_NAMESPACE_HANDSHAKE_H

/* What parent and child tell each other while a container or a further process is made.
 *
 * Theory of operation. A socket pair joins them; every message is one struct. The child:
 *
 *	(maps)   waits for GO_ON when it has a new user namespace, whose maps the parent writes
 *	MOUNTED  its mounts are there; the parent runs the runtime's hooks, then says GO_ON. Only with such hooks
 *	CONSOLE  with the terminal's master
 *	READY    everything but execve is done; the parent has written state.json and says GO_ON (create), or
 *	         START at once (run)
 *	(doors)  answers DOORS with as many of them as it has namespaces, each with one: doors.h
 *	(start)  waits for START: here, or, when the parent has gone, on the listening socket start.sock
 *	LISTENER with that of a seccomp filter that asks an agent: the filter is loaded, execve is next
 *	FAILED   instead of any of these, with the reason, then it exits
 *
 * A parent that dies closes its end: before its answer to READY the child sees that and exits, so a killed create
 * leaves no process. execve closes the child's end: that is how start knows that it succeeded. */

#include "base/error.h"

enum message_kind {
	MESSAGE_GO_ON = 1,
	MESSAGE_START,
	MESSAGE_MOUNTED,
	MESSAGE_CONSOLE,
	MESSAGE_READY,
	MESSAGE_LISTENER,
	MESSAGE_FAILED,
	MESSAGE_PID,
	MESSAGE_DOORS,
	MESSAGE_ENDED, /* never sent: the other end has gone */
};

struct message {
	enum message_kind kind;
	int pid;
	struct error err; /* MESSAGE_FAILED */
};

/* Two connected ends, close-on-exec, the caller's. */
int handshake_pair(int ret_ends[2], struct error *err) FALLIBLE;

/* Context of these: any, the child too. fd is borrowed, -1: none. */
int handshake_send(int socket, enum message_kind kind, int fd, struct error *err) FALLIBLE;
int handshake_send_pid(int socket, int pid, struct error *err) FALLIBLE;
/* For struct process_listener. */
int handshake_send_listener(int socket, int listener, struct error *err) FALLIBLE;
/* Tell the reason and end. */
_Noreturn void handshake_fail(int socket, const struct error *why);
/* The next message; MESSAGE_ENDED at the end. ret_fd as fdpass_receive(). */
int handshake_receive(int socket, struct message *ret, int *ret_fd, struct error *err) FALLIBLE;
/* The next message must be this one. MESSAGE_FAILED becomes *err. */
int handshake_expect(int socket, enum message_kind kind, struct error *err) FALLIBLE;

#endif

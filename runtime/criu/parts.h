/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_CRIU_PARTS_H
#define RUNTIME_CRIU_PARTS_H

#include <criu/rpc.pb-c.h>

#include "base/arena.h"

#include "criu.h"

/* Set members of a message as words say: [NAME VALUE]…, NULL-terminated; in arena, texts are borrowed from words.
 * Returns  0, or -1 and *err: a name that the message has not, a value that is none, a "{" or "}" that is missing. */
int members_read(char *const *words, struct arena *arena, ProtobufCMessage *message,
                 struct error *err) FALLIBLE;

/* CRIU, and who asked for it. */
struct worker {
	int socket;  /* to CRIU, owned; -1 */
	int events;  /* to cella, borrowed */
	int log_dir; /* where CRIU's log is, borrowed; -1 */
	const char *log_file;
};

/* Find CRIU's program. asked "": in PATH, then where distributions have it. Returns 0, or -1 and *err. */
int worker_find(const char *asked, char *path, size_t size, struct error *err) FALLIBLE;

/* Start CRIU as a sibling of ours.
 * program  as worker_find() has it.
 * Returns  0, or -1 and *err. */
int worker_start(struct worker *w, const char *program, int cgroup, struct error *err) FALLIBLE;

/* Ask, pass notifications on, and wait for the answer.
 * Returns  0, or -1 and *err: why CRIU failed, in its own words. */
int worker_ask(struct worker *w, CriuReq *request, struct error *err) FALLIBLE;

/* Tell cella. Returns 0, or -1 and *err. */
int event_send(int socket, const struct criu_event *event, int fd, struct error *err) FALLIBLE;

/* What went wrong, from a line of CRIU's log: without number, level and place in its source; cut at its end. */
void reason_of_line(const char *line, char *reason, size_t size);

#endif

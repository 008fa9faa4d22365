/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CONNECTION_H
#define SHIM_CONNECTION_H

#include "codec.h"
#include "shim.h"

/* Who is on the other side of our socket, and answers to what they asked. */

/* Who waits for an answer. A connection may be gone by then: it is named by its serial number, and an answer to
 * nobody is dropped. */
struct caller {
	uint64_t connection; /* 0: nobody */
	uint32_t stream;
};

/* What gRPC calls failures; containerd looks at them. */
enum code {
	CODE_UNKNOWN = 2,
	CODE_INVALID_ARGUMENT = 3,
	CODE_NOT_FOUND = 5,
	CODE_ALREADY_EXISTS = 6,
	CODE_FAILED_PRECONDITION = 9,
	CODE_UNIMPLEMENTED = 12,
};

/* Take in whoever has connected to the listening socket and is of our own user. */
int connection_accept(struct shim *shim, int listener, struct error *err) FALLIBLE;

void answer(struct shim *shim, const struct caller *caller, const ProtobufCMessage *message);
/* The same of a message that is packed already. */
void answer_bytes(struct shim *shim, const struct caller *caller, const struct text *bytes);
/* With nothing to say. */
void answer_done(struct shim *shim, const struct caller *caller);
void refuse(struct shim *shim, const struct caller *caller, const struct error *why);

/* ERROR_STATE with a code of its own: there is no such thing; there is one already. Return -1. */
int fail_missing(struct error *err, const char *object, const char *what);
int fail_exists(struct error *err, const char *object, const char *what);

/* Whether all answers were sent. */
bool connections_are_idle(const struct shim *shim);
void connections_close(struct shim *shim);

#endif

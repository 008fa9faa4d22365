/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include "microvm/parts.h"

/* Who answers at a socket of a container's directory, in place of a monitor or an agent: a child of ours. */
struct peer {
	struct container container; /* with a directory and nothing else */
	char path[64];              /* of the directory */
	const char *socket;
	pid_t pid;
};

/* Answer each message of each connection, one after the other. answer() runs in the child; *ret is DONE. */
void peer_start(struct peer *peer, const char *socket,
                void (*answer)(void *data, const struct wire_message *question,
                               struct wire_message *ret),
                void *data);
void peer_end(struct peer *peer);

#endif

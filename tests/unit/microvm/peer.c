/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "peer.h"

typedef void (*peer_answer)(void *data, const struct wire_message *question,
                            struct wire_message *ret);

static void serve(int connection, peer_answer answer, void *data)
{
	owned_inbox inbox = {0};
	struct wire_message question;
	struct error err;

	while (wire_receive(connection, WIRE_LIMIT, -1, &inbox, &question, &err) > 0) {
		struct wire_message reply = {.kind = WIRE_DONE};

		answer(data, &question, &reply);
		if (wire_send(connection, &reply, &err) < 0)
			return;
	}
}

void peer_start(struct peer *peer, const char *socket, peer_answer answer, void *data)
{
	owned_fd listener = -1;
	struct error err;

	*peer = (struct peer){.path = "/tmp/cella-peer-XXXXXX", .socket = socket};
	assert_non_null(mkdtemp(peer->path));
	peer->container.dir = open(peer->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(peer->container.dir >= 0);
	listener = fdpass_listen_at(peer->container.dir, socket, &err);
	assert_true(listener >= 0);
	peer->pid = fork();
	assert_true(peer->pid >= 0);
	if (peer->pid > 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		owned_fd connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (connection < 0)
			_exit(1);
		serve(connection, answer, data);
	}
}

void peer_end(struct peer *peer)
{
	assert_int_equal(kill(peer->pid, SIGKILL), 0);
	assert_int_equal(waitpid(peer->pid, NULL, 0), peer->pid);
	assert_int_equal(unlinkat(peer->container.dir, peer->socket, 0), 0);
	assert_int_equal(close(peer->container.dir), 0);
	assert_int_equal(rmdir(peer->path), 0);
}

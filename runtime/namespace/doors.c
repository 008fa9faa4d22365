/* SPDX-License-Identifier: Apache-2.0 */
/* The doors of a container whose first process is hidden: who asks for them. */
#include <unistd.h>

#include "base/fdpass.h"
#include "base/own.h"

#include "doors.h"
#include "launch.h"

static bool take(int socket, unsigned int namespaces, int ret_fds[NAMESPACE_TYPES])
{
	struct message message;
	struct error ignored;

	if (handshake_send(socket, MESSAGE_DOORS, -1, &ignored) < 0)
		return false;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		if (!(namespaces & (1U << i)))
			continue;
		if (handshake_receive(socket, &message, &ret_fds[i], &ignored) < 0 ||
		    message.kind != MESSAGE_DOORS || ret_fds[i] < 0)
			return false;
	}
	return true;
}

bool doors_ask(const struct container *c, int ret_fds[NAMESPACE_TYPES])
{
	owned_fd connection = -1;
	struct error ignored;

	if (c->state.status != STATUS_CREATED || geteuid() == 0)
		return false;
	if (c->control < 0) {
		connection = fdpass_connect_at(c->dir, START_SOCKET, &ignored);
		if (connection < 0)
			return false;
	}
	if (take(c->control < 0 ? connection : c->control, c->state.namespaces, ret_fds))
		return true;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (ret_fds[i] >= 0)
			(void)close(take_fd(&ret_fds[i]));
	return false;
}

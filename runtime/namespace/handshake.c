/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdpass.h"

#include "handshake.h"

int handshake_pair(int ret_ends[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) < 0)
		return fail_errno(err, "handshake", "socketpair");
	return 0;
}

int handshake_send(int socket, enum message_kind kind, int fd, struct error *err)
{
	struct message message = {.kind = kind};

	return fdpass_send(socket, &message, sizeof(message), fd, err);
}

int handshake_send_pid(int socket, int pid, struct error *err)
{
	struct message message = {.kind = MESSAGE_PID, .pid = pid};

	return fdpass_send(socket, &message, sizeof(message), -1, err);
}

int handshake_send_listener(int socket, int listener, struct error *err)
{
	return handshake_send(socket, MESSAGE_LISTENER, listener, err);
}

void handshake_fail(int socket, const struct error *why)
{
	struct message message = {.kind = MESSAGE_FAILED, .err = *why};
	struct error ignored;

	_exit(fdpass_send(socket, &message, sizeof(message), -1, &ignored) < 0 ? 2 : 1);
}

int handshake_receive(int socket, struct message *ret, int *ret_fd, struct error *err)
{
	struct message message = {0};
	ssize_t n = fdpass_receive(socket, &message, sizeof(message), ret_fd, err);

	if (n < 0)
		return -1;
	if (n == 0) {
		ret->kind = MESSAGE_ENDED;
		return 0;
	}
	if (n != sizeof(message))
		return fail(err, ERROR_SYSTEM, "handshake", "a message of %zd bytes", n);
	*ret = message;
	error_import(&ret->err, &message.err, sizeof(message.err));
	return 0;
}

int handshake_expect(int socket, enum message_kind kind, struct error *err)
{
	struct message message;

	if (handshake_receive(socket, &message, NULL, err) < 0)
		return -1;
	if (message.kind == kind)
		return 0;
	if (message.kind == MESSAGE_FAILED) {
		*err = message.err;
		return -1;
	}
	if (message.kind == MESSAGE_ENDED)
		return fail(err, ERROR_SYSTEM, "container", "its process ended unexpectedly");
	return fail(err, ERROR_SYSTEM, "handshake", "message %d instead of %d", message.kind, kind);
}

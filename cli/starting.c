/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/own.h"
#include "base/text.h"

#include "handover.h"
#include "starting.h"

const char *starting_manager(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path ? path : NULL;
}

int starting_in_front(struct container *c, int *ret_socket, struct error *err)
{
	owned_fd socket = -1;

	if (starting_manager() && container_notify_open(c, &socket, err) < 0)
		return -1;
	if (container_start(c, err) < 0)
		return -1;
	*ret_socket = take_fd(&socket);
	return 0;
}

int starting_behind(struct container *c, struct error *err)
{
	owned_fd socket = -1;

	if (starting_in_front(c, &socket, err) < 0)
		return -1;
	return socket < 0 ? 0 : container_notify_wait(c, socket, starting_manager(), err);
}

void starting_pass_on(int socket, const char *manager)
{
	char text[NOTIFY_SIZE];
	struct error err;

	while (notify_receive(socket, text) > 0)
		if (notify_send(manager, text, 0, &err) < 0)
			log_dropped("while passing a state on", &err);
}

static bool is_for_us(const char *pid)
{
	uint32_t number;

	return pid && text_to_u32(pid, &number) && (pid_t)number == getpid();
}

int starting_descriptors(unsigned int preserved, struct socket_activation *ret_activation,
                         unsigned int *ret_count, struct error *err)
{
	const char *fds = getenv("LISTEN_FDS");
	uint32_t listening = 0;

	*ret_activation = (struct socket_activation){0};
	if (fds && is_for_us(getenv("LISTEN_PID"))) {
		if (!text_to_u32(fds, &listening) || listening > INT_MAX)
			return fail(err, ERROR_USAGE, "LISTEN_FDS", "'%.20s' is not a number", fds);
		ret_activation->count = listening;
		ret_activation->names = getenv("LISTEN_FDNAMES");
	}
	if (preserved > INT_MAX - listening)
		return fail(err, ERROR_USAGE, "--preserve-fds", "%u is more than there can be",
		            preserved);
	*ret_count = preserved + listening;
	return preserve_fds_check(listening, *ret_count, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who on the host wants to talk to the agent: clients of the listening socket, and descriptors that the monitor has.
 * Before the agent is up they are descriptors in a row, nothing else. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "vsock_parts.h"

enum {
	ACCEPTS = 32,        /* clients before others get a turn */
	FIRST_PORT = 1024,   /* of ours */
	LAST_PORT = 1 << 30, /* far from VMADDR_PORT_ANY */
};

/* A port that no connection has and that none had for long. */
static uint32_t fresh_port(struct vsock *v)
{
	do {
		v->next_port = v->next_port >= FIRST_PORT && v->next_port < LAST_PORT
		                       ? v->next_port + 1
		                       : FIRST_PORT;
	} while (v->next_port == v->options.host_port ||
	         connection_find(v, v->next_port, v->options.guest_port));
	return v->next_port;
}

static int request(struct vsock *v, int fd, struct error *err)
{
	owned_fd socket = fd;
	struct connection *c = connection_new(v, fd, fresh_port(v), v->options.guest_port);

	if (!c)
		return fail(err, ERROR_SYSTEM, "vsock", "%u connections, which is the limit",
		            v->count);
	(void)take_fd(&socket);
	connection_want(c, VIRTIO_VSOCK_OP_REQUEST);
	connection_limit(c);
	connection_watch(c);
	return 0;
}

int vsock_connect(struct virtio_device *device, int fd, struct error *err)
{
	struct vsock *v = (struct vsock *)device;
	owned_fd socket = fd;

	if (v->agent) {
		int result = request(v, take_fd(&socket), err);

		vsock_run(v);
		return result;
	}
	if (v->waiting_count == VSOCK_WAITING)
		return fail(err, ERROR_SYSTEM, "vsock", "%u wait for the agent, which is the limit",
		            v->waiting_count);
	v->waiting[v->waiting_count++] = take_fd(&socket);
	return 0;
}

void vsock_admit(struct vsock *v)
{
	struct error err;

	for (unsigned int i = 0; i < v->waiting_count; i++)
		if (request(v, v->waiting[i], &err) < 0)
			log_debug("%s: %s", err.object, err.reason);
	v->waiting_count = 0;
}

void vsock_dismiss(struct vsock *v)
{
	while (v->waiting_count > 0)
		(void)close(v->waiting[--v->waiting_count]);
}

static int ready(struct loop_source *source, uint32_t events, struct error *ret)
{
	struct vsock *v = source->data;
	struct error err;

	(void)events;
	(void)ret;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			if (vsock_connect(&v->device, fd, &err) < 0)
				log_debug("%s: %s", err.object, err.reason);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return 0;
		/* no descriptor is left: the client is not lost, but asking again at once is no use */
		log_debug("vsock: accept: %s", strerrordesc_np(errno));
		if (loop_change(v->loop, source, 0, &err) < 0)
			return 0;
		v->listener_rests = true;
		vsock_timer_arm(v);
		return 0;
	}
	return 0;
}

void vsock_listen_again(struct vsock *v)
{
	struct error err;

	if (!v->listener_rests)
		return;
	v->listener_rests = false;
	if (loop_change(v->loop, &v->listener, EPOLLIN, &err) < 0)
		log_debug("%s: %s", err.object, err.reason);
}

int vsock_listen(struct vsock *v, struct error *err)
{
	v->listener = (struct loop_source){v->options.listener, ready, v};
	return v->listener.fd < 0 ? 0 : loop_add(v->loop, &v->listener, EPOLLIN, err);
}

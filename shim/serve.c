/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/own.h"
#include "base/signals.h"

#include "connection.h"
#include "console.h"
#include "events.h"
#include "life.h"
#include "serve.h"

enum { LOOK_MS = 5, LOOKS_MOST = 1000 };

/* One server. */
struct server {
	struct shim shim;
	struct loop_source listener, signals, ending;
	int looks;
};

static int somebody(struct loop_source *self, uint32_t events, struct error *err)
{
	struct server *server = self->data;

	(void)events;
	return connection_accept(&server->shim, self->fd, err);
}

static int signalled(struct loop_source *self, uint32_t events, struct error *err)
{
	struct server *server = self->data;
	struct signalfd_siginfo info;

	(void)events;
	while (read(self->fd, &info, sizeof(info)) > 0)
		; /* several ends of children are one signal */
	if (errno != EAGAIN && errno != EINTR)
		return fail_errno(err, "signals", "read");
	reap(&server->shim);
	return 0;
}

/* Nothing is owed to anybody, or it can't be had any more. */
static int look_for_end(struct loop_source *self, uint32_t events, struct error *err)
{
	struct server *server = self->data;
	struct shim *shim = &server->shim;
	uint64_t times;

	(void)events;
	(void)err;
	if (read(self->fd, &times, sizeof(times)) < 0)
		return 0;
	if (++server->looks == LOOKS_MOST ||
	    (connections_are_idle(shim) && events_are_told(shim) && !shim->works))
		loop_stop(shim->loop);
	return 0;
}

void serve_no_more(struct shim *shim)
{
	struct server *server = (struct server *)shim; /* its first member */
	const struct itimerspec often = {.it_interval.tv_nsec = LOOK_MS * 1000000L,
	                                 .it_value.tv_nsec = LOOK_MS * 1000000L};

	if (timerfd_settime(server->ending.fd, 0, &often, NULL) < 0)
		loop_stop(shim->loop);
}

static int watch(struct server *server, struct error *err)
{
	struct loop *loop = server->shim.loop;

	if (server->signals.fd < 0)
		return -1;
	if (server->ending.fd < 0)
		return fail_errno(err, "timer", "make");
	if (loop_add(loop, &server->listener, EPOLLIN, err) < 0 ||
	    loop_add(loop, &server->signals, EPOLLIN, err) < 0 ||
	    loop_add(loop, &server->ending, EPOLLIN, err) < 0)
		return -1;
	return events_open(&server->shim, err);
}

static void server_release(struct server *server)
{
	struct shim *shim = &server->shim;

	connections_close(shim);
	while (shim->tasks)
		task_remove(shim->tasks);
	consoles_free(shim);
	events_close(shim);
	loop_free(shim->loop);
	fd_release(&server->signals.fd);
	fd_release(&server->ending.fd);
}

int serve(const struct shim_options *options, int listener, const char *path, struct error *err)
{
	static const int signums[] = {SIGCHLD, SIGPIPE, 0};
	OWNED(server_release) struct server server = {.shim.options = options};
	int result;

	shim_runtime(options, &server.shim.runtime);
	server.listener = (struct loop_source){listener, somebody, &server};
	server.signals = (struct loop_source){signals_open(signums, err), signalled, &server};
	server.ending = (struct loop_source){
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), look_for_end, &server};
	server.shim.loop = loop_new(err);
	if (!server.shim.loop)
		return -1;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return fail_errno(err, "process", "become a subreaper");
	result = watch(&server, err);
	if (result == 0)
		result = loop_run(server.shim.loop, err);
	if (unlink(path) < 0 && errno != ENOENT)
		log_warning("%s: unlink: %s", path, strerrordesc_np(errno));
	return result;
}

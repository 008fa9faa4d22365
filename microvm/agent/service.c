/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/signals.h"

#include "agent.h"

/* What the first message of a connection takes; the host sends it at once. */
enum { FIRST_MESSAGE_MS = 10000 };

static void refuse(int connection, const struct error *why)
{
	const struct wire_message m = wire_failed(why);
	struct error ignored;

	if (wire_send(connection, &m, &ignored) < 0)
		log_debug("%s: %s", ignored.object, ignored.reason);
}

/* Not answered, as raw bytes follow: what can't be done ends. */
static int attach(struct agent *agent, int connection, const struct wire_message *m,
                  struct error *err)
{
	struct agent_process *process = process_find_number(agent, m->number[0]);

	if (process && m->number[1] < STREAMS)
		return process_attach(process, (enum wire_stream)m->number[1], connection, err);
	(void)close(connection);
	return fail(err, ERROR_STATE, "stream", "there is no such process or stream");
}

/* Remember whose name the container has, for what comes later. */
static int take_id(struct agent *agent, const struct wire_message *m, struct error *err)
{
	if (agent->id)
		return fail(err, ERROR_STATE, agent->id, "this machine has its container");
	agent->id = strdup(m->blob[0].bytes);
	return agent->id ? 0 : fail(err, ERROR_SYSTEM, "container", "out of memory");
}

static int serve(struct agent *agent, int connection, const struct wire_message *m,
                 struct error *err)
{
	if (m->kind == WIRE_ATTACH)
		return attach(agent, connection, m, err);
	if (m->kind == WIRE_CREATE && take_id(agent, m, err) < 0) {
		(void)close(connection);
		return -1;
	}
	return deed_begin(agent, connection, m, err);
}

/* Who is in the guest can reach our port too, where its kernel has vsock_loopback: only the host may ask. */
static bool is_host(const struct sockaddr_vm *peer)
{
	return peer->svm_family == AF_VSOCK && peer->svm_cid == VMADDR_CID_HOST;
}

static int accept_one(struct loop_source *source, uint32_t events, struct error *err)
{
	struct agent *agent = source->data;
	struct sockaddr_vm peer = {0};
	socklen_t length = sizeof(peer);
	owned_fd connection = accept4(source->fd, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
	owned_fd spare = -1;
	owned_inbox inbox = {0};
	struct wire_message m;
	struct error why;

	(void)events;
	if (connection < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED
		               ? 0
		               : fail_errno(err, "vsock", "accept");
	if (!is_host(&peer))
		return 0;
	if (wire_receive(connection, WIRE_LIMIT, FIRST_MESSAGE_MS, &inbox, &m, &why) <= 0)
		return 0;
	if (m.kind != WIRE_ATTACH)
		spare = fcntl(connection, F_DUPFD_CLOEXEC,
		              0); /* to refuse over when it was taken */
	if (serve(agent, take_fd(&connection), &m, &why) < 0 && spare >= 0)
		refuse(spare, &why);
	return 0;
}

static int reap(struct loop_source *source, uint32_t events, struct error *err)
{
	struct agent *agent = source->data;
	struct signalfd_siginfo info[8];
	int status;
	pid_t pid;

	(void)events;
	(void)err;
	if (read(source->fd, info, sizeof(info)) < 0)
		return 0;
	deeds_look(agent); /* who was made is told before who made it can have ended */
	while ((pid = process_reap(&status)) > 0)
		process_ended(agent, pid, status);
	return 0;
}

int agent_serve(struct agent *agent, struct error *err)
{
	static const int signums[] = {SIGCHLD, 0};
	const struct executor *executors[] = {&agent->executor, NULL};

	agent->executor = guest_executor();
	agent->runtime = (struct runtime){.root = AGENT_STATE,
	                                  .executors = executors,
	                                  /* whatever the config asks the host for */
	                                  .executor = agent->executor.name};
	agent->loop = loop_new(err);
	if (!agent->loop)
		return -1;
	agent->children = (struct loop_source){.fd = signals_open(signums, err),
	                                       .ready = reap,
	                                       .data = agent};
	if (agent->children.fd < 0)
		return -1;
	agent->listener.ready = accept_one;
	agent->listener.data = agent;
	if (loop_add(agent->loop, &agent->children, EPOLLIN, err) < 0 ||
	    loop_add(agent->loop, &agent->listener, EPOLLIN, err) < 0)
		return -1;
	return loop_run(agent->loop, err);
}

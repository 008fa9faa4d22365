/* SPDX-License-Identifier: Apache-2.0 */
/* linux.netDevices: from the namespace we are in to the container's. We go there ourselves for moments: to see which
 * names are free, and as what a device had is given back from inside.
 *
 * Where they stay: the kernel gives a physical device back to the first network namespace when the container's
 * ends, and a virtual one ends with it; so does every runtime. A create that fails sends them back itself.
 *
 * A create that is killed can't. So while they are moved and the container is not there yet, a second process of ours
 * holds both namespaces and waits: our end without a word is its sign to bring them back. It has the lock of the
 * container, as a copy of us, so that whoever deletes what we have left finds the devices where they were. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "netns/netns.h"

#include "launch.h"

static int enter(int namespace, struct error *err)
{
	if (setns(namespace, CLONE_NEWNET) < 0)
		return fail_errno(err, "network namespace", "setns");
	return 0;
}

static int open_namespace(pid_t pid, struct error *err)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

/* ---- the keeper ---- */

_Noreturn static void keep(const struct container *c, const struct moved *m, int socket)
{
	struct error ignored;
	sigset_t all;
	char word;
	ssize_t n;

	(void)sigfillset(&all); /* whatever ends us together with who started us */
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)close(c->control); /* its end tells the first process of our creator's */
	(void)close(m->to_keeper);
	do
		n = read(socket, &word, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		if (process_signal(c->init, SIGKILL, &ignored) < 0 && ignored.errnum != ESRCH)
			log_dropped("after a killed create", &ignored);
		devices_take_back(m);
	}
	_exit(0);
}

static int start_keeper(const struct container *c, struct moved *m, struct error *err)
{
	owned_fd theirs = -1;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "devices", "socketpair");
	m->to_keeper = ends[0];
	theirs = ends[1];
	pid = process_clone(0, -1, NULL, err);
	if (pid < 0)
		return -1;
	if (pid == 0)
		keep(c, m, theirs);
	m->keeper = pid;
	return 0;
}

/* All is as it is to be: one that has been killed meanwhile is as good. */
static void dismiss(struct moved *m)
{
	struct error ignored;

	if (m->keeper) {
		if (send(m->to_keeper, "", 1, MSG_NOSIGNAL) < 0)
			log_debug("devices: their keeper has gone");
		if (process_wait(m->keeper, &ignored) < 0)
			log_dropped("devices", &ignored);
		m->keeper = 0;
	}
	if (m->to_keeper >= 0)
		(void)close(take_fd(&m->to_keeper));
}

/* ---- there and back ---- */

/* There for a moment. */
static int inside(const struct moved *m, int (*act)(struct netns_baggage *b, struct error *err),
                  struct error *err)
{
	struct error ignored;
	int acted;

	if (enter(m->there, err) < 0)
		return -1;
	acted = act(m->baggage, err);
	return enter(m->here, acted < 0 ? &ignored : err) < 0 ? -1 : acted;
}

static int pack(const struct spec_linux *l, struct arena *arena, struct moved *m, struct error *err)
{
	struct netns_device *devices = arena_alloc(arena, l->net_devices.count, sizeof(*devices));

	if (!devices)
		return arena_check(arena, err);
	for (size_t i = 0; i < l->net_devices.count; i++)
		devices[i] = (struct netns_device){l->net_devices.item[i].host_name,
		                                   l->net_devices.item[i].name};
	return netns_pack_devices(devices, l->net_devices.count, &m->baggage, err);
}

int devices_give(const struct container *c, const struct plan *plan, struct moved *ret,
                 struct error *err)
{
	const struct spec_linux *l = &plan->spec->linux_;

	if (l->net_devices.count == 0)
		return 0;
	ret->here = open_namespace(getpid(), err);
	if (ret->here < 0)
		return -1;
	ret->there = open_namespace(c->state.pid, err);
	if (ret->there < 0)
		return -1;
	if (pack(l, c->arena, ret, err) < 0 || inside(ret, netns_number_devices, err) < 0 ||
	    start_keeper(c, ret, err) < 0 ||
	    netns_send_devices(ret->baggage, ret->there, err) < 0 ||
	    inside(ret, netns_unpack_devices, err) < 0)
		return error_within(err, "linux.netDevices");
	return 0;
}

void devices_take_back(const struct moved *m)
{
	struct error ignored;

	if (!m->baggage)
		return;
	if (enter(m->there, &ignored) < 0)
		return log_dropped("after a failed create", &ignored);
	if (netns_return_devices(m->baggage, m->here, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	if (enter(m->here, &ignored) < 0 || netns_restore_devices(m->baggage, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
}

void devices_release(struct moved *m)
{
	dismiss(m);
	netns_baggage_free(take_ptr(m->baggage));
	if (m->here >= 0)
		(void)close(take_fd(&m->here));
	if (m->there >= 0)
		(void)close(take_fd(&m->there));
}

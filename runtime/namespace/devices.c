/* SPDX-License-Identifier: Apache-2.0 */
/* linux.netDevices: from the namespace we are in to the container's. We go there ourselves for moments: to see which
 * names are free, and as what a device had is given back from inside.
 *
 * Where they stay: the kernel gives a physical device back to the first network namespace when the container's
 * ends, and a virtual one ends with it; so does every runtime. A create that fails sends them back itself. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
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
	netns_baggage_free(take_ptr(m->baggage));
	if (m->here >= 0)
		(void)close(take_fd(&m->here));
	if (m->there >= 0)
		(void)close(take_fd(&m->there));
}

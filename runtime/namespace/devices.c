/* SPDX-License-Identifier: Apache-2.0 */
/* linux.netDevices: from the namespace we are in to the container's. We go there ourselves for moments: to see which
 * names are free, and as what a device had is given back from inside.
 *
 * Where they stay: the specification wants them left to the network namespace, which ends with the container: then
 * the kernel gives a physical device to the first namespace, bare, and a virtual one ends. An annotation asks for more:
 * that delete gives back each with all that it had.
 *
 * Whoever is to give them back needs the two namespaces, which may have no process by then, and what was written down.
 * So from before the first device moves both are held by mounts in the container's directory, beside the baggage: until
 * the container is there, for a create that fails or is killed, or until delete. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "netns/netns.h"
#include "rootfs/rootfs.h"

#include "launch.h"

#define BAGGAGE "devices"
#define HERE    "devices.here"
#define THERE   "devices.there"

enum { BAGGAGE_BYTES = 1 << 20, TRIES = 2 };

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

/* ---- what is kept ---- */

static int save(const struct moved *m, struct error *err)
{
	owned_text struct text bytes = {.limit = BAGGAGE_BYTES};

	netns_baggage_save(m->baggage, &bytes);
	if (text_check(&bytes, err) < 0)
		return -1;
	return file_replace(m->dir, BAGGAGE, bytes.bytes, bytes.length, 0600, err);
}

static int hold(const struct moved *m, struct error *err)
{
	return rootfs_hold(m->here, m->dir, HERE, err) < 0
	               ? -1
	               : rootfs_hold(m->there, m->dir, THERE, err);
}

/* The baggage last: while it is there, delete looks for the others. */
static int let_go(int dir, struct error *err)
{
	if (rootfs_let_go(dir, THERE, err) < 0 || rootfs_let_go(dir, HERE, err) < 0)
		return -1;
	return unlinkat(dir, BAGGAGE, 0) < 0 && errno != ENOENT ? fail_errno(err, BAGGAGE, "remove")
	                                                        : 0;
}

/* ---- there ---- */

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
	ret->dir = c->dir;
	ret->returns = plan->returns_devices;
	ret->here = open_namespace(getpid(), err);
	if (ret->here < 0)
		return -1;
	ret->there = open_namespace(c->state.pid, err);
	if (ret->there < 0)
		return -1;
	if (pack(l, c->arena, ret, err) < 0 || inside(ret, netns_number_devices, err) < 0 ||
	    save(ret, err) < 0 || hold(ret, err) < 0 ||
	    netns_send_devices(ret->baggage, ret->there, err) < 0 ||
	    inside(ret, netns_unpack_devices, err) < 0 || save(ret, err) < 0)
		return error_within(err, "linux.netDevices");
	return 0;
}

/* ---- and back ---- */

static int fetch(const struct moved *m, struct error *err)
{
	return enter(m->there, err) < 0 ? -1 : netns_return_devices(m->baggage, m->here, err);
}

static int furnish(const struct moved *m, struct error *err)
{
	return enter(m->here, err) < 0 ? -1 : netns_restore_devices(m->baggage, err);
}

/* There is no other time for it: what fails is tried again. Ends here, whatever comes of it. */
static int give_back(const struct moved *m, struct error *err)
{
	struct error ignored;
	int fetched = -1, furnished = -1;

	if (m->there < 0)
		netns_miss_devices(m->baggage);
	for (int i = 0; i < TRIES && fetched < 0; i++)
		fetched = m->there < 0 ? 0 : fetch(m, err);
	for (int i = 0; i < TRIES && furnished < 0; i++)
		furnished = furnish(m, fetched < 0 ? &ignored : err);
	return fetched < 0 || furnished < 0 ? error_within(err, "linux.netDevices") : 0;
}

void devices_take_back(struct moved *m)
{
	struct error ignored;

	if (!m->baggage)
		return;
	if (give_back(m, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	if (let_go(m->dir, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	netns_baggage_free(take_ptr(m->baggage));
}

void devices_release(struct moved *m)
{
	struct error ignored;

	if (m->baggage && !m->returns && let_go(m->dir, &ignored) < 0)
		log_dropped("linux.netDevices", &ignored);
	netns_baggage_free(take_ptr(m->baggage));
	if (m->here >= 0)
		(void)close(take_fd(&m->here));
	if (m->there >= 0)
		(void)close(take_fd(&m->there));
}

/* ---- at the end ---- */

/* ret_fd   -1: it is not held in the mount namespace that we are in.
 * Returns  1; 0 when it is held nowhere; -1 and *err. */
static int open_held(int dir, const char *name, int *ret_fd, struct error *err)
{
	owned_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(err, name, "open");
	if (fstatfs(fd, &fs) < 0)
		return fail_errno(err, name, "fstatfs");
	if (fs.f_type == NSFS_MAGIC)
		*ret_fd = take_fd(&fd);
	return 1;
}

/* One that can't be read is of no use to a second try either. */
static int load(const struct container *c, struct moved *ret, struct error *err)
{
	owned_fd file = openat(c->dir, BAGGAGE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t length;
	char *bytes;

	if (file < 0)
		return errno == ENOENT ? 0 : fail_errno(err, BAGGAGE, "open");
	ret->dir = c->dir;
	if (fd_read_whole(file, BAGGAGE, BAGGAGE_BYTES, c->arena, &bytes, &length, err) < 0)
		return -1;
	if (netns_baggage_load(bytes, length, &ret->baggage, err) < 0)
		log_dropped("linux.netDevices: not given back", err);
	return 0;
}

static int end(struct moved *m, struct error *err)
{
	int held = open_held(m->dir, THERE, &m->there, err);
	struct error why;

	if (held <= 0) /* nothing was moved yet, or all is back */
		return held;
	if (open_held(m->dir, HERE, &m->here, err) < 0)
		return -1;
	if (m->here < 0)
		m->here = open_namespace(getpid(), err);
	if (m->here < 0)
		return -1;
	if (give_back(m, &why) < 0)
		log_dropped("delete", &why);
	return 0;
}

int devices_end(const struct container *c, struct error *err)
{
	OWNED(devices_release)
	struct moved m = {.here = -1, .there = -1, .dir = -1, .returns = true};
	owned_fd ours = -1;
	struct error ignored;
	int result;

	if (c->spec && c->spec->linux_.net_devices.count == 0)
		return 0;
	if (load(c, &m, err) < 0)
		return -1;
	if (m.dir < 0)
		return 0;
	ours = open_namespace(getpid(), err);
	if (ours < 0)
		return -1;
	result = m.baggage ? end(&m, err) : 0;
	if (enter(ours, result < 0 ? &ignored : err) < 0 || result < 0)
		return -1;
	return let_go(c->dir, err);
}

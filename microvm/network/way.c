/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "base/table.h"
#include "netns/netns.h"

#include "network.h"

enum { ARENA = 256 << 10, PATIENCE_MS = 60000, ANSWER_LIMIT = 4096, PATH = 64 };

/* ---- which namespace ---- */

/* What the machine itself is reached by must never be a guest's: it would be gone from the host. */
static int check_not_hosts(int ns, struct error *err)
{
	static const char *const hosts[] = {"/proc/self/ns/net", "/proc/1/ns/net"};
	struct stat st, host;

	if (fstat(ns, &st) < 0)
		return fail_errno(err, "network namespace", "stat");
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (stat(hosts[i], &host) == 0 && host.st_dev == st.st_dev &&
		    host.st_ino == st.st_ino)
			return fail(err, ERROR_CONFIG, "linux.namespaces",
			            "the network namespace is the host's, which can't be given to "
			            "a virtual machine");
	return 0;
}

/* user  the user namespace that may have rights over it, for a caller who has none himself; -1: none. */
static int enter(int ns, int user, struct error *err)
{
	if (check_not_hosts(ns, err) < 0)
		return -1;
	if (setns(ns, CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM || user < 0)
		return fail_errno(err, "network namespace", "setns");
	if (setns(user, CLONE_NEWUSER) < 0)
		return fail_errno(err, "user namespace", "setns");
	return setns(ns, CLONE_NEWNET) < 0 ? fail_errno(err, "network namespace", "setns") : 0;
}

static int enter_process(const char *pid, struct error *err)
{
	char net_path[PATH], user_path[PATH];
	owned_fd net = -1, user = -1;

	(void)snprintf(net_path, sizeof(net_path), "/proc/%s/ns/net", pid);
	(void)snprintf(user_path, sizeof(user_path), "/proc/%s/ns/user", pid);
	net = open(net_path, O_RDONLY | O_CLOEXEC);
	if (net < 0)
		return fail_errno(err, net_path, "open");
	user = open(user_path, O_RDONLY | O_CLOEXEC);
	return enter(net, user, err);
}

/* ---- give ---- */

/* A machine that has this namespace has these names in it: who makes the first of them is alone there. */
static int make_taps(int tun, struct netns_links *links, int tap[NETNS_INTERFACES],
                     struct error *err)
{
	for (uint32_t i = 0; i < links->interface_count; i++) {
		struct netns_interface *it = &links->interfaces[i];

		(void)snprintf(it->tap, sizeof(it->tap), "cella%u", i);
		tap[i] = netns_tap(tun, it->tap, it->mtu, err);
		if (tap[i] < 0)
			return error_within(err, "%s", it->name);
		it->tap_index = if_nametoindex(it->tap);
	}
	return 0;
}

/* The taps of a machine end with it, but what it was given is taken back only when it is deleted. */
static int check_untied(const struct netns_links *links, struct error *err)
{
	for (uint32_t i = 0; i < links->interface_count; i++) {
		int tied = netns_is_redirected(links, i, err);

		if (tied < 0)
			return -1;
		if (tied > 0)
			return fail(err, ERROR_STATE, links->interfaces[i].name,
			            "is another virtual machine's until that one is deleted");
	}
	return 0;
}

static int tie(int socket, const struct netns_links *links, struct error *err)
{
	const struct wire_message done = {.kind = WIRE_DONE};

	for (uint32_t i = 0; i < links->interface_count; i++)
		if (netns_redirect(links, i, links->interfaces[i].tap, err) < 0)
			return error_within(err, "%s", links->interfaces[i].name);
	return wire_send(socket, &done, err);
}

static int send_taps(int socket, const int tap[], uint32_t count, struct error *err)
{
	for (uint32_t i = 0; i < count; i++)
		if (fdpass_send(socket, "", 1, tap[i], err) < 0)
			return -1;
	return 0;
}

static int say_links(int socket, const struct netns_links *links, struct error *err)
{
	struct wire_message m = {.kind = WIRE_NETWORK}, answer;
	owned_inbox inbox = {0};

	m.number[0] = links->interface_count;
	m.blob[0] = (struct wire_blob){links, sizeof(*links)};
	return wire_ask(socket, &m, PATIENCE_MS, &inbox, &answer, err) < 0 ? -1 : 0;
}

/* The links are said, and remembered for the way back, only when nobody else has them. The end of the process closes
 * the taps. */
int way_give(int socket, const char *pid, struct error *err)
{
	owned_arena struct arena *arena = arena_new(ARENA);
	owned_fd tun = open("/dev/net/tun", O_PATH | O_CLOEXEC);
	int tun_errno = errno;
	struct netns_links *links;
	int tap[NETNS_INTERFACES] = {0};

	if (!arena)
		return fail(err, ERROR_SYSTEM, "network", "out of memory");
	if (enter_process(pid, err) < 0)
		return -1;
	links = netns_look(arena, err);
	if (!links)
		return -1;
	errno = tun_errno;
	if (links->interface_count > 0 && tun < 0)
		return fail_errno(err, "/dev/net/tun", "open");
	if (make_taps(tun, links, tap, err) < 0 || check_untied(links, err) < 0 ||
	    say_links(socket, links, err) < 0 || tie(socket, links, err) < 0)
		return -1;
	return send_taps(socket, tap, links->interface_count, err);
}

/* ---- take back ---- */

static bool are_sound(const struct netns_links *links)
{
	bool sound = links->interface_count <= NETNS_INTERFACES &&
	             links->address_count <= NETNS_ADDRESSES &&
	             links->route_count <= NETNS_ROUTES &&
	             links->neighbour_count <= NETNS_NEIGHBOURS;

	for (uint32_t i = 0; sound && i < links->interface_count; i++)
		sound = memchr(links->interfaces[i].name, '\0', NETNS_NAME) &&
		        memchr(links->interfaces[i].tap, '\0', NETNS_NAME);
	return sound;
}

static int hear_links(int socket, struct netns_links *ret, struct error *err)
{
	owned_inbox inbox = {0};
	struct wire_message m;

	if (wire_receive(socket, WIRE_LIMIT, PATIENCE_MS, &inbox, &m, err) < 0)
		return -1;
	if (inbox.have == 0 || m.kind != WIRE_NETWORK || m.blob[0].length != sizeof(*ret))
		return fail(err, ERROR_SYSTEM, "network", "is not described");
	memcpy(ret, m.blob[0].bytes, sizeof(*ret));
	if (!are_sound(ret))
		return fail(err, ERROR_SYSTEM, "network", "is not described well");
	return 0;
}

/* What has the path now may be another namespace. One that is not even in the same place is not entered.
 * Returns  1: it is the same, and entered; 0: it is not; -1 and *err. */
static int enter_same(int net, const struct netns_identity *wanted, struct error *err)
{
	owned_fd owner = ioctl(net, NS_GET_USERNS);
	struct netns_identity here;
	struct stat st;

	if (fstat(net, &st) < 0)
		return fail_errno(err, "network namespace", "stat");
	if (st.st_dev != wanted->device || st.st_ino != wanted->inode)
		return 0;
	if (enter(net, owner, err) < 0 || netns_identify(&here, err) < 0)
		return -1;
	return here.cookie == wanted->cookie;
}

int way_take_back(int socket, const char *path, struct error *err)
{
	const struct wire_message done = {.kind = WIRE_DONE};
	static struct netns_links links;
	owned_fd net = open(path, O_RDONLY | O_CLOEXEC);
	int same;

	if (hear_links(socket, &links, err) < 0)
		return -1;
	if (net < 0)
		return fail_errno(err, path, "open");
	same = enter_same(net, &links.namespace, err);
	if (same < 0 || (same > 0 && netns_undo(&links, err) < 0))
		return -1;
	return wire_send(socket, &done, err);
}

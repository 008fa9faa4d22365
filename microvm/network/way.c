/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
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

static void name_tap(char name[NETNS_NAME], uint32_t which)
{
	(void)snprintf(name, NETNS_NAME, "cella%u", which);
}

/* Returns the tap, the caller's, or -1 and *err. */
static int tie(int tun, const struct netns_links *links, uint32_t which, struct error *err)
{
	char name[NETNS_NAME];
	owned_fd tap = -1;

	name_tap(name, which);
	tap = netns_tap(tun, name, links->interfaces[which].mtu, false, err);
	if (tap < 0 || netns_redirect(links, which, name, err) < 0)
		return error_within(err, "%s", links->interfaces[which].name);
	return take_fd(&tap);
}

static int tie_all(int socket, const struct netns_links *links, int tun, struct error *err)
{
	const struct wire_message done = {.kind = WIRE_DONE};
	int tap[NETNS_INTERFACES];

	for (uint32_t i = 0; i < links->interface_count; i++) {
		tap[i] = tie(tun, links, i, err);
		if (tap[i] < 0)
			return -1;
	}
	if (wire_send(socket, &done, err) < 0)
		return -1;
	for (uint32_t i = 0; i < links->interface_count; i++)
		if (fdpass_send(socket, "", 1, tap[i], err) < 0)
			return -1;
	return 0; /* the end of the process closes ours */
}

static int say_links(int socket, const struct netns_links *links, struct error *err)
{
	struct wire_message m = {.kind = WIRE_NETWORK}, answer;
	owned_inbox inbox = {0};

	m.number[0] = links->interface_count;
	m.blob[0] = (struct wire_blob){links, sizeof(*links)};
	return wire_ask(socket, &m, PATIENCE_MS, &inbox, &answer, err) < 0 ? -1 : 0;
}

int way_give(int socket, const char *pid, struct error *err)
{
	owned_arena struct arena *arena = arena_new(ARENA);
	owned_fd tun = open("/dev/net/tun", O_PATH | O_CLOEXEC);
	int tun_errno = errno;
	const struct netns_links *links;

	if (!arena)
		return fail(err, ERROR_SYSTEM, "network", "out of memory");
	if (enter_process(pid, err) < 0)
		return -1;
	links = netns_look(arena, err);
	if (!links || say_links(socket, links, err) < 0)
		return -1;
	errno = tun_errno;
	if (links->interface_count > 0 && tun < 0)
		return fail_errno(err, "/dev/net/tun", "open");
	return tie_all(socket, links, tun, err);
}

/* ---- take back ---- */

static int hear_links(int socket, struct netns_links *ret, struct error *err)
{
	owned_inbox inbox = {0};
	struct wire_message m;

	if (wire_receive(socket, WIRE_LIMIT, PATIENCE_MS, &inbox, &m, err) < 0)
		return -1;
	if (inbox.have == 0 || m.kind != WIRE_NETWORK || m.blob[0].length != sizeof(*ret))
		return fail(err, ERROR_SYSTEM, "network", "is not described");
	memcpy(ret, m.blob[0].bytes, sizeof(*ret));
	if (ret->interface_count > NETNS_INTERFACES)
		return fail(err, ERROR_SYSTEM, "network", "is not described well");
	return 0;
}

int way_take_back(int socket, const char *path, struct error *err)
{
	const struct wire_message done = {.kind = WIRE_DONE};
	static struct netns_links links;
	owned_fd net = open(path, O_RDONLY | O_CLOEXEC);

	if (hear_links(socket, &links, err) < 0)
		return -1;
	if (net < 0)
		return fail_errno(err, path, "open");
	if (enter(net, -1, err) < 0)
		return -1;
	for (uint32_t i = 0; i < links.interface_count; i++) {
		char name[NETNS_NAME];

		name_tap(name, i);
		if (netns_undo(&links, i, name, err) < 0)
			return error_within(err, "%s", links.interfaces[i].name);
	}
	return wire_send(socket, &done, err);
}

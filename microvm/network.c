/* SPDX-License-Identifier: Apache-2.0 */
/* The container's network namespace is looked at and tied to taps by cella-network, which enters it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/helper.h"
#include "base/own.h"
#include "base/process.h"
#include "base/program.h"

#include "parts.h"

enum { ANSWER_MS = 60000, FILE_LIMIT = 1 << 20 };

/* A cella-network that runs. */
struct talk {
	struct helper helper;
	int socket; /* to its stdin; owned */
};

static int begin(const char *verb, const char *argument, struct talk *ret, struct error *err)
{
	char name[] = "cella-network", path[PATH_MAX], word[16], what[PATH_MAX];
	char *const args[] = {name, word, what, NULL};
	owned_fd ours = -1, theirs = -1;
	struct helper_options options = {.path = path};
	int ends[2];

	(void)snprintf(word, sizeof(word), "%s", verb);
	if (snprintf(what, sizeof(what), "%s", argument) >= (int)sizeof(what))
		return fail(err, ERROR_CONFIG, "linux.namespaces", "the path is too long");
	if (program_helper(name, path, sizeof(path), err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, name, "socketpair");
	ours = ends[0];
	theirs = ends[1];
	options.input = theirs;
	if (helper_start(args, &options, &ret->helper, err) < 0)
		return -1;
	(void)close(ret->helper.answer);
	ret->socket = take_fd(&ours);
	return 0;
}

/* Its end; why it went wrong has been said over the socket. */
static int end(struct talk *talk, int result, struct error *err)
{
	struct error ignored;

	(void)close(talk->socket);
	if (process_wait(talk->helper.pid, result < 0 ? &ignored : err) < 0)
		return -1;
	return result;
}

static int hear(const struct talk *talk, enum wire_kind kind, struct wire_inbox *inbox,
                struct wire_message *ret, struct error *err)
{
	int got = wire_receive(talk->socket, WIRE_LIMIT, ANSWER_MS, inbox, ret, err);

	if (got < 0)
		return -1;
	if (got > 0 && ret->kind == WIRE_FAILED)
		return wire_error(ret, err);
	if (got == 0 || ret->kind != kind)
		return fail(err, ERROR_SYSTEM, "cella-network", "ended without an answer");
	return 0;
}

/* ---- give ---- */

/* Only a namespace that was joined can be there when the container is not. */
static const char *joined(const struct container *c)
{
	return c->spec->linux_.namespaces[NAMESPACE_NETWORK].path;
}

static int remember(const struct container *c, const struct netns_links *links, struct error *err)
{
	owned_fd fd = -1;

	if (!joined(c) || links->interface_count == 0)
		return 0;
	fd = openat(c->dir, VM_NETWORK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(err, VM_NETWORK, "create");
	return fd_write_whole(fd, VM_NETWORK, links, sizeof(*links), err);
}

static int take_links(const struct container *c, const struct talk *talk, struct network *ret,
                      struct error *err)
{
	owned_inbox inbox = {0};
	struct netns_links *links = ARENA_NEW(c->arena, struct netns_links);
	struct wire_message m;

	if (!links)
		return arena_check(c->arena, err);
	if (hear(talk, WIRE_NETWORK, &inbox, &m, err) < 0)
		return -1;
	if (m.blob[0].length != sizeof(*links))
		return fail(err, ERROR_SYSTEM, "cella-network", "is of another version of cella");
	memcpy(links, m.blob[0].bytes, sizeof(*links));
	if (links->interface_count > WIRE_CARDS_MOST)
		return fail(err, ERROR_UNSUPPORTED, "linux.namespaces",
		            "the network namespace has more than %d interfaces, the most of a "
		            "virtual machine",
		            WIRE_CARDS_MOST);
	for (uint32_t i = 0; i < links->interface_count; i++)
		ret->tap[i] = -1;
	ret->links = links;
	return remember(c, links, err);
}

static int take_tap(const struct talk *talk, int *ret, struct error *err)
{
	char byte;

	if (fdpass_receive(talk->socket, &byte, 1, ret, err) < 0)
		return -1;
	return *ret < 0 ? fail(err, ERROR_SYSTEM, "cella-network", "gave no tap") : 0;
}

static int take_all(const struct container *c, const struct talk *talk, struct network *ret,
                    struct error *err)
{
	const struct wire_message go_on = {.kind = WIRE_DONE};
	owned_inbox inbox = {0};
	struct wire_message m;

	if (take_links(c, talk, ret, err) < 0 || wire_send(talk->socket, &go_on, err) < 0 ||
	    hear(talk, WIRE_DONE, &inbox, &m, err) < 0)
		return -1;
	for (uint32_t i = 0; i < ret->links->interface_count; i++)
		if (take_tap(talk, &ret->tap[i], err) < 0)
			return -1;
	return 0;
}

int network_give(const struct container *c, struct network *ret, struct error *err)
{
	struct talk talk;
	char pid[16];

	*ret = (struct network){0};
	(void)snprintf(pid, sizeof(pid), "%d", c->state.pid);
	if (begin("give", pid, &talk, err) < 0)
		return -1;
	return end(&talk, take_all(c, &talk, ret, err), err);
}

void network_close(struct network *network)
{
	for (uint32_t i = 0; network->links && i < network->links->interface_count; i++)
		if (network->tap[i] >= 0)
			(void)close(network->tap[i]);
	*network = (struct network){0};
}

/* ---- take back ---- */

static int tell(const struct talk *talk, const char *links, size_t length, struct error *err)
{
	owned_inbox inbox = {0};
	struct wire_message m = {.kind = WIRE_NETWORK, .blob = {{links, length}}};

	return wire_send(talk->socket, &m, err) < 0 ? -1 : hear(talk, WIRE_DONE, &inbox, &m, err);
}

static int take_back(const struct container *c, struct error *err)
{
	struct talk talk;
	size_t length;
	char *links;

	if (fd_read_file(c->dir, VM_NETWORK, FILE_LIMIT, c->arena, &links, &length, err) < 0 ||
	    begin("take-back", joined(c), &talk, err) < 0)
		return -1;
	return end(&talk, tell(&talk, links, length, err), err);
}

/* Once: who has the namespace after that is not disturbed when delete is asked for again. */
int network_take_back(struct container *c, struct error *err)
{
	if (faccessat(c->dir, VM_NETWORK, F_OK, 0) < 0)
		return 0;
	if (container_config(c, err) < 0)
		return -1;
	/* whoever made the namespace may have ended it: with it all is gone */
	if (joined(c) && access(joined(c), F_OK) == 0 && take_back(c, err) < 0)
		return -1;
	return unlinkat(c->dir, VM_NETWORK, 0) < 0 ? fail_errno(err, VM_NETWORK, "remove") : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/own.h"
#include "runtime/namespace/namespace.h"

#include "parts.h"

enum { CONFIG_LIMIT = 16 << 20, LAST_WORDS_MS = 2000 };

/* A network namespace may outlive the container, and the host's devices do: both get back what they had while the
 * monitor's process is there still, with whose namespace a device would end. */
static void abandon(struct container *c, struct moved *moved)
{
	struct error ignored;

	if (network_take_back(c, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	devices_take_back(moved);
	if (namespace_executor.destroy(c, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
}

/* The monitor runs in its room; c->spec is the room's while the namespace executor is at it, whose hooks these
 * are. */
static int start_monitor(struct container *c, struct plan *plan, struct moved *ret_moved,
                         struct error *err)
{
	const struct spec *asked = c->spec;
	int result;

	c->spec = plan->spec;
	result = namespace_create_first(c, plan, ret_moved, err);
	if (result == 0 && namespace_executor.start(c, err) < 0) {
		abandon(c, ret_moved);
		result = -1;
	}
	c->spec = asked;
	return result;
}

/* What the monitor says of its end; what we know already is less. */
static void hear_last_words(int channel, struct error *err)
{
	owned_inbox inbox = {0};
	struct wire_message m;
	struct error ignored;

	if (wire_receive(channel, WIRE_GUEST_LIMIT, LAST_WORDS_MS, &inbox, &m, &ignored) <= 0)
		return;
	if (m.kind == WIRE_FAILED)
		(void)wire_error(&m, err);
}

static int ask_agent(struct container *c, const struct network *network, struct error *err)
{
	struct wire_message m = {.kind = WIRE_CREATE};
	const char *shares = room_shares(c->spec, c->arena);
	size_t length;
	char *config;

	if (!shares ||
	    fd_read_file(c->dir, "config.json", CONFIG_LIMIT, c->arena, &config, &length, err) < 0)
		return -1;
	m.number[0] = c->spec->process.terminal ? WIRE_HAS_TERMINAL : 0;
	m.blob[0] = wire_text(c->state.id);
	m.blob[1] = (struct wire_blob){config, length};
	m.blob[2] = wire_text(shares);
	if (network->links && network->links->interface_count > 0)
		m.blob[3] = (struct wire_blob){network->links, sizeof(*network->links)};
	m.blob[4] = wire_text(c->state.bundle);
	return guest_ask(c, &m, -1, NULL, NULL, err);
}

/* The monitor's process runs long before the container is there: look needs to know. */
static int mark_booting(const struct container *c, struct error *err)
{
	owned_fd fd = openat(c->dir, VM_BOOTING, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? fail_errno(err, VM_BOOTING, "create") : 0;
}

static int mark_waiting(const struct container *c, struct error *err)
{
	return renameat(c->dir, VM_BOOTING, c->dir, VM_WAITING) < 0
	               ? fail_errno(err, VM_WAITING, "rename")
	               : 0;
}

static int bring_up(struct container *c, const struct machine_parts *parts,
                    const struct machine_ends *ends, struct error *err)
{
	owned_network network = {0};

	if (network_give(c, &network, err) < 0 || machine_send(c, parts, ends, &network, err) < 0)
		return -1;
	if (ask_agent(c, &network, err) < 0) {
		hear_last_words(ends->channel, err);
		return -1;
	}
	return mark_waiting(c, err);
}

int microvm_create(struct container *c, struct plan *plan, struct error *err)
{
	OWNED(devices_release) struct moved moved = MOVED_NONE;
	owned_machine_parts parts = NO_PARTS;
	owned_fd ours = -1, theirs = -1, guest = -1, control = -1;
	int pair[2];

	if (machine_open(c->spec, c->arena, &parts, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail_errno(err, "channel", "socketpair");
	ours = pair[0];
	theirs = pair[1];
	if (plan_process_channel(plan->process, theirs, 1, c->arena, err) < 0)
		return -1;
	guest = fdpass_listen_at(c->dir, VM_SOCKET, err);
	control = guest < 0 ? -1 : fdpass_listen_at(c->dir, VM_CONTROL, err);
	if (control < 0 || mark_booting(c, err) < 0 || start_monitor(c, plan, &moved, err) < 0)
		return -1;
	(void)close(take_fd(&theirs));
	if (bring_up(c, &parts, &(struct machine_ends){ours, guest, control}, err) == 0)
		return 0;
	abandon(c, &moved);
	return -1;
}

int microvm_start(struct container *c, struct error *err)
{
	const struct wire_message m = {.kind = WIRE_START};

	if (guest_ask(c, &m, -1, NULL, NULL, err) < 0)
		return -1;
	if (unlinkat(c->dir, VM_WAITING, 0) < 0 && errno != ENOENT)
		return fail_errno(err, VM_WAITING, "remove");
	return 0;
}

/* The network last: nothing else may be left of a container for the sake of a namespace that is somebody else's. */
int microvm_destroy(struct container *c, struct error *err)
{
	struct error why;

	if (namespace_executor.destroy(c, err) < 0)
		return -1;
	if (network_take_back(c, &why) < 0)
		log_dropped("network", &why);
	return 0;
}

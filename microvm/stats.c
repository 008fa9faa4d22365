/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine uses is counted where it is limited: memory and processes by the guest's kernel, which the agent is
 * asked for, processors and block devices by the cgroup of the monitor. A process that is killed for want of memory is
 * one of the guest's; the monitor itself can be killed too. */
#include <string.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/own.h"
#include "runtime/namespace/namespace.h"

#include "parts.h"

enum { ANSWER_MS = 20000, MESSAGES_AT_ONCE = 64 };

static int ask_guest(const struct container *c, struct arena *arena, struct stats *ret,
                     struct error *err)
{
	const struct wire_message question = {.kind = WIRE_STATS};
	owned_fd connection = guest_connect(c, err);
	struct wire_message answer;
	owned_inbox inbox = {0};
	const struct json *top;

	if (connection < 0 ||
	    wire_ask(connection, &question, ANSWER_MS, &inbox, &answer, err) < 0 ||
	    json_read("stats", answer.blob[0].bytes, answer.blob[0].length, arena, &top, err) < 0)
		return -1;
	return stats_unpack(top, arena, ret, err);
}

int microvm_stats(struct container *c, struct arena *arena, struct stats *ret, struct error *err)
{
	struct stats guest = {0};
	struct error ignored;

	if (namespace_executor.stats(c, arena, ret, err) < 0)
		return -1;
	/* a guest that stands still, ends just now, or does not answer, counts nothing */
	if (c->state.status != STATUS_PAUSED && ask_guest(c, arena, &guest, &ignored) < 0) {
		log_debug("stats of the guest: %s: %s", ignored.object, ignored.reason);
		memset(&guest, 0, sizeof(guest));
	}
	ret->memory.set = ret->memory.set && guest.memory.set;
	guest.memory.set = ret->memory.set;
	ret->memory = guest.memory;
	guest.pids.set = ret->pids.set && guest.pids.set;
	ret->pids = guest.pids;
	return 0;
}

/* ---- events ---- */

/* Have the guest tell. One that stands still begins when it goes on; so does any where nobody may wait for it, and its
 * DONE comes before all else then.
 * Returns  the connection, or -1 and *err. */
static int begin(const struct container *c, bool may_wait, struct error *err)
{
	const struct wire_message question = {.kind = WIRE_WATCH};
	owned_fd connection =
		may_wait ? guest_connect(c, err) : fdpass_connect_now_at(c->dir, VM_SOCKET, err);
	struct wire_message answer;
	owned_inbox inbox = {0};

	if (connection < 0)
		return -1;
	if (!may_wait || c->state.status == STATUS_PAUSED) {
		if (wire_send(connection, &question, err) < 0)
			return -1;
	} else if (wire_ask(connection, &question, ANSWER_MS, &inbox, &answer, err) < 0) {
		return -1;
	}
	return take_fd(&connection);
}

/* What the guest has told by now; of one that floods us not all. What comes in pieces is lost, which is between it and
 * whoever watches it. */
static enum container_event hear(struct container_watch *watch)
{
	owned_inbox inbox = {0};
	struct wire_message m;
	struct error why;

	for (int i = 0; watch->other >= 0 && i < MESSAGES_AT_ONCE; i++) {
		int got = wire_collect(&inbox, watch->other, WIRE_GUEST_LIMIT, &m, &why);

		if (got > 0 && m.kind == WIRE_KILLED)
			return EVENT_OOM;
		if (got < 0)
			(void)close(take_fd(&watch->other));
		if (got == 0)
			break;
	}
	return EVENT_NONE;
}

int microvm_watch(struct container *c, int timeout_ms, enum container_event *ret, struct error *err)
{
	enum container_event outside;
	struct error ignored;

	if (c->watch.population < 0) {
		if (namespace_executor.watch(c, 0, ret, err) < 0)
			return -1;
		if (*ret != EVENT_NONE)
			return 0;
		c->watch.other = begin(c, timeout_ms != 0, &ignored);
		if (c->watch.other < 0)
			log_debug("watch in the guest: %s: %s", ignored.object, ignored.reason);
	}
	*ret = hear(&c->watch);
	if (*ret != EVENT_NONE)
		return 0;
	if (namespace_executor.watch(c, timeout_ms, &outside, err) < 0)
		return -1;
	*ret = hear(&c->watch); /* before the end */
	if (*ret == EVENT_NONE)
		*ret = outside;
	return 0;
}

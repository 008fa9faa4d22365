/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"

#include "message.h"

static const char object[] = "virtual machine";

int wire_send(int fd, const struct wire_message *message, struct error *err)
{
	size_t length, sent = 0;
	owned_str bytes = wire_pack(message, &length, err);

	if (!bytes)
		return -1;
	while (sent < length) {
		ssize_t n = send(fd, bytes + sent, length - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, object, "send");
		sent += (size_t)n;
	}
	return 0;
}

/* Until there is something to read.
 * end  of clock_ms(); negative: for ever. */
static int await(int fd, int64_t end, struct error *err)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t left = end < 0 ? -1 : end - clock_ms();
		int ready = poll(&wait, 1, end >= 0 && left < 0 ? 0 : (int)left);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return fail_errno(err, object, "poll");
		if (ready == 0) {
			(void)fail(err, ERROR_SYSTEM, object, "does not answer in time");
			err->errnum = ETIMEDOUT;
			return -1;
		}
	}
}

/* Returns  how many came: length, or fewer at the end of the stream; -1 and *err. */
static ssize_t fill(int fd, char *bytes, size_t length, int64_t end, struct error *err)
{
	size_t have = 0;

	while (have < length) {
		ssize_t n;

		if (await(fd, end, err) < 0)
			return -1;
		n = recv(fd, bytes + have, length - have, 0);
		if (n < 0 && errno != EINTR && errno != ECONNRESET)
			return fail_errno(err, object, "receive");
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			break;
		if (n > 0)
			have += (size_t)n;
	}
	return (ssize_t)have;
}

void wire_inbox_free(struct wire_inbox *inbox)
{
	free(inbox->bytes);
	*inbox = (struct wire_inbox){0};
}

/* Room for what is known to come: the head, then what it says. Returns 0, or -1 and *err. */
static int make_room(struct wire_inbox *inbox, size_t limit, struct error *err)
{
	size_t wanted = WIRE_HEAD;
	char *bytes;

	if (inbox->have >= WIRE_HEAD) {
		if (wire_head(inbox->bytes, limit, &wanted, err) < 0)
			return -1;
		wanted += WIRE_HEAD;
	}
	if (inbox->size >= wanted) {
		inbox->size = wanted;
		return 0;
	}
	bytes = realloc(inbox->bytes, wanted);
	if (!bytes)
		return fail(err, ERROR_SYSTEM, object, "out of memory");
	inbox->bytes = bytes;
	inbox->size = wanted;
	return 0;
}

int wire_receive(int fd, size_t limit, int timeout_ms, struct wire_inbox *inbox,
                 struct wire_message *ret, struct error *err)
{
	int64_t end = timeout_ms < 0 ? -1 : clock_ms() + timeout_ms;
	bool began = false;

	inbox->have = 0;
	while (inbox->have <= WIRE_HEAD || inbox->have < inbox->size) {
		ssize_t n;

		if (make_room(inbox, limit, err) < 0)
			return -1;
		if (inbox->have == inbox->size && inbox->have >= WIRE_HEAD)
			break; /* nothing but a head */
		n = fill(fd, inbox->bytes + inbox->have, inbox->size - inbox->have, end, err);
		if (n < 0)
			return -1;
		inbox->have += (size_t)n;
		if (inbox->have < inbox->size && !began && inbox->have == 0)
			return 0;
		if (inbox->have < inbox->size)
			return fail(err, ERROR_SYSTEM, object,
			            "has ended in the middle of a message");
		began = true;
	}
	return wire_unpack(inbox->bytes, inbox->have, ret, err) < 0 ? -1 : 1;
}

int wire_ask(int fd, const struct wire_message *question, int timeout_ms, struct wire_inbox *inbox,
             struct wire_message *ret_answer, struct error *err)
{
	struct wire_message answer;
	int got;

	if (wire_send(fd, question, err) < 0)
		return -1;
	got = wire_receive(fd, WIRE_GUEST_LIMIT, timeout_ms, inbox, &answer, err);
	if (got < 0)
		return -1;
	if (got == 0)
		return fail(err, ERROR_SYSTEM, object, "has ended without an answer");
	if (answer.kind == WIRE_FAILED)
		return wire_error(&answer, err);
	if (answer.kind != WIRE_DONE)
		return fail(err, ERROR_SYSTEM, object, "answers with a message of kind %d",
		            answer.kind);
	*ret_answer = answer;
	return 0;
}

int wire_collect(struct wire_inbox *inbox, int fd, size_t limit, struct wire_message *ret,
                 struct error *err)
{
	if (inbox->have == inbox->size)
		inbox->have = 0; /* the last one is over */
	for (;;) {
		ssize_t n;

		if (make_room(inbox, limit, err) < 0)
			return -1;
		if (inbox->have >= WIRE_HEAD && inbox->have == inbox->size)
			return wire_unpack(inbox->bytes, inbox->size, ret, err) < 0 ? -1 : 1;
		n = recv(fd, inbox->bytes + inbox->have, inbox->size - inbox->have, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return fail_errno(err, object, "receive");
		if (n == 0)
			return fail(err, ERROR_SYSTEM, object, "has ended");
		inbox->have += (size_t)n;
	}
}

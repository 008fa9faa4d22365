/* SPDX-License-Identifier: Apache-2.0 */
/* Who can reach this socket is whom the container belongs to. All the same nobody is waited for: a connection that says
 * nothing keeps one place of a few, and who comes when all are taken is sent away. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "program.h"

enum { PAGE = 4096, QUESTION_LIMIT = 4096 };

static void hang_up(struct control_connection *c)
{
	struct error ignored;

	if (loop_remove(c->control->loop, &c->source, &ignored) < 0)
		log_dropped("control", &ignored);
	(void)close(take_fd(&c->source.fd));
	wire_inbox_free(&c->inbox);
	c->inbox = (struct wire_inbox){0};
}

/* How much memory the guest has, by its own word: a lie is between it and the cgroup. */
static uint64_t has(const struct control *control)
{
	uint64_t away = (uint64_t)virtio_balloon_actual(control->balloon) * PAGE;

	return away < control->memory_bytes ? control->memory_bytes - away : 0;
}

static struct wire_message fit_memory(struct control *control, uint64_t bytes)
{
	uint64_t away = bytes < control->memory_bytes ? control->memory_bytes - bytes : 0;

	virtio_balloon_set_target(control->balloon, (uint32_t)((away + PAGE - 1) / PAGE));
	return (struct wire_message){.kind = WIRE_DONE, .number = {has(control)}};
}

static int answer(struct control_connection *c, const struct wire_message *question,
                  struct error *err)
{
	struct wire_message reply;
	struct error why;

	if (question->kind == WIRE_MEMORY) {
		reply = fit_memory(c->control, question->number[0]);
	} else {
		(void)fail(&why, ERROR_UNSUPPORTED, "message", "the monitor does nothing at a %d",
		           question->kind);
		reply = wire_failed(&why);
	}
	return wire_send(c->source.fd, &reply, err);
}

static int asked(struct loop_source *source, uint32_t events, struct error *err)
{
	struct control_connection *c = source->data;
	struct wire_message question;
	struct error why;
	int got = wire_collect(&c->inbox, source->fd, QUESTION_LIMIT, &question, &why);

	(void)events;
	(void)err;
	if (got < 0 || (got > 0 && answer(c, &question, &why) < 0))
		hang_up(c); /* the usual end of it */
	return 0;
}

static int connected(struct loop_source *source, uint32_t events, struct error *err)
{
	struct control *control = source->data;
	owned_fd fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return 0; /* it has gone again */
	for (size_t i = 0; i < CONTROL_CONNECTIONS; i++) {
		struct control_connection *c = &control->connection[i];

		if (c->source.fd >= 0)
			continue;
		c->control = control;
		c->source = (struct loop_source){.fd = take_fd(&fd), .ready = asked, .data = c};
		return loop_add(control->loop, &c->source, EPOLLIN, err);
	}
	return 0;
}

int control_start(struct control *control, int listener, struct error *err)
{
	for (size_t i = 0; i < CONTROL_CONNECTIONS; i++)
		control->connection[i].source.fd = -1;
	control->listener = (struct loop_source){listener, connected, control};
	if (fcntl(listener, F_SETFL, O_NONBLOCK) < 0)
		return fail_errno(err, "control", "fcntl");
	return loop_add(control->loop, &control->listener, EPOLLIN, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/signals.h"

#include "stand_in.h"

/* What is passed on; others end or stop the stand-in itself. */
static const int passed[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,  SIGUSR1,
                             SIGUSR2, SIGALRM, SIGCONT, SIGWINCH, 0};

int stand_in_prepare(struct stand_in *self, struct error *err)
{
	self->signals.fd = signals_open(passed, err);
	return self->signals.fd < 0 ? -1 : 0;
}

/* ---- the end ---- */

static bool is_all(const struct pump *pump, uint64_t expected)
{
	return !pump->running || pump->moved >= expected;
}

static void look(struct stand_in *self)
{
	if (self->told || !self->exited || !is_all(&self->out, self->expected[0]) ||
	    !is_all(&self->err, self->expected[1]))
		return;
	self->told = true;
	self->ended(self, self->status);
}

static void pump_changed(struct pump *pump)
{
	look(pump->data);
}

static void exited(struct stand_in *self, int status)
{
	if (self->exited)
		return;
	self->exited = true;
	self->status = status;
	look(self);
}

/* ---- what comes from the agent ---- */

static int hear(struct loop_source *source, uint32_t events, struct error *err)
{
	struct stand_in *self = source->data;
	struct wire_message m;
	struct error why;
	int got;

	(void)events;
	while ((got = wire_collect(&self->inbox, source->fd, WIRE_GUEST_LIMIT, &m, &why)) > 0) {
		if (m.kind != WIRE_EXITED)
			continue;
		self->expected[0] = m.number[1];
		self->expected[1] = m.number[2];
		exited(self, (int)(m.number[0] & 0xff));
	}
	if (got == 0)
		return 0;
	if (loop_remove(self->loop, source, err) < 0)
		return -1;
	if (!self->exited) { /* the machine has gone, and whatever it had to say with it */
		log_debug("%s: %s", why.object, why.reason);
		self->gone = true;
		self->expected[0] = self->expected[1] = 0;
		exited(self, 128 + SIGKILL);
	}
	return 0;
}

/* ---- what goes to it ---- */

static void send_window(const struct stand_in *self)
{
	struct winsize size;
	struct wire_message m = {.kind = WIRE_WINDOW};
	struct error ignored;

	if (!self->terminal || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 ||
	    (size.ws_row == 0 && size.ws_col == 0))
		return;
	m.number[0] = size.ws_row;
	m.number[1] = size.ws_col;
	if (wire_send(self->control.fd, &m, &ignored) < 0)
		log_debug("%s: %s", ignored.object, ignored.reason);
}

static void send_signal(const struct stand_in *self, int signum)
{
	const struct wire_message m = {
		.kind = WIRE_SIGNAL,
		.number = {self->process, (uint64_t)signum}
        };
	struct error ignored;

	if (wire_send(self->control.fd, &m, &ignored) < 0)
		log_debug("%s: %s", ignored.object, ignored.reason);
}

static int signalled(struct loop_source *source, uint32_t events, struct error *err)
{
	struct stand_in *self = source->data;
	struct signalfd_siginfo info;

	(void)events;
	(void)err;
	while (read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			send_window(self);
		else
			send_signal(self, (int)info.ssi_signo);
	}
	return 0;
}

/* ---- streams ---- */

/* Make a connection the stream, from now on. Returns 0, or -1 and *err. */
static int attach(const struct stand_in *self, int connection, enum wire_stream stream,
                  struct error *err)
{
	const struct wire_message m = {
		.kind = WIRE_ATTACH,
		.number = {self->process, stream}
        };

	if (wire_send(connection, &m, err) < 0)
		return -1;
	return fcntl(connection, F_SETFL, O_NONBLOCK) < 0 ? fail_errno(err, "stream", "fcntl") : 0;
}

static int start(struct stand_in *self, struct pump *pump, int from, int to, struct error *err)
{
	pump->changed = pump_changed;
	pump->data = self;
	return pump_start(pump, self->loop, from, to, err);
}

/* A descriptor of stdio, to be closed without closing that. */
static int own(int fd, struct error *err)
{
	int ours = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return ours < 0 ? fail_errno(err, "stdio", "dup") : ours;
}

static int join(struct stand_in *self, enum wire_stream stream, int *taken, struct error *err)
{
	struct pump *const pumps[] = {&self->in, &self->out, &self->err};
	owned_fd connection = take_fd(taken);
	owned_fd ours = own((int)stream, err);

	if (ours < 0 || attach(self, connection, stream, err) < 0)
		return -1;
	if (stream == WIRE_STDIN)
		return start(self, pumps[stream], take_fd(&ours), take_fd(&connection), err);
	return start(self, pumps[stream], take_fd(&connection), take_fd(&ours), err);
}

/* What is typed, interrupts and echoes is the guest's terminal's to know. */
static void make_raw(void)
{
	struct termios modes;

	if (tcgetattr(STDIN_FILENO, &modes) < 0)
		return;
	cfmakeraw(&modes);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &modes) < 0)
		log_debug("terminal: raw: %s", strerrordesc_np(errno));
}

static int join_terminal(struct stand_in *self, int *taken, struct error *err)
{
	owned_fd connection = take_fd(taken);
	owned_fd back = own(connection, err);
	owned_fd in = back < 0 ? -1 : own(STDIN_FILENO, err);
	owned_fd out = in < 0 ? -1 : own(STDOUT_FILENO, err);

	if (out < 0 || attach(self, connection, WIRE_TERMINAL, err) < 0)
		return -1;
	make_raw();
	send_window(self);
	if (start(self, &self->in, take_fd(&in), take_fd(&back), err) < 0)
		return -1;
	return start(self, &self->out, take_fd(&connection), take_fd(&out), err);
}

static int join_all(struct stand_in *self, struct stand_in_connections *connections,
                    struct error *err)
{
	if (self->terminal)
		return join_terminal(self, &connections->stream[0], err);
	for (int i = 0; i < STAND_IN_STREAMS; i++)
		if (join(self, (enum wire_stream)i, &connections->stream[i], err) < 0)
			return -1;
	return 0;
}

int stand_in_start(struct stand_in *self, struct stand_in_connections *connections,
                   uint64_t process, bool terminal, struct error *err)
{
	int result;

	self->process = process;
	self->terminal = terminal;
	self->control = (struct loop_source){.fd = take_fd(&connections->control),
	                                     .ready = hear,
	                                     .data = self};
	self->signals.ready = signalled;
	self->signals.data = self;
	result = loop_add(self->loop, &self->signals, EPOLLIN, err);
	if (result == 0)
		result = join_all(self, connections, err);
	if (result == 0)
		result = loop_add(self->loop, &self->control, EPOLLIN, err);
	for (size_t i = 0; i < STAND_IN_STREAMS; i++)
		fd_release(&connections->stream[i]);
	return result;
}

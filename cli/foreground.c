/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/process.h"
#include "base/signals.h"
#include "base/table.h"

#include "foreground.h"
#include "relay.h"
#include "starting.h"

/* Left alone: what can't be caught, what stops us when we touch the terminal from behind, what our
 * own faults raise, and what nobody sends on purpose. */
static const int not_ours[] = {
	SIGKILL, SIGSTOP, SIGTTIN, SIGTTOU, SIGILL,  SIGTRAP,
	SIGBUS,  SIGFPE,  SIGSEGV, SIGSYS,  SIGCHLD, SIGURG,
};

enum { SIGNALS_MOST = 65 }; /* and the 0 behind them */

/* The process that we stand for. */
struct front {
	struct foreground *f;
	struct loop *loop;
	int pidfd, console;
	bool ended;
	struct relay relay;
};

static void loop_release(struct loop **loop)
{
	loop_free(*loop);
}

static bool is_ours(int signum)
{
	if (signum > SIGSYS && signum < SIGRTMIN)
		return false; /* the C library's own */
	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++)
		if (not_ours[i] == signum)
			return false;
	return true;
}

int foreground_open(struct foreground *f, struct error *err)
{
	int signums[SIGNALS_MOST];
	size_t count = 0;

	*f = (struct foreground)FOREGROUND_NONE;
	for (int signum = 1; signum <= SIGRTMAX && count + 1 < SIGNALS_MOST; signum++)
		if (is_ours(signum))
			signums[count++] = signum;
	signums[count] = 0;
	f->signals = signals_open(signums, err);
	return f->signals < 0 ? -1 : 0;
}

/* ---- our terminal ---- */

static int find_tty(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (isatty(fd))
			return fd;
	return -1;
}

/* Every key is the process's: only where what we read is a terminal. */
static int set_raw(struct foreground *f, struct error *err)
{
	struct termios raw;

	if (f->tty != STDIN_FILENO)
		return 0;
	if (!f->raw && tcgetattr(f->tty, &f->modes) < 0)
		return fail_errno(err, "terminal", "tcgetattr");
	raw = f->modes;
	cfmakeraw(&raw);
	if (tcsetattr(f->tty, TCSANOW, &raw) < 0)
		return fail_errno(err, "terminal", "tcsetattr");
	f->raw = true;
	return 0;
}

static void restore(struct foreground *f)
{
	if (f->raw && tcsetattr(f->tty, TCSANOW, &f->modes) < 0)
		log_warning("terminal: its modes could not be restored: %s",
		            strerrordesc_np(errno));
	f->raw = false;
}

static void resize(const struct front *front)
{
	struct winsize size;

	if (front->console < 0 || front->f->tty < 0 || ioctl(front->f->tty, TIOCGWINSZ, &size) < 0)
		return;
	if (ioctl(front->console, TIOCSWINSZ, &size) < 0)
		log_debug("terminal: resize: %s", strerrordesc_np(errno));
}

void foreground_close(struct foreground *f)
{
	restore(f);
	fd_release(&f->signals);
	fd_release(&f->notify);
}

/* ---- signals ---- */

static void pass_on(const struct front *front, int signum)
{
	struct error err;

	if (process_signal(front->pidfd, signum, &err) < 0 && err.errnum != ESRCH)
		log_dropped("while passing a signal on", &err);
}

/* With a terminal of its own the process is not stopped with us; whoever stopped us wants the
 * terminal as it was. */
static int suspend(struct front *front, struct error *err)
{
	restore(front->f);
	if (raise(SIGSTOP) != 0)
		return fail_errno(err, "process", "stop");
	resize(front);
	return set_raw(front->f, err);
}

static int handle(struct front *front, int signum, struct error *err)
{
	switch (signum) {
	case SIGPIPE: /* the write said so already */
		return 0;
	case SIGWINCH:
		resize(front);
		return 0;
	case SIGTSTP:
		if (front->console >= 0)
			return suspend(front, err);
		break;
	default:
		break;
	}
	if (front->ended) /* what is left of its output is not worth a second signal */
		loop_stop(front->loop);
	else
		pass_on(front, signum);
	return 0;
}

static int signals_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	struct signalfd_siginfo info;
	ssize_t n = read(self->fd, &info, sizeof(info));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != sizeof(info))
		return fail_errno(err, "signals", "read");
	return handle(self->data, (int)info.ssi_signo, err);
}

/* ---- the process ---- */

static int process_ended(struct loop_source *self, uint32_t events, struct error *err)
{
	struct front *front = self->data;

	(void)events;
	front->ended = true;
	if (loop_remove(front->loop, self, err) < 0)
		return -1;
	if (front->console >= 0)
		return relay_drain(&front->relay, err);
	loop_stop(front->loop);
	return 0;
}

static int notify_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	(void)events;
	(void)err;
	starting_pass_on(self->fd, starting_manager());
	return 0;
}

static int start_terminal(struct front *front, struct error *err)
{
	if (front->console < 0)
		return 0;
	front->f->tty = find_tty();
	resize(front);
	if (set_raw(front->f, err) < 0)
		return -1;
	return relay_start(&front->relay, front->loop, STDIN_FILENO, STDOUT_FILENO, front->console,
	                   err);
}

/* As the loop, where there are but a process and signals: nothing is set up to wait once, as a rule. */
static int wait_plainly(struct front *front, struct error *err)
{
	struct pollfd both[] = {
		{.fd = front->pidfd,      .events = POLLIN},
		{.fd = front->f->signals, .events = POLLIN}
        };
	struct loop_source signals = {front->f->signals, signals_ready, front};

	for (;;) {
		int n = poll(both, ARRAY_SIZE(both), -1);

		if (n < 0 && errno != EINTR)
			return fail_errno(err, "process", "poll");
		if (n > 0 && both[0].revents)
			return 0;
		if (n > 0 && signals_ready(&signals, EPOLLIN, err) < 0)
			return -1;
	}
}

static int wait_by_loop(struct front *front, struct error *err)
{
	OWNED(loop_release) struct loop *loop = loop_new(err);
	struct loop_source signals = {front->f->signals, signals_ready, front};
	struct loop_source process = {front->pidfd, process_ended, front};
	struct loop_source notify = {front->f->notify, notify_ready, NULL};
	int result;

	if (!loop || loop_add(loop, &signals, EPOLLIN, err) < 0 ||
	    loop_add(loop, &process, EPOLLIN, err) < 0 ||
	    (notify.fd >= 0 && loop_add(loop, &notify, EPOLLIN, err) < 0))
		return -1;
	front->loop = loop;
	result = start_terminal(front, err);
	if (result == 0)
		result = loop_run(loop, err);
	restore(front->f);
	return result;
}

int foreground_wait(struct foreground *f, pid_t pid, int pidfd, int console, struct error *err)
{
	struct front front = {.f = f, .pidfd = pidfd, .console = console};
	bool plainly = console < 0 && f->notify < 0;
	int result = plainly ? wait_plainly(&front, err) : wait_by_loop(&front, err);

	if (f->notify >= 0) /* its last words */
		starting_pass_on(f->notify, starting_manager());
	return result < 0 ? -1 : process_wait(pid, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/signals.h"

#include "screen.h"

/* Spec: ECMA-48, and xterm's second screen, which leaves what was on the first as it was. */
#define ENTER     "\x1b[?1049h\x1b[?25l" /* second screen, no cursor */
#define LEAVE     "\x1b[?25h\x1b[?1049l"
#define HOME      "\x1b[H"
#define REST_LINE "\x1b[K\r\n"
#define REST_PAGE "\x1b[J"

enum { ROWS = 24, COLUMNS = 80 }; /* of a terminal that doesn't say */

static int set_modes(struct screen *screen, struct error *err)
{
	struct termios modes;

	if (!isatty(STDIN_FILENO))
		return 0;
	if (tcgetattr(STDIN_FILENO, &screen->modes) < 0)
		return fail_errno(err, "terminal", "tcgetattr");
	modes = screen->modes;
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	modes.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped picture would leave its modes behind */
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &modes) < 0)
		return fail_errno(err, "terminal", "tcsetattr");
	screen->keys = true;
	return 0;
}

int screen_open(struct screen *screen, struct error *err)
{
	static const int signums[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, 0};

	screen->signals = signals_open(signums, err);
	if (screen->signals < 0 || set_modes(screen, err) < 0)
		return -1;
	screen->drawn = true;
	return fd_write_whole(STDOUT_FILENO, "stdout", ENTER, strlen(ENTER), err);
}

void screen_close(struct screen *screen)
{
	struct error hung_up; /* the terminal may be gone: nothing is left to be put right */

	if (screen->drawn &&
	    fd_write_whole(STDOUT_FILENO, "stdout", LEAVE, strlen(LEAVE), &hung_up) == 0)
		screen->drawn = false;
	if (screen->keys && tcsetattr(STDIN_FILENO, TCSANOW, &screen->modes) == 0)
		screen->keys = false;
	if (screen->signals >= 0)
		(void)close(take_fd(&screen->signals));
}

int screen_draw(const struct text *picture, struct error *err)
{
	owned_text struct text out = {0};
	struct winsize size = {0};
	const char *line = picture->bytes;
	size_t columns, rows;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		size = (struct winsize){.ws_row = ROWS, .ws_col = COLUMNS};
	columns = size.ws_col;
	rows = size.ws_row;
	text_append(&out, HOME);
	for (size_t row = 1; row < rows && line && *line; row++) {
		size_t length = strcspn(line, "\n");

		text_append_n(&out, line, length < columns ? length : columns);
		text_append(&out, REST_LINE);
		line += length + (line[length] == '\n');
	}
	text_append(&out, REST_PAGE);
	if (text_check(&out, err) < 0)
		return -1;
	return fd_write_whole(STDOUT_FILENO, "stdout", out.bytes, out.length, err);
}

/* Returns  1 for a signal that ends, 0 for another, or -1 and *err. */
static int read_signal(const struct screen *screen, struct error *err)
{
	struct signalfd_siginfo info;
	ssize_t n = read(screen->signals, &info, sizeof(info));

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n != sizeof(info))
		return fail_errno(err, "signals", "read");
	return info.ssi_signo != SIGWINCH;
}

/* Returns  1 for q or a terminal that has gone, 0 for another key. */
static int read_key(void)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return 1;
	return memchr(keys, 'q', (size_t)n) || memchr(keys, 'Q', (size_t)n);
}

int screen_wait(struct screen *screen, int timeout_ms, struct error *err)
{
	struct pollfd wait[] = {
		{.fd = screen->signals,                  .events = POLLIN},
		{.fd = screen->keys ? STDIN_FILENO : -1, .events = POLLIN},
	};
	int n = poll(wait, 2, timeout_ms);

	if (n < 0 && errno != EINTR)
		return fail_errno(err, "terminal", "poll");
	if (n > 0 && wait[0].revents)
		return read_signal(screen, err);
	return n > 0 && wait[1].revents ? read_key() : 0;
}

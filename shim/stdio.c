/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"

#include "stdio.h"
#include "uri.h"

enum {
	LOGGER_TIMEOUT_MS = 10000,
	READER_TIMEOUT_MS = 5000, /* of a client that died just now */
	OUTPUT_FLAGS = O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC
};

static const char file_scheme[] = "file://", binary_scheme[] = "binary://",
		  fifo_scheme[] = "fifo://";

static const char *fifo_path(const char *text)
{
	return text_begins(text, fifo_scheme) ? text + strlen(fifo_scheme) : text;
}

static int make_blocking(int fd, const char *path, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return fail_errno(err, path, "make it blocking");
	return 0;
}

/* Its reader first, which waits for nobody; then the writer has one. */
static int open_input(const char *path, bool terminal, struct stdio *io, struct error *err)
{
	io->end[0] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (io->end[0] < 0)
		return fail_errno(err, path, "open");
	io->hold[0] = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (io->hold[0] < 0)
		return fail_errno(err, path, "open");
	return terminal ? 0 : make_blocking(io->end[0], path, err);
}

static int open_pipe(int i, struct stdio *io, struct error *err)
{
	int both[2];

	if (pipe2(both, O_CLOEXEC) < 0)
		return fail_errno(err, "stdio", "pipe");
	io->pipe[i] = both[0];
	io->end[i] = both[1];
	return 0;
}

/* Where an output ends that is not a pipe of ours. */
static int written_end(const struct stdio *io, int i)
{
	return io->fifo[i] >= 0 ? io->fifo[i] : io->end[i];
}

static int open_hold(struct stdio *io, int i, const char *name, struct error *err)
{
	io->hold[i] = fd_reopen(written_end(io, i), O_RDWR | O_NONBLOCK, name, err);
	return io->hold[i];
}

/* A file is appended to: the other output may be the same. Of a FIFO that nobody reads yet no other end is held, so
 * that it can be seen when somebody does. */
static int open_output(const char *path, int i, const struct stdio_request *request,
                       struct stdio *io, struct error *err)
{
	bool piped = request->piped && !request->terminal;
	int *end = piped ? &io->fifo[i] : &io->end[i];

	*end = open(path, OUTPUT_FLAGS);
	io->unread[i] = *end < 0 && errno == ENXIO;
	if (io->unread[i]) {
		owned_fd both = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

		if (both >= 0)
			*end = open(path, OUTPUT_FLAGS);
	}
	if (*end < 0)
		return fail_errno(err, path, "open");
	if (!io->unread[i] && open_hold(io, i, path, err) < 0)
		return -1;
	if (!piped && !request->terminal && make_blocking(*end, path, err) < 0)
		return -1;
	return piped ? open_pipe(i, io, err) : 0;
}

/* Make the directories in which a file shall be. */
static int make_parents(char *path, struct error *err)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int made;

		*slash = '\0';
		made = mkdir(path, 0755);
		if (made < 0 && errno != EEXIST)
			return fail_errno(err, path, "mkdir");
		*slash = '/';
	}
	return 0;
}

/* Both outputs, of one URI; uri is what comes behind the scheme. */
static int open_file(const char *uri, struct stdio *io, struct error *err)
{
	owned_str path = strdup(uri);

	if (!path)
		return fail(err, ERROR_SYSTEM, uri, "out of memory");
	(void)uri_split(path); /* nothing is asked for in a query */
	if (path[0] != '/')
		return fail(err, ERROR_USAGE, file_scheme, "expected an absolute path");
	if (make_parents(path, err) < 0)
		return -1;
	for (int i = 1; i < 3; i++) {
		io->end[i] = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
		if (io->end[i] < 0)
			return fail_errno(err, path, "open");
	}
	return 0;
}

int stdio_open(const struct stdio_request *request, struct stdio *ret, struct error *err)
{
	const char *out = request->paths[1];
	bool terminal = request->terminal;

	*ret = (struct stdio)STDIO_NONE;
	if (request->paths[0][0] &&
	    open_input(fifo_path(request->paths[0]), terminal, ret, err) < 0)
		return -1;
	if (text_begins(out, binary_scheme))
		return logger_start(request, ret, err);
	if (text_begins(out, file_scheme))
		return open_file(out + strlen(file_scheme), ret, err);
	for (int i = 1; i < 3; i++) {
		const char *path = fifo_path(request->paths[i]);

		if (!path[0] || (terminal && i == 2))
			continue;
		if (path[0] != '/')
			return fail(err, ERROR_UNSUPPORTED, path,
			            "expected a FIFO, file:// or binary://");
		if (open_output(path, i, request, ret, err) < 0)
			return -1;
	}
	return 0;
}

static int wait_for_logger(int ready, struct error *err)
{
	struct pollfd wanted = {.fd = ready, .events = POLLIN};
	int n;

	if (ready < 0)
		return 0;
	do
		n = poll(&wanted, 1, LOGGER_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return fail(err, ERROR_SYSTEM, "binary://", "the logger was not ready within %d s",
		            LOGGER_TIMEOUT_MS / 1000);
	return 0;
}

/* Wait until somebody has opened the other end of a FIFO: what a process has written that ended before that would be
 * gone with it. */
static void wait_for_reader(int fd)
{
	static const struct timespec moment = {.tv_nsec = 1000000};

	for (int ms = 0; ms < READER_TIMEOUT_MS; ms++) {
		struct pollfd writer = {.fd = fd};

		if (poll(&writer, 1, 0) <= 0 || !(writer.revents & POLLERR))
			return;
		(void)nanosleep(&moment, NULL);
	}
}

int stdio_enter(const struct stdio *stdio, bool terminal, struct error *err)
{
	owned_fd null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return fail_errno(err, "/dev/null", "open");
	if (wait_for_logger(stdio->logger_ready, err) < 0)
		return -1;
	for (int i = 1; i < 3; i++)
		if (stdio->unread[i])
			wait_for_reader(written_end(stdio, i));
	for (int i = 0; i < 3; i++)
		if (dup2(terminal || stdio->end[i] < 0 ? null : stdio->end[i], i) < 0)
			return fail_errno(err, "stdio", "dup2");
	return 0;
}

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			(void)close(take_fd(&fds[i]));
}

void stdio_hold(struct stdio *stdio)
{
	struct error err;

	for (int i = 1; i < 3; i++) {
		if (stdio->unread[i] && open_hold(stdio, i, "stdio", &err) < 0)
			log_dropped("hold a FIFO", &err);
		stdio->unread[i] = false;
	}
}

void stdio_close_ends(struct stdio *stdio)
{
	close_all(stdio->end, 3);
	close_all(&stdio->logger_ready, 1);
}

void stdio_close(struct stdio *stdio)
{
	stdio_close_ends(stdio);
	close_all(stdio->hold, 3);
	close_all(stdio->pipe, 3);
	close_all(stdio->fifo, 3);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/signals.h"

#include "worker.h"

/* Descriptors of a worker: none of the server's, as what it makes may live for long. */
enum { WORKER_SOCKET = 3, WORKER_LOG = 4, WORKER_OTHERS = 5, OUT_OF_THE_WAY = 64 };

/* ---- the worker ---- */

/* Its messages go to the log and not to descriptor 2, which may be a container's. */
static int settle(const struct work *work, int socket, struct error *err)
{
	const struct stdio nothing = STDIO_NONE;
	int high = fcntl(socket, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	int log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	int entered;

	signals_reset();
	entered = stdio_enter(work->stdio ? work->stdio : &nothing, work->terminal, err);
	if (high < 0 || dup3(high, WORKER_SOCKET, O_CLOEXEC) < 0 || log < 0 ||
	    dup3(log, WORKER_LOG, O_CLOEXEC) < 0)
		return fail_errno(err, "worker", "dup3");
	if (entered < 0 || fd_close_from(WORKER_OTHERS, err) < 0)
		return -1;
	return log_open("/proc/self/fd/4", LOG_TEXT, log_is_debug() ? LOG_DEBUG : LOG_WARNING, err);
}

static int report_back(const struct work_report *report, const struct text *payload, int console,
                       struct error *err)
{
	owned_text struct text message = {0};

	text_append_n(&message, (const char *)report, sizeof(*report));
	if (payload->length > WORK_PAYLOAD_MOST)
		return fail(err, ERROR_UNSUPPORTED, "answer", "more than %d bytes",
		            WORK_PAYLOAD_MOST);
	if (payload->length)
		text_append_n(&message, payload->bytes, payload->length);
	if (text_check(payload, err) < 0 || text_check(&message, err) < 0)
		return -1;
	return fdpass_send(WORKER_SOCKET, message.bytes, message.length, console, err);
}

_Noreturn static void be_worker(const struct work *work, int socket)
{
	struct work_report report = {0};
	struct text payload = {0}; /* freed by the end of the process */
	struct text nothing = {0};
	int console = -1;

	if (settle(work, socket, &report.err) < 0 ||
	    work->run(work, &report, &payload, &console, &report.err) < 0 ||
	    report_back(&report, &payload, console, &report.err) < 0) {
		report.failed = true;
		if (report_back(&report, &nothing, -1, &report.err) < 0)
			log_dropped("worker", &report.err);
	}
	_exit(0);
}

/* ---- the server ---- */

static void work_free(struct work *work)
{
	struct error ignored;

	if (work->source.fd >= 0) {
		if (loop_remove(work->shim->loop, &work->source, &ignored) < 0)
			log_dropped("worker", &ignored);
		(void)close(work->source.fd);
	}
	free((char *)(uintptr_t)work->id);
	free((char *)(uintptr_t)work->exec_id);
	free(work);
}

/* Take in the report; it has none when it was killed.
 * Returns  false: not there yet. */
static bool collect(struct work *work, bool has_ended)
{
	struct work_report report = {.failed = true};
	struct text payload = {0};
	owned_fd console = -1;
	owned_str bytes = malloc(sizeof(report) + WORK_PAYLOAD_MOST);
	struct error *err = &report.err;
	struct work **at = &work->shim->works;
	ssize_t n = -1;

	if (bytes)
		n = fdpass_receive(work->source.fd, bytes, sizeof(report) + WORK_PAYLOAD_MOST,
		                   &console, err);
	else
		(void)fail(err, ERROR_SYSTEM, "worker", "out of memory");
	if (n < 0 && bytes && (err->errnum == EAGAIN || err->errnum == EWOULDBLOCK)) {
		if (!has_ended)
			return false;
		(void)fail(err, ERROR_SYSTEM, "worker", "ended unexpectedly");
	} else if (n >= (ssize_t)sizeof(report)) {
		memcpy(&report, bytes, sizeof(report));
		payload.bytes = bytes + sizeof(report);
		payload.length = (size_t)n - sizeof(report);
	} else if (n >= 0) {
		(void)fail(err, ERROR_SYSTEM, "worker", "ended unexpectedly");
	}
	while (*at != work)
		at = &(*at)->next;
	*at = work->next;
	work->done(work, &report, &payload, &console);
	work_free(work);
	return true;
}

static int ready(struct loop_source *self, uint32_t events, struct error *err)
{
	(void)err;
	(void)collect(self->data, (events & EPOLLHUP) != 0);
	return 0;
}

static struct work *copy(const struct work *work)
{
	struct work *made = malloc(sizeof(*made));

	if (!made)
		return NULL;
	*made = *work;
	made->source.fd = -1;
	made->id = strdup(work->id ? work->id : "");
	made->exec_id = strdup(work->exec_id ? work->exec_id : "");
	if (made->id && made->exec_id)
		return made;
	work_free(made);
	return NULL;
}

int work_start(const struct work *work, struct error *err)
{
	struct work *made = copy(work);
	owned_fd ours = -1, theirs = -1;
	int ends[2];

	if (!made)
		return fail(err, ERROR_SYSTEM, "worker", "out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		(void)fail_errno(err, "worker", "socketpair");
		work_free(made);
		return -1;
	}
	ours = ends[0];
	theirs = ends[1];
	made->source = (struct loop_source){ours, ready, made};
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0 ||
	    loop_add(work->shim->loop, &made->source, EPOLLIN, err) < 0) {
		made->source.fd = -1;
		work_free(made);
		return -1;
	}
	(void)take_fd(&ours);
	made->pid = process_clone(0, -1, NULL, err);
	if (made->pid < 0) {
		work_free(made);
		return -1;
	}
	if (made->pid == 0)
		be_worker(work, theirs);
	made->next = work->shim->works;
	work->shim->works = made;
	return 0;
}

void works_collect(struct shim *shim)
{
	struct work *work = shim->works;

	/* from the front again after each: done() may start works, and reap others, whichever comes next among them */
	while (work)
		work = collect(work, false) ? shim->works : work->next;
}

bool work_reaped(struct shim *shim, pid_t pid)
{
	for (struct work *work = shim->works; work; work = work->next)
		if (work->pid == pid) {
			(void)collect(work, true);
			return true;
		}
	return false;
}

void work_answer(struct work *work, const struct work_report *report, const struct text *payload,
                 int *console)
{
	(void)console;
	if (report->failed)
		refuse(work->shim, &work->caller, &report->err);
	else
		answer_bytes(work->shim, &work->caller, payload);
}

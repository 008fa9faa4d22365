/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/own.h"
#include "base/process.h"
#include "base/table.h"
#include "base/text.h"

#include "parts.h"

enum { MESSAGE_SIZE = 64 << 10, LOG_LIMIT = 64 << 20, ARENA_LIMIT = 160 << 20 };

int event_send(int socket, const struct criu_event *event, int fd, struct error *err)
{
	return fdpass_send(socket, event, sizeof(*event), fd, err);
}

/* ---- start ---- */

/* PATH first; an engine's may lack the folders for root's programs. */
int worker_find(const char *asked, char *path, size_t size, struct error *err)
{
	static const char more[] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin";
	const char *given = getenv("PATH");
	char folders[PATH_MAX * 2];
	const char *at = folders;

	if (*asked) {
		(void)snprintf(path, size, "%s", asked);
		return access(path, X_OK) < 0 ? fail_errno(err, path, "open") : 0;
	}
	(void)snprintf(folders, sizeof(folders), "%s:%s", given ? given : "", more);
	while (*at) {
		int length = (int)strcspn(at, ":");

		(void)snprintf(path, size, "%.*s/criu", length, at);
		if (length > 0 && access(path, X_OK) == 0)
			return 0;
		at += length + (at[length] == ':');
	}
	return fail(err, ERROR_UNSUPPORTED, "criu",
	            "is not installed: neither in PATH nor given by --criu");
}

/* It keeps descriptors 0 to 2, which what it restores may inherit, the end of the socket, and whatever we have open on
 * purpose: namespaces to restore into. */
_Noreturn static void be_criu(const char *path, int socket)
{
	char number[16], name[] = "criu", mode[] = "swrk";
	char *const args[] = {name, mode, number, NULL};

	(void)snprintf(number, sizeof(number), "%d", socket);
	if (fcntl(socket, F_SETFD, 0) == 0)
		(void)execve(path, args, environ);
	_exit(127);
}

int worker_start(struct worker *w, const char *program, int cgroup, struct error *err)
{
	struct criu_event started = {.kind = CRIU_STARTED};
	owned_fd theirs = -1;
	char path[PATH_MAX];
	int ends[2];

	if (worker_find(program, path, sizeof(path), err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "criu", "socketpair");
	w->socket = ends[0];
	theirs = ends[1];
	started.pid = process_clone(CLONE_PARENT, cgroup, NULL, err);
	if (started.pid < 0)
		return -1;
	if (started.pid == 0)
		be_criu(path, theirs);
	return event_send(w->events, &started, -1, err);
}

/* ---- why it failed ---- */

void reason_of_line(const char *line, char *reason, size_t size)
{
	const char *error = strstr(line, "Error (");
	const char *text = error ? strstr(error, "): ") : NULL;
	size_t length;

	text = text ? text + strlen("): ") : line;
	text += strspn(text, " ");
	length = strcspn(text, "\n");
	while (length > 0 && strchr(". \r", text[length - 1]))
		length--;
	(void)snprintf(reason, size, "%.*s", (int)length, text);
}

/* Errors that are not why: of a child that says more itself; of a look at what the kernel has, from within a cgroup
 * that may not use it. */
static bool is_noise(const char *reason)
{
	static const char *const noise[] = {"exited, status", "tun: Unable to create tun",
	                                    "rlimit: Can't setup RLIMIT_NOFILE"};

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (text_begins(reason, noise[i]))
			return true;
	return false;
}

/* The first error in its log; the others come of it. */
static bool reason_of_log(const struct worker *w, char *reason, size_t size)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	struct error ignored;
	char *bytes;
	size_t length;

	if (!arena || w->log_dir < 0 || !w->log_file ||
	    fd_read_file(w->log_dir, w->log_file, LOG_LIMIT, arena, &bytes, &length, &ignored) < 0)
		return false;
	while ((bytes = strstr(bytes, "Error ("))) {
		reason_of_line(bytes, reason, size);
		if (!is_noise(reason))
			return true;
		bytes += strcspn(bytes, "\n");
	}
	return *reason != '\0';
}

/* Whether it could not have said anything. */
static bool is_full(int dir)
{
	struct statvfs fs;

	return dir >= 0 && fstatvfs(dir, &fs) == 0 &&
	       (fs.f_bavail == 0 || (fs.f_files > 0 && fs.f_favail == 0));
}

static int explain(const struct worker *w, const CriuResp *response, struct error *err)
{
	char reason[160] = "";

	if (!reason_of_log(w, reason, sizeof(reason)) && response && response->cr_errmsg)
		reason_of_line(response->cr_errmsg, reason, sizeof(reason));
	if (*reason)
		(void)fail(err, ERROR_SYSTEM, "criu", "%s", reason);
	else if (w->log_file && is_full(w->log_dir))
		(void)fail(err, ERROR_SYSTEM, "criu", "failed, and could not say why in %s: %s",
		           w->log_file, strerrordesc_np(ENOSPC));
	else
		(void)fail(err, ERROR_SYSTEM, "criu", "failed without a reason%s%s",
		           response && response->has_cr_errno ? ": " : "",
		           response && response->has_cr_errno ? strerrordesc_np(response->cr_errno)
		                                              : "");
	err->errnum = response && response->has_cr_errno ? response->cr_errno : 0;
	return -1;
}

/* ---- the conversation ---- */

static int send_request(const struct worker *w, const CriuReq *request, struct error *err)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	uint8_t *bytes = arena ? arena_alloc(arena, 1, criu_req__get_packed_size(request)) : NULL;

	if (!bytes)
		return fail(err, ERROR_SYSTEM, "criu", "out of memory");
	if (fdpass_send(w->socket, bytes, criu_req__pack(request, bytes), -1, err) < 0)
		return error_within(err, "criu");
	return 0;
}

/* cella's word before CRIU goes on. */
static int await_answer(const struct worker *w, struct error *err)
{
	struct criu_event answer;
	ssize_t n = fdpass_receive(w->events, &answer, sizeof(answer), NULL, err);

	if (n < 0)
		return -1;
	if (n != sizeof(answer) || answer.kind != CRIU_GO_ON)
		return fail(err, ERROR_SYSTEM, "cella", "does not want to go on");
	return 0;
}

static const struct {
	const char *name; /* of a notification */
	enum criu_event_kind kind;
	bool answered, has_fd;
} notifications[] = {
	{"setup-namespaces",  CRIU_NAMESPACES, true,  false},
	{"orphan-pts-master", CRIU_CONSOLE,    false, true },
	{"post-restore",      CRIU_RESTORED,   true,  false},
	{"status-ready",      CRIU_LAZY,       false, false},
};

static int tell(const struct worker *w, const CriuNotify *notify, int fd, struct error *err)
{
	struct criu_event event = {.pid = notify->has_pid ? notify->pid : 0};

	for (size_t i = 0; i < ARRAY_SIZE(notifications); i++) {
		if (!notify->script || strcmp(notifications[i].name, notify->script) != 0)
			continue;
		event.kind = notifications[i].kind;
		if (event_send(w->events, &event, notifications[i].has_fd ? fd : -1, err) < 0)
			return -1;
		return notifications[i].answered ? await_answer(w, err) : 0;
	}
	return 0; /* of no interest */
}

static int answer(const struct worker *w, const CriuNotify *notify, int fd, struct error *err)
{
	CriuReq go_on = CRIU_REQ__INIT;

	if (!notify)
		return fail(err, ERROR_SYSTEM, "criu", "a notification of nothing came");
	if (tell(w, notify, fd, err) < 0)
		return -1;
	go_on.type = CRIU_REQ_TYPE__NOTIFY;
	go_on.has_notify_success = true;
	go_on.notify_success = true;
	return send_request(w, &go_on, err);
}

static void response_release(CriuResp **response)
{
	if (*response)
		criu_resp__free_unpacked(*response, NULL);
}

/* Returns 1 for the last one, 0 for one more to come, or -1 and *err. */
static int converse(const struct worker *w, const CriuReq *request, struct error *err)
{
	uint8_t bytes[MESSAGE_SIZE];
	owned_fd fd = -1;
	ssize_t n = fdpass_receive(w->socket, bytes, sizeof(bytes), &fd, err);
	OWNED(response_release) CriuResp *response = NULL;

	if (n < 0 && err->errnum != ECONNRESET) /* it has ended with the request unread */
		return error_within(err, "criu");
	if (n <= 0)
		return explain(w, NULL, err);
	response = criu_resp__unpack(NULL, (size_t)n, bytes);
	if (!response)
		return fail(err, ERROR_SYSTEM, "criu", "an answer that can't be read");
	if (!response->success)
		return explain(w, response, err);
	if (response->type == CRIU_REQ_TYPE__NOTIFY)
		return answer(w, response->notify, fd, err);
	if (response->type != request->type)
		return fail(err, ERROR_SYSTEM, "criu", "an answer to something else");
	return 1;
}

int worker_ask(struct worker *w, CriuReq *request, struct error *err)
{
	int got = 0;

	if (send_request(w, request, err) < 0)
		return err->errnum == EPIPE ? explain(w, NULL, err) : -1;
	while (got == 0)
		got = converse(w, request, err);
	return got < 0 ? -1 : 0;
}

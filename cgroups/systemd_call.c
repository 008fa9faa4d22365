/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/program.h"
#include "base/signals.h"

#include "systemd.h"

static const char helper[] = "cella-systemd";

enum { WORDS_OF_CALL = 8, ARENA_LIMIT = 1 << 20, LINE_SIZE = PATH_MAX };

__attribute__((noreturn)) static void child(const char *path, char *const *args, int answer)
{
	struct error ignored;

	if (dup2(answer, STDOUT_FILENO) < 0 || dup2(answer, STDERR_FILENO) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || fd_cloexec_from(3, &ignored) < 0)
		_exit(126);
	signals_reset();
	(void)execve(path, args, environ);
	_exit(127);
}

/* Read one line. Returns its length without the end, 0 at the end of the file. */
static size_t read_line(int fd, char *line, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size - 1 && !memchr(line, '\n', length)) {
		n = read(fd, line + length, size - 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	line[length] = '\0';
	length = strcspn(line, "\n");
	line[length] = '\0';
	return length;
}

/* Run it; what it says is one line: the answer, or what went wrong.
 * ret_stays  the process, which stays when it has answered; NULL: it ends. */
static int run(char *const *args, char *line, pid_t *ret_stays, struct error *err)
{
	owned_fd reader = -1, writer = -1;
	char path[PATH_MAX];
	int ends[2], status;
	pid_t pid;

	if (program_helper(helper, path, sizeof(path), err) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, helper, "pipe");
	reader = ends[0];
	writer = ends[1];
	pid = process_clone(0, -1, NULL, err);
	if (pid < 0)
		return -1;
	if (pid == 0)
		child(path, args, writer);
	(void)close(take_fd(&writer));
	if (read_line(reader, line, LINE_SIZE) > 0 && ret_stays && *line == '/') {
		*ret_stays = pid;
		return 0;
	}
	status = process_wait(pid, err);
	if (status > 0)
		return fail(err, ERROR_SYSTEM, "systemd", "%s",
		            *line ? line : "cella-systemd could not be run");
	return status;
}

/* cella-systemd DO system|user UNIT [SLICE DESCRIPTION] [NAME TYPE VALUE]… */
static int call(const char *what, const struct systemd_scope *scope, char *line, pid_t *ret_stays,
                struct error *err)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	size_t words = WORDS_OF_CALL + 3 * scope->count, n = 0;
	char **args = arena ? arena_alloc(arena, words, sizeof(*args)) : NULL;

	if (!args)
		return fail(err, ERROR_SYSTEM, "systemd", "out of memory");
	args[n++] = arena_text(arena, helper);
	args[n++] = arena_text(arena, what);
	args[n++] = arena_text(arena, scope->user ? "user" : "system");
	args[n++] = arena_text(arena, scope->unit);
	if (ret_stays) {
		args[n++] = arena_text(arena, scope->slice);
		args[n++] = arena_text(arena, scope->description);
	}
	for (size_t i = 0; i < scope->count; i++) {
		args[n++] = arena_text(arena, scope->property[i].name);
		args[n++] = arena_text(arena, scope->property[i].type);
		args[n++] = arena_text(arena, scope->property[i].value);
	}
	if (arena_check(arena, err) < 0)
		return -1;
	log_debug("%s %s %s", helper, what, scope->unit);
	return run(args, line, ret_stays, err);
}

int systemd_start(const struct systemd_scope *scope, struct arena *arena, char **ret_path,
                  pid_t *ret_holder, struct error *err)
{
	char line[LINE_SIZE] = "";

	*ret_holder = 0;
	if (call("start", scope, line, ret_holder, err) < 0)
		return -1;
	if (*ret_holder == 0)
		return fail(err, ERROR_SYSTEM, "systemd", "%s has no cgroup", scope->unit);
	*ret_path = arena_text(arena, line);
	return arena_check(arena, err);
}

int systemd_set(const struct systemd_scope *scope, struct error *err)
{
	char line[LINE_SIZE] = "";

	return scope->count > 0 ? call("set", scope, line, NULL, err) : 0;
}

int systemd_stop(const struct systemd_scope *scope, struct error *err)
{
	const struct systemd_scope bare = {.user = scope->user, .unit = scope->unit};
	char line[LINE_SIZE] = "";

	return call("stop", &bare, line, NULL, err);
}

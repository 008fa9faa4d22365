/* SPDX-License-Identifier: Apache-2.0 */
/* The program of binary:///PROGRAM?key=value: it reads the process's output from descriptors 3 and 4, closes 5 when
 * it is ready, and ends when both have ended. Spec: containerd, runtime/v2 README, "binary". */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/signals.h"

#include "stdio.h"
#include "uri.h"

enum { MEMORY_LIMIT = 1 << 20, ARGUMENTS_MOST = 256, NOT_RUN = 127 };

struct logger {
	const char *path;
	const char *args[ARGUMENTS_MOST];
	const char **env;
	int ends[3]; /* its 3, 4 and 5 */
};

/* Its words: each key of the query, and each value. */
static int read_uri(char *uri, struct logger *ret, struct error *err)
{
	char *query = uri_split(uri);
	size_t count = 1;

	if (uri[0] != '/')
		return fail(err, ERROR_USAGE, "binary://", "expected an absolute path");
	ret->path = ret->args[0] = uri;
	while (query && *query) {
		char *next = strchr(query, '&');
		char *value;

		if (next)
			*next++ = '\0';
		if (count + 3 > ARGUMENTS_MOST)
			return fail(err, ERROR_USAGE, "binary://", "more than %d words",
			            ARGUMENTS_MOST);
		value = strchr(query, '=');
		if (value)
			*value++ = '\0';
		uri_decode(query, true);
		ret->args[count++] = query;
		if (value) {
			uri_decode(value, true);
			ret->args[count++] = value;
		}
		query = next;
	}
	return 0;
}

static int make_environment(const struct stdio_request *request, struct arena *arena,
                            struct logger *ret, struct error *err)
{
	size_t count = 0;

	while (environ[count])
		count++;
	ret->env = arena_alloc(arena, count + 3, sizeof(*ret->env));
	if (!ret->env)
		return arena_check(arena, err);
	memcpy(ret->env, environ, count * sizeof(*ret->env));
	ret->env[count] = arena_format(arena, "CONTAINER_ID=%s", request->id);
	ret->env[count + 1] = arena_format(arena, "CONTAINER_NAMESPACE=%s", request->namespace);
	return arena_check(arena, err);
}

__attribute__((noreturn)) static void child(const struct logger *logger)
{
	struct error ignored;
	int high[3];

	for (int i = 0; i < 3; i++) {
		high[i] = fcntl(logger->ends[i], F_DUPFD_CLOEXEC, 10);
		if (high[i] < 0)
			_exit(NOT_RUN);
	}
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], 3 + i) < 0)
			_exit(NOT_RUN);
	if (fd_cloexec_from(6, &ignored) < 0 || setsid() < 0)
		_exit(NOT_RUN);
	signals_reset();
	(void)execve(logger->path, (char *const *)(uintptr_t)logger->args,
	             (char *const *)(uintptr_t)logger->env);
	_exit(NOT_RUN);
}

static int make_pipe(int *ret_read, int *ret_write, struct error *err)
{
	int both[2];

	if (pipe2(both, O_CLOEXEC) < 0)
		return fail_errno(err, "binary://", "pipe");
	*ret_read = both[0];
	*ret_write = both[1];
	return 0;
}

int logger_start(const struct stdio_request *request, struct stdio *ret, struct error *err)
{
	owned_arena struct arena *arena = arena_new(MEMORY_LIMIT);
	owned_fd out = -1, errors = -1, ready = -1;
	struct logger logger = {.path = NULL};
	pid_t pid;
	char *uri;

	if (!arena)
		return fail(err, ERROR_SYSTEM, "binary://", "out of memory");
	uri = arena_text(arena, request->paths[1] + strlen("binary://"));
	if (!uri)
		return arena_check(arena, err);
	if (read_uri(uri, &logger, err) < 0 || make_environment(request, arena, &logger, err) < 0 ||
	    make_pipe(&out, &ret->end[1], err) < 0 || make_pipe(&errors, &ret->end[2], err) < 0 ||
	    make_pipe(&ret->logger_ready, &ready, err) < 0)
		return -1;
	if (access(logger.path, X_OK) < 0)
		return fail_errno(err, logger.path, "execute");
	if (request->terminal && fcntl(ret->end[1], F_SETFL, O_NONBLOCK) < 0)
		return fail_errno(err, "binary://", "make it non-blocking");
	memcpy(logger.ends, (const int[]){out, errors, ready}, sizeof(logger.ends));
	pid = process_clone(0, -1, NULL, err); /* reaped as anybody's */
	if (pid < 0)
		return -1;
	if (pid == 0)
		child(&logger);
	return 0;
}

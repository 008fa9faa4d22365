/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/program.h"

#include "systemd.h"

static const char program[] = "cella-systemd";

enum { UNREACHABLE = 2 }; /* its exit status for that */
enum { KILLED = 137 };    /* in its scope, by the limit of that */
enum { WORDS_OF_CALL = 8, ARENA_LIMIT = 1 << 20, LINE_SIZE = PATH_MAX };

/* Run it; what it says is one line: the answer, or what went wrong.
 * ret_stays  the process, which stays when it has answered; NULL: it ends. */
static int run(char *const *args, char *line, pid_t *ret_stays, struct error *err)
{
	struct helper_options options = {.ends_with_caller = true};
	owned_fd answer = -1;
	struct helper helper;
	char path[PATH_MAX];
	int status;

	if (program_helper(program, path, sizeof(path), err) < 0)
		return -1;
	options.path = path;
	if (helper_start(args, &options, &helper, err) < 0)
		return -1;
	answer = helper.answer;
	if (helper_line(answer, line, LINE_SIZE) && ret_stays && *line == '/') {
		*ret_stays = helper.pid;
		return 0;
	}
	status = process_wait(helper.pid, err);
	if (status <= 0)
		return status;
	(void)fail(err, ERROR_SYSTEM, "systemd", "%s",
	           *line ? line : "cella-systemd could not be run");
	err->errnum = status == UNREACHABLE ? ENOTCONN : status == KILLED ? ENOMEM : 0;
	return -1;
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
	args[n++] = arena_text(arena, program);
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
	log_debug("%s %s %s", program, what, scope->unit);
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

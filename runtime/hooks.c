/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/open_files.h"
#include "base/own.h"
#include "base/process.h"
#include "base/signals.h"

#include "runtime.h"

enum { ARGUMENTS_LIMIT = 64 << 20 };

/* The state as a file that a hook reads from its start. */
static int state_file(const struct state *state, struct error *err)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	owned_fd file = memfd_create("state", MFD_CLOEXEC);

	if (file < 0)
		return fail_errno(err, "state", "memfd_create");
	json_open(&w, NULL, '{');
	state_write_oci(&w, state);
	json_close(&w);
	if (text_check(&out, err) < 0 ||
	    fd_write_whole(file, "state", out.bytes, out.length, err) < 0)
		return -1;
	return take_fd(&file);
}

struct hook_call {
	char *const *argv, *const *envp;
	const char *path;
	const char *bundle;
	const struct hook_place *place;
	int state, report; /* descriptors: stdin; errors go here, closed by execve */
	int out, said;     /* stdout, stderr */
};

/* A bundle may be gone when its container ends, after which hooks are to clean up all the same. */
static int find_place(const struct hook_call *call, struct error *err)
{
	if (call->place)
		return call->place->enter(call->place->data, err);
	open_files_restore();
	return chdir(call->bundle) < 0 && chdir("/") < 0 ? fail_errno(err, "/", "chdir") : 0;
}

_Noreturn static void hook_child(const struct hook_call *call)
{
	struct error err = {0};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (find_place(call, &err) == 0) {
		if (dup2(call->state, STDIN_FILENO) < 0 || dup2(call->out, STDOUT_FILENO) < 0 ||
		    dup2(call->said, STDERR_FILENO) < 0 || fd_cloexec_from(3, &err) < 0)
			(void)fail_errno(&err, call->path, "stdin");
		signals_reset();
		(void)execve(call->path, call->argv, call->envp);
		(void)fail_errno(&err, call->path, "exec");
	}
	if (write(call->report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

/* The first line of what it wrote to stderr, where that is ours: it knows best what was wrong. */
static const char *complaint(int said, char *line, size_t size)
{
	ssize_t n = fcntl(said, F_GET_SEALS) < 0 ? -1 : pread(said, line, size - 1, 0);

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static int hook_wait(pid_t pid, int pidfd, int said, const struct spec_hook *hook,
                     struct error *err)
{
	int timeout_ms = -1;
	int ended, status;
	char line[200];

	if (hook->timeout.set)
		timeout_ms = hook->timeout.value > 2000000 ? -1 : (int)hook->timeout.value * 1000;
	ended = process_wait_pidfd(pidfd, timeout_ms, err);
	if (ended < 0)
		return -1;
	if (ended == 0) {
		struct error ignored;

		if (process_signal(pidfd, SIGKILL, &ignored) < 0)
			log_dropped("after a hook's timeout", &ignored);
		if (process_wait(pid, &ignored) < 0)
			log_dropped("after a hook's timeout", &ignored);
		return fail(err, ERROR_SYSTEM, hook->path, "still running after %lld s: killed",
		            (long long)hook->timeout.value);
	}
	status = process_wait(pid, err);
	if (status < 0)
		return -1;
	if (status > 128)
		return fail(err, ERROR_SYSTEM, hook->path, "ended by signal %d", status - 128);
	if (status != 0)
		return fail(err, ERROR_SYSTEM, hook->path, "exit status %d%s%s", status,
		            *complaint(said, line, sizeof(line)) ? ": " : "", line);
	return 0;
}

static int hook_run(const struct spec_hook *hook, struct hook_call *call, struct error *err)
{
	owned_fd pidfd = -1, reader = -1, writer = -1;
	struct error told;
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, hook->path, "pipe");
	reader = ends[0];
	writer = call->report = ends[1];
	if (lseek(call->state, 0, SEEK_SET) < 0 ||
	    (fcntl(call->said, F_GET_SEALS) >= 0 &&
	     (ftruncate(call->said, 0) < 0 || lseek(call->said, 0, SEEK_SET) < 0)))
		return fail_errno(err, "state", "seek");
	pid = process_clone(0, -1, &pidfd, err);
	if (pid < 0)
		return -1;
	if (pid == 0)
		hook_child(call);
	(void)close(take_fd(&writer));
	do
		n = read(reader, &told, sizeof(told));
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		if (process_wait(pid, err) < 0)
			return -1;
		error_import(err, &told, (size_t)n);
		return -1;
	}
	return hook_wait(pid, pidfd, call->said, hook, err);
}

/* Arrays that execve wants: ended by NULL. */
static char **vector(const text_list *texts, const char *first, struct arena *arena)
{
	char **v = arena_alloc(arena, texts->count + 2, sizeof(*v));

	if (!v)
		return NULL;
	if (texts->count == 0 && first)
		v[0] = (char *)(uintptr_t)first;
	for (size_t i = 0; i < texts->count; i++)
		v[i] = (char *)(uintptr_t)texts->item[i];
	return v;
}

/* Of a hook that names none: in a container that is not ours, as runc has it, for ours is the host's. */
static char *const *environment(const struct spec *spec, const struct spec_hook *hook,
                                const struct hook_place *place, struct arena *arena)
{
	if (hook->has_env)
		return vector(&hook->env, NULL, arena);
	if (!place)
		return environ;
	return place->env ? place->env : vector(&spec->process.env, NULL, arena);
}

/* Where hooks write to: not the container's own stdio. As crun has it, the config may name files. */
static int output(const struct spec *spec, const char *annotation, bool kept, struct error *err)
{
	const char *path = spec_annotation(spec, annotation);
	int fd;

	if (!path && kept)
		fd = memfd_create("said", MFD_CLOEXEC);
	else
		fd = open(path ? path : "/dev/null",
		          O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd >= 0)
		return fd;
	(void)fail_errno(err, path ? path : "/dev/null", "open");
	return error_within(err, "annotations[\"%s\"]", annotation);
}

int hooks_run(const struct spec *spec, enum hook_point point, const struct state *state,
              const struct hook_place *place, struct error *err)
{
	owned_arena struct arena *arena = NULL;
	owned_fd file = -1, out = -1, said = -1;

	if (spec->hooks[point].count == 0)
		return 0;
	arena = arena_new(ARGUMENTS_LIMIT);
	file = state_file(state, err);
	if (file < 0)
		return -1;
	out = output(spec, "run.oci.hooks.stdout", false, err);
	said = out < 0 ? -1 : output(spec, "run.oci.hooks.stderr", true, err);
	if (said < 0)
		return -1;
	for (size_t i = 0; i < spec->hooks[point].count; i++) {
		const struct spec_hook *hook = &spec->hooks[point].item[i];
		char **argv = arena ? vector(&hook->args, hook->path, arena) : NULL;
		char *const *envp = arena ? environment(spec, hook, place, arena) : NULL;
		struct hook_call call = {.argv = argv,
		                         .envp = envp,
		                         .path = hook->path,
		                         .bundle = state->bundle,
		                         .place = place,
		                         .state = file,
		                         .out = out,
		                         .said = said};

		if (!argv || !envp)
			return fail(err, ERROR_SYSTEM, hook_point_names[point], "out of memory");
		if (hook_run(hook, &call, err) == 0)
			continue;
		(void)error_within(err, "hooks.%s[%zu]", hook_point_names[point], i);
		if (point != HOOK_POSTSTOP)
			return -1;
		log_dropped("poststop", err); /* "the remaining hooks and lifecycle continue" */
	}
	return 0;
}

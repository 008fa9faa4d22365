/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "base/log.h"
#include "base/own.h"

#include "exec_process.h"
#include "foreground.h"
#include "handover.h"
#include "starting.h"

/* As with crun and runc: not to be taken for a status of the program. */
enum { EXIT_NOT_STARTED = 255 };

#define AT(kind, member) kind(struct exec_flags, member)

/* clang-format off */
static const struct option_row rows[] = {
	{"process", 'p', "FILE", "process object as JSON, instead of the config's", AT(TEXT_AT, process)},
	{"tty", 't', NULL, "give it a terminal of its own", AT(SWITCH_AT, tty)},
	{"cwd", 0, "DIR", "working directory in the container", AT(TEXT_AT, cwd)},
	{"env", 'e', "NAME=VALUE", "set a variable; may be repeated", AT(LIST_AT, env)},
	{"user", 'u', "UID[:GID]", "run as this user, in numbers", AT(TEXT_AT, user)},
	{"additional-gids", 'g', "GID", "add a group; may be repeated", AT(LIST_AT, additional_gids)},
	{"cap", 'c', "CAP", "add a capability; may be repeated", AT(LIST_AT, capabilities)},
	{"no-new-privs", 0, NULL, "programs can gain no rights", AT(SWITCH_AT, no_new_privs)},
	{"cgroup", 0, "PATH", "put it into this sub-cgroup of the container's", AT(LIST_AT, cgroups)},
	{"process-label", 0, "LABEL", "SELinux label of the process", AT(TEXT_AT, process_label)},
	{"apparmor", 0, "PROFILE", "AppArmor profile of the process", AT(TEXT_AT, apparmor)},
	{"detach", 'd', NULL, "return once the program runs", AT(SWITCH_AT, detach)},
	{"console-socket", 0, "PATH", "socket that gets the terminal's master end", AT(TEXT_AT, console_socket)},
	{"pid-file", 0, "FILE", "write the pid of the process here", AT(TEXT_AT, pid_file)},
	{"pidfd-socket", 0, "PATH", "socket that gets a pidfd of the process", AT(TEXT_AT, pidfd_socket)},
	{"preserve-fds", 0, "N", "pass descriptors 3 to 2 + N on", AT(NUMBER_AT, preserve_fds)},
	{"ignore-paused", 0, NULL, "in a paused container too: after resume", AT(SWITCH_AT, ignore_paused)},
};
/* clang-format on */

/* Where descriptors go; -1: nowhere. */
struct sockets {
	int console, pidfd;
};

static void sockets_release(struct sockets *sockets)
{
	fd_release(&sockets->console);
	fd_release(&sockets->pidfd);
}

static void result_release(struct exec_result *result)
{
	fd_release(&result->pidfd);
	fd_release(&result->console);
}

static int check_terminal(const struct exec_flags *f, const struct spec_process *process,
                          struct error *err)
{
	if (f->console_socket && !process->terminal)
		return fail(err, ERROR_USAGE, "--console-socket",
		            "there is no terminal to send: use --tty");
	if (process->terminal && f->detach && !f->console_socket)
		return fail(err, ERROR_USAGE, "--detach",
		            "a terminal and --detach need --console-socket");
	return 0;
}

/* After a failure behind container_exec(): nobody waits for this process any more. */
static void abandon(const struct exec_result *result)
{
	struct error ignored;

	if (process_signal(result->pidfd, SIGKILL, &ignored) < 0 && ignored.errnum != ESRCH)
		log_dropped("while ending it after a failure", &ignored);
	if (process_wait(result->pid, &ignored) < 0)
		log_dropped("while ending it after a failure", &ignored);
}

/* The process runs: hand its terminal and its pid over, and stay unless told otherwise. */
static int attend(const struct exec_flags *f, const struct sockets *sockets,
                  struct foreground *front, struct exec_result *result, struct error *err)
{
	if (sockets->console >= 0) {
		owned_fd master = take_fd(&result->console);

		if (console_send(sockets->console, master, err) < 0)
			return -1;
	}
	if (pidfd_send(sockets->pidfd, "--pidfd-socket", result->pidfd, err) < 0 ||
	    pid_file_write(f->pid_file, result->pid, err) < 0)
		return -1;
	if (f->detach)
		return 0;
	return foreground_wait(front, result->pid, result->pidfd, result->console, err);
}

static int exec(struct call *call, struct error *err)
{
	const struct exec_flags *f = call->flags;
	owned_container struct container *c = NULL;
	OWNED(result_release) struct exec_result result = {.pidfd = -1, .console = -1};
	owned_foreground front = FOREGROUND_NONE;
	struct exec_options options = {.ignore_paused = f->ignore_paused};
	struct spec_process *process = NULL;
	OWNED(sockets_release) struct sockets sockets = {-1, -1};
	int status;

	if (starting_descriptors(f->preserve_fds, &options.activation, &options.preserve_fds, err) <
	            0 ||
	    exec_cgroup(&f->cgroups, call->arena, &options.cgroup, err) < 0 ||
	    container_open(call->rt, call->operands[0], false, &c, err) < 0 ||
	    container_config(c, err) < 0 ||
	    exec_process(&c->spec->process, f, call->operands + 1, call->arena, &process, err) <
	            0 ||
	    check_terminal(f, process, err) < 0 ||
	    console_connect(f->console_socket, &sockets.console, err) < 0 ||
	    pidfd_connect(f->pidfd_socket, "--pidfd-socket", &sockets.pidfd, err) < 0 ||
	    (!f->detach && foreground_open(&front, err) < 0))
		return -1;
	if (container_exec(c, process, &options, &result, err) < 0) {
		if (err->kind != ERROR_STATE)
			call->failure = EXIT_NOT_STARTED;
		exec_blame(f, err);
		return -1;
	}
	status = attend(f, &sockets, &front, &result, err);
	if (status < 0)
		abandon(&result);
	return status;
}

const struct command exec_command = {
	.name = "exec",
	.operands = "CONTAINER [PROGRAM [ARGUMENT...]]",
	.summary = "Run a further program in a container and stay until it has ended",
	.about = "It is like the container's first process where no option says otherwise.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella exec web ls -l /srv           # -l is a word of ls\n"
		    "cella exec --tty --user 1000 web sh\n"
		    "cella exec --detach --process process.json web\n",
	.operands_least = 1,
	.operands_most = OPERANDS_ANY,
	.in_order = true,
	.flags_size = sizeof(struct exec_flags),
	.enters = true,
	.run = exec,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* A further process: the agent starts it, and on this host the monitor's program stands in for it, so that there is a
 * pid, a status and somebody who has the stdio. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/program.h"
#include "base/signals.h"
#include "base/table.h"

#include "parts.h"

/* Connections of the stand-in: its process's own, then the streams. */
enum { CONNECTIONS = 4 };

struct stand_in_plan {
	char program[PATH_MAX];
	uint64_t number;
	bool terminal;
	int connection[CONNECTIONS]; /* -1: none; owned */
	int master, slave;           /* of a terminal; owned */
};

static void plan_release(struct stand_in_plan *plan)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		fd_release(&plan->connection[i]);
	fd_release(&plan->master);
	fd_release(&plan->slave);
}

static int open_terminal(struct stand_in_plan *plan, const struct spec_process *process,
                         struct error *err)
{
	struct winsize size = {.ws_row = (unsigned short)process->console_height.value,
	                       .ws_col = (unsigned short)process->console_width.value};
	int unlock = 0;

	plan->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (plan->master < 0 || ioctl(plan->master, TIOCSPTLCK, &unlock) < 0)
		return fail_errno(err, "/dev/ptmx", "open");
	plan->slave = ioctl(plan->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (plan->slave < 0)
		return fail_errno(err, "/dev/ptmx", "open its other end");
	if (size.ws_row && size.ws_col && ioctl(plan->slave, TIOCSWINSZ, &size) < 0)
		return fail_errno(err, "process.consoleSize", "ioctl");
	return 0;
}

/* Have the agent start it; its connection stays. */
static int ask_agent(struct container *c, const struct spec_process *process,
                     const struct exec_options *options, struct stand_in_plan *plan,
                     struct error *err)
{
	owned_text struct text object = {0};
	struct json_writer w = {.out = &object};
	struct wire_message m = {.kind = WIRE_EXEC}, answer;
	owned_inbox inbox = {0};

	spec_write_process(&w, NULL, process);
	if (text_check(&object, err) < 0)
		return -1;
	m.number[0] = process->terminal ? WIRE_HAS_TERMINAL : 0;
	m.blob[0] = wire_text(object.bytes);
	m.blob[1] = wire_text(options->cgroup);
	plan->connection[0] = guest_connect(c, err);
	if (plan->connection[0] < 0 ||
	    wire_ask(plan->connection[0], &m, -1, &inbox, &answer, err) < 0)
		return -1;
	plan->number = answer.number[0];
	return 0;
}

static int connect_streams(const struct container *c, struct stand_in_plan *plan, struct error *err)
{
	for (size_t i = 1; i < (plan->terminal ? 2 : CONNECTIONS); i++) {
		plan->connection[i] = guest_connect(c, err);
		if (plan->connection[i] < 0)
			return -1;
	}
	return 0;
}

/* The words of cella-vmm that stand behind a number each. */
static void name_connections(const struct stand_in_plan *plan, char fds[CONNECTIONS][12])
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		(void)snprintf(fds[i], sizeof(fds[i]), "%d", plan->connection[i]);
		if (plan->connection[i] >= 0)
			(void)fcntl(plan->connection[i], F_SETFD, 0);
	}
}

__attribute__((noreturn)) static void child(const struct stand_in_plan *plan)
{
	char name[] = "cella-vmm", verb[] = "exec", stdio[] = "stdio", terminal[] = "terminal";
	char number[24], fds[CONNECTIONS][12];
	char *args[] = {name,   verb,   number, plan->terminal ? terminal : stdio, fds[0], fds[1],
	                fds[2], fds[3], NULL};
	char *env[] = {NULL};
	struct error ignored;

	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)plan->number);
	if (plan->slave >= 0 && (setsid() < 0 || ioctl(plan->slave, TIOCSCTTY, 0) < 0))
		_exit(127);
	for (int i = 0; i < 3 && plan->slave >= 0; i++)
		if (dup2(plan->slave, i) < 0)
			_exit(127);
	if (fd_cloexec_from(3, &ignored) < 0)
		_exit(127);
	name_connections(plan, fds);
	signals_reset();
	(void)execve(plan->program, args, env);
	_exit(127);
}

/* Engines give a further process what its container has, which confines the machine: nothing else can be had. */
static int check_policy(const char *asked, const char *has, const char *what, struct error *err)
{
	if (!asked || !*asked || (has && strcmp(asked, has) == 0))
		return 0;
	return fail(
		err, ERROR_UNSUPPORTED, what,
		"is kept by the host's kernel, for the virtual machine as a whole: '%.100s' can't "
		"be had inside",
		asked);
}

static int check_labels(struct container *c, const struct spec_process *process, struct error *err)
{
	if (!process->apparmor_profile && !process->selinux_label)
		return 0;
	if (container_config(c, err) < 0 ||
	    check_policy(process->apparmor_profile, c->spec->process.apparmor_profile,
	                 "process.apparmorProfile", err) < 0)
		return -1;
	return check_policy(process->selinux_label, c->spec->process.selinux_label,
	                    "process.selinuxLabel", err);
}

int microvm_exec(struct container *c, const struct spec_process *process,
                 const struct exec_options *options, struct exec_result *ret_result,
                 struct error *err)
{
	OWNED(plan_release)
	struct stand_in_plan plan = {
		.terminal = process->terminal,
		.connection = {-1, -1, -1, -1},
		.master = -1,
		.slave = -1,
	};

	*ret_result = (struct exec_result){.pidfd = -1, .console = -1};
	if (options->preserve_fds > 0)
		return fail(err, ERROR_UNSUPPORTED, "--preserve-fds",
		            "descriptors of the host don't reach into a virtual machine");
	if (check_labels(c, process, err) < 0)
		return -1;
	if (program_helper("cella-vmm", plan.program, sizeof(plan.program), err) < 0)
		return -1;
	if (plan.terminal && open_terminal(&plan, process, err) < 0)
		return -1;
	if (ask_agent(c, process, options, &plan, err) < 0 || connect_streams(c, &plan, err) < 0)
		return -1;
	ret_result->pid = process_clone(0, -1, &ret_result->pidfd, err);
	if (ret_result->pid == 0)
		child(&plan);
	if (ret_result->pid < 0)
		return -1;
	ret_result->console = take_fd(&plan.master);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "agent.h"

static void free_pump(struct pump *pump)
{
	if (pump)
		pump_stop(pump);
	free(pump);
}

static void remove_process(struct agent_process *gone)
{
	struct agent_process **at = &gone->agent->processes;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	for (size_t i = 0; i < STREAMS; i++) {
		if (gone->stream[i] >= 0)
			(void)close(gone->stream[i]);
		free_pump(gone->pump[i]);
	}
	free_pump(gone->typed);
	free(gone);
}

static bool has_pumps(const struct agent_process *process)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (process->pump[i] && process->pump[i]->running)
			return true;
	return process->typed && process->typed->running;
}

/* Nobody asks for it any more. */
static void forget_connection(struct agent_process *process)
{
	struct error ignored;

	if (process->connection < 0)
		return;
	if (loop_remove(process->agent->loop, &process->source, &ignored) < 0)
		log_debug("%s: %s", ignored.object, ignored.reason);
	(void)close(take_fd(&process->connection));
}

/* Of a process that has ended nothing is kept but what still moves. */
static void settle(struct agent_process *process)
{
	if (process->told && process->connection < 0 && !has_pumps(process))
		remove_process(process);
}

/* Whether all that it wrote has gone; a stream that nobody has attached to yet will be. */
static bool is_dry(const struct agent_process *process, enum wire_stream stream)
{
	return process->pump[stream] ? pump_is_dry(process->pump[stream])
	                             : process->stream[stream] < 0;
}

static uint64_t moved(const struct agent_process *process, enum wire_stream stream)
{
	return process->pump[stream] ? process->pump[stream]->moved : 0;
}

void process_tell(struct agent_process *process)
{
	struct wire_message m = {.kind = WIRE_EXITED, .number = {(uint64_t)process->status}};
	struct error err;

	if (process->number == 0 && process->exited)
		deeds_end_watches(process->agent);
	if (process->number == 0 && deeds_answering(process->agent))
		return; /* the machine ends with this: who is being answered would hear nothing */
	if (!process->exited || process->told || !is_dry(process, WIRE_STDOUT) ||
	    !is_dry(process, WIRE_STDERR) || !is_dry(process, WIRE_TERMINAL))
		return;
	process->told = true;
	/* bytes on their way: the host waits for them on the other connections */
	m.number[1] = moved(process, WIRE_STDOUT) + moved(process, WIRE_TERMINAL);
	m.number[2] = moved(process, WIRE_STDERR);
	if (process->number == 0)
		sync();
	if (process->connection >= 0 && wire_send(process->connection, &m, &err) < 0)
		log_debug("%s: %s", err.object, err.reason);
	if (process->connection >= 0)
		(void)shutdown(process->connection, SHUT_WR);
}

/* ---- streams ---- */

static void pump_changed(struct pump *pump)
{
	struct agent_process *process = pump->data;

	process_tell(process);
	if (!pump->running)
		settle(process);
}

static int start_pump(struct agent_process *process, int from, int to, struct pump **ret,
                      struct error *err)
{
	struct pump *pump = calloc(1, sizeof(*pump));

	if (!pump) {
		(void)close(from);
		(void)close(to);
		return fail(err, ERROR_SYSTEM, "stream", "out of memory");
	}
	pump->changed = pump_changed;
	pump->data = process;
	if (pump_start(pump, process->agent->loop, from, to, err) < 0) {
		free(pump);
		return -1;
	}
	*ret = pump;
	return 0;
}

static int attach_terminal(struct agent_process *process, int master, int connection,
                           struct error *err)
{
	owned_fd to = fcntl(connection, F_DUPFD_CLOEXEC, 0);
	owned_fd into = fcntl(master, F_DUPFD_CLOEXEC, 0);

	if (to < 0 || into < 0) {
		(void)fail_errno(err, "terminal", "dup");
		(void)close(master);
		(void)close(connection);
		return -1;
	}
	if (start_pump(process, connection, take_fd(&into), &process->typed, err) < 0) {
		(void)close(master);
		return -1;
	}
	return start_pump(process, master, take_fd(&to), &process->pump[WIRE_TERMINAL], err);
}

int process_attach(struct agent_process *process, enum wire_stream stream, int connection,
                   struct error *err)
{
	int ours = process->stream[stream];

	if (ours < 0 || process->pump[stream]) {
		(void)close(connection);
		return fail(err, ERROR_STATE, "stream", "there is none, or somebody has it");
	}
	if (stream == WIRE_TERMINAL) {
		ours = fcntl(ours, F_DUPFD_CLOEXEC, 0); /* its size can still be changed */
		return attach_terminal(process, ours, connection, err);
	}
	process->stream[stream] = -1;
	if (stream == WIRE_STDIN)
		return start_pump(process, connection, ours, &process->pump[stream], err);
	return start_pump(process, ours, connection, &process->pump[stream], err);
}

/* ---- what comes over its own connection ---- */

static void resize(const struct agent_process *process, const struct wire_message *m)
{
	const struct winsize size = {.ws_row = (unsigned short)m->number[0],
	                             .ws_col = (unsigned short)m->number[1]};

	if (process->stream[WIRE_TERMINAL] >= 0 &&
	    ioctl(process->stream[WIRE_TERMINAL], TIOCSWINSZ, &size) < 0)
		log_debug("terminal: size: %s", strerrordesc_np(errno));
}

static int hear(struct loop_source *source, uint32_t events, struct error *err)
{
	struct agent_process *process = source->data;
	owned_inbox inbox = {0};
	struct wire_message m;
	int got = wire_receive(process->connection, WIRE_LIMIT, -1, &inbox, &m, err);

	(void)events;
	if (got > 0 && m.kind == WIRE_WINDOW) {
		resize(process, &m);
		return 0;
	}
	if (got > 0 && m.kind == WIRE_SIGNAL) {
		if (!process->exited && kill(process->pid, (int)m.number[1]) < 0)
			log_debug("process: kill: %s", strerrordesc_np(errno));
		return 0;
	}
	if (process->number > 0 && !process->exited && kill(process->pid, SIGKILL) < 0)
		log_debug("process: kill: %s",
		          strerrordesc_np(errno)); /* as who stood for it was */
	forget_connection(process);
	if (process->number == 0) { /* the host has gone, or has all it wanted */
		loop_stop(process->agent->loop);
		return 0;
	}
	settle(process);
	return 0;
}

/* ---- the list ---- */

struct agent_process *process_add(struct agent *agent, uint64_t number, pid_t pid, int connection,
                                  int stream[STREAMS], struct error *err)
{
	struct agent_process *process = calloc(1, sizeof(*process));

	if (!process) {
		(void)fail(err, ERROR_SYSTEM, "process", "out of memory");
		return NULL;
	}
	process->agent = agent;
	process->number = number;
	process->pid = pid;
	process->connection = connection;
	process->source = (struct loop_source){.fd = connection, .ready = hear, .data = process};
	for (size_t i = 0; i < STREAMS; i++)
		process->stream[i] = take_fd(&stream[i]);
	process->next = agent->processes;
	agent->processes = process;
	if (loop_add(agent->loop, &process->source, EPOLLIN, err) < 0) {
		remove_process(process);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(agent->strangers) / sizeof(agent->strangers[0]); i++)
		if (agent->strangers[i].pid == pid) {
			agent->strangers[i].pid = 0;
			process->exited = true;
			process->status = agent->strangers[i].status;
		}
	return process;
}

struct agent_process *process_find_number(struct agent *agent, uint64_t number)
{
	struct agent_process *process = agent->processes;

	while (process && process->number != number)
		process = process->next;
	return process;
}

void process_ended(struct agent *agent, pid_t pid, int status)
{
	struct agent_process *process = agent->processes;
	unsigned int slot;

	while (process && (process->pid != pid || process->exited))
		process = process->next;
	if (!process) {
		slot = agent->strangers_next++ %
		       (sizeof(agent->strangers) / sizeof(agent->strangers[0]));
		agent->strangers[slot].pid = pid;
		agent->strangers[slot].status = status;
		return;
	}
	process->exited = true;
	process->status = status;
	process_tell(process);
	settle(process);
}

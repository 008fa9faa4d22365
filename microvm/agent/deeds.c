/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/signals.h"
#include "base/table.h"
#include "netns/netns.h"

#include "agent.h"

/* What a child tells us of the process that it made; its terminal comes with it. */
struct report {
	pid_t pid;
};

static bool makes_process(enum wire_kind kind)
{
	return kind == WIRE_CREATE || kind == WIRE_EXEC;
}

/* ---- in the child ---- */

static const char *text_of(const struct wire_blob *blob)
{
	return blob->bytes; /* there is a zero behind it */
}

static int open_container(const struct agent *agent, bool lock, struct container **ret,
                          struct error *err)
{
	if (!agent->id)
		return fail(err, ERROR_STATE, "container", "there is none yet");
	return container_open(&agent->runtime, agent->id, lock, ret, err);
}

static int save(const char *name, const struct wire_blob *blob, struct error *err)
{
	owned_fd fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail_errno(err, name, "open");
	return fd_write_whole(fd, name, blob->bytes, blob->length, err);
}

/* What this machine is on the network, before the container is there to see it. */
static int set_network(const struct wire_blob *blob, struct error *err)
{
	owned_text struct text copy = {0}; /* where it is aligned */

	if (blob->length == 0)
		return 0;
	if (blob->length != sizeof(struct netns_links))
		return fail(err, ERROR_SYSTEM, "network", "%zu bytes describe none", blob->length);
	text_append_n(&copy, blob->bytes, blob->length);
	if (text_check(&copy, err) < 0)
		return -1;
	return netns_apply_guest((const struct netns_links *)(const void *)copy.bytes, err);
}

static int do_create(const struct deed *deed, const struct wire_message *m, struct report *report,
                     int *ret_console, struct error *err)
{
	struct create_options options = {
		.id = text_of(&m->blob[0]),
		.bundle = AGENT_BUNDLE,
		.terminal = TERMINAL_IN_FRONT,
	};
	owned_container struct container *c = NULL;

	if (set_network(&m->blob[3], err) < 0 ||
	    save(AGENT_BUNDLE "/config.json", &m->blob[1], err) < 0 ||
	    save(AGENT_BUNDLE "/shares", &m->blob[2], err) < 0 ||
	    container_create(&deed->agent->runtime, &options, &c, err) < 0)
		return -1;
	/* what hooks in here read of it */
	c->state.bundle = text_of(&m->blob[4]);
	if (store_save(c, err) < 0)
		return -1;
	report->pid = c->state.pid;
	*ret_console = take_fd(&c->console);
	return 0;
}

static int do_exec(const struct deed *deed, const struct wire_message *m, struct report *report,
                   int *ret_console, struct error *err)
{
	owned_container struct container *c = NULL;
	const struct exec_options options = {.cgroup = m->blob[1].length ? text_of(&m->blob[1])
	                                                                 : NULL};
	struct exec_result result;
	struct spec_process *process;

	if (open_container(deed->agent, false, &c, err) < 0 ||
	    spec_read_process("process", text_of(&m->blob[0]), m->blob[0].length, c->arena,
	                      &process, err) < 0)
		return -1;
	process->apparmor_profile = process->selinux_label = NULL; /* the host's, as plan_guest() */
	if (container_exec(c, process, &options, &result, err) < 0)
		return -1;
	report->pid = result.pid;
	*ret_console = result.console;
	return 0;
}

static int do_start(const struct deed *deed, struct error *err)
{
	owned_container struct container *c = NULL;

	if (open_container(deed->agent, true, &c, err) < 0 || container_config(c, err) < 0)
		return -1;
	c->spec = plan_guest(c->spec, c->arena);
	if (!c->spec)
		return arena_check(c->arena, err);
	return container_start(c, err);
}

static int do_signal(const struct deed *deed, const struct wire_message *m, struct error *err)
{
	owned_container struct container *c = NULL;

	if (open_container(deed->agent, false, &c, err) < 0)
		return -1;
	return container_kill(c, (int)m->number[1], m->number[2] != 0, err);
}

static int do_update(const struct deed *deed, const struct wire_message *m, struct error *err)
{
	owned_container struct container *c = NULL;
	struct spec_resources *resources;

	if (open_container(deed->agent, true, &c, err) < 0 ||
	    spec_read_resources("resources", text_of(&m->blob[0]), m->blob[0].length, c->arena,
	                        &resources, err) < 0)
		return -1;
	return container_update(c, resources, err);
}

static void write_words(struct json_writer *w, const struct process_words *words)
{
	json_open(w, NULL, '{');
	json_i64(w, "pid", words->pid);
	json_text(w, "parent", words->parent);
	json_text(w, "user", words->user);
	json_text(w, "command", words->command);
	json_close(w);
}

/* A JSON array of pids, or of objects. */
static int do_processes(const struct deed *deed, const struct wire_message *m, struct text *out,
                        struct error *err)
{
	owned_container struct container *c = NULL;
	struct json_writer w = {.out = out};
	struct process_words *words = NULL;
	pid_t *pids = NULL;
	size_t count;
	bool all = m->number[0] == 1;

	if (open_container(deed->agent, false, &c, err) < 0 ||
	    (all ? container_describe(c, &words, &count, err)
	         : container_processes(c, &pids, &count, err)) < 0)
		return -1;
	json_open(&w, NULL, '[');
	for (size_t i = 0; i < count; i++)
		if (all)
			write_words(&w, &words[i]);
		else
			json_i64(&w, NULL, pids[i]);
	json_close(&w);
	return text_check(out, err);
}

static int do_stats(const struct deed *deed, struct text *out, struct error *err)
{
	owned_container struct container *c = NULL;
	struct json_writer w = {.out = out};
	struct stats stats;

	if (open_container(deed->agent, false, &c, err) < 0 ||
	    container_stats(c, c->arena, &stats, err) < 0)
		return -1;
	stats_pack(&w, &stats);
	return text_check(out, err);
}

/* Whether nobody listens any more: the host, or the agent, which ends watches with the container. */
static bool is_over(int connection)
{
	struct pollfd end = {.fd = connection, .events = POLLIN};

	return poll(&end, 1, 0) > 0;
}

/* Of all that was the agent's keep the connection, as stdin: others wait for the ends of what we would hold open. */
static int keep_connection(int connection, struct error *err)
{
	if (dup2(connection, STDIN_FILENO) < 0)
		return fail_errno(err, "watch", "dup");
	return fd_close_from(STDERR_FILENO + 1, err);
}

/* Tell of each kill until the end; the connection's own end wakes us too, and all before it is told. */
static int do_watch(const struct deed *deed, struct error *err)
{
	static const struct wire_message begun = {.kind = WIRE_DONE},
					 killed = {.kind = WIRE_KILLED};
	owned_container struct container *c = NULL;
	enum container_event event = EVENT_NONE;
	bool over = false;

	if (open_container(deed->agent, false, &c, err) < 0)
		return -1;
	c->watch.other = STDIN_FILENO;
	if (container_watch(c, 0, &event, err) < 0 || wire_send(STDIN_FILENO, &begun, err) < 0)
		return -1;
	while (event != EVENT_END && !(over && event == EVENT_NONE)) {
		over = is_over(STDIN_FILENO);
		if (container_watch(c, over ? 0 : -1, &event, err) < 0 ||
		    (event == EVENT_OOM && wire_send(STDIN_FILENO, &killed, err) < 0))
			return -1;
	}
	return 0;
}

/* What is answered at once; what makes a process is answered by whoever hears of it. */
static int answer(const struct deed *deed, const struct wire_message *m, struct text *out,
                  struct error *err)
{
	switch (m->kind) {
	case WIRE_START:
		return do_start(deed, err);
	case WIRE_SIGNAL:
		return do_signal(deed, m, err);
	case WIRE_UPDATE:
		return do_update(deed, m, err);
	case WIRE_PROCESSES:
		return do_processes(deed, m, out, err);
	case WIRE_STATS:
		return do_stats(deed, out, err);
	case WIRE_WATCH:
		return keep_connection(deed->connection, err) < 0 ? -1 : do_watch(deed, err);
	case WIRE_SYNC:
		sync();
		return 0;
	default:
		return fail(err, ERROR_UNSUPPORTED, "message", "the agent does nothing at a %d",
		            m->kind);
	}
}

static int take_stdio(const int theirs[3], struct error *err)
{
	for (int i = 0; i < 3; i++)
		if (theirs[i] >= 0 && dup2(theirs[i], i) < 0)
			return fail_errno(err, "stdio", "dup");
	return 0;
}

static int make_process(const struct deed *deed, const struct wire_message *m, const int theirs[3],
                        struct error *err)
{
	struct report report = {0};
	int console = -1, made;

	if (take_stdio(theirs, err) < 0)
		return -1;
	made = m->kind == WIRE_CREATE ? do_create(deed, m, &report, &console, err)
	                              : do_exec(deed, m, &report, &console, err);
	return made < 0 ? -1 : fdpass_send(deed->report, &report, sizeof(report), console, err);
}

__attribute__((noreturn)) static void child(const struct deed *deed, const struct wire_message *m,
                                            const int theirs[3])
{
	owned_text struct text out = {0};
	bool makes = makes_process(m->kind);
	int asker = m->kind == WIRE_WATCH ? STDIN_FILENO : deed->connection;
	struct wire_message reply = {.kind = WIRE_DONE};
	struct error err = {0}, ignored;
	int done;

	signals_reset();
	(void)signal(SIGPIPE, SIG_IGN);
	done = makes ? make_process(deed, m, theirs, &err) : answer(deed, m, &out, &err);
	if (done < 0)
		reply = wire_failed(&err);
	else
		reply.blob[0] = wire_text(out.bytes);
	if ((done < 0 || !makes) && wire_send(asker, &reply, &ignored) < 0)
		_exit(1);
	_exit(done < 0);
}

/* ---- outside of it ---- */

bool deeds_answering(const struct agent *agent)
{
	for (const struct deed *deed = agent->deeds; deed; deed = deed->next)
		if (!makes_process(deed->kind))
			return true;
	return false;
}

void deeds_end_watches(const struct agent *agent)
{
	for (const struct deed *deed = agent->deeds; deed; deed = deed->next)
		if (deed->kind == WIRE_WATCH)
			(void)shutdown(deed->connection, SHUT_RD);
}

static void remove_deed(struct deed *gone)
{
	struct agent_process *first = process_find_number(gone->agent, 0);
	struct deed **at = &gone->agent->deeds;
	struct error ignored;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	if (gone->report >= 0) {
		if (loop_remove(gone->agent->loop, &gone->source, &ignored) < 0)
			log_debug("%s: %s", ignored.object, ignored.reason);
		(void)close(gone->report);
	}
	for (size_t i = 0; i < STREAMS; i++)
		if (gone->stream[i] >= 0)
			(void)close(gone->stream[i]);
	if (gone->connection >= 0)
		(void)close(gone->connection);
	free(gone);
	if (first)
		process_tell(first); /* it may have waited for this */
}

/* A process is there: from now on it is ours. A create's is known to the host by the first connection. */
static int adopt(struct deed *deed, pid_t pid, struct error *err)
{
	struct agent *agent = deed->agent;
	bool first = deed->kind == WIRE_CREATE;
	uint64_t number = first ? 0 : ++agent->last_number;
	struct wire_message made = {.kind = WIRE_DONE, .number = {number}};
	int answered = deed->connection;
	int connection = first ? take_fd(&agent->control) : take_fd(&deed->connection);
	struct agent_process *process;

	made.blob[0] = wire_text(deed->stream[WIRE_TERMINAL] >= 0 ? "terminal" : "");
	process = process_add(agent, number, pid, connection, deed->stream, err);
	if (!process)
		return -1;
	if (first && wire_send(connection, &made, err) < 0)
		return -1;
	if (wire_send(answered, &made, err) < 0)
		return -1;
	process_tell(process);
	return 0;
}

/* Returns  whether there was something. */
static bool look(struct deed *deed)
{
	struct report report;
	owned_fd console = -1;
	struct error err;
	ssize_t n = recv(deed->report, &report, 0, MSG_DONTWAIT | MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	n = fdpass_receive(deed->report, &report, sizeof(report), &console, &err);
	if (n == (ssize_t)sizeof(report)) {
		deed->stream[WIRE_TERMINAL] = take_fd(&console);
		if (adopt(deed, report.pid, &err) < 0)
			log_debug("%s: %s", err.object, err.reason);
	}
	remove_deed(deed); /* what failed has answered for itself */
	return true;
}

void deeds_look(struct agent *agent)
{
	struct deed *next;

	for (struct deed *deed = agent->deeds; deed; deed = next) {
		next = deed->next;
		(void)look(deed);
	}
}

static int reported(struct loop_source *source, uint32_t events, struct error *err)
{
	(void)events;
	(void)err;
	(void)look(source->data);
	return 0;
}

/* Pipes for 0, 1 and 2: theirs[] for the process, the others stay here. */
static int make_pipes(struct deed *deed, int theirs[3], struct error *err)
{
	for (size_t i = 0; i < 3; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return fail_errno(err, "stdio", "pipe");
		theirs[i] = i == 0 ? ends[0] : ends[1];
		deed->stream[i] = i == 0 ? ends[1] : ends[0];
	}
	return 0;
}

static int start(struct deed *deed, const struct wire_message *m, struct error *err)
{
	int theirs[3] = {-1, -1, -1}, ends[2];
	bool makes = makes_process(m->kind);
	owned_fd report = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "report", "socketpair");
	deed->report = ends[0];
	report = ends[1];
	if (makes && !deed->terminal && make_pipes(deed, theirs, err) < 0)
		return -1;
	deed->pid = process_clone(0, -1, NULL, err);
	if (deed->pid == 0) {
		deed->report = report;
		child(deed, m, theirs);
	}
	for (size_t i = 0; i < 3; i++)
		if (theirs[i] >= 0)
			(void)close(theirs[i]);
	return deed->pid < 0 ? -1 : 0;
}

int deed_begin(struct agent *agent, int connection, const struct wire_message *m, struct error *err)
{
	struct deed *deed = calloc(1, sizeof(*deed));

	if (!deed) {
		(void)close(connection);
		return fail(err, ERROR_SYSTEM, "message", "out of memory");
	}
	*deed = (struct deed){.agent = agent,
	                      .kind = m->kind,
	                      .connection = connection,
	                      .report = -1};
	for (size_t i = 0; i < STREAMS; i++)
		deed->stream[i] = -1;
	deed->terminal = m->kind == WIRE_EXEC && (m->number[0] & WIRE_HAS_TERMINAL);
	deed->next = agent->deeds;
	agent->deeds = deed;
	if (m->kind == WIRE_CREATE)
		deed->terminal = m->number[0] & WIRE_HAS_TERMINAL;
	if (start(deed, m, err) < 0) {
		fd_release(&deed->report);
		deed->report = -1;
		remove_deed(deed);
		return -1;
	}
	deed->source = (struct loop_source){.fd = deed->report, .ready = reported, .data = deed};
	return loop_add(agent->loop, &deed->source, EPOLLIN, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/program.h"
#include "base/table.h"

#include "criu.h"

static const char program[] = "cella-criu";

enum { WORDS_IN_FRONT = 5 }; /* program, action, socket, cgroup, CRIU */

/* ---- words ---- */

static void add_word(struct order *order, const char *word)
{
	if (order->count + 1 >= order->size) {
		size_t size = order->size ? 2 * order->size : 128;
		const char **more = arena_alloc(order->arena, size, sizeof(*more));

		if (!more)
			return;
		if (order->count)
			memcpy(more, order->words, order->count * sizeof(*more));
		order->words = more;
		order->size = size;
	}
	order->words[order->count++] = word;
}

void order_add(struct order *order, const char *name, const char *value)
{
	add_word(order, name);
	add_word(order, value);
}

void order_number(struct order *order, const char *name, int64_t number)
{
	order_add(order, name, arena_format(order->arena, "%lld", (long long)number));
}

void order_pair(struct order *order, const char *name, const char *const keys[2], const char *first,
                const char *second)
{
	order_add(order, name, "{");
	order_add(order, keys[0], first);
	order_add(order, keys[1], second);
	add_word(order, "}");
}

void order_keep(struct order *order, int fd)
{
	if (order->keep_count < ARRAY_SIZE(order->keep))
		order->keep[order->keep_count++] = fd;
}

#define SWITCH(member)                                                                             \
	{                                                                                          \
#member, offsetof(struct checkpoint_options, member)                               \
	}

/* CRIU's names are ours. */
static const struct {
	const char *name;
	size_t offset;
} switches[] = {
	SWITCH(leave_running), SWITCH(tcp_established), SWITCH(tcp_skip_in_flight),
	SWITCH(tcp_close),     SWITCH(ext_unix_sk),     SWITCH(shell_job),
	SWITCH(file_locks),    SWITCH(link_remap),      SWITCH(auto_dedup),
	SWITCH(lazy_pages),
};

static const char *const cgroup_modes[] = {
	[CGROUPS_UNSAID] = "SOFT",   [CGROUPS_SOFT] = "SOFT",     [CGROUPS_FULL] = "FULL",
	[CGROUPS_STRICT] = "STRICT", [CGROUPS_IGNORE] = "IGNORE",
};

static const char *const locks[] = {[LOCK_IPTABLES] = "IPTABLES", [LOCK_NFTABLES] = "NFTABLES"};

/* What the annotation names; an empty one: none. CRIU passes over a file that is not there. */
static const char *config_file(const struct spec *spec)
{
	static const char ours[] = "/etc/criu/cella.conf", theirs[] = "/etc/criu/runc.conf";
	const char *asked = spec_annotation(spec, "org.criu.config");

	if (asked)
		return *asked ? asked : NULL;
	return access(ours, F_OK) == 0 ? ours : theirs;
}

static void add_folder(struct order *order, const char *name, int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path));
	order_number(order, name, fd);
	order_keep(order, fd);
	if (length <= 0 || order->folders_count == FOLDERS)
		return;
	order->folders[order->folders_count].fd = fd;
	order->folders[order->folders_count++].path =
		arena_text_n(order->arena, path, (size_t)length);
}

void order_options(struct order *order, const struct spec *spec,
                   const struct checkpoint_options *options, const char *log)
{
	static const char *const server[] = {"address", "port"};
	const char *config = config_file(spec);

	order->program = options->criu ? options->criu : "";
	add_folder(order, "images_dir_fd", options->images);
	if (options->work >= 0)
		add_folder(order, "work_dir_fd", options->work);
	order_number(order, "log_level", 4);
	order_add(order, "log_file", log);
	order_add(order, "notify_scripts", "true");
	order_add(order, "orphan_pts_master", "true");
	order_add(order, "manage_cgroups_mode", cgroup_modes[options->cgroups]);
	if (config)
		order_add(order, "config_file", config);
	if (options->lock != LOCK_UNSAID)
		order_add(order, "network_lock", locks[options->lock]);
	if (options->page_server_address)
		order_pair(order, "ps", server, options->page_server_address,
		           arena_format(order->arena, "%u", options->page_server_port));
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (*(const bool *)((const char *)options + switches[i].offset))
			order_add(order, switches[i].name, "true");
}

/* ---- the conversation ---- */

struct course {
	const struct order *order;
	const struct order_listener *listener;
	int socket; /* to cella-criu, owned; -1 */
	pid_t ours; /* cella-criu, 0: none */
	pid_t criu; /* 0: none yet */
};

static bool wants_answer(enum criu_event_kind kind)
{
	return kind == CRIU_NAMESPACES || kind == CRIU_RESTORED;
}

/* Returns 1 at the end, 0 for more, or -1 and *err. */
static int next_event(struct course *course, struct error *err)
{
	const struct criu_event go_on = {.kind = CRIU_GO_ON};
	struct criu_event event;
	owned_fd fd = -1;
	ssize_t n = fdpass_receive(course->socket, &event, sizeof(event), &fd, err);

	if (n < 0)
		return -1;
	if (n != sizeof(event))
		return fail(err, ERROR_SYSTEM, program, "ended unexpectedly");
	switch (event.kind) {
	case CRIU_DONE:
		return 1;
	case CRIU_FAILED:
		error_import(err, &event.err, sizeof(event.err));
		return -1;
	case CRIU_STARTED:
		course->criu = event.pid;
		return 0;
	default:
		break;
	}
	if (course->listener->hear(course->listener->data, &event, &fd, err) < 0)
		return -1;
	if (wants_answer(event.kind))
		return fdpass_send(course->socket, &go_on, sizeof(go_on), -1, err);
	return 0;
}

static char **make_args(const struct order *order, int socket, struct error *err)
{
	const char *front[WORDS_IN_FRONT] = {
		program,
		order->action,
		arena_format(order->arena, "%d", socket),
		arena_format(order->arena, "%d", order->cgroup),
		order->program,
	};
	char **args = arena_alloc(order->arena, WORDS_IN_FRONT + order->count + 1, sizeof(*args));

	if (!args || arena_check(order->arena, err) < 0) {
		(void)fail(err, ERROR_SYSTEM, program, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < WORDS_IN_FRONT; i++)
		args[i] = arena_text(order->arena, front[i]);
	for (size_t i = 0; i < order->count; i++) {
		args[WORDS_IN_FRONT + i] = arena_text(order->arena, order->words[i]);
		log_debug("%s: %s", program, order->words[i]);
	}
	return arena_check(order->arena, err) < 0 ? NULL : args;
}

static int start(struct course *course, struct error *err)
{
	struct order_launch launch = {.order = course->order, .parent = getpid()};
	owned_fd theirs = -1;
	char path[PATH_MAX];
	int ends[2];

	if (program_helper(program, path, sizeof(path), err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, program, "socketpair");
	course->socket = ends[0];
	theirs = ends[1];
	launch.path = path;
	launch.socket = theirs;
	launch.args = make_args(course->order, theirs, err);
	if (!launch.args)
		return -1;
	course->ours = process_clone(course->order->restore ? CLONE_NEWNS : 0, -1, NULL, err);
	if (course->ours < 0)
		return -1;
	if (course->ours == 0)
		order_child_main(&launch);
	return 0;
}

/* Whatever has failed: both end when their ends of the sockets are closed. */
static void finish(struct course *course)
{
	struct error ignored;

	if (course->socket >= 0)
		(void)close(take_fd(&course->socket));
	if (course->ours > 0 && process_wait(course->ours, &ignored) < 0)
		log_dropped("waiting for cella-criu", &ignored);
	if (course->criu > 0 && process_wait(course->criu, &ignored) < 0)
		log_dropped("waiting for CRIU", &ignored);
}

int order_carry_out(const struct order *order, const struct order_listener *listener,
                    struct error *err)
{
	OWNED(finish) struct course course = {.order = order, .listener = listener, .socket = -1};
	struct rootfs_cgroup_options options;
	struct error ignored;
	int got = 0;

	rootfs_note_cgroup_options(&options);
	if (start(&course, err) < 0)
		return -1;
	while (got == 0)
		got = next_event(&course, err);
	/* CRIU mounts the tree for itself, and names none */
	if (rootfs_put_back_cgroup_options(&options, &ignored) < 0)
		log_dropped("after CRIU", &ignored);
	return got < 0 ? -1 : 0;
}

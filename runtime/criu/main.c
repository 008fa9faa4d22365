/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "parts.h"

enum { ARENA_LIMIT = 64 << 20, WORDS_LEAST = 5, WORDS_OF_FIND = 3 };

static const struct {
	const char *word;
	CriuReqType type;
} actions[] = {
	{"dump",     CRIU_REQ_TYPE__DUMP           },
	{"pre-dump", CRIU_REQ_TYPE__SINGLE_PRE_DUMP},
	{"restore",  CRIU_REQ_TYPE__RESTORE        },
};

static int find_action(const char *word, CriuReqType *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].word, word) != 0)
			continue;
		*ret = actions[i].type;
		return 0;
	}
	return fail(err, ERROR_USAGE, word, "is nothing that cella-criu does");
}

static int find_descriptor(const char *word, int least, int *ret, struct error *err)
{
	int64_t number = 0;

	if (!text_to_i64(word, &number) || number < least || number > INT32_MAX)
		return fail(err, ERROR_USAGE, word, "is no descriptor");
	*ret = (int)number;
	return 0;
}

/* Without iptables, which CRIU would have cut connections off by, it has to be told of nftables, of which it has the
 * library. */
static void choose_network_lock(CriuOpts *opts)
{
	static const char *const places[] = {"/usr/sbin/iptables-restore", "/sbin/iptables-restore",
	                                     "/usr/local/sbin/iptables-restore",
	                                     "/usr/bin/iptables-restore"};

	for (size_t i = 0; i < ARRAY_SIZE(places) && !opts->has_network_lock; i++)
		if (access(places[i], X_OK) == 0)
			return;
	if (opts->has_network_lock)
		return;
	opts->has_network_lock = true;
	opts->network_lock = CRIU_NETWORK_LOCK_METHOD__NFTABLES;
}

/* It reaches our directories through our /proc/PID/fd. */
static int keep_from_criu(int fd, struct error *err)
{
	if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return fail_errno(err, "criu", "fcntl");
	return 0;
}

static void worker_release(struct worker *w)
{
	if (w->socket >= 0)
		(void)close(take_fd(&w->socket));
}

/* Returns 0, or -1 and *err; *ret_events as soon as it is known. */
static int run(char **words, struct arena *arena, int *ret_events, struct error *err)
{
	OWNED(worker_release) struct worker w = {.socket = -1, .events = -1, .log_dir = -1};
	CriuOpts opts = CRIU_OPTS__INIT;
	CriuReq request = CRIU_REQ__INIT;
	int cgroup;

	if (find_descriptor(words[1], 0, &w.events, err) < 0)
		return -1;
	*ret_events = w.events;
	opts.images_dir_fd = -1;
	if (find_action(words[0], &request.type, err) < 0 ||
	    find_descriptor(words[2], -1, &cgroup, err) < 0 ||
	    members_read(words + 4, arena, &opts.base, err) < 0)
		return -1;
	choose_network_lock(&opts);
	request.opts = &opts;
	w.log_dir = opts.has_work_dir_fd ? opts.work_dir_fd : opts.images_dir_fd;
	w.log_file = opts.log_file;
	if (keep_from_criu(w.events, err) < 0 || keep_from_criu(w.log_dir, err) < 0 ||
	    keep_from_criu(opts.images_dir_fd, err) < 0)
		return -1;
	if (worker_start(&w, words[3], cgroup, err) < 0)
		return -1;
	return worker_ask(&w, &request, err);
}

static bool is_there(const char *program)
{
	struct error ignored;
	char path[PATH_MAX];

	return worker_find(program, path, sizeof(path), &ignored) == 0;
}

int main(int argc, char **argv)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	struct criu_event event = {.kind = CRIU_DONE};
	struct error ignored;
	int events = -1;

	if (argc == WORDS_OF_FIND && strcmp(argv[1], "find") == 0)
		return is_there(argv[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
	if (!arena || argc < WORDS_LEAST)
		(void)fail(&event.err, ERROR_USAGE, "cella-criu",
		           "is called by cella: dump|pre-dump|restore SOCKET CGROUP PROGRAM …");
	else if (run(argv + 1, arena, &events, &event.err) == 0)
		return event_send(events, &event, -1, &ignored) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	event.kind = CRIU_FAILED;
	if (events >= 0)
		return event_send(events, &event, -1, &ignored) < 0 ? 2 : EXIT_FAILURE;
	(void)dprintf(STDERR_FILENO, "%s: %s\n", event.err.object, event.err.reason);
	return EXIT_FAILURE;
}

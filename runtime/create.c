/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "notify.h"
#include "store.h"

struct asked {
	char *bytes; /* config.json as it is */
	size_t length;
	const struct spec *spec;
	struct plan *plan;
	const struct executor *executor;
	struct host host;
	bool given; /* a user namespace that the config has not */
};

static void asked_release(struct asked *asked)
{
	if (asked->plan)
		plan_close(asked->plan);
}

static int check_terminal(const struct spec *spec, enum terminal_place place, struct error *err)
{
	if (place == TERMINAL_SOCKET && !spec->process.terminal)
		return fail(err, ERROR_USAGE, "--console-socket",
		            "there is no terminal to send: process.terminal is not true");
	if (place == TERMINAL_NOWHERE && spec->process.terminal)
		return fail(err, ERROR_USAGE, "process.terminal",
		            "a terminal and nobody in front need --console-socket");
	return 0;
}

/* Whoever answers for SCMP_ACT_NOTIFY is found again by start and exec, which run elsewhere. */
static int check_agent(const struct spec *spec, const char *otherwise, struct error *err)
{
	const struct spec_seccomp *seccomp = &spec->linux_.seccomp;
	const char *agent = spec_seccomp_agent(spec, otherwise);

	if (!seccomp->set || !spec_seccomp_notifies(seccomp))
		return 0;
	if (!agent)
		return fail(err, ERROR_CONFIG, "linux.seccomp.listenerPath",
		            "is required for SCMP_ACT_NOTIFY");
	if (agent == otherwise && *agent != '/')
		return fail(err, ERROR_USAGE, SECCOMP_AGENT_VARIABLE,
		            "'%.100s': expected an absolute path", agent);
	return 0;
}

/* The plan, with what was made before for others. */
static int plan(const struct runtime *rt, struct plan_request *request, struct arena *arena,
                struct plan **ret, struct error *err)
{
	struct host host = *request->host;
	owned_fd root = -1, filters = -1;
	struct error ignored; /* who takes the id meets it again */
	int planned;

	if (request->spec->linux_.seccomp.set && store_find(rt, &root, &ignored) == 0)
		filters = root < 0 ? -1 : plan_open_filters(root);
	host.filters = filters;
	request->host = &host;
	planned = plan_from_spec(request, arena, ret, err);
	request->host = NULL; /* ours */
	return planned;
}

/* Before any room is asked: from then on it is as if the config had it. */
static int give_namespace(struct asked *asked, struct arena *arena, struct error *err)
{
	int given = plan_user_namespace(&asked->spec, &asked->host, arena, err);

	asked->given = given > 0;
	return given;
}

static int prepare_notify(const struct container *c, struct asked *asked, struct error *err)
{
	if (!asked->executor->prepare)
		return notify_prepare(c, &asked->spec, err);
	log_warning("NOTIFY_SOCKET: the %s executor passes nothing on of it",
	            asked->executor->name);
	return 0;
}

/* Read and decide; nothing has changed when this returns.
 * notified  one whose id is taken already, for who waits for sd_notify(3); NULL. */
static int ask(const struct runtime *rt, const struct create_options *o, struct arena *arena,
               const struct container *notified, struct asked *ret, struct error *err)
{
	const char *config =
		o->config ? o->config : arena_format(arena, "%s/config.json", o->bundle);
	struct plan_request request = {
		.id = o->id,
		.bundle = o->bundle,
		.no_pivot = o->no_pivot,
		.no_new_keyring = o->no_new_keyring,
		.preserve_fds = o->preserve_fds,
		.activation = o->activation,
		.start_at_once = o->start_at_once,
	};

	if (arena_check(arena, err) < 0 || !config)
		return -1;
	if (identifier_check(o->id, err) < 0 ||
	    fd_read_file(AT_FDCWD, config, JSON_BYTES_LIMIT, arena, &ret->bytes, &ret->length,
	                 err) < 0 ||
	    spec_read("config.json", ret->bytes, ret->length, arena, &ret->spec, err) < 0)
		return -1;
	if (check_terminal(ret->spec, o->terminal, err) < 0 ||
	    check_agent(ret->spec, o->seccomp_agent, err) < 0)
		return -1;
	if (choose_executor(rt, ret->spec, &ret->executor, err) < 0 ||
	    host_look(&ret->host, err) < 0 || give_namespace(ret, arena, err) < 0)
		return -1;
	if (notified && prepare_notify(notified, ret, err) < 0)
		return -1;
	if (o->restore && !ret->executor->restore)
		return operation_missing(o->id, ret->executor, "restore", err);
	request.spec = ret->spec;
	request.host = &ret->host;
	request.systemd = rt->systemd;
	request.no_cgroup = rt->no_cgroup;
	request.rootless = rt->rootless;
	if (ret->executor->prepare && ret->executor->prepare(&request, arena, err) < 0)
		return -1;
	return plan(rt, &request, arena, &ret->plan, err);
}

int container_dry_run(const struct runtime *rt, const struct create_options *options,
                      struct text *out, struct error *err)
{
	owned_arena struct arena *arena = arena_new(256 << 20);
	struct json_writer w = {.out = out, .indent = 2};
	OWNED(asked_release) struct asked asked = {0};

	if (!arena)
		return fail(err, ERROR_SYSTEM, options->id, "out of memory");
	if (ask(rt, options, arena, NULL, &asked, err) < 0)
		return -1;
	plan_print(asked.plan, &w);
	return text_check(out, err);
}

static char *now(struct arena *arena)
{
	char text[64];

	log_time(text, sizeof(text), true);
	return arena_text(arena, text);
}

/* Which pipes it begins with: they end outside. */
static void describe_stdio(struct container *c, const struct host *host)
{
	char path[32], name[64];

	for (int fd = 0; fd < (int)ARRAY_SIZE(c->state.stdio); fd++) {
		ssize_t length;

		if (!S_ISFIFO(host->streams[fd].mode))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, name, sizeof(name) - 1);
		name[length > 0 ? length : 0] = '\0';
		if (text_begins(name, "pipe:"))
			c->state.stdio[fd] = arena_text(c->arena, name);
	}
}

static void describe(struct container *c, const struct create_options *o, const struct asked *asked)
{
	struct state *s = &c->state;
	const struct spec *spec = asked->spec;

	s->status = STATUS_CREATING;
	s->bundle = o->bundle;
	s->rootfs = plan_rootfs(asked->plan);
	s->created = now(c->arena);
	s->executor = asked->executor->name;
	s->cgroup = plan_cgroup(asked->plan);
	s->systemd_unit = plan_systemd_unit(asked->plan);
	s->owner = asked->host.uid;
	s->terminal = spec->process.terminal;
	s->no_new_keyring = o->no_new_keyring;
	if (spec_seccomp_agent(spec, o->seccomp_agent) == o->seccomp_agent)
		s->seccomp_agent = o->seccomp_agent;
	if (!s->terminal)
		describe_stdio(c, &asked->host);
	s->namespaces = asked->plan->isolated;
	if (asked->given) {
		s->uid_mappings = spec->linux_.uid_mappings;
		s->gid_mappings = spec->linux_.gid_mappings;
	}
	s->annotations.item = spec->annotations.item;
	s->annotations.count = spec->annotations.count;
}

/* From the taken name on: whatever fails is undone here. */
static int make(struct container *c, const struct asked *asked, int *config,
                const struct checkpoint_options *restore, struct error *err)
{
	struct error ignored;

	/* Written before a thing is made, so that delete finds it whenever we die. */
	if (store_save_config(c, config, asked->bytes, asked->length, err) == 0 &&
	    store_save_first(c, err) == 0) {
		plan_keep_filter(asked->plan, c->root);
		if ((restore ? c->executor->restore(c, asked->plan, restore, err)
		             : c->executor->create(c, asked->plan, err)) == 0) {
			c->state.status = restore ? STATUS_RUNNING : STATUS_CREATED;
			return 0;
		}
	}
	/* As after any other life: runtime.md "Lifecycle": a hook that fails leads to the poststop hooks. */
	c->state.status = STATUS_STOPPED;
	c->state.pid = 0;
	if (hooks_run(c->spec, HOOK_POSTSTOP, &c->state, NULL, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	if (store_remove(c, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	return -1;
}

static int take(const struct runtime *rt, struct container *c, int *ret_config, struct error *err)
{
	c->root = store_open(rt, err);
	return c->root < 0 ? -1 : store_take(c, ret_config, err);
}

static int decide(const struct runtime *rt, const struct create_options *options,
                  struct container *c, struct asked *ret, struct error *err)
{
	if (ask(rt, options, c->arena, options->notify ? c : NULL, ret, err) < 0)
		return -1;
	c->executor = ret->executor;
	if (rt->trace && trace_executor(c, err) < 0)
		return -1;
	c->spec = ret->spec;
	c->guest_log = options->guest_log;
	describe(c, options, ret);
	return arena_check(c->arena, err);
}

int container_create(const struct runtime *rt, const struct create_options *options,
                     struct container **ret_container, struct error *err)
{
	owned_container struct container *c = NULL;
	struct create_options copy = *options;
	OWNED(asked_release) struct asked asked = {0};
	owned_fd config = -1;

	if (identifier_check(options->id, err) < 0)
		return -1;
	c = store_new(options->id, err);
	if (!c)
		return -1;
	copy.bundle = arena_text(c->arena, options->bundle);
	if (options->notify && take(rt, c, &config, err) < 0)
		return -1;
	if (decide(rt, &copy, c, &asked, err) < 0) {
		struct error ignored;

		if (c->dir >= 0 && store_remove(c, &ignored) < 0)
			log_dropped("after a failed create", &ignored);
		return -1;
	}
	if ((config < 0 && take(rt, c, &config, err) < 0) ||
	    make(c, &asked, &config, copy.restore, err) < 0)
		return -1;
	*ret_container = take_ptr(c);
	return 0;
}

int container_restore(const struct runtime *rt, const struct create_options *options,
                      struct container **ret_container, struct error *err)
{
	if (container_create(rt, options, ret_container, err) < 0)
		return -1;
	store_unlock(*ret_container); /* who waits for its end goes on for as long as it does */
	return 0;
}

int container_config(struct container *c, struct error *err)
{
	char *bytes;
	size_t length;

	if (c->spec)
		return 0;
	if (fd_read_file(c->dir, "config.json", JSON_BYTES_LIMIT, c->arena, &bytes, &length, err) <
	            0 ||
	    spec_read("config.json", bytes, length, c->arena, &c->spec, err) < 0)
		return error_within(err, "%s", c->state.id);
	if (c->state.uid_mappings.count > 0)
		c->spec = plan_in_user_namespace(c->spec, &c->state.uid_mappings,
		                                 &c->state.gid_mappings, c->arena);
	return c->spec ? 0 : arena_check(c->arena, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void dir_release(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* *ret  NULL: there is no state directory. */
static int open_list(const struct runtime *rt, DIR **ret, struct error *err)
{
	owned_fd root = -1;

	if (store_find(rt, &root, err) < 0)
		return -1;
	if (root < 0)
		return 0;
	*ret = fdopendir(root);
	if (!*ret)
		return fail_errno(err, "--root", "opendir");
	(void)take_fd(&root);
	return 0;
}

int container_list(const struct runtime *rt, struct arena *arena, const char ***ret_ids,
                   size_t *ret_count, struct error *err)
{
	OWNED(dir_release) DIR *dir = NULL;
	const char **ids = NULL;
	size_t count = 0, size = 0;
	struct error ignored;
	struct dirent *entry;

	if (open_list(rt, &dir, err) < 0)
		return -1;
	while (dir && (entry = readdir(dir))) {
		if (identifier_check(entry->d_name, &ignored) < 0 || entry->d_type == DT_REG)
			continue;
		if (count == size) {
			const char **more;

			size = size ? 2 * size : 64;
			more = arena_alloc(arena, size, sizeof(*more));
			if (!more)
				return arena_check(arena, err);
			if (count)
				memcpy(more, ids, count * sizeof(*more));
			ids = more;
		}
		ids[count++] = arena_text(arena, entry->d_name);
	}
	if (arena_check(arena, err) < 0)
		return -1;
	if (count)
		qsort(ids, count, sizeof(*ids), by_name);
	*ret_ids = ids;
	*ret_count = count;
	return 0;
}

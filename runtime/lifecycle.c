/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/table.h"

#include "store.h"

enum { ATTEMPTS = 100 };

enum operation {
	OP_START,
	OP_EXEC,
	OP_KILL,
	OP_PAUSE,
	OP_RESUME,
	OP_UPDATE,
	OP_PROCESSES,
	OP_STATS,
	OP_WATCH,
	OP_MOUNTS,
	OP_DELETE,
	OP_CHECKPOINT,
	OPS
};

#define IN(status) (1U << (status))
#define LIVES      (IN(STATUS_CREATED) | IN(STATUS_RUNNING) | IN(STATUS_PAUSED))

/* Which operation is allowed in which state: the only place that knows. */
static const struct {
	const char *name;
	unsigned int allowed;
} operations[OPS] = {
	{"start",                IN(STATUS_CREATED)                     },
	{"exec",		 IN(STATUS_CREATED) | IN(STATUS_RUNNING)},
	{"kill",		 LIVES				  },
	{"pause",                IN(STATUS_CREATED) | IN(STATUS_RUNNING)},
	{"resume",               IN(STATUS_PAUSED)                      },
	{"update",               LIVES				  },
	{"ps",		   LIVES				  },
	{"measure",              LIVES				  },
	{"watch",                LIVES				  },
	{"change the mounts of", LIVES                                  },
	{"delete",               IN(STATUS_STOPPED)                     },
	{"checkpoint",           IN(STATUS_RUNNING) | IN(STATUS_PAUSED) },
};

int operation_missing(const char *id, const struct executor *executor, const char *name,
                      struct error *err)
{
	return fail(err, ERROR_UNSUPPORTED, id, "not supported by the %s executor: %s",
	            executor->name, name);
}

static int allow(const struct container *c, enum operation op, bool implemented, struct error *err)
{
	const char *name = operations[op].name;

	if (!implemented)
		return operation_missing(c->state.id, c->executor, name, err);
	if (operations[op].allowed & IN(c->state.status))
		return 0;
	if (op == OP_KILL && c->state.status == STATUS_STOPPED)
		return fail(err, ERROR_STATE, c->state.id,
		            "container not running: it is stopped"); /* the engines' words */
	return fail(err, ERROR_STATE, c->state.id, "cannot %s a container that is %s", name,
	            container_status_names[c->state.status]);
}

static int look(struct container *c, struct error *err)
{
	if (c->executor->look(c, &c->state.status, err) < 0)
		return error_within(err, "%s", c->state.id);
	if (c->state.status == STATUS_STOPPED)
		c->state.pid = 0; /* nobody's, or another's by now */
	return 0;
}

int container_open(const struct runtime *rt, const char *id, bool lock,
                   struct container **ret_container, struct error *err)
{
	owned_container struct container *c = NULL;

	if (identifier_check(id, err) < 0)
		return -1;
	c = store_new(id, err);
	if (!c)
		return -1;
	if (store_find(rt, &c->root, err) < 0 || store_enter(c, lock, err) < 0 ||
	    store_load(c, err) < 0)
		return -1;
	c->executor = choose_by_name(rt, c->state.executor);
	if (!c->executor)
		return fail(err, ERROR_UNSUPPORTED, id, "was made by the executor '%s'",
		            c->state.executor);
	if ((rt->trace && trace_executor(c, err) < 0) || look(c, err) < 0)
		return -1;
	*ret_container = take_ptr(c);
	return 0;
}

/* Only what is still there: while the hooks ran it may have been deleted, and its cgroup be another's. */
static void end_failed(struct container *c)
{
	struct error why;

	if (store_lock(c, &why) < 0) {
		if (why.errnum != ENOENT)
			log_dropped("after a failed poststart hook", &why);
		return;
	}
	if (c->executor->signal(c, SIGKILL, true, &why) < 0)
		log_dropped("after a failed poststart hook", &why);
	store_unlock(c);
}

int container_start(struct container *c, struct error *err)
{
	if (allow(c, OP_START, c->executor->start, err) < 0 || container_config(c, err) < 0)
		return -1;
	if (c->executor->start(c, err) < 0)
		return -1;
	c->state.status = STATUS_RUNNING;
	store_unlock(c); /* run goes on for as long as the container does */
	if (hooks_run(c->spec, HOOK_POSTSTART, &c->state, NULL, err) == 0)
		return 0;
	end_failed(c);
	return -1;
}

/* What fails may do so only because the container is ended or deleted while we are at it. */
static int explained(struct container *c, int result, struct error *err)
{
	struct error ignored;

	if (result >= 0 || err->kind != ERROR_SYSTEM)
		return result;
	if (err->errnum == ESRCH || /* one that is on its way out looks alive still */
	    (look(c, &ignored) == 0 && c->state.status == STATUS_STOPPED))
		return error_within(err, "%s: has ended meanwhile", c->state.id);
	if (err->errnum == ENOMEM) /* that too is one on its way out: pid_namespaces(7) */
		return error_within(err, "%s", c->state.id);
	return -1;
}

int container_exec(struct container *c, const struct spec_process *process,
                   const struct exec_options *options, struct exec_result *ret_result,
                   struct error *err)
{
	bool paused = options->ignore_paused && c->state.status == STATUS_PAUSED;
	int result;

	if ((!(paused && c->executor->exec) && allow(c, OP_EXEC, c->executor->exec, err) < 0) ||
	    container_config(c, err) < 0)
		return -1;
	result = c->executor->exec(c, process ? process : &c->spec->process, options, ret_result,
	                           err);
	return explained(c, result, err);
}

int container_kill(struct container *c, int signum, bool all, struct error *err)
{
	/* what outlived the first process */
	if (all && signum && c->state.status == STATUS_STOPPED)
		return c->executor->signal(c, signum, all, err);
	if (allow(c, OP_KILL, c->executor->signal, err) < 0)
		return -1;
	return signum ? c->executor->signal(c, signum, all, err) : 0;
}

int container_pause(struct container *c, struct error *err)
{
	if (allow(c, OP_PAUSE, c->executor->pause, err) < 0)
		return -1;
	return explained(c, c->executor->pause(c, err), err);
}

int container_resume(struct container *c, struct error *err)
{
	if (allow(c, OP_RESUME, c->executor->resume, err) < 0)
		return -1;
	return explained(c, c->executor->resume(c, err), err);
}

int container_update(struct container *c, const struct spec_resources *resources, struct error *err)
{
	if (allow(c, OP_UPDATE, c->executor->update, err) < 0)
		return -1;
	return explained(c, c->executor->update(c, resources, err), err);
}

int container_processes(struct container *c, pid_t **ret_pids, size_t *ret_count, struct error *err)
{
	if (allow(c, OP_PROCESSES, c->executor->processes, err) < 0)
		return -1;
	return explained(c, c->executor->processes(c, ret_pids, ret_count, err), err);
}

int container_stats(struct container *c, struct arena *arena, struct stats *ret, struct error *err)
{
	if (allow(c, OP_STATS, c->executor->stats, err) < 0)
		return -1;
	return c->executor->stats(c, arena, ret, err);
}

int container_watch(struct container *c, int timeout_ms, enum container_event *ret,
                    struct error *err)
{
	if (allow(c, OP_WATCH, c->executor->watch, err) < 0)
		return -1;
	return c->executor->watch(c, timeout_ms, ret, err);
}

int container_mounts(struct container *c, enum mounts_change change, const mount_list *mounts,
                     struct error *err)
{
	if (allow(c, OP_MOUNTS, c->executor->mounts, err) < 0 || container_config(c, err) < 0)
		return -1;
	return explained(c, c->executor->mounts(c, change, mounts, err), err);
}

int container_checkpoint_allowed(const struct container *c, struct error *err)
{
	return allow(c, OP_CHECKPOINT, c->executor->checkpoint, err);
}

int container_checkpoint(struct container *c, const struct checkpoint_options *options,
                         struct error *err)
{
	if (container_checkpoint_allowed(c, err) < 0 || container_config(c, err) < 0 ||
	    c->executor->checkpoint(c, options, err) < 0)
		return -1;
	if (options->leave_running || options->pre_dump)
		return 0;
	return container_delete(c, true, err);
}

void container_has_ended(struct container *c)
{
	c->state.status = STATUS_STOPPED;
	c->state.pid = 0; /* which may be another's from now on */
}

int container_delete(struct container *c, bool force, struct error *err)
{
	struct error hook_error;

	if (store_lock(c, err) < 0)
		return force && err->errnum == ENOENT ? 0 : -1;
	if (look(c, err) < 0)
		return -1;
	if (!force && allow(c, OP_DELETE, c->executor->destroy, err) < 0)
		return -1;
	if (c->executor->destroy(c, err) < 0)
		return error_within(err, "%s", c->state.id);
	container_has_ended(c);
	/* A failing poststop hook is logged, and the rest goes on: config.md "POSIX-platform Hooks". */
	if (container_config(c, &hook_error) < 0 ||
	    hooks_run(c->spec, HOOK_POSTSTOP, &c->state, NULL, &hook_error) < 0)
		log_dropped("after delete", &hook_error);
	return store_remove(c, err);
}

/* What a create that was killed before its first state was written has left.
 * Returns 0, or 1 when it was being created and is there by now, or -1 and *err. */
static int delete_unborn(const struct runtime *rt, const char *id, struct error *err)
{
	owned_container struct container *c = store_new(id, err);
	struct stat st;

	if (!c)
		return -1;
	if (store_find(rt, &c->root, err) < 0 || store_enter(c, true, err) < 0)
		return -1;
	if (fstatat(c->dir, "state.json", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0)
		return 1;
	return store_remove(c, err);
}

int container_delete_id(const struct runtime *rt, const char *id, bool force, struct error *err)
{
	owned_container struct container *c = NULL;
	int again = 1;

	for (int i = 0; i < ATTEMPTS && again > 0; i++) {
		if (container_open(rt, id, true, &c, err) == 0)
			return container_delete(c, force, err);
		if (!force || err->errnum != ENOENT)
			return -1;
		again = delete_unborn(rt, id, err);
	}
	if (again > 0)
		return fail(err, ERROR_STATE, id, "comes and goes: it is created again and again");
	return again < 0 && err->errnum != ENOENT ? -1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An executor around another: what was asked of it, what came of it, how long it took. --debug. */
#include "base/clock.h"
#include "base/log.h"

#include "store.h"

static int told(const struct container *c, const char *operation, int64_t since, int result,
                const struct error *err)
{
	double ms = (double)(clock_ns() - since) / 1e6;

	if (result < 0)
		log_debug("%s executor: %s %s: failed after %.2f ms: %s: %s", c->executor->name,
		          operation, c->state.id, ms, err->object, err->reason);
	else
		log_debug("%s executor: %s %s: %.2f ms", c->executor->name, operation, c->state.id,
		          ms);
	return result;
}

/* One wrapper a member: name, its further parameters, and how they are passed on. */
#define TRACED(operation, parameters, arguments)                                                   \
	static int traced_##operation parameters                                                   \
	{                                                                                          \
		int64_t since = clock_ns();                                                        \
                                                                                                   \
		return told(c, #operation, since, c->traced->operation arguments, err);            \
	}

TRACED(create, (struct container * c, struct plan *plan, struct error *err), (c, plan, err))
TRACED(start, (struct container * c, struct error *err), (c, err))
TRACED(exec,
       (struct container * c, const struct spec_process *process,
        const struct exec_options *options, struct exec_result *ret, struct error *err),
       (c, process, options, ret, err))
TRACED(signal, (struct container * c, int signum, bool all, struct error *err),
       (c, signum, all, err))
TRACED(pause, (struct container * c, struct error *err), (c, err))
TRACED(resume, (struct container * c, struct error *err), (c, err))
TRACED(update, (struct container * c, const struct spec_resources *resources, struct error *err),
       (c, resources, err))
TRACED(processes, (struct container * c, pid_t **ret_pids, size_t *ret_count, struct error *err),
       (c, ret_pids, ret_count, err))
TRACED(describe,
       (struct container * c, struct process_words **ret, size_t *ret_count, struct error *err),
       (c, ret, ret_count, err))
TRACED(stats, (struct container * c, struct arena *arena, struct stats *ret, struct error *err),
       (c, arena, ret, err))
TRACED(watch, (struct container * c, int timeout_ms, enum container_event *ret, struct error *err),
       (c, timeout_ms, ret, err))
TRACED(mounts,
       (struct container * c, enum mounts_change change, const mount_list *mounts,
        struct error *err),
       (c, change, mounts, err))
TRACED(checkpoint,
       (struct container * c, const struct checkpoint_options *options, struct error *err),
       (c, options, err))
TRACED(restore,
       (struct container * c, struct plan *plan, const struct checkpoint_options *options,
        struct error *err),
       (c, plan, options, err))
TRACED(look, (struct container * c, enum container_status *ret_status, struct error *err),
       (c, ret_status, err))
TRACED(destroy, (struct container * c, struct error *err), (c, err))

#define WRAP(operation) .operation = c->traced->operation ? traced_##operation : NULL

int trace_executor(struct container *c, struct error *err)
{
	struct executor *wrapper = ARENA_NEW(c->arena, struct executor);

	if (!wrapper)
		return arena_check(c->arena, err);
	c->traced = c->executor;
	*wrapper = (struct executor){
		.name = c->traced->name,
		WRAP(create),
		WRAP(start),
		WRAP(exec),
		WRAP(signal),
		WRAP(pause),
		WRAP(resume),
		WRAP(update),
		WRAP(processes),
		WRAP(describe),
		WRAP(stats),
		WRAP(watch),
		WRAP(mounts),
		WRAP(checkpoint),
		WRAP(restore),
		WRAP(look),
		WRAP(destroy),
	};
	c->executor = wrapper;
	return 0;
}

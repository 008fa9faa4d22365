/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "creation.h"
#include "foreground.h"
#include "starting.h"

static const struct option_row rows[] = {
	{"detach", 'd', NULL, "return once the program runs",                  CREATION_AT(SWITCH_AT, detach)},
	{"keep",   0,   NULL, "do not delete the container when it has ended",
         CREATION_AT(SWITCH_AT,								       keep)  },
	CREATION_ROWS,
};

/* front  we stay there; NULL: we do not. */
static int make_and_start(struct call *call, struct foreground *front,
                          struct container **ret_container, struct error *err)
{
	owned_container struct container *c = NULL;

	if (creation_make(call, true, front != NULL, &c, err) < 0)
		return -1;
	if ((front ? starting_in_front(c, &front->notify, err) : starting_behind(c, err)) < 0) {
		creation_undo(c);
		return -1;
	}
	*ret_container = take_ptr(c);
	return 0;
}

static int stay(struct call *call, struct error *err)
{
	const struct creation_flags *f = call->flags;
	owned_container struct container *c = NULL;
	owned_foreground front = FOREGROUND_NONE;
	struct error ignored;
	int status;

	if (foreground_open(&front, err) < 0 || make_and_start(call, &front, &c, err) < 0)
		return -1;
	status = foreground_wait(&front, c->state.pid, c->init, c->console, err);
	if (status < 0) {
		creation_undo(c);
		return -1;
	}
	container_has_ended(c);
	/* The status of the program tells more than a failure here. */
	if (!f->keep && container_delete(c, true, &ignored) < 0)
		log_dropped("after the container has ended", &ignored);
	return status;
}

static int run(struct call *call, struct error *err)
{
	const struct creation_flags *f = call->flags;
	owned_container struct container *c = NULL;

	if (f->dry_run)
		return creation_dry_run(call, true, err);
	if (f->detach)
		return make_and_start(call, NULL, &c, err);
	return stay(call, err);
}

const struct command run_command = {
	.name = "run",
	.operands = "CONTAINER",
	.summary = "Create a container, start it and stay until it has ended",
	.about = "Signals are passed on to its program; the exit status is that of its program.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella run web                       # in front; deleted when it has ended\n"
		    "cella run --detach --bundle b web   # behind\n",
	.operands_least = 1,
	.operands_most = 1,
	.in_order = true,
	.flags_size = sizeof(struct creation_flags),
	.enters = true,
	.run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Create: a container, up to where its program would run. */
#include <errno.h>
#include <events.pb-c.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <task.pb-c.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "rootfs/rootfs.h"

#include "events.h"
#include "life.h"
#include "service.h"
#include "settings.h"
#include "worker.h"

enum { ARENA_LIMIT = 64 << 20 };

/* ---- the worker ---- */

static int mount_root(const Pb__CreateTaskRequest *request, const char *target, struct error *err)
{
	if (mkdir(target, 0711) < 0 && errno != EEXIST)
		return fail_errno(err, target, "mkdir");
	for (size_t i = 0; i < request->n_rootfs; i++) {
		const Pb__Mount *m = request->rootfs[i];
		const struct engine_mount mount = {
			.type = m->type,
			.source = m->source,
			.options = (const char *const *)m->options,
			.options_count = m->n_options,
		};

		if (rootfs_engine_mount(&mount, target, err) < 0)
			return -1;
	}
	return 0;
}

/* A systemd slice in the path of the cgroup ("a.slice:prefix:name") can be meant for systemd alone; engines that say
 * nothing else to a shim that is not runc's say this. */
static bool is_for_systemd(const char *cgroups_path)
{
	static const char slice[] = ".slice:";
	const char *found = cgroups_path ? strstr(cgroups_path, slice) : NULL;

	return found && strchr(found + strlen(slice), ':');
}

/* What the config says beside what the runtime makes of it. */
static int look_at_config(const char *bundle, struct settings *settings, bool *ret_shared_pids,
                          struct error *err)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	const struct spec *spec;
	size_t length;
	char *bytes;

	if (!arena)
		return fail(err, ERROR_SYSTEM, bundle, "out of memory");
	if (fd_read_file(AT_FDCWD, arena_format(arena, "%s/config.json", bundle), JSON_BYTES_LIMIT,
	                 arena, &bytes, &length, err) < 0 ||
	    spec_read("config.json", bytes, length, arena, &spec, err) < 0)
		return -1;
	const struct spec_namespace *pid = &spec->linux_.namespaces[NAMESPACE_PID];

	*ret_shared_pids = !pid->set || pid->path;
	settings->systemd = settings->systemd || is_for_systemd(spec->linux_.cgroups_path);
	return 0;
}

/* restore: from there; NULL: what the config asks for. */
static int make(const struct task *task, const struct checkpoint_options *restore,
                struct work_report *ret, int *console, struct error *err)
{
	struct runtime runtime = task->shim->runtime;
	struct settings settings = task->settings;
	owned_container struct container *c = NULL;
	const struct create_options options = {
		.id = task->id,
		.bundle = task->bundle,
		.no_pivot = settings.no_pivot,
		.no_new_keyring = settings.no_new_keyring,
		.terminal = TERMINAL_IN_FRONT,
		.restore = restore,
	};

	if (look_at_config(options.bundle, &settings, &ret->shared_pids, err) < 0)
		return -1;
	runtime.systemd = settings.systemd;
	if ((restore ? container_restore : container_create)(&runtime, &options, &c, err) < 0)
		return -1;
	ret->pid = c->state.pid;
	*console = take_fd(&c->console);
	return 0;
}

static int run_create(const struct work *work, struct work_report *ret, struct text *payload,
                      int *console, struct error *err)
{
	const Pb__CreateTaskRequest *request = work->data;
	const struct task *task = task_find(work->shim, work->id);
	owned_text struct text target = {0};
	struct error ignored;

	(void)payload;
	text_format(&target, "%s/rootfs", request->bundle);
	if (text_check(&target, err) < 0)
		return -1;
	if (mount_root(request, target.bytes, err) == 0 &&
	    (task->images || make(task, NULL, ret, console, err) == 0))
		return 0;
	if (rootfs_engine_unmount(target.bytes, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	return -1;
}

int create_restore(const struct work *work, struct work_report *ret, struct text *payload,
                   int *console, struct error *err)
{
	const struct task *task = task_find(work->shim, work->id);
	owned_fd images = open(task->images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct checkpoint_options options = {.images = images, .work = -1, .status_fd = -1};

	(void)payload;
	if (images < 0)
		return fail_errno(err, task->images, "open");
	return make(task, &options, ret, console, err);
}

/* ---- the server ---- */

static void tell(const struct task *task, pid_t pid)
{
	Pb__TaskCreate event = PB__TASK_CREATE__INIT;
	Pb__TaskIO io = PB__TASK_IO__INIT;
	const struct process *p = task->processes;

	io.stdin = p->paths[0];
	io.stdout = p->paths[1];
	io.stderr = p->paths[2];
	io.terminal = p->terminal;
	event.container_id = task->id;
	event.bundle = task->bundle;
	event.io = &io;
	event.checkpoint = task->images ? task->images : event.checkpoint;
	event.pid = (uint32_t)pid;
	event_tell(task->shim, EVENT_TASK_CREATE, &event.base);
}

static void created(struct work *work, const struct work_report *report, const struct text *payload,
                    int *console)
{
	struct task *task = task_find(work->shim, work->id);
	Pb__PidResponse response = PB__PID_RESPONSE__INIT;
	struct error err = report->err;

	(void)payload;
	if (!task)
		return;
	if (report->failed || (!process_is_made_late(task->processes) &&
	                       process_take_console(task->processes, console, &err) < 0)) {
		refuse(work->shim, &work->caller, &err);
		task_remove(task);
		return;
	}
	task->shared_pids = report->shared_pids;
	tell(task, report->pid);
	response.pid = (uint32_t)report->pid;
	answer(work->shim, &work->caller, &response.base);
	life_created(task->processes, report->pid);
}

static int start(struct task *task, const struct caller *caller, const Pb__CreateTaskRequest *r,
                 struct error *err)
{
	struct process *p = task->processes;
	const struct stdio_request stdio = {
		.paths = {r->stdin, r->stdout, r->stderr},
		.terminal = r->terminal,
		.id = r->id,
		.namespace = task->shim->options->namespace,
	};
	const struct work work = {
		.shim = task->shim,
		.caller = *caller,
		.id = r->id,
		.data = r,
		.stdio = task->images ? NULL : &p->stdio,
		.terminal = r->terminal,
		.run = run_create,
		.done = created,
	};

	if (process_keep_stdio(p, &stdio, err) < 0 ||
	    (!task->images && stdio_open(&stdio, &p->stdio, err) < 0))
		return -1;
	p->busy = true;
	return work_start(&work, err);
}

static int keep_images(struct task *task, const char *images, struct error *err)
{
	if (!images[0])
		return 0;
	task->images = strdup(images);
	return task->images ? 0 : fail(err, ERROR_SYSTEM, task->id, "out of memory");
}

int call_create(struct shim *shim, const struct caller *caller, const void *message,
                struct error *err)
{
	const Pb__CreateTaskRequest *r = message;
	struct settings settings;
	struct task *task;

	if (task_find(shim, r->id))
		return fail_exists(err, r->id, "container");
	if (r->bundle[0] != '/')
		return fail(err, ERROR_USAGE, "bundle", "expected an absolute path");
	if (settings_read(r->options, &settings, err) < 0)
		return -1;
	task = task_new(shim, r->id, r->bundle, err);
	if (!task)
		return -1;
	task->settings = settings;
	if (keep_images(task, r->checkpoint, err) == 0 && start(task, caller, r, err) == 0)
		return 0;
	task_remove(task);
	return -1;
}

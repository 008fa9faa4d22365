/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoint: a container into a folder of images. It comes back by a Create that names them, see create.c. */
#include <errno.h>
#include <events.pb-c.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <task.pb-c.h>

#include "base/own.h"

#include "events.h"
#include "life.h"
#include "service.h"
#include "settings.h"
#include "worker.h"

struct dump {
	const Pb__CheckpointTaskRequest *request;
	struct checkpoint_settings settings;
};

static void dump_release(struct dump *dump)
{
	checkpoint_settings_release(&dump->settings);
}

static int open_folder(const char *path, struct error *err)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail_errno(err, path, "mkdir");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

static int run_checkpoint(const struct work *work, struct work_report *ret, struct text *payload,
                          int *console, struct error *err)
{
	const struct dump *dump = work->data;
	struct checkpoint_options options = dump->settings.options;
	owned_container struct container *c = NULL;
	owned_fd images = -1, folder = -1;

	(void)ret;
	(void)payload;
	(void)console;
	/* containerd knows of the option for its own shim alone, and asks others for a folder of its own */
	images = open_folder(
		dump->settings.image_path ? dump->settings.image_path : dump->request->path, err);
	if (images < 0)
		return -1;
	if (dump->settings.work_path) {
		folder = open_folder(dump->settings.work_path, err);
		if (folder < 0)
			return -1;
	}
	options.images = images;
	options.work = folder;
	if (container_open(&work->shim->runtime, work->id, true, &c, err) < 0)
		return -1;
	return container_checkpoint(c, &options, err);
}

static void checkpointed(struct work *work, const struct work_report *report,
                         const struct text *payload, int *console)
{
	Pb__TaskCheckpointed event = PB__TASK_CHECKPOINTED__INIT;

	if (!report->failed) {
		event.container_id = (char *)(uintptr_t)work->id;
		event_tell(work->shim, EVENT_TASK_CHECKPOINTED, &event.base);
	}
	work_answer(work, report, payload, console);
}

int call_checkpoint(struct shim *shim, const struct caller *caller, const void *message,
                    struct error *err)
{
	OWNED(dump_release) struct dump dump = {.request = message};
	const Pb__CheckpointTaskRequest *r = message;
	const struct work work = {
		.shim = shim,
		.caller = *caller,
		.id = r->id,
		.data = &dump,
		.run = run_checkpoint,
		.done = checkpointed,
	};

	if (!task_get(shim, r->id, err))
		return -1;
	if (r->path[0] != '/')
		return fail(err, ERROR_USAGE, "path", "expected an absolute path");
	if (settings_read_checkpoint(r->options, &dump.settings, err) < 0)
		return -1;
	return work_start(&work, err);
}

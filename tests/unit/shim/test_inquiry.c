/* SPDX-License-Identifier: Apache-2.0 */
#include <task.pb-c.h>
#include <ttrpc.pb-c.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "shim/life.h"
#include "shim/service.h"
#include "shim/ttrpc.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/runtime/stored.h"

enum { GIVE_UP_S = 30, FIRST = 1, FURTHER = 77 };

/* An executor that can't tell, which is what a worker hears that has not for ever; then one that tells nothing. */
static int refuse_limited(struct container *c, pid_t **ret_pids, size_t *ret_count,
                          struct error *err)
{
	static pid_t endless[] = {FURTHER, FURTHER, FURTHER};

	if (alarm(0) > 0)
		return fail(err, ERROR_UNSUPPORTED, c->state.id, "nobody tells \xff");
	*ret_pids = endless;
	*ret_count = 3;
	return 0;
}

static int list_none(struct container *c, pid_t **ret_pids, size_t *ret_count, struct error *err)
{
	(void)c;
	(void)err;
	*ret_pids = NULL;
	*ret_count = 0;
	return 0;
}

static int say(struct container *c, enum container_status *ret_status, struct error *err)
{
	(void)c;
	(void)err;
	*ret_status = STATUS_RUNNING;
	return 0;
}

static const struct executor refusing = {.name = "one", .processes = refuse_limited, .look = say};
static const struct executor empty = {.name = "one", .processes = list_none, .look = say};

/* A server with a container, and its client. */
struct scene {
	struct shim shim;
	const struct executor *executors[2];
	struct task *task;
	struct loop_source answer;
};

static int came(struct loop_source *self, uint32_t events, struct error *err)
{
	struct scene *scene = self->data;

	(void)events;
	(void)err;
	loop_stop(scene->shim.loop);
	return 0;
}

static void scene_open(struct scene *scene, const struct scratch *scratch,
                       const struct executor *executor)
{
	struct error err;
	owned_fd listening = fdpass_listen_at(scratch->dir, "socket", &err);
	struct process *further;

	(void)alarm(GIVE_UP_S);
	*scene = (struct scene){
		.executors = {executor, NULL}
        };
	scene->shim.runtime =
		(struct runtime){.root = scratch->path, .executors = scene->executors};
	scene->shim.loop = loop_new(&err);
	stored_put(&scene->shim.runtime, "one", NULL);
	scene->task = task_new(&scene->shim, "one", "/bundle", &err);
	assert_non_null(scene->task);
	life_created(scene->task->processes, FIRST);
	further = process_new(scene->task, "further", &err);
	further->state = PROCESS_RUNNING;
	further->pid = FURTHER;
	scene->answer =
		(struct loop_source){fdpass_connect_at(scratch->dir, "socket", &err), came, scene};
	assert_int_equal(fcntl(listening, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(connection_accept(&scene->shim, listening, &err), 0);
	assert_int_equal(loop_add(scene->shim.loop, &scene->answer, 1, &err), 0);
}

static void scene_close(struct scene *scene)
{
	connections_close(&scene->shim);
	task_remove(scene->task);
	loop_free(scene->shim.loop);
	(void)close(scene->answer.fd);
}

/* Ask for the processes. Returns  the response, to be freed. */
static Pb__Response *ask(struct scene *scene)
{
	const struct caller caller = {.connection = scene->shim.last_serial, .stream = 1};
	Pb__ProcessRequest request = PB__PROCESS_REQUEST__INIT;
	uint8_t bytes[4096];
	struct frame frame;
	struct error err;
	ssize_t n;

	request.id = codec_text("one");
	assert_int_equal(call_pids(&scene->shim, &caller, &request, &err), 0);
	assert_int_equal(loop_run(scene->shim.loop, &err), 0);
	n = read(scene->answer.fd, bytes, sizeof(bytes));
	assert_true(n > 0);
	assert_int_equal(frame_read(bytes, (size_t)n, &frame, &err), n);
	return codec_unpack(&pb__response__descriptor, frame.payload, frame.length, &err);
}

static void what_is_known_here_is_told(const struct scratch *scratch,
                                       const struct executor *executor)
{
	owned_message Pb__Response *response = NULL;
	owned_message Pb__PidsResponse *pids = NULL;
	owned_message Pb__ProcessDetails *details = NULL;
	struct scene scene;
	struct error err;

	scene_open(&scene, scratch, executor);
	response = ask(&scene);
	assert_non_null(response);
	pids = codec_unpack(&pb__pids_response__descriptor, response->payload.data,
	                    response->payload.len, &err);
	assert_non_null(pids);
	assert_int_equal(pids->n_processes, 2);
	assert_int_equal(pids->processes[0]->pid, FIRST);
	assert_null(pids->processes[0]->info);
	assert_int_equal(pids->processes[1]->pid, FURTHER);
	details =
		codec_unpack(&pb__process_details__descriptor, pids->processes[1]->info->value.data,
	                     pids->processes[1]->info->value.len, &err);
	assert_non_null(details);
	assert_string_equal(details->exec_id, "further");
	scene_close(&scene);
}

static void a_container_that_can_not_tell_in_time_has_the_processes_that_are_known(void **state)
{
	what_is_known_here_is_told(*state, &refusing);
}

static void a_container_without_processes_has_those_that_are_known(void **state)
{
	what_is_known_here_is_told(*state, &empty);
}

static void a_container_that_has_ended_has_none(void **state)
{
	owned_message Pb__Response *response = NULL;
	struct scene scene;

	scene_open(&scene, *state, &refusing);
	scene.task->processes->has_ended = true;
	response = ask(&scene);
	assert_non_null(response);
	assert_non_null(response->status);
	assert_non_null(strstr(response->status->message, "nobody tells ?"));
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(
			a_container_that_can_not_tell_in_time_has_the_processes_that_are_known),
		SCRATCH_TEST(a_container_without_processes_has_those_that_are_known),
		SCRATCH_TEST(a_container_that_has_ended_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

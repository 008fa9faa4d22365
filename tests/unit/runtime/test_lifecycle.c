/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

#include "stored.h"

/* An executor that does nothing but count: which operation is allowed when is the runtime's own. */
static enum container_status status_now;
static int calls;

static int count_create(struct container *c, struct plan *plan, struct error *err)
{
	(void)c;
	(void)plan;
	(void)err;
	calls++;
	return 0;
}

static int count(struct container *c, struct error *err)
{
	(void)c;
	(void)err;
	calls++;
	return 0;
}

static int count_signal(struct container *c, int signum, bool all, struct error *err)
{
	(void)signum;
	(void)all;
	return count(c, err);
}

static int count_processes(struct container *c, pid_t **ret_pids, size_t *ret_count,
                           struct error *err)
{
	*ret_pids = NULL;
	*ret_count = 0;
	return count(c, err);
}

static int count_stats(struct container *c, struct arena *arena, struct stats *ret,
                       struct error *err)
{
	(void)arena;
	ret->pids.set = true;
	return count(c, err);
}

static int count_watch(struct container *c, int timeout_ms, enum container_event *ret,
                       struct error *err)
{
	*ret = timeout_ms == 7 ? EVENT_OOM : EVENT_NONE;
	return count(c, err);
}

static int say(struct container *c, enum container_status *ret_status, struct error *err)
{
	(void)c;
	(void)err;
	*ret_status = status_now;
	return 0;
}

static const struct executor counting = {
	.name = "counting",
	.create = count_create,
	.start = count,
	.signal = count_signal,
	.pause = count,
	.resume = count,
	.processes = count_processes,
	.stats = count_stats,
	.watch = count_watch,
	.look = say,
	.destroy = count,
};
static const struct executor *const executors[] = {&counting, NULL};

static const char config[] =
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},"
	"\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"user\":{\"uid\":0,\"gid\":0}}}";

static int start(struct container *c, struct error *err)
{
	return container_start(c, err);
}

static int kill_one(struct container *c, struct error *err)
{
	return container_kill(c, SIGTERM, false, err);
}

static int list_processes(struct container *c, struct error *err)
{
	size_t n;
	pid_t *pids;

	return container_processes(c, &pids, &n, err);
}

static int measure(struct container *c, struct error *err)
{
	struct stats stats = {0};
	int result = container_stats(c, c->arena, &stats, err);

	assert_int_equal(stats.pids.set, result == 0);
	return result;
}

static int watch(struct container *c, struct error *err)
{
	enum container_event event = EVENT_NONE;
	int result = container_watch(c, 7, &event, err);

	assert_int_equal(event, result == 0 ? EVENT_OOM : EVENT_NONE);
	return result;
}

static int delete_plain(struct container *c, struct error *err)
{
	return container_delete(c, false, err);
}

static int delete_by_force(struct container *c, struct error *err)
{
	return container_delete(c, true, err);
}

/* Columns: creating, created, running, paused, stopped. */
static const struct {
	const char *name;
	int (*operation)(struct container *c, struct error *err);
	const char *allowed;
} table[] = {
	{"start",          start,            "-+---"},
	{"kill",           kill_one,         "-+++-"},
	{"pause",          container_pause,  "-++--"},
	{"resume",         container_resume, "---+-"},
	{"ps",             list_processes,   "-+++-"},
	{"stats",          measure,          "-+++-"},
	{"watch",          watch,            "-+++-"},
	{"delete",         delete_plain,     "----+"},
	{"delete --force", delete_by_force,  "+++++"},
};

static void operations_are_allowed_by_state(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path, .executors = executors};
	struct error err;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (int s = 0; s < STATUS_COUNT; s++) {
			bool allowed = table[i].allowed[s] == '+';
			struct container *c;

			stored_put(&rt, "web", config);
			status_now = (enum container_status)s;
			assert_int_equal(container_open(&rt, "web", true, &c, &err), 0);
			calls = 0;
			if (table[i].operation(c, &err) != (allowed ? 0 : -1) ||
			    calls != (allowed ? 1 : 0)) {
				print_error("%s of a container that is %s\n", table[i].name,
				            container_status_names[s]);
				_fail(__FILE__, __LINE__);
			}
			if (!allowed)
				assert_int_equal(err.kind, ERROR_STATE);
			container_free(c);
			status_now = STATUS_STOPPED;
			assert_int_equal(container_delete_id(&rt, "web", true, &err), 0);
			assert_false(scratch_exists(scratch, "web"));
		}
}

static void a_missing_member_is_refused_by_name(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path, .executors = executors};
	owned_container struct container *c = NULL;
	struct exec_result result;
	struct error err;

	stored_put(&rt, "web", config);
	status_now = STATUS_RUNNING;
	assert_int_equal(container_open(&rt, "web", true, &c, &err), 0);
	assert_int_equal(container_exec(c, NULL, &(struct exec_options){0}, &result, &err), -1);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_string_equal(err.reason, "not supported by the counting executor: exec");
}

static void tracing_changes_nothing(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path, .executors = executors, .trace = true};
	owned_container struct container *c = NULL;
	struct exec_result result;
	struct error err;

	stored_put(&rt, "web", config);
	status_now = STATUS_RUNNING;
	calls = 0;
	assert_int_equal(container_open(&rt, "web", true, &c, &err), 0);
	assert_int_equal(c->state.status, STATUS_RUNNING);
	assert_int_equal(container_pause(c, &err), 0);
	assert_int_equal(measure(c, &err), 0);
	assert_int_equal(watch(c, &err), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(container_exec(c, NULL, &(struct exec_options){0}, &result, &err), -1);
	assert_string_equal(err.reason, "not supported by the counting executor: exec");
}

static void what_a_killed_create_left_is_deleted_by_force(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path, .executors = executors};
	struct error err;

	scratch_folder(scratch, "half");
	assert_int_equal(container_delete_id(&rt, "half", false, &err), -1);
	assert_int_equal(container_delete_id(&rt, "half", true, &err), 0);
	assert_false(scratch_exists(scratch, "half"));
	assert_int_equal(container_delete_id(&rt, "half", true, &err), 0);
	assert_int_equal(container_delete_id(&rt, "half", false, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
}

static void another_executors_container_is_not_touched(void **state)
{
	const struct scratch *scratch = *state;
	static const struct executor *const none[] = {NULL};
	const struct runtime rt = {.root = scratch->path, .executors = executors};
	const struct runtime other = {.root = scratch->path, .executors = none};
	struct container *c;
	struct error err;

	stored_put(&rt, "web", config);
	assert_int_equal(container_open(&other, "web", true, &c, &err), -1);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.reason, "counting"));
	assert_true(scratch_exists(scratch, "web"));
}

static void the_list_is_sorted(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path, .executors = executors};
	owned_arena struct arena *arena = arena_new(1 << 20);
	const char **ids;
	struct error err;
	size_t n;

	assert_int_equal(container_list(&rt, arena, &ids, &n, &err), 0);
	assert_int_equal(n, 0);
	stored_put(&rt, "b", config);
	stored_put(&rt, "a", config);
	scratch_file(scratch, "file", "");
	assert_int_equal(container_list(&rt, arena, &ids, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(ids[0], "a");
	assert_string_equal(ids[1], "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(operations_are_allowed_by_state),
		SCRATCH_TEST(a_missing_member_is_refused_by_name),
		SCRATCH_TEST(tracing_changes_nothing),
		SCRATCH_TEST(what_a_killed_create_left_is_deleted_by_force),
		SCRATCH_TEST(another_executors_container_is_not_touched),
		SCRATCH_TEST(the_list_is_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

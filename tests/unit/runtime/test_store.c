/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

#include "stored.h"

static struct container *new_one(const struct runtime *rt, const char *id)
{
	return stored_new(rt, id, "namespace");
}

static void what_is_saved_is_loaded(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path};
	owned_container struct container *c = new_one(&rt, "web"), *again = new_one(&rt, "web");
	owned_fd config = -1;
	struct error err;

	c->state.status = STATUS_CREATED;
	c->state.pid = 77;
	c->state.start_time = 123456789;
	c->state.cgroup = "/cella/web";
	c->state.namespaces = 0x55;
	assert_int_equal(store_take(c, &config, &err), 0);
	assert_int_equal(store_save(c, &err), 0);
	store_unlock(c);
	assert_int_equal(store_enter(again, true, &err), 0);
	assert_int_equal(store_load(again, &err), 0);
	assert_int_equal(again->state.status, STATUS_CREATED);
	assert_int_equal(again->state.pid, 77);
	assert_int_equal(again->state.start_time, 123456789);
	assert_string_equal(again->state.cgroup, "/cella/web");
	assert_string_equal(again->state.bundle, "/bundle");
	assert_int_equal(again->state.namespaces, 0x55);
	assert_int_equal(store_remove(again, &err), 0);
	assert_false(scratch_exists(scratch, "web"));
}

static void a_name_is_taken_once(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path};
	owned_container struct container *c = new_one(&rt, "web"), *again = new_one(&rt, "web");
	owned_fd config = -1, other = -1;
	struct error err;

	assert_int_equal(store_take(c, &config, &err), 0);
	assert_int_equal(store_take(again, &other, &err), -1);
	assert_int_equal(err.kind, ERROR_STATE);
	assert_string_equal(err.reason, "container with given ID already exists");
}

static void what_is_not_there_is_said_to_be_not_there(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path};
	owned_container struct container *c = new_one(&rt, "web");
	struct error err;

	assert_int_equal(store_enter(c, false, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.reason, "container does not exist");
}

static void a_lock_is_waited_for_and_a_removal_noticed(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path};
	owned_container struct container *c = new_one(&rt, "web");
	owned_fd config = -1;
	struct error err;
	int status;
	pid_t pid;

	assert_int_equal(store_take(c, &config, &err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) { /* opens, waits for the lock, and finds it gone */
		struct container *other = new_one(&rt, "web");

		_exit(store_enter(other, true, &err) == -1 && err.errnum == ENOENT ? 0 : 1);
	}
	(void)usleep(50000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(store_remove(c, &err), 0);
	store_unlock(c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_state_that_is_no_state_is_refused(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"id\":\"web\"}", "null"};
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path};
	struct error err;

	scratch_folder(scratch, "web");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		owned_container struct container *c = new_one(&rt, "web");

		scratch_file(scratch, "web/state.json", texts[i]);
		assert_int_equal(store_enter(c, true, &err), 0);
		assert_int_equal(store_load(c, &err), -1);
		assert_non_null(strstr(err.object, "web"));
	}
}

static void the_state_directory_is_not_followed_through_a_link(void **state)
{
	const struct scratch *scratch = *state;
	const struct runtime rt = {.root = scratch->path};
	owned_container struct container *c = new_one(&rt, "web");
	struct error err;

	scratch_link(scratch, "/etc", "web");
	assert_int_equal(store_enter(c, true, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(what_is_saved_is_loaded),
		SCRATCH_TEST(a_name_is_taken_once),
		SCRATCH_TEST(what_is_not_there_is_said_to_be_not_there),
		SCRATCH_TEST(a_lock_is_waited_for_and_a_removal_noticed),
		SCRATCH_TEST(a_state_that_is_no_state_is_refused),
		SCRATCH_TEST(the_state_directory_is_not_followed_through_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

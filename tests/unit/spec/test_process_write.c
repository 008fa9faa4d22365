/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "base/text.h"
#include "spec/spec.h"
#include "tests/unit/cmocka.h"

static struct spec_process *read_process(const char *text, struct arena *arena)
{
	struct spec_process *process;
	struct error err;

	if (spec_read_process("process", text, strlen(text), arena, &process, &err) < 0) {
		print_error("%s: %s\n", err.object, err.reason);
		_fail(__FILE__, __LINE__);
	}
	return process;
}

/* Written, read and written again it is the same: nothing was lost on the way. */
static void what_is_written_is_read_as_it_was(void **state)
{
	static const char *const all[] = {
		"{\"cwd\":\"/\",\"args\":[\"true\"]}",
		"{\"cwd\":\"/"
		"w\",\"args\":[\"a\",\"\\\"b\"],\"env\":[\"A=1\",\"B=\"],\"terminal\":true,"
		"\"consoleSize\":{\"height\":24,\"width\":80},\"noNewPrivileges\":true,"
		"\"oomScoreAdj\":-7,\"user\":{\"uid\":3,\"gid\":4,\"umask\":63,"
		"\"additionalGids\":[5,6],\"username\":\"web\"}}",
		"{\"cwd\":\"/\",\"args\":[\"x\"],\"capabilities\":{\"bounding\":[\"CAP_KILL\"],"
		"\"effective\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],\"ambient\":[]},"
		"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":20}]}",
		"{\"cwd\":\"/\",\"args\":[\"x\"],\"apparmorProfile\":\"p\",\"selinuxLabel\":\"l\","
		"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":3},"
		"\"scheduler\":{\"policy\":\"SCHED_FIFO\",\"priority\":9,"
		"\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"]},"
		"\"execCPUAffinity\":{\"initial\":\"0-1\",\"final\":\"1\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		owned_text struct text once = {0}, twice = {0};
		struct json_writer w1 = {.out = &once}, w2 = {.out = &twice};

		spec_write_process(&w1, NULL, read_process(all[i], arena));
		spec_write_process(&w2, NULL, read_process(once.bytes, arena));
		assert_string_equal(twice.bytes, once.bytes);
	}
}

static void each_member_is_there(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	const struct spec_process *p;

	(void)state;
	spec_write_process(&w, NULL,
	                   read_process("{\"cwd\":\"/w\",\"args\":[\"a\"],\"env\":[\"A=1\"],"
	                                "\"user\":{\"uid\":3,\"gid\":4,\"additionalGids\":[5]},"
	                                "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":0,"
	                                "\"hard\":1}],\"oomScoreAdj\":9}",
	                                arena));
	p = read_process(out.bytes, arena);
	assert_string_equal(p->cwd, "/w");
	assert_string_equal(p->args.item[0], "a");
	assert_string_equal(p->env.item[0], "A=1");
	assert_int_equal(p->user.uid, 3);
	assert_int_equal(p->user.gid, 4);
	assert_int_equal(p->user.additional_gids.item[0], 5);
	assert_int_equal(p->rlimits.item[0].hard, 1);
	assert_int_equal(p->oom_score_adj.value, 9);
	assert_false(p->capabilities.set);
	assert_false(p->terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_as_it_was),
		cmocka_unit_test(each_member_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static const struct spec_process *read_process(struct arena *arena, const char *members)
{
	const char *text = arena_format(arena, "{\"cwd\": \"/\", \"args\": [\"sh\"]%s%s}",
	                                *members ? ", " : "", members);
	struct spec_process *process = NULL;
	struct error err = {0};

	read_well(spec_read_process("process.json", text, strlen(text), arena, &process, &err),
	          &err);
	return process;
}

static void a_process_with_nothing_else_is_root_without_anything(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_process *process = read_process(arena, "");

	(void)state;
	assert_true(process->set);
	assert_string_equal(process->cwd, "/");
	texts_are(&process->args, "sh");
	assert_int_equal(process->env.count, 0);
	assert_true(process->user.uid == 0 && process->user.gid == 0 && !process->user.umask.set);
	assert_true(!process->capabilities.set && !process->scheduler.set);
	assert_true(!process->oom_score_adj.set && !process->terminal);
	assert_false(process->no_new_privileges);
	assert_null(process->io_priority_class);
	assert_null(process->command_line);
	assert_null(process->apparmor_profile);
}

static void every_member_is_read(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_process *process = read_process(
		arena,
		"\"terminal\": true, \"consoleSize\": {\"height\": 24, \"width\": 80},"
		"\"env\": [\"A=b\", \"C=\"], \"commandLine\": \"ignored\", \"user\": {\"uid\": 1,"
		"\"gid\": 2, \"umask\": 18, \"additionalGids\": [3, 4294967295],"
		"\"username\": \"me\"}, \"noNewPrivileges\": true, \"oomScoreAdj\": -1000,"
		"\"apparmorProfile\": \"p\", \"selinuxLabel\": \"l\","
		"\"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"soft\": 5,"
		"\"hard\": 18446744073709551615}, {\"type\": \"RLIMIT_CORE\", \"soft\": 0,"
		"\"hard\": 0}], \"ioPriority\": {\"class\": \"IOPRIO_CLASS_IDLE\","
		"\"priority\": 7}, \"execCPUAffinity\": {\"initial\": \"0-1\", \"final\": \"1\"}");

	(void)state;
	assert_true(process->terminal && process->no_new_privileges);
	assert_true(process->console_height.set && process->console_height.value == 24);
	assert_true(process->console_width.set && process->console_width.value == 80);
	texts_are(&process->env, "A=b C=");
	assert_true(process->user.uid == 1 && process->user.gid == 2);
	assert_true(process->user.umask.set && process->user.umask.value == 022);
	assert_int_equal(process->user.additional_gids.count, 2);
	assert_true(process->user.additional_gids.item[1] == UINT32_MAX);
	assert_string_equal(process->user.username, "me");
	assert_true(process->oom_score_adj.set && process->oom_score_adj.value == -1000);
	assert_string_equal(process->apparmor_profile, "p");
	assert_string_equal(process->selinux_label, "l");
	assert_int_equal(process->rlimits.count, 2);
	assert_string_equal(process->rlimits.item[0].type, "RLIMIT_NOFILE");
	assert_true(process->rlimits.item[0].soft == 5);
	assert_true(process->rlimits.item[0].hard == UINT64_MAX);
	assert_string_equal(process->io_priority_class, "IOPRIO_CLASS_IDLE");
	assert_int_equal(process->io_priority, 7);
	assert_string_equal(process->affinity_initial, "0-1");
	assert_string_equal(process->affinity_final, "1");
}

static void capabilities_are_five_lists_as_written(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_process *process =
		read_process(arena, "\"capabilities\": {\"bounding\": [\"CAP_KILL\", \"CAP_X\"],"
	                            "\"effective\": [\"CAP_A\"], \"inheritable\": [\"CAP_B\"],"
	                            "\"permitted\": [\"CAP_C\"], \"ambient\": [\"CAP_D\"]}");

	(void)state;
	assert_true(process->capabilities.set);
	texts_are(&process->capabilities.bounding, "CAP_KILL CAP_X");
	texts_are(&process->capabilities.effective, "CAP_A");
	texts_are(&process->capabilities.inheritable, "CAP_B");
	texts_are(&process->capabilities.permitted, "CAP_C");
	texts_are(&process->capabilities.ambient, "CAP_D");
	assert_true(read_process(arena, "\"capabilities\": {}")->capabilities.set);
	assert_false(read_process(arena, "\"capabilities\": null")->capabilities.set);
}

static void each_policy_takes_what_is_its_own(void **state)
{
	static const char *const good[] = {
		"\"policy\": \"SCHED_OTHER\", \"nice\": -20",
		"\"policy\": \"SCHED_BATCH\", \"nice\": 19",
		"\"policy\": \"SCHED_IDLE\", \"nice\": 1, \"flags\": [\"SCHED_FLAG_RECLAIM\"]",
		"\"policy\": \"SCHED_FIFO\", \"priority\": 1",
		"\"policy\": \"SCHED_RR\", \"priority\": 99, \"nice\": 0",
		"\"policy\": \"SCHED_IDLE\"",
		"\"policy\": \"SCHED_ISO\"",
		"\"policy\": \"SCHED_DEADLINE\", \"runtime\": 1, \"deadline\": 1, \"period\": 1",
		"\"policy\": \"SCHED_DEADLINE\", \"runtime\": 1, \"deadline\": 3",
	};
	static const struct refusal bad[] = {
		{"\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], \"scheduler\": "
	         "{\"policy\": \"SCHED_RR\", \"priority\": 100}}",     "process.scheduler.priority", "from 0 to 99"                },
		{"\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], \"scheduler\": "
	         "{\"policy\": \"SCHED_DEADLINE\", \"deadline\": 9}}", "process.scheduler.runtime",  "0 < runtime <= deadline"     },
		{"\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], \"scheduler\": "
	         "{\"policy\": \"SCHED_IDLE\", \"priority\": 1}}",     "process.scheduler.priority", "SCHED_FIFO and SCHED_RR only"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		owned_arena struct arena *arena = new_arena();
		const char *members = arena_format(arena, "\"scheduler\": {%s}", good[i]);

		assert_true(read_process(arena, members)->scheduler.set);
	}
	refused(bad, ARRAY_SIZE(bad));
}

static void alone_its_paths_begin_at_itself(void **state)
{
	static const struct refusal cases[] = {
		{"{}",				       "cwd",          "is required"       },
		{"{\"cwd\": \"/\"}",                         "args",         "is required"       },
		{"{\"cwd\": \"/\", \"args\": []}",           "args",         "found none"        },
		{"[]",				       "process.json", "expected an object"},
		{"",					 "process.json", ""                  },
		{"{\"cwd\": \"/\", \"args\": [\"a\", 1]}",   "args[1]",      "expected a string" },
		{"{\"cwd\": \"/\", \"commandLine\": \"a\"}", "commandLine",  "is for Windows"    },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		owned_arena struct arena *arena = new_arena();
		struct spec_process *process = NULL;
		struct error err = {0};

		assert_int_equal(spec_read_process("process.json", cases[i].members,
		                                   strlen(cases[i].members), arena, &process, &err),
		                 -1);
		assert_null(process);
		refused_as(&err, cases[i].object, cases[i].part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_with_nothing_else_is_root_without_anything),
		cmocka_unit_test(every_member_is_read),
		cmocka_unit_test(capabilities_are_five_lists_as_written),
		cmocka_unit_test(each_policy_takes_what_is_its_own),
		cmocka_unit_test(alone_its_paths_begin_at_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static const struct spec_seccomp *read_seccomp(struct arena *arena, const char *members)
{
	const char *text =
		arena_format(arena, "\"linux\": {\"seccomp\": {\"defaultAction\": %s}}", members);

	return &read_spec(arena, text)->linux_.seccomp;
}

static void a_filter_is_read_with_its_rules_in_order(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_seccomp *s = read_seccomp(
		arena, "\"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, \"architectures\":"
		       "[\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_RISCV64\"], \"flags\":"
		       "[\"SECCOMP_FILTER_FLAG_LOG\"], \"syscalls\": [{\"names\": [\"a\", \"b\"],"
		       "\"action\": \"SCMP_ACT_ALLOW\"}, {\"names\": [\"c\"], \"action\":"
		       "\"SCMP_ACT_TRACE\", \"errnoRet\": 0, \"args\": [{\"index\": 5, \"value\":"
		       "18446744073709551615, \"valueTwo\": 7, \"op\": \"SCMP_CMP_MASKED_EQ\"},"
		       "{\"index\": 0, \"value\": 0, \"op\": \"SCMP_CMP_NE\"}]}]");
	const struct spec_seccomp_rule *rule = &s->syscalls.item[1];

	(void)state;
	assert_true(s->set && s->default_errno_ret.set);
	assert_string_equal(s->default_action, "SCMP_ACT_ERRNO");
	assert_int_equal(s->default_errno_ret.value, 38);
	texts_are(&s->architectures, "SCMP_ARCH_X86_64 SCMP_ARCH_RISCV64");
	texts_are(&s->flags, "SECCOMP_FILTER_FLAG_LOG");
	assert_true(s->flags_set);
	assert_true(read_seccomp(arena, "\"SCMP_ACT_LOG\", \"flags\": []")->flags_set);
	assert_false(read_seccomp(arena, "\"SCMP_ACT_LOG\"")->flags_set);
	assert_null(s->listener_path);
	assert_int_equal(s->syscalls.count, 2);
	texts_are(&s->syscalls.item[0].names, "a b");
	assert_string_equal(s->syscalls.item[0].action, "SCMP_ACT_ALLOW");
	assert_false(s->syscalls.item[0].errno_ret.set);
	assert_true(rule->errno_ret.set && rule->errno_ret.value == 0);
	assert_int_equal(rule->args.count, 2);
	assert_int_equal(rule->args.item[0].index, 5);
	assert_true(rule->args.item[0].value == UINT64_MAX);
	assert_int_equal(rule->args.item[0].value_two, 7);
	assert_string_equal(rule->args.item[0].op, "SCMP_CMP_MASKED_EQ");
	assert_string_equal(rule->args.item[1].op, "SCMP_CMP_NE");
}

static void a_listener_is_read(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_seccomp *s = read_seccomp(
		arena, "\"SCMP_ACT_ALLOW\", \"listenerPath\": \"/run/agent\", \"listenerMetadata\":"
		       "\"m\", \"syscalls\": [{\"names\": [\"mount\"], \"action\":"
		       "\"SCMP_ACT_NOTIFY\"}]");

	(void)state;
	assert_string_equal(s->listener_path, "/run/agent");
	assert_string_equal(s->listener_metadata, "m");
}

static void an_agent_is_the_configs_before_anybody_elses(void **state)
{
	static const char filter[] =
		"\"linux\": {\"seccomp\": {\"defaultAction\": \"SCMP_ACT_%s\"%s}}%s";
	static const char annotation[] =
		", \"annotations\": {\"run.oci.seccomp.receiver\": \"/annotated\"}";
	static const char path[] = ", \"listenerPath\": \"/own\"";
	static const struct {
		const char *action, *path, *annotation, *otherwise, *agent;
	} cases[] = {
		{"NOTIFY", path, annotation, "/other", "/own"      },
		{"NOTIFY", "",   annotation, "/other", "/annotated"},
		{"NOTIFY", "",   "",         "/other", "/other"    },
		{"NOTIFY", "",   "",         NULL,     NULL        },
		{"ALLOW",  path, annotation, "/other", NULL        }, /* nobody asks */
	};

	owned_arena struct arena *arena = new_arena();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *members = arena_format(arena, filter, cases[i].action, cases[i].path,
		                                   cases[i].annotation);
		const char *agent =
			spec_seccomp_agent(read_spec(arena, members), cases[i].otherwise);

		assert_int_equal(agent != NULL, cases[i].agent != NULL);
		if (agent)
			assert_string_equal(agent, cases[i].agent);
	}
	assert_null(spec_seccomp_agent(read_spec(arena, ""), "/other"));
}

static void a_program_is_a_filter_that_asks_no_agent(void **state)
{
	static const char annotation[] =
		"\"annotations\": {\"run.oci.seccomp_bpf_data\": \"Zm9v\"}";
	owned_arena struct arena *arena = new_arena();
	const struct spec_seccomp *s = &read_spec(arena, annotation)->linux_.seccomp;

	(void)state;
	assert_true(s->set && !s->flags_set);
	assert_string_equal(s->program, "Zm9v");
	assert_false(spec_seccomp_notifies(s));
	s = &read_spec(arena, arena_format(arena,
	                                   "\"linux\": {\"seccomp\": {\"defaultAction\": "
	                                   "\"SCMP_ACT_NOTIFY\", \"flags\": []}}, %s",
	                                   annotation))
	             ->linux_.seccomp;
	assert_true(s->program && s->flags_set);
	assert_false(spec_seccomp_notifies(s));
}

static void every_action_of_the_specification_is_known(void **state)
{
	static const char *const words[] = {
		"ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "KILL_THREAD", "LOG", "TRACE", "TRAP",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		owned_arena struct arena *arena = new_arena();

		(void)read_seccomp(arena, arena_format(arena, "\"SCMP_ACT_%s\"", words[i]));
	}
}

static void what_could_not_be_done_is_refused(void **state)
{
	static const struct refusal cases[] = {
		{"\"linux\": {\"seccomp\": {}}",                              "linux.seccomp.defaultAction",    "is required"                      },
		{"\"linux\": {\"seccomp\": {\"defaultAction\": \"SCMP_ACT_KILL\","
	         "\"defaultErrnoRet\": 1}}",	         "linux.seccomp.defaultErrnoRet",  "has no meaning with SCMP_ACT_KILL"},
		{"\"linux\": {\"seccomp\": {\"defaultAction\": \"SCMP_ACT_KILL\","
	         "\"architectures\": [\"SCMP_ARCH_VAX\"]}}", "linux.seccomp.architectures[0]", "found 'SCMP_ARCH_VAX'"            },
	};

	(void)state;
	refused(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_is_read_with_its_rules_in_order),
		cmocka_unit_test(a_listener_is_read),
		cmocka_unit_test(an_agent_is_the_configs_before_anybody_elses),
		cmocka_unit_test(a_program_is_a_filter_that_asks_no_agent),
		cmocka_unit_test(every_action_of_the_specification_is_known),
		cmocka_unit_test(what_could_not_be_done_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

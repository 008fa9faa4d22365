/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/signals.h"
#include "tests/unit/cmocka.h"

#include "asking.h"

/* One rule over a default; the program is loaded for real, in a child. */
struct filter {
	const char *names[2];
	struct spec_seccomp_argument args[2];
	struct spec_seccomp_rule rule;
};

static void put(struct asking *a, struct filter *f, const char *name, const char *action,
                int number)
{
	struct spec_seccomp *s = &a->spec.linux_.seccomp;

	*f = (struct filter){.names = {name}};
	f->rule.names.item = f->names;
	f->rule.names.count = 1;
	f->rule.action = action;
	f->rule.errno_ret = (struct maybe_u64){number > 0, (uint64_t)number};
	f->rule.args.item = f->args;
	s->set = true;
	s->default_action = "SCMP_ACT_ALLOW";
	s->syscalls.item = &f->rule;
	s->syscalls.count = 1;
	a->spec.process.no_new_privileges = true;
}

/* What becomes of a call: an errno, 0, or 128 + signal. */
static int outcome_of(struct asking *a, long call, long one, long two)
{
	long result;
	int status;
	pid_t pid;

	assert_int_equal(ask(a), 0);
	assert_non_null(a->plan->filter);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signals_reset();               /* cmocka's handlers would go on in here */
		(void)signal(SIGSYS, SIG_DFL); /* cmocka has a handler, execve would end it */
		if (process_apply_last(a->plan, NULL, &a->err) < 0)
			_exit(127);
		result = syscall(call, one, two, 0);
		/* not _exit(): a sanitizer's would look for leaks first, with calls that are refused */
		(void)syscall(SYS_exit_group, result < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int outcome(struct asking *a, long which)
{
	return outcome_of(a, SYS_getpriority, which, 0);
}

static unsigned short length_of(struct asking *a)
{
	assert_int_equal(ask(a), 0);
	assert_non_null(a->plan->filter);
	return a->plan->filter_length;
}

/* The default is for what was known when the profile was written, not for what came later. */
static void a_newer_call_is_unknown_unless_the_default_lets_it_through(void **state)
{
	static const struct {
		const char *action;
		int number, older, newer;
	} cases[] = {
		{"SCMP_ACT_ERRNO",        0,      EPERM,        ENOSYS},
		{"SCMP_ACT_ERRNO",        ENOTTY, ENOTTY,       ENOSYS},
		{"SCMP_ACT_ERRNO",        ENOSYS, ENOSYS,       ENOSYS},
		{"SCMP_ACT_KILL_PROCESS", 0,      128 + SIGSYS, ENOSYS},
		{"SCMP_ACT_TRAP",         0,      128 + SIGSYS, ENOSYS},
		{"SCMP_ACT_LOG",          0,      0,            0     },
		{"SCMP_ACT_ALLOW",        0,      0,            0     },
	};
	const char *named[] = {"exit_group", "statx"};
	struct asking *a = *state;
	struct filter f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec_seccomp *s = &a->spec.linux_.seccomp;

		put(a, &f, "", "SCMP_ACT_ALLOW", 0);
		f.rule.names.item = named;
		f.rule.names.count = 2;
		s->default_action = cases[i].action;
		s->default_errno_ret.set = cases[i].number > 0;
		s->default_errno_ret.value = (uint64_t)cases[i].number;
		assert_int_equal(outcome(a, 0), cases[i].older);
		assert_int_equal(outcome_of(a, SYS_close_range, UINT_MAX, UINT_MAX),
		                 cases[i].newer);
	}
}

static void the_default_is_traced_for_newer_calls_too(void **state)
{
	const char *named[] = {"exit_group", "statx"};
	struct asking *a = *state;
	unsigned short length;
	struct filter f;

	put(a, &f, "", "SCMP_ACT_ALLOW", 0);
	f.rule.names.item = named;
	f.rule.names.count = 2;
	a->spec.linux_.seccomp.default_action = "SCMP_ACT_LOG";
	length = length_of(a);
	a->spec.linux_.seccomp.default_action = "SCMP_ACT_TRACE";
	assert_int_equal(length_of(a), length);
	a->spec.linux_.seccomp.default_action = "SCMP_ACT_ERRNO";
	assert_true(length_of(a) > length);
}

static void actions_do_what_they_say(void **state)
{
	static const struct {
		const char *action;
		int number, outcome;
	} cases[] = {
		{"SCMP_ACT_ERRNO",        0,      EPERM       },
		{"SCMP_ACT_ERRNO",        ENOTTY, ENOTTY      },
		{"SCMP_ACT_KILL",         0,      128 + SIGSYS},
		{"SCMP_ACT_KILL_PROCESS", 0,      128 + SIGSYS},
		{"SCMP_ACT_KILL_THREAD",  0,      128 + SIGSYS},
		{"SCMP_ACT_TRAP",         0,      128 + SIGSYS},
		{"SCMP_ACT_TRACE",        0,      ENOSYS      }, /* nobody traces */
		{"SCMP_ACT_LOG",          0,      0           },
		{"SCMP_ACT_ALLOW",        0,      0           },
	};
	struct asking *a = *state;
	struct filter f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(a, &f, "getpriority", cases[i].action, cases[i].number);
		assert_int_equal(outcome(a, 0), cases[i].outcome);
	}
}

static void operators_compare(void **state)
{
	static const struct {
		const char *op;
		uint64_t value, value_two;
		bool zero, one, two; /* whether getpriority with it is refused */
	} cases[] = {
		{"SCMP_CMP_NE",        1, 0, true,  false, true },
		{"SCMP_CMP_LT",        1, 0, true,  false, false},
		{"SCMP_CMP_LE",        1, 0, true,  true,  false},
		{"SCMP_CMP_EQ",        1, 0, false, true,  false},
		{"SCMP_CMP_GE",        1, 0, false, true,  true },
		{"SCMP_CMP_GT",        1, 0, false, false, true },
		{"SCMP_CMP_MASKED_EQ", 2, 2, false, false, true },
	};
	struct asking *a = *state;
	struct filter f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(a, &f, "getpriority", "SCMP_ACT_ERRNO", ENOTTY);
		f.args[0] = (struct spec_seccomp_argument){0, cases[i].value, cases[i].value_two,
		                                           cases[i].op};
		f.rule.args.count = 1;
		assert_int_equal(outcome(a, 0), cases[i].zero ? ENOTTY : 0);
		assert_int_equal(outcome(a, 1), cases[i].one ? ENOTTY : 0);
		assert_int_equal(outcome(a, 2), cases[i].two ? ENOTTY : 0);
	}
}

static void two_conditions_on_one_argument_are_either(void **state)
{
	struct asking *a = *state;
	struct filter f;

	put(a, &f, "getpriority", "SCMP_ACT_ERRNO", ENOTTY);
	f.args[0] = (struct spec_seccomp_argument){0, 0, 0, "SCMP_CMP_EQ"};
	f.args[1] = (struct spec_seccomp_argument){0, 2, 0, "SCMP_CMP_EQ"};
	f.rule.args.count = 2;
	assert_int_equal(outcome(a, 0), ENOTTY);
	assert_int_equal(outcome(a, 1), 0);
	assert_int_equal(outcome(a, 2), ENOTTY);
}

static void an_unknown_call_is_left_out(void **state)
{
	struct asking *a = *state;
	struct filter f;

	put(a, &f, "no_such_call", "SCMP_ACT_KILL", 0);
	assert_int_equal(outcome(a, 0), 0);
}

static void what_the_runtime_needs_waits_for_no_agent(void **state)
{
	struct asking *a = *state;
	struct filter f;

	put(a, &f, "getpriority", "SCMP_ACT_NOTIFY", 0);
	a->spec.linux_.seccomp.listener_path = "/run/x";
	assert_int_equal(ask(a), 0);
	assert_true(a->plan->filter_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER);
	/* a hook's process: nobody answers it */
	assert_int_equal(outcome(a, 0), ENOSYS);
	f.names[0] = "write";
	refused(a, "linux.seccomp.syscalls", "can't be used for write");
	f.names[0] = "sendmsg";
	refused(a, "linux.seccomp.syscalls", "can't be used for sendmsg");
	a->spec.linux_.seccomp.default_action = "SCMP_ACT_NOTIFY";
	refused(a, "linux.seccomp.defaultAction", "can't be the default");
	a->spec.linux_.seccomp.default_action = "SCMP_ACT_ERRNO";
	f.names[0] = "getpriority";
	refused(a, "linux.seccomp.syscalls", "sendmsg must be allowed");
}

static void conditions_on_several_arguments_are_all_needed(void **state)
{
	struct asking *a = *state;
	struct filter f;

	put(a, &f, "getpriority", "SCMP_ACT_ERRNO", ENOTTY);
	f.args[0] = (struct spec_seccomp_argument){0, 1, 0, "SCMP_CMP_EQ"};
	f.args[1] = (struct spec_seccomp_argument){1, 0, 0, "SCMP_CMP_EQ"};
	f.rule.args.count = 2;
	assert_int_equal(outcome(a, 1), ENOTTY);
	assert_int_equal(outcome(a, 0), 0);
	f.args[1].value = 1; /* the second is 0 always */
	assert_int_equal(outcome(a, 1), 0);
}

static void a_rule_that_is_the_default_is_none(void **state)
{
	struct asking *a = *state;
	unsigned short none;
	struct filter f;

	put(a, &f, "getpriority", "SCMP_ACT_ERRNO", ENOSYS);
	a->spec.linux_.seccomp.default_action = "SCMP_ACT_ERRNO";
	a->spec.linux_.seccomp.default_errno_ret = (struct maybe_u64){true, ENOSYS};
	a->spec.linux_.seccomp.syscalls.count = 0;
	none = length_of(a);
	a->spec.linux_.seccomp.syscalls.count = 1;
	assert_int_equal(length_of(a), none);
	f.rule.errno_ret.value = ENOTTY; /* the same action with another number is another one */
	assert_true(length_of(a) > none);
}

static void architectures_are_added_to_our_own(void **state)
{
	static const char *known[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_X86_64"};
	static const char *unknown[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_SH"};
	struct asking *a = *state;
	unsigned short alone;
	struct filter f;

	put(a, &f, "getpriority", "SCMP_ACT_KILL", 0);
	assert_int_equal(ask(a), 0);
	alone = a->plan->filter_length;
	a->spec.linux_.seccomp.architectures.item = known;
	a->spec.linux_.seccomp.architectures.count = 3;
	assert_int_equal(outcome(a, 0), 128 + SIGSYS);
	assert_true(a->plan->filter_length > alone);
	a->spec.linux_.seccomp.architectures.item = unknown;
	a->spec.linux_.seccomp.architectures.count = 2;
	refused(a, "linux.seccomp.architectures[1]", "has no SCMP_ARCH_SH");
	assert_int_equal(a->err.kind, ERROR_UNSUPPORTED);
}

static void flags_are_the_kernels(void **state)
{
	static const char *names[] = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
	                              "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	                              "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
	struct asking *a = *state;
	struct filter f;

	put(a, &f, "getpriority", "SCMP_ACT_KILL", 0);
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->filter_flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	a->spec.linux_.seccomp.flags_set = true;
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->filter_flags, 0);
	a->spec.linux_.seccomp.flags.item = names;
	a->spec.linux_.seccomp.flags.count = 3;
	assert_int_equal(outcome(a, 0), 128 + SIGSYS);
	assert_int_equal(a->plan->filter_flags, SECCOMP_FILTER_FLAG_TSYNC |
	                                                SECCOMP_FILTER_FLAG_LOG |
	                                                SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	a->spec.linux_.seccomp.flags.count = 4; /* the last is for listeners only */
	assert_int_equal(outcome(a, 0), 128 + SIGSYS);
	assert_false(a->plan->filter_flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	f.rule.action = "SCMP_ACT_NOTIFY";
	assert_int_equal(ask(a), 0);
	assert_true(a->plan->filter_flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

/* A kernel without flags is one with a filter that says so. */
static int plan_without_flags(struct asking *a)
{
	static const char *names[] = {"SECCOMP_FILTER_FLAG_LOG"};

	if (process_apply_last(a->plan, NULL, &a->err) < 0)
		return 1;
	a->spec.linux_.seccomp.flags.item = names;
	a->spec.linux_.seccomp.flags.count = 1;
	if (ask(a) == 0 || strcmp(a->err.object, "linux.seccomp.flags[0]") != 0)
		return 2;
	return strcmp(a->err.reason, "this kernel has no SECCOMP_FILTER_FLAG_LOG") == 0 ? 0 : 3;
}

static void a_flag_that_the_kernel_has_not_is_named(void **state)
{
	struct asking *a = *state;
	struct filter f;
	int status;
	pid_t pid;

	put(a, &f, "seccomp", "SCMP_ACT_ERRNO", EINVAL);
	f.args[0] = (struct spec_seccomp_argument){1, 0, 0, "SCMP_CMP_NE"};
	f.rule.args.count = 1;
	assert_int_equal(ask(a), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(plan_without_flags(a));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_filter_has_its_most_instructions(void **state)
{
	enum { MANY = 1200, SOME = 100 };
	struct asking *a = *state;
	struct filter *filters = arena_alloc(a->arena, MANY, sizeof(*filters));
	struct spec_seccomp_rule *rules = arena_alloc(a->arena, MANY, sizeof(*rules));

	for (uint64_t i = 0; i < MANY; i++) {
		put(a, &filters[i], "getpriority", "SCMP_ACT_ERRNO", ENOTTY);
		filters[i].args[0] =
			(struct spec_seccomp_argument){0, i << 32 | i, 0, "SCMP_CMP_EQ"};
		filters[i].rule.args.count = 1;
		rules[i] = filters[i].rule;
	}
	a->spec.linux_.seccomp.syscalls.item = rules;
	a->spec.linux_.seccomp.syscalls.count = MANY;
	refused(a, "linux.seccomp", "4096 instructions");
	a->spec.linux_.seccomp.syscalls.count = SOME;
	assert_int_equal(outcome(a, 5L << 32 | 5), ENOTTY);
	assert_int_equal(outcome(a, 2), 0);
}

static void words_are_listed(void **state)
{
	const char *const *(*const lists[])(size_t *) = {
		process_seccomp_actions, process_seccomp_operators, process_seccomp_archs,
		process_seccomp_flags};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t count;
		const char *const *words = lists[i](&count);

		assert_true(count > 2);
		for (size_t j = 0; j < count; j++)
			assert_int_equal(strncmp(words[j], i < 3 ? "SCMP_" : "SECCOMP_", 5), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASKING_TEST(a_newer_call_is_unknown_unless_the_default_lets_it_through),
		ASKING_TEST(the_default_is_traced_for_newer_calls_too),
		ASKING_TEST(actions_do_what_they_say),
		ASKING_TEST(operators_compare),
		ASKING_TEST(two_conditions_on_one_argument_are_either),
		ASKING_TEST(an_unknown_call_is_left_out),
		ASKING_TEST(what_the_runtime_needs_waits_for_no_agent),
		ASKING_TEST(conditions_on_several_arguments_are_all_needed),
		ASKING_TEST(a_rule_that_is_the_default_is_none),
		ASKING_TEST(architectures_are_added_to_our_own),
		ASKING_TEST(flags_are_the_kernels),
		ASKING_TEST(a_flag_that_the_kernel_has_not_is_named),
		ASKING_TEST(a_filter_has_its_most_instructions),
		cmocka_unit_test(words_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

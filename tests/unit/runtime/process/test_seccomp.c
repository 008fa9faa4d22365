/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#undef fail /* base/error.h has its own */
/* clang-format on */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* What becomes of getpriority(which, 0): an errno, 0, or 128 + signal. */
static int outcome(struct asking *a, long which)
{
	int status;
	pid_t pid;

	assert_int_equal(ask(a), 0);
	assert_non_null(a->plan->filter);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (process_apply_last(a->plan, &a->err) < 0)
			_exit(127);
		_exit(syscall(SYS_getpriority, which, 0) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
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

static void what_is_not_there_yet_is_refused(void **state)
{
	struct asking *a = *state;
	struct filter f;

	put(a, &f, "getpriority", "SCMP_ACT_NOTIFY", 0);
	refused(a, "linux.seccomp.syscalls[0].action", "SCMP_ACT_NOTIFY");
	put(a, &f, "getpriority", "SCMP_ACT_ALLOW", 0);
	a->spec.linux_.seccomp.listener_path = "/run/x";
	refused(a, "linux.seccomp.listenerPath", "not supported");
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
		ASKING_TEST(actions_do_what_they_say),
		ASKING_TEST(operators_compare),
		ASKING_TEST(two_conditions_on_one_argument_are_either),
		ASKING_TEST(an_unknown_call_is_left_out),
		ASKING_TEST(what_is_not_there_yet_is_refused),
		cmocka_unit_test(words_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/unit/cmocka.h"

#include "scene.h"

enum { USER = 1000, SPARE = 40 };

static void forbid(struct scene *s, struct spec_seccomp_rule *rule, const char **name)
{
	*rule = (struct spec_seccomp_rule){
		.names = {.item = name, .count = 1},
		.action = "SCMP_ACT_ERRNO",
		.errno_ret = {true,         ENOTNAM   },
	};
	s->a->spec.linux_.seccomp.set = true;
	s->a->spec.linux_.seccomp.default_action = "SCMP_ACT_ALLOW";
	s->a->spec.linux_.seccomp.syscalls.item = rule;
	s->a->spec.linux_.seccomp.syscalls.count = 1;
}

static void last(struct scene *s)
{
	WELL(s, process_apply_last(s->a->plan, NULL, &s->a->err));
}

static void fails_at_capset(struct scene *s)
{
	CHECK(process_apply_last(s->a->plan, NULL, &s->a->err) < 0);
	CHECK(s->a->err.errnum == ENOTNAM);
	CHECK(strcmp(s->a->err.object, "process.capabilities") == 0);
}

/* What a user whose call of this name is forbidden comes to, first without no_new_privs and then with it. */
static void try_both(void **state, const char *forbidden, void (*without)(struct scene *s),
                     void (*with)(struct scene *s))
{
	struct scene *s = *state;
	struct spec_seccomp_rule rule;

	scene_needs_root();
	forbid(s, &rule, &forbidden);
	s->a->spec.process.user = (struct spec_user){.uid = USER, .gid = USER};
	(void)scene_plan(s);
	scene_child(s, without);
	s->a->spec.process.no_new_privileges = true;
	(void)scene_plan(s);
	scene_child(s, with);
}

/* The last thing that needs capset(2) comes behind the filter. */
static void without_no_new_privileges_the_filter_is_there_before_rights_go(void **state)
{
	try_both(state, "capset", fails_at_capset, last);
}

static void user_and_last(struct scene *s)
{
	WELL(s, process_apply_user(s->a->plan, &s->a->err));
	WELL(s, process_apply_last(s->a->plan, NULL, &s->a->err));
	CHECK(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == s->a->plan->no_new_privileges);
	CHECK(syscall(SYS_lseek, -1, 0, 0) < 0 && errno == ENOTNAM);
}

static void a_user_without_rights_gets_the_filter_either_way(void **state)
{
	try_both(state, "lseek", user_and_last, user_and_last);
}

static void check_descriptors(struct scene *s)
{
	for (int fd = 3; fd < SPARE; fd++)
		CHECK(dup2(STDERR_FILENO, fd) == fd); /* kept over execve(2) so far */
	WELL(s, process_apply_last(s->a->plan, NULL, &s->a->err));
	for (int fd = 0; fd < SPARE; fd++) {
		int flags = fcntl(fd, F_GETFD);

		CHECK(flags >= 0);
		CHECK((flags & FD_CLOEXEC) == (fd >= 3 + (int)s->a->plan->preserve_fds));
	}
}

static void only_preserved_descriptors_get_past_execve(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	(void)scene_plan(s);
	scene_child(s, check_descriptors);
	s->a->plan->preserve_fds = 2;
	scene_child(s, check_descriptors);
}

static void check_signals(struct scene *s)
{
	struct host host;
	sigset_t set;

	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR && signal(SIGTERM, SIG_IGN) != SIG_ERR);
	CHECK(sigfillset(&set) == 0 && sigprocmask(SIG_SETMASK, &set, NULL) == 0);
	WELL(s, host_look(&host, &s->a->err)); /* as who makes a plan does */
	s->a->plan->ignored_signals = host.ignored_signals;
	WELL(s, process_apply_last(s->a->plan, NULL, &s->a->err));
	CHECK(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
	for (int signum = 1; signum < NSIG; signum++)
		CHECK(sigismember(&set, signum) <= 0);
	CHECK(signal(SIGPIPE, SIG_DFL) == SIG_DFL && signal(SIGTERM, SIG_DFL) == SIG_DFL);
}

static void signals_are_as_a_new_program_expects(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	(void)scene_plan(s);
	scene_child(s, check_signals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(without_no_new_privileges_the_filter_is_there_before_rights_go),
		SCENE_TEST(a_user_without_rights_gets_the_filter_either_way),
		SCENE_TEST(only_preserved_descriptors_get_past_execve),
		SCENE_TEST(signals_are_as_a_new_program_expects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

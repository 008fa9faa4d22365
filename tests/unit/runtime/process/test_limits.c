/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/syscalls.h"
#include "tests/unit/cmocka.h"

#include "scene.h"

enum { USER = 1000 };

static void limit(struct scene *s, struct spec_rlimit *limits, size_t count)
{
	s->a->spec.process.rlimits.item = limits;
	s->a->spec.process.rlimits.count = count;
}

static void check_limits(struct scene *s)
{
	struct rlimit64 now;

	WELL(s, process_apply_limits(s->a->plan, &s->a->err));
	CHECK(getrlimit64(RLIMIT_CORE, &now) == 0 && now.rlim_cur == 1 && now.rlim_max == 2);
	CHECK(getrlimit64(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur > 31); /* not yet */
	WELL(s, process_apply_files(s->a->plan, &s->a->err));
	CHECK(getrlimit64(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 30 && now.rlim_max == 31);
}

static void each_limit_is_set(void **state)
{
	struct spec_rlimit limits[] = {
		{"RLIMIT_CORE",   1,  2 },
		{"RLIMIT_NOFILE", 30, 31}
        };
	struct scene *s = *state;

	limit(s, limits, ARRAY_SIZE(limits));
	(void)scene_plan(s);
	scene_child(s, check_limits);
}

static void check_left(struct scene *s)
{
	struct rlimit64 now;

	WELL(s, process_apply_limits(s->a->plan, &s->a->err));
	WELL(s, process_apply_files(s->a->plan, &s->a->err));
	CHECK(getrlimit64(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 8 && now.rlim_max == 31);
}

static void a_program_has_as_few_files_as_our_caller_left_us(void **state)
{
	struct spec_rlimit limits[] = {
		{"RLIMIT_CORE",   1, 2 },
		{"RLIMIT_NOFILE", 9, 10}
        };
	struct scene *s = *state;

	s->a->host.more_open_files = true;
	s->a->host.open_files = (struct rlimit){8, 31};
	limit(s, limits, 1);
	assert_int_equal(scene_plan(s)->limits_count, 2);
	scene_child(s, check_left);
	/* but for what the config says */
	limit(s, limits, 2);
	assert_int_equal(scene_plan(s)->limits_count, 2);
	assert_int_equal(s->a->plan->limits[1].limit.rlim_cur, 9);
}

static void check_raise(struct scene *s)
{
	CHECK(geteuid() != 0 || syscall(SYS_setresuid, USER, USER, USER) == 0);
	CHECK(process_apply_limits(s->a->plan, &s->a->err) < 0);
	CHECK(s->a->err.errnum == EPERM);
	CHECK(strcmp(s->a->err.object, "process.rlimits: RLIMIT_NOFILE") == 0);
	CHECK(strstr(s->a->err.reason, "Operation not permitted"));
}

static void a_limit_above_ours_is_named(void **state)
{
	struct scene *s = *state;
	struct rlimit64 now;
	struct spec_rlimit limits[] = {
		{"RLIMIT_CORE",   0, 0},
		{"RLIMIT_NOFILE", 1, 1}
        };

	assert_int_equal(getrlimit64(RLIMIT_NOFILE, &now), 0);
	limits[1].hard = now.rlim_max + 1;
	limit(s, limits, ARRAY_SIZE(limits));
	(void)scene_plan(s);
	scene_child(s, check_raise);
}

static void wait_for_the_end(struct scene *s)
{
	char byte;

	(void)s;
	CHECK(read(STDIN_FILENO, &byte, 1) == 0);
}

static void another_process_is_limited_from_outside(void **state)
{
	struct spec_rlimit one = {"RLIMIT_CORE", 3, 4};
	struct scene *s = *state;
	struct rlimit64 now, ours;
	int ends[2];
	pid_t pid;

	limit(s, &one, 1);
	(void)scene_plan(s);
	assert_int_equal(getrlimit64(RLIMIT_CORE, &ours), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = process_clone(0, -1, NULL, &s->a->err);
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(ends[1]);
		CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
		wait_for_the_end(s);
		_exit(0);
	}
	assert_int_equal(process_apply_limits_to(s->a->plan, pid, &s->a->err), 0);
	assert_int_equal(prlimit64(pid, RLIMIT_CORE, NULL, &now), 0);
	assert_true(now.rlim_cur == 3 && now.rlim_max == 4);
	assert_int_equal(getrlimit64(RLIMIT_CORE, &now), 0);
	assert_true(now.rlim_max == ours.rlim_max);
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_int_equal(process_wait(pid, &s->a->err), 0);
}

static int score(void)
{
	char text[16];
	struct error err;

	CHECK(fd_read_small(AT_FDCWD, "/proc/self/oom_score_adj", text, sizeof(text), &err) > 0);
	return (int)strtol(text, NULL, 10);
}

static void check_score(struct scene *s)
{
	WELL(s, process_apply_limits(s->a->plan, &s->a->err));
	CHECK(score() == s->a->plan->oom_score_adj.value);
}

static void check_lowered_score(struct scene *s)
{
	/* down to what it was at least once needs no right: below that it does */
	if (score() == -1000)
		_exit(0);
	CHECK(geteuid() != 0 || syscall(SYS_setresuid, USER, USER, USER) == 0);
	CHECK(process_apply_limits(s->a->plan, &s->a->err) < 0);
	CHECK(strncmp(s->a->err.object, "process.oomScoreAdj", strlen("process.oomScoreAdj")) == 0);
	CHECK(s->a->err.errnum == EACCES);
}

static void the_oom_score_is_set(void **state)
{
	struct scene *s = *state;

	s->a->spec.process.oom_score_adj = (struct maybe_i64){true, 789};
	(void)scene_plan(s);
	scene_child(s, check_score);
	s->a->spec.process.oom_score_adj.value = score(); /* leaving it needs no right */
	(void)scene_plan(s);
	scene_child(s, check_score);
	s->a->spec.process.oom_score_adj.value = -1000;
	(void)scene_plan(s);
	scene_child(s, check_lowered_score);
}

static long session(void)
{
	return sys_keyctl(KEYCTL_GET_KEYRING_ID, (unsigned long)KEY_SPEC_SESSION_KEYRING, 0, 0, 0);
}

static void check_keyring(struct scene *s)
{
	long before, after;

	CHECK(sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) >= 0);
	before = session();
	WELL(s, process_apply_keyring(s->a->plan, &s->a->err));
	after = session();
	CHECK(before >= 0 && after >= 0 && (before != after) == (s->a->plan->keyring != NULL));
	if (!s->a->plan->keyring)
		return;
	/* the next one with this name has the same */
	CHECK(sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) != after);
	CHECK(session() != after);
	WELL(s, process_apply_keyring(s->a->plan, &s->a->err));
}

static void a_new_keyring_is_another_one(void **state)
{
	struct scene *s = *state;

	if (session() < 0 && (errno == ENOSYS || errno == EPERM)) {
		print_message("this kernel has no keyrings for us\n");
		skip();
	}
	(void)scene_plan(s);
	scene_child(s, check_keyring);
	s->a->plan->keyring = "_ses.cella-test";
	scene_child(s, check_keyring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(each_limit_is_set),
		SCENE_TEST(a_program_has_as_few_files_as_our_caller_left_us),
		SCENE_TEST(a_limit_above_ours_is_named),
		SCENE_TEST(another_process_is_limited_from_outside),
		SCENE_TEST(the_oom_score_is_set),
		SCENE_TEST(a_new_keyring_is_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

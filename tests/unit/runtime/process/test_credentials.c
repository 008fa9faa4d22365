/* SPDX-License-Identifier: Apache-2.0 */
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/syscalls.h"
#include "tests/unit/cmocka.h"

#include "scene.h"

enum { USER = 1000, GROUP = 1001, OUTSIDE = 50 };

/* The scratch is the root from here on. */
static void enter(const struct scene *s)
{
	CHECK(fchdir(s->scratch->dir) == 0 && chroot(".") == 0);
}

static void check_ids(struct scene *s)
{
	uid_t uid[3];
	gid_t gid[3], groups[8];

	enter(s);
	WELL(s, process_apply_user(s->a->plan, &s->a->err));
	CHECK(getresuid(&uid[0], &uid[1], &uid[2]) == 0);
	CHECK(getresgid(&gid[0], &gid[1], &gid[2]) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(uid[i] == USER && gid[i] == GROUP);
	CHECK(getgroups((int)ARRAY_SIZE(groups), groups) == (int)s->a->plan->groups_count);
	for (size_t i = 0; i < s->a->plan->groups_count; i++)
		CHECK(groups[i] == s->a->plan->groups[i]);
	CHECK(umask(0) == 027);
}

static void ids_groups_and_umask_are_set(void **state)
{
	struct scene *s = *state;
	uint32_t gids[] = {7, 8};

	scene_needs_root();
	assert_int_equal(fchmod(s->scratch->dir, 0755), 0);
	s->a->spec.process.user = (struct spec_user){
		.uid = USER,
		.gid = GROUP,
		.umask = {true, 027}
        };
	(void)scene_plan(s);
	scene_child(s, check_ids); /* no group of ours is left */
	s->a->spec.process.user.additional_gids.item = gids;
	s->a->spec.process.user.additional_gids.count = ARRAY_SIZE(gids);
	(void)scene_plan(s);
	scene_child(s, check_ids);
}

static void check_kept_groups(struct scene *s)
{
	gid_t before[] = {3, 4}, after[8];

	enter(s);
	CHECK(setgroups(2, before) == 0);
	WELL(s, process_apply_user(s->a->plan, &s->a->err));
	CHECK(getgroups((int)ARRAY_SIZE(after), after) == 2 && after[0] == 3 && after[1] == 4);
}

static void groups_that_can_not_be_set_are_kept(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	scene_plan(s)->keep_groups = true;
	scene_child(s, check_kept_groups);
}

static void check_rights_in_between(struct scene *s)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}, {0}};

	enter(s);
	WELL(s, process_apply_user(s->a->plan, &s->a->err));
	CHECK(sys_capget(&header, data) == 0);
	CHECK(data[0].permitted & 1U << CAP_SETPCAP); /* kept for process_apply_last() */
	CHECK(data[0].effective == 0 && data[1].effective == 0);
	CHECK(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_CAPBSET_READ, CAP_KILL) == 1);
	CHECK(prctl(PR_CAPBSET_READ, CAP_CHOWN) == 0);
}

static void a_user_keeps_rights_but_does_not_use_them(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	assert_int_equal(fchmod(s->scratch->dir, 0755), 0);
	s->a->spec.process.user = (struct spec_user){.uid = USER, .gid = GROUP};
	s->a->spec.process.capabilities.bounding = TEXTS("CAP_KILL");
	(void)scene_plan(s);
	scene_child(s, check_rights_in_between);
}

static void check_cwd(struct scene *s)
{
	char path[PATH_MAX];

	enter(s);
	WELL(s, process_apply_user(s->a->plan, &s->a->err));
	CHECK(getcwd(path, sizeof(path)) && strcmp(path, s->a->plan->cwd) == 0);
}

static void lose_override_and_check_cwd(struct scene *s)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	const uint32_t override = 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH;

	CHECK(sys_capget(&header, data) == 0);
	data[0].effective &= ~override;
	CHECK(sys_capset(&header, data) == 0);
	check_cwd(s);
}

static void a_cwd_is_entered_by_who_may(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	assert_int_equal(fchmod(s->scratch->dir, 0755), 0);
	scratch_folder(s->scratch, "roots");
	scratch_folder(s->scratch, "users");
	assert_int_equal(fchmodat(s->scratch->dir, "roots", 0700, 0), 0);
	assert_int_equal(fchmodat(s->scratch->dir, "users", 0700, 0), 0);
	assert_int_equal(fchownat(s->scratch->dir, "users", USER, GROUP, 0), 0);
	s->a->spec.process.user = (struct spec_user){.uid = USER, .gid = GROUP};
	s->a->spec.process.cwd = "/roots";
	(void)scene_plan(s);
	scene_child(s, check_cwd);
	s->a->spec.process.cwd = "/users";
	(void)scene_plan(s);
	scene_child(s, lose_override_and_check_cwd);
}

static void check_no_cwd(struct scene *s)
{
	enter(s);
	CHECK(process_apply_user(s->a->plan, &s->a->err) < 0);
	CHECK(strcmp(s->a->err.object, "process.cwd: /missing") == 0 && s->a->err.errnum == ENOENT);
}

static void a_cwd_that_is_not_there_is_named(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	s->a->spec.process.cwd = "/missing";
	(void)scene_plan(s);
	scene_child(s, check_no_cwd);
}

/* A descriptor of the host's that leaked, and an image that knows its number: CVE-2024-21626. */
static void check_escape(struct scene *s)
{
	CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) == 0);
	/* by its path: the descriptor is of the namespace that we left */
	CHECK(chdir(s->scratch->path) == 0 &&
	      mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) == 0);
	CHECK(dup2(open("/tmp", O_RDONLY | O_DIRECTORY), OUTSIDE) == OUTSIDE);
	CHECK(chroot(".") == 0);
	CHECK(process_apply_user(s->a->plan, &s->a->err) < 0);
	CHECK(strcmp(s->a->err.object, "process.cwd") == 0);
	CHECK(strcmp(s->a->err.reason, "is outside of the root") == 0);
}

static void a_cwd_outside_of_the_root_is_refused(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	scratch_folder(s->scratch, "proc");
	s->a->spec.process.cwd = "/proc/self/fd/50";
	(void)scene_plan(s);
	scene_child(s, check_escape);
}

static uid_t owner_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_uid : (uid_t)-1;
}

static void check_streams(struct scene *s)
{
	int ends[2], file = openat(s->scratch->dir, "file", O_RDWR | O_CREAT, 0600);
	int null = openat(s->scratch->dir, "null", O_WRONLY);

	CHECK(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
	CHECK(dup2(file, STDOUT_FILENO) == STDOUT_FILENO);
	CHECK(dup2(null, STDERR_FILENO) == STDERR_FILENO);
	enter(s);
	WELL(s, process_apply_user(s->a->plan, &s->a->err));
	CHECK(owner_of(STDIN_FILENO) == USER);
	CHECK(owner_of(STDOUT_FILENO) == USER);
	CHECK(owner_of(STDERR_FILENO) == 0); /* a device is the host's */
}

static void check_input(struct scene *s)
{
	int file = openat(s->scratch->dir, "file", O_RDONLY | O_CREAT, 0600);

	CHECK(dup2(file, STDIN_FILENO) == STDIN_FILENO);
	enter(s);
	WELL(s, process_apply_user(s->a->plan, &s->a->err));
	CHECK(owner_of(STDIN_FILENO) == 0);
}

static void prepare_streams(struct scene *s)
{
	scene_needs_root();
	assert_int_equal(fchmod(s->scratch->dir, 0755), 0);
	assert_int_equal(mknodat(s->scratch->dir, "null", S_IFCHR | 0600, makedev(1, 3)), 0);
	s->a->spec.process.user = (struct spec_user){.uid = USER, .gid = GROUP};
	(void)scene_plan(s);
}

static void streams_are_the_users_and_devices_are_not(void **state)
{
	prepare_streams(*state);
	scene_child(*state, check_streams);
}

static void a_file_that_is_only_read_stays_its_owners(void **state)
{
	prepare_streams(*state);
	scene_child(*state, check_input);
}

static void check_no_rights(struct scene *s)
{
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	s->a->plan->bounding = ~UINT64_C(0); /* nothing to drop */
	CHECK(process_apply_user(s->a->plan, &s->a->err) < 0);
	CHECK(s->a->err.errnum == EPERM);
	CHECK(strcmp(s->a->err.object, "process.user.additionalGids") == 0);
}

static void an_id_that_we_may_not_take_is_an_error(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	(void)scene_plan(s);
	scene_child(s, check_no_rights);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(ids_groups_and_umask_are_set),
		SCENE_TEST(groups_that_can_not_be_set_are_kept),
		SCENE_TEST(a_user_keeps_rights_but_does_not_use_them),
		SCENE_TEST(a_cwd_is_entered_by_who_may),
		SCENE_TEST(a_cwd_that_is_not_there_is_named),
		SCENE_TEST(a_cwd_outside_of_the_root_is_refused),
		SCENE_TEST(streams_are_the_users_and_devices_are_not),
		SCENE_TEST(a_file_that_is_only_read_stays_its_owners),
		SCENE_TEST(an_id_that_we_may_not_take_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/syscalls.h"
#include "tests/unit/cmocka.h"

#include "scene.h"

enum { USER = 1000, NO_CAPABILITY = 63 };

struct now {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

static struct now look(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}, {0}};
	struct now now;

	CHECK(sys_capget(&header, data) == 0);
	now = (struct now){
		.effective = data[0].effective | (uint64_t)data[1].effective << 32,
		.inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32,
		.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
	};
	for (int i = 0; i < NO_CAPABILITY; i++) {
		if (prctl(PR_CAPBSET_READ, i) == 1)
			now.bounding |= UINT64_C(1) << i;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
			now.ambient |= UINT64_C(1) << i;
	}
	return now;
}

static void check_as_planned(const struct process_plan *p)
{
	struct now now = look();

	CHECK(now.bounding == p->bounding);
	CHECK(now.permitted == p->permitted);
	CHECK(now.effective == p->effective);
	CHECK(now.inheritable == p->inheritable);
	CHECK(now.ambient == p->ambient);
}

static void apply(struct scene *s)
{
	WELL(s, process_apply_user(s->a->plan, &s->a->err));
	WELL(s, process_apply_last(s->a->plan, NULL, &s->a->err));
	check_as_planned(s->a->plan);
}

static void ask_for_some(struct scene *s)
{
	struct spec_capabilities *c = &s->a->spec.process.capabilities;
	static const char *one[] = {"CAP_KILL"}, *two[] = {"CAP_KILL", "CAP_NET_RAW"};

	c->bounding = (text_list){.item = two, .count = 2};
	c->permitted = (text_list){.item = two, .count = 2};
	c->effective = (text_list){.item = one, .count = 1};
	c->inheritable = (text_list){.item = one, .count = 1};
	c->ambient = (text_list){.item = one, .count = 1};
}

static void root_has_the_sets_and_no_more(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	ask_for_some(s);
	(void)scene_plan(s);
	scene_child(s, apply);
}

static void a_user_has_them_too(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	ask_for_some(s);
	s->a->spec.process.user = (struct spec_user){.uid = USER, .gid = USER};
	(void)scene_plan(s);
	scene_child(s, apply);
	s->a->spec.process.no_new_privileges = true;
	(void)scene_plan(s);
	scene_child(s, apply);
}

static void nothing_asked_for_leaves_nothing(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	(void)scene_plan(s);
	scene_child(s, apply);
}

static void lose_all_and_apply(struct scene *s)
{
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	CHECK(process_apply_last(s->a->plan, NULL, &s->a->err) < 0);
	CHECK(s->a->err.errnum == EPERM && strcmp(s->a->err.object, "process.capabilities") == 0);
}

static void a_right_that_is_not_ours_to_give_is_an_error(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	s->a->spec.process.capabilities.permitted = TEXTS("CAP_KILL");
	(void)scene_plan(s);
	scene_child(s, lose_all_and_apply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(root_has_the_sets_and_no_more),
		SCENE_TEST(a_user_has_them_too),
		SCENE_TEST(nothing_asked_for_leaves_nothing),
		SCENE_TEST(a_right_that_is_not_ours_to_give_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

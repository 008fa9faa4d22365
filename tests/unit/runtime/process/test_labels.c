/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "tests/unit/cmocka.h"

#include "scene.h"

/* A procfs as one with the modules looks, where files keep what they were told. */
static void make_proc(const struct scene *s, bool own_folder)
{
	static const char *const files[] = {"77/attr/exec", "77/attr/keycreate",
	                                    "77/attr/apparmor/exec"};
	int dir = s->scratch->dir;

	assert_int_equal(symlinkat("77", dir, "self"), 0);
	assert_int_equal(mkdirat(dir, "77", 0755) | mkdirat(dir, "77/attr", 0755), 0);
	if (own_folder)
		assert_int_equal(mkdirat(dir, "77/attr/apparmor", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files) - !own_folder; i++) {
		int fd = openat(dir, files[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

		assert_true(fd >= 0);
		(void)close(fd);
	}
}

static void was_told(struct scene *s, const char *file, const char *words)
{
	char text[128];

	assert_true(fd_read_small(s->scratch->dir, file, text, sizeof(text), &s->a->err) >= 0);
	assert_string_equal(text, words);
}

static void plan(struct scene *s)
{
	s->a->host.made_up = true; /* with both modules */
	s->a->spec.process.apparmor_profile = "web-default";
	s->a->spec.process.selinux_label = "system_u:system_r:container_t:s0:c1,c2";
	(void)scene_plan(s);
}

static void each_module_is_told_in_its_own_file(void **state)
{
	struct scene *s = *state;

	make_proc(s, true);
	plan(s);
	assert_int_equal(labels_write(s->a->plan, s->scratch->dir, &s->a->err), 0);
	was_told(s, "77/attr/exec", "system_u:system_r:container_t:s0:c1,c2");
	was_told(s, "77/attr/apparmor/exec", "exec web-default");
	was_told(s, "77/attr/keycreate", "");
	s->a->plan->keyring = "_ses.web"; /* it is the container's too */
	assert_int_equal(labels_write(s->a->plan, s->scratch->dir, &s->a->err), 0);
	was_told(s, "77/attr/keycreate", "system_u:system_r:container_t:s0:c1,c2");
}

static void an_old_kernel_has_one_file_for_all(void **state)
{
	struct scene *s = *state;

	make_proc(s, false);
	plan(s);
	s->a->plan->selinux_label = NULL;
	assert_int_equal(labels_write(s->a->plan, s->scratch->dir, &s->a->err), 0);
	was_told(s, "77/attr/exec", "exec web-default");
}

static void a_link_in_the_way_is_not_followed(void **state)
{
	struct scene *s = *state;
	int dir = s->scratch->dir;

	make_proc(s, true);
	plan(s);
	assert_int_equal(unlinkat(dir, "77/attr/exec", 0), 0);
	assert_int_equal(symlinkat("keycreate", dir, "77/attr/exec"), 0);
	assert_int_equal(labels_write(s->a->plan, dir, &s->a->err), -1);
	assert_int_equal(strncmp(s->a->err.object, "process.selinuxLabel", 20), 0);
	was_told(s, "77/attr/keycreate", "");
}

static void check_false_proc(struct scene *s)
{
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount(s->scratch->path, "/proc", NULL, MS_BIND, NULL) == 0);
	CHECK(process_apply_labels(s->a->plan, &s->a->err) < 0);
	CHECK(strcmp(s->a->err.reason, "is not the root of a procfs") == 0);
}

static void files_of_an_image_are_not_told(void **state)
{
	struct scene *s = *state;

	scene_needs_root();
	make_proc(s, true);
	plan(s);
	scene_child(s, check_false_proc);
	was_told(s, "77/attr/exec", "");
}

static void what_this_kernel_would_not_keep_is_refused(void **state)
{
	struct scene *s = *state;
	struct spec_process *p = &s->a->spec.process;

	p->apparmor_profile = p->selinux_label = "";
	assert_int_equal(ask(s->a), 0);
	p->apparmor_profile = "x";
	if (!process_has_apparmor()) {
		refused(s->a, "process.apparmorProfile", "AppArmor is not enabled in this kernel");
		p->apparmor_profile = "unconfined"; /* it is */
		assert_int_equal(ask(s->a), 0);
		assert_null(s->a->plan->apparmor_change);
	}
	p->apparmor_profile = NULL;
	p->selinux_label = "x";
	if (!process_has_selinux())
		refused(s->a, "process.selinuxLabel", "SELinux is not enabled in this kernel");
	s->a->host.made_up = true;
	p->selinux_label = "x\ny";
	refused(s->a, "process.selinuxLabel", "line break");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(each_module_is_told_in_its_own_file),
		SCENE_TEST(an_old_kernel_has_one_file_for_all),
		SCENE_TEST(a_link_in_the_way_is_not_followed),
		SCENE_TEST(files_of_an_image_are_not_told),
		SCENE_TEST(what_this_kernel_would_not_keep_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

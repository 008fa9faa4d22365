/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/own.h"
#include "base/table.h"
#include "resctrl/parts.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

/* A false resctrl: folders whose files keep what they were told. */
struct scene {
	struct scratch *scratch;
	struct arena *arena;
	struct spec spec;
	struct resctrl_plan *plan;
	struct error err;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	void *part;

	if (!s || scratch_setup(&part) < 0)
		return -1;
	s->scratch = part;
	s->arena = arena_new(1 << 20);
	s->spec.linux_.intel_rdt.set = true;
	*state = s;
	return s->arena ? 0 : -1;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	void *part = s->scratch;

	arena_free(s->arena);
	free(s);
	return scratch_teardown(&part);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* What the kernel puts into a new group. */
static void furnish(const struct scene *s, const char *group)
{
	char path[128];

	(void)mkdirat(s->scratch->dir, group, 0755);
	(void)snprintf(path, sizeof(path), "%s/tasks", group);
	scratch_file(s->scratch, path, "");
	(void)snprintf(path, sizeof(path), "%s/schemata", group);
	scratch_file(s->scratch, path, "    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n");
	(void)snprintf(path, sizeof(path), "%s/mon_groups", group);
	(void)mkdirat(s->scratch->dir, path, 0755);
}

static int plan(struct scene *s)
{
	return resctrl_plan(&s->spec, "web", s->scratch->dir, s->arena, &s->plan, &s->err);
}

static void has(struct scene *s, const char *file, const char *begin)
{
	char text[256];

	assert_true(fd_read_small(s->scratch->dir, file, text, sizeof(text), &s->err) >= 0);
	text[strlen(begin)] = '\0'; /* a file here keeps what was behind the last write */
	assert_string_equal(text, begin);
}

static void a_group_of_its_own_is_made_and_removed(void **state)
{
	struct scene *s = *state;

	s->spec.linux_.intel_rdt.l3_cache_schema = "L3:0=ff;1=1\nMB:0=10";
	s->spec.linux_.intel_rdt.mem_bw_schema = "MB:0=50";
	assert_int_equal(plan(s), 0);
	assert_string_equal(s->plan->group, "web");
	assert_string_equal(s->plan->schemata, "L3:0=ff;1=1\nMB:0=50\n");
	assert_string_equal(resctrl_makes(s->plan, s->arena), "web\n");
	assert_int_not_equal(faccessat(s->scratch->dir, "web", F_OK, 0), 0); /* nothing yet */
	furnish(s, "web"); /* as the kernel does at mkdir */
	assert_int_equal(resctrl_apply(s->plan, s->scratch->dir, 4242, &s->err), 0);
	has(s, "web/schemata", "L3:0=ff;1=1\nMB:0=50\n");
	has(s, "web/tasks", "4242\n");
	assert_int_equal(resctrl_join(&s->spec, "web", s->scratch->dir, 77777, &s->err), 0);
	has(s, "web/tasks", "77777\n");
	/* the kernel removes a group with its files; here they are in the way, and that is said */
	assert_int_equal(resctrl_undo("web\n", s->scratch->dir, &s->err), -1);
	assert_int_equal(mkdirat(s->scratch->dir, "empty", 0755), 0);
	assert_int_equal(resctrl_undo("empty\nnever\n", s->scratch->dir, &s->err), 0);
	assert_int_not_equal(faccessat(s->scratch->dir, "empty", F_OK, 0), 0);
}

static void lines_of_schemata_come_last(void **state)
{
	static const char *lines[] = {"L3:0=f", "MB:1=20"};
	struct scene *s = *state;

	s->spec.linux_.intel_rdt.schemata.item = lines;
	s->spec.linux_.intel_rdt.schemata.count = 2;
	s->spec.linux_.intel_rdt.l3_cache_schema = "L3:0=ff\nMB:0=10\n";
	assert_int_equal(plan(s), 0);
	assert_string_equal(s->plan->schemata, "L3:0=ff\nMB:0=10\nL3:0=f\nMB:1=20\n");
}

static void a_group_that_is_there_stays_as_it_is(void **state)
{
	struct scene *s = *state;

	s->spec.linux_.intel_rdt.clos_id = "gold";
	assert_int_equal(plan(s), -1);
	assert_string_equal(s->err.object, "linux.intelRdt.closID");
	furnish(s, "gold");
	assert_int_equal(plan(s), 0);
	assert_false(s->plan->makes_group);
	assert_string_equal(resctrl_makes(s->plan, s->arena), "");
	s->spec.linux_.intel_rdt.l3_cache_schema = "L3:1=fffff";
	s->spec.linux_.intel_rdt.mem_bw_schema = "MB:0=100";
	assert_int_equal(plan(s), 0);
	assert_int_equal(resctrl_apply(s->plan, s->scratch->dir, 1, &s->err), 0);
	has(s, "gold/schemata", "    L3:0=fffff");
	has(s, "gold/tasks", "1\n");
	s->spec.linux_.intel_rdt.mem_bw_schema = "MB:0=50";
	assert_int_equal(plan(s), -1);
	assert_string_equal(s->err.object, "linux.intelRdt: gold");
	assert_non_null(strstr(s->err.reason, "other schemata"));
	s->spec.linux_.intel_rdt.clos_id = "silver"; /* a new one with these */
	assert_int_equal(plan(s), 0);
	assert_true(s->plan->makes_group);
	assert_string_equal(resctrl_makes(s->plan, s->arena), ""); /* and others' afterwards */
}

static void a_group_that_came_meanwhile_stays_as_it_is(void **state)
{
	struct scene *s = *state;

	s->spec.linux_.intel_rdt.clos_id = "gold";
	s->spec.linux_.intel_rdt.l3_cache_schema = "L3:1=1";
	assert_int_equal(plan(s), 0);
	furnish(s, "gold");
	assert_int_equal(resctrl_apply(s->plan, s->scratch->dir, 1, &s->err), -1);
	assert_non_null(strstr(s->err.reason, "other schemata"));
	has(s, "gold/schemata", "    L3:0=fffff");
	has(s, "gold/tasks", "");
}

static void monitoring_has_a_group_inside(void **state)
{
	struct scene *s = *state;

	furnish(s, "gold");
	s->spec.linux_.intel_rdt.clos_id = "gold";
	s->spec.linux_.intel_rdt.enable_monitoring = true;
	assert_int_equal(plan(s), 0);
	assert_string_equal(resctrl_makes(s->plan, s->arena), "gold/mon_groups/web\n");
	furnish(s, "gold/mon_groups/web");
	assert_int_equal(resctrl_apply(s->plan, s->scratch->dir, 9, &s->err), 0);
	has(s, "gold/mon_groups/web/tasks", "9\n");
	assert_int_equal(resctrl_join(&s->spec, "web", s->scratch->dir, 10, &s->err), 0);
	has(s, "gold/mon_groups/web/tasks", "10\n");
}

static void a_slash_is_the_default_group(void **state)
{
	const struct spec_resources r = {.mem_bw_schema = "MB:0=10"};
	struct scene *s = *state;
	const char *before = NULL;

	furnish(s, ".");
	s->spec.linux_.intel_rdt.clos_id = "/";
	s->spec.linux_.intel_rdt.enable_monitoring = true;
	assert_int_equal(plan(s), 0);
	assert_false(s->plan->makes_group);
	assert_string_equal(resctrl_makes(s->plan, s->arena), "./mon_groups/web\n");
	furnish(s, "mon_groups/web");
	assert_int_equal(resctrl_apply(s->plan, s->scratch->dir, 9, &s->err), 0);
	has(s, "tasks", "9\n");
	has(s, "mon_groups/web/tasks", "9\n");
	assert_int_equal(resctrl_join(&s->spec, "web", s->scratch->dir, 10, &s->err), 0);
	has(s, "tasks", "10\n");
	assert_int_equal(
		resctrl_update(&s->spec, "web", &r, s->scratch->dir, s->arena, &before, &s->err),
		-1);
	has(s, "schemata", "    L3:0=fffff");
	s->spec.linux_.intel_rdt.l3_cache_schema = "L3:0=1";
	assert_int_equal(plan(s), -1);
	assert_non_null(strstr(s->err.reason, "other schemata"));
}

static void an_update_can_be_taken_back(void **state)
{
	struct spec_resources r = {.l3_cache_schema = "L3:0=1;1=1\n", .mem_bw_schema = "MB:0=10"};
	struct scene *s = *state;
	const char *before = NULL;

	furnish(s, "web");
	assert_int_equal(
		resctrl_update(&s->spec, "web", &r, s->scratch->dir, s->arena, &before, &s->err),
		0);
	has(s, "web/schemata", "L3:0=1;1=1\nMB:0=10\n");
	assert_int_equal(resctrl_restore(&s->spec, "web", before, s->scratch->dir, &s->err), 0);
	has(s, "web/schemata", "    L3:0=fffff;1=fffff\n");
}

static void values_are_compared_as_the_kernel_writes_them(void **state)
{
	static const char there[] = "    MB:0= 100;1=20\n    L3:0=00ff;1=fffff\nL2:0=1\n";
	static const struct {
		const char *asked;
		bool agree;
	} cases[] = {
		{"L3:0=ff",               true },
                {"L3:0=FF;1=fffff\n",     true },
		{"L3:1=0fffff",           true },
                {"MB:0=100;1=20\nL2:0=1", true },
		{"MB:0=20",               false},
                {"MB:2=100",              false},
		{"L3CODE:0=ff",           false},
                {"L3:0=ff\nL2:0=3",       false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(schemata_agree(cases[i].asked, there), cases[i].agree);
}

static void what_is_no_resctrl_is_refused(void **state)
{
	struct scene *s = *state;
	owned_fd root = resctrl_open(&s->err);

	if (root >= 0)
		skip(); /* a machine with it */
	assert_int_equal(s->err.kind, ERROR_UNSUPPORTED);
	assert_string_equal(s->err.object, "/sys/fs/resctrl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_group_of_its_own_is_made_and_removed),
		TEST(lines_of_schemata_come_last),
		TEST(a_group_that_is_there_stays_as_it_is),
		TEST(a_group_that_came_meanwhile_stays_as_it_is),
		TEST(monitoring_has_a_group_inside),
		TEST(a_slash_is_the_default_group),
		TEST(an_update_can_be_taken_back),
		TEST(values_are_compared_as_the_kernel_writes_them),
		TEST(what_is_no_resctrl_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

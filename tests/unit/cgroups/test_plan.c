/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "cgroups/cgroups.h"
#include "tests/unit/cmocka.h"

static const struct host made_up = {.privileged = true, .made_up = true};

static int plan_path(const char *wanted, char *path, size_t size, struct error *err)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = {
		.linux_ = {.set = true, .cgroups_path = wanted}
        };
	struct cgroup_plan *plan = NULL;

	if (cgroup_plan(&(struct cgroup_request){.spec = &spec, .host = &made_up, .id = "web"},
	                arena, &plan, err) < 0)
		return -1;
	assert_string_equal(plan->mount, "/sys/fs/cgroup");
	assert_true(strlen(plan->path) < size);
	memcpy(path, plan->path, strlen(plan->path) + 1);
	return 0;
}

static void a_container_stands_where_its_cgroups_path_says(void **state)
{
	static const char *const cases[][2] = {
		{NULL,       "/cella/web"},
                {"",         "/cella/web"},
                {"/a/b",     "/a/b"      },
		{"//a/./b/", "/a/b"      },
                {"rel",      "/rel"      },
                {"./x",      "/x"        },
		{"/..a/b",   "/..a/b"    },
                {"/a:b:c",   "/a:b:c"    },
	};
	struct error err;
	char path[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(plan_path(cases[i][0], path, sizeof(path), &err), 0);
		assert_string_equal(path, cases[i][1]);
	}
}

static void a_path_that_is_none_below_the_top_is_refused(void **state)
{
	static const char *const cases[] = {"/", "..", "/a/../..", "/./", "../x"};
	struct error err;
	char path[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(plan_path(cases[i], path, sizeof(path), &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_string_equal(err.object, "linux.cgroupsPath");
	}
}

static void the_form_of_systemd_is_none_of_a_path(void **state)
{
	struct error err;
	char path[256];

	(void)state;
	assert_int_equal(plan_path("system.slice:cella:web", path, sizeof(path), &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.reason, "systemd manager"));
}

static void a_limit_is_refused_and_nothing_is_planned(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = {.linux_ = {.resources = {.set = true, .memory.swap = {true, 5}}}};
	struct cgroup_plan *plan = NULL;
	struct error err;

	(void)state;
	assert_int_equal(
		cgroup_plan(&(struct cgroup_request){.spec = &spec, .host = &made_up, .id = "web"},
	                    arena, &plan, &err),
		-1);
	assert_string_equal(err.object, "linux.resources.memory.swap");
	assert_null(plan);
}

static void a_plan_that_has_no_memory_fails(void **state)
{
	struct spec spec = {0};

	(void)state;
	for (size_t limit = 0; limit < 24; limit++) {
		owned_arena struct arena *arena = arena_new(limit);
		struct cgroup_plan *plan = NULL;
		struct error err;

		assert_int_equal(cgroup_plan(&(struct cgroup_request){.spec = &spec,
		                                                      .host = &made_up,
		                                                      .id = "web"},
		                             arena, &plan, &err),
		                 -1);
		assert_null(plan);
	}
}

static void the_owner_is_who_runs_the_program(void **state)
{
	static const char *ro[] = {"ro"};
	struct spec_id_map map = {0, 100000, 2000};
	struct spec_mount mount = {.destination = "/sys/fs/cgroup", .type = "cgroup"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = {
		.linux_ = {.set = true },
		.process.user = { .uid = 1000, .gid = 1001}
        };
	const struct cgroup_request request = {.spec = &spec, .host = &made_up, .id = "web"};
	struct cgroup_plan *plan;
	struct error err;

	(void)state;
	spec.mounts.item = &mount;
	spec.mounts.count = 1;
	assert_int_equal(cgroup_plan(&request, arena, &plan, &err), 0);
	assert_false(plan->delegate); /* the host's cgroup namespace */
	spec.linux_.namespaces[NAMESPACE_CGROUP].set = true;
	assert_int_equal(cgroup_plan(&request, arena, &plan, &err), 0);
	assert_true(plan->delegate);
	assert_int_equal(plan->owner_uid, 1000);
	spec.linux_.namespaces[NAMESPACE_USER].set = true;
	spec.linux_.uid_mappings.item = spec.linux_.gid_mappings.item = &map;
	spec.linux_.uid_mappings.count = spec.linux_.gid_mappings.count = 1;
	assert_int_equal(cgroup_plan(&request, arena, &plan, &err), 0);
	assert_true(plan->delegate);
	assert_int_equal(plan->owner_uid, 101000);
	assert_int_equal(plan->owner_gid, 101001);
	mount.options.item = ro;
	mount.options.count = 1;
	assert_int_equal(cgroup_plan(&request, arena, &plan, &err), 0);
	assert_false(plan->delegate);
}

static void a_plan_is_printed_as_json(void **state)
{
	struct cgroup_plan plan = {.path = "/cella/web", .mount = "/sys/fs/cgroup", .top = -1};
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	struct error err;

	(void)state;
	json_open(&w, NULL, '{');
	cgroup_print(&plan, &w, "cgroup");
	cgroup_print(NULL, &w, "none");
	json_close(&w);
	assert_int_equal(text_check(&out, &err), 0);
	assert_non_null(strstr(out.bytes, "/cella/web"));
	assert_non_null(strstr(out.bytes, "null"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_stands_where_its_cgroups_path_says),
		cmocka_unit_test(a_path_that_is_none_below_the_top_is_refused),
		cmocka_unit_test(the_form_of_systemd_is_none_of_a_path),
		cmocka_unit_test(a_limit_is_refused_and_nothing_is_planned),
		cmocka_unit_test(a_plan_that_has_no_memory_fails),
		cmocka_unit_test(the_owner_is_who_runs_the_program),
		cmocka_unit_test(a_plan_is_printed_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/unit/cmocka.h"

#include "planning.h"

static void a_mount_label_is_an_option_of_what_is_made(void **state)
{
	struct planning *p = *state;
	struct key_value kind = {"run.oci.mount_context_type", "rootcontext"};
	struct spec_mount mounts[] = {
		{.destination = "/tmp",    .type = "tmpfs",  .source = "tmpfs" },
		{.destination = "/proc",   .type = "proc",   .source = "proc"  },
		{.destination = "/mqueue", .type = "mqueue", .source = "mqueue"},
		{.destination = "/data",   .type = "bind",   .source = "/tmp"  },
	};

	p->spec.mounts = (mount_list){mounts, ARRAY_SIZE(mounts)};
	p->spec.linux_.mount_label = "system_u:object_r:container_file_t:s0:c1,c2";
	assert_int_equal(plan_on(p, &made_up), 0);
	assert_int_equal(p->plan->mounts[0].data_count, 1);
	assert_string_equal(p->plan->mounts[0].data[0].key, "context");
	assert_string_equal(p->plan->mounts[0].data[0].value, p->spec.linux_.mount_label);
	for (size_t i = 1; i < ARRAY_SIZE(mounts); i++)
		assert_int_equal(p->plan->mounts[i].data_count, 0);
	p->spec.annotations.item = &kind;
	p->spec.annotations.count = 1;
	assert_int_equal(plan_on(p, &made_up), 0);
	assert_string_equal(p->plan->mounts[0].data[0].key, "rootcontext");
	kind.value = "nonsense";
	assert_int_equal(plan_on(p, &made_up), -1);
	assert_string_equal(p->err.object, "annotations[\"run.oci.mount_context_type\"]");
}

static void mounts_of_the_same_ids_share_a_user_namespace(void **state)
{
	struct planning *p = *state;
	static struct spec_id_map map = {0, 1000, 1}, other = {0, 1000, 2};
	const id_map_list one = {&map, 1}, two = {&other, 1};
	struct spec_mount mounts[4];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		mounts[i] = (struct spec_mount){.destination = "/a",
		                                .type = "bind",
		                                .source = "/a",
		                                .uid_mappings = one};
		mounts[i].gid_mappings = i == 3 ? two : one;
	}
	mounts[1].uid_mappings.count = mounts[1].gid_mappings.count = 0;
	p->spec.mounts = (mount_list){mounts, ARRAY_SIZE(mounts)};
	assert_int_equal(plan_on(p, &made_up), 0);
	assert_non_null(rootfs_idmaps(p->plan, &count));
	assert_int_equal(count, 2);
	assert_int_equal(p->plan->mounts[0].idmap, 1);
	assert_int_equal(p->plan->mounts[1].idmap, 0);
	assert_int_equal(p->plan->mounts[2].idmap, 1);
	assert_int_equal(p->plan->mounts[3].idmap, 2);
}

static void id_maps_need_the_rights_of_root(void **state)
{
	struct planning *p = *state;
	static const struct host plain = {.made_up = true};
	const char *words[] = {"idmap"};
	struct spec_mount mount = {
		.destination = "/a",
		.type = "bind",
		.source = "/a",
		.options = {words, 1}
        };

	p->spec.mounts = (mount_list){&mount, 1};
	p->spec.linux_.namespaces[NAMESPACE_USER].set = true;
	assert_int_equal(plan_on(p, &plain), -1);
	assert_string_equal(p->err.object, "mounts[0].options");
	assert_int_equal(p->err.kind, ERROR_UNSUPPORTED);
	assert_int_equal(plan_on(p, &made_up), 0);
	assert_null(p->plan->idmaps[0].uids);
}

static void to_remove_mounts_needs_their_destinations_alone(void **state)
{
	struct planning *p = *state;
	struct spec_mount mounts[] = {
		{.destination = "a//b/", .type = "bind", .source = "/nonexistent"},
		{.destination = "/c",    .type = "none", .source = "x"           },
	};
	struct rootfs_request request = {.spec = &p->spec,
	                                 .host = &real,
	                                 .bundle = "/bundle",
	                                 .removal = true};

	p->spec = (struct spec){
		.root_path = "/",
		.mounts = {mounts, ARRAY_SIZE(mounts)}
        };
	assert_int_equal(rootfs_plan_mounts(&request, p->arena, &p->plan, &p->err), 0);
	assert_string_equal(p->plan->mounts[0].destination, "/a/b");
	mounts[1].destination = "/.";
	assert_int_equal(rootfs_plan_mounts(&request, p->arena, &p->plan, &p->err), -1);
	assert_string_equal(p->err.object, "mounts[1].destination: /");
}

static void mounts_that_can_not_be_are_refused_with_their_path(void **state)
{
	struct planning *p = *state;
	static struct spec_id_map map = {0, 1000, 1};
	struct {
		struct spec_mount mount;
		const char *object;
	} cases[] = {
		{{.destination = "/a", .type = "bind", .source = "/nonexistent"},
	         "mounts[0].source: /nonexistent"						     },
		{{.destination = "/a", .type = "bind"},                             "mounts[0].source"},
		{{.destination = "/a", .source = "x"},                              "mounts[0].type"  },
		{{.destination = "/a", .type = "tmpfs", .uid_mappings = {&map, 1}},
	         "mounts[0].uidMappings"							      },
	};

	p->spec.root_path = "/etc";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		p->spec.mounts.item = &cases[i].mount;
		p->spec.mounts.count = 1;
		assert_int_equal(plan_on(p, &real), -1);
		assert_string_equal(p->err.object, cases[i].object);
	}
}

static void a_read_only_tmpfs_gets_read_only_at_the_end(void **state)
{
	struct planning *p = *state;
	const char *words[] = {"ro", "nosuid"};
	struct spec_mount mounts[] = {
		{.destination = "dev//", .type = "tmpfs", .options = {words, 2}},
		{.destination = "/sys",  .type = "sysfs", .options = {words, 2}},
		{.destination = "/data", .type = "bind",  .source = "data"     },
	};

	p->spec.mounts = (mount_list){mounts, ARRAY_SIZE(mounts)};
	assert_int_equal(plan_on(p, &made_up), 0);
	assert_string_equal(p->plan->mounts[0].destination, "/dev");
	assert_true(p->plan->mounts[0].late_readonly && p->plan->mounts[0].no_link);
	assert_true(p->plan->mounts[0].set == MOUNT_ATTR_NOSUID);
	assert_false(p->plan->mounts[1].late_readonly);
	assert_true(p->plan->mounts[1].set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY));
	assert_string_equal(p->plan->mounts[2].source, "/bundle/data");
}

static void destinations_are_cleaned(void **state)
{
	struct planning *p = *state;
	static const char *const cases[][2] = {
		{"/a",        "/a"     },
                {"a/b",       "/a/b"   },
                {"//a//b//",  "/a/b"   },
                {"/./a/./.b", "/a/.b"  },
		{"/",         "/"      },
                {".",         "/"      },
                {"/a/../b",   "/a/../b"},
	};
	struct spec_mount mount = {.type = "tmpfs"};

	p->spec.mounts = (mount_list){&mount, 1};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		mount.destination = cases[i][0];
		assert_int_equal(plan_on(p, &made_up), 0);
		assert_string_equal(p->plan->mounts[0].destination, cases[i][1]);
	}
}

static void a_bind_is_private_unless_it_says_otherwise(void **state)
{
	struct planning *p = *state;
	const char *words[] = {"rslave"};
	struct spec_mount mounts[] = {
		{.destination = "/a", .type = "bind",   .source = "a"},
		{.destination = "/b",                   .type = "bind",                 .source = "b", .options = {words, 1}},
		{.destination = "/c",      .type = "tmpfs"},
	};

	p->spec.mounts = (mount_list){mounts, ARRAY_SIZE(mounts)};
	assert_int_equal(plan_on(p, &made_up), 0);
	assert_true(p->plan->mounts[0].propagation == (MS_PRIVATE | MS_REC));
	assert_true(p->plan->mounts[1].propagation == (MS_SLAVE | MS_REC));
	assert_true(p->plan->mounts[2].propagation == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PLANNING_TEST(a_mount_label_is_an_option_of_what_is_made),
		PLANNING_TEST(mounts_of_the_same_ids_share_a_user_namespace),
		PLANNING_TEST(id_maps_need_the_rights_of_root),
		PLANNING_TEST(to_remove_mounts_needs_their_destinations_alone),
		PLANNING_TEST(mounts_that_can_not_be_are_refused_with_their_path),
		PLANNING_TEST(a_read_only_tmpfs_gets_read_only_at_the_end),
		PLANNING_TEST(destinations_are_cleaned),
		PLANNING_TEST(a_bind_is_private_unless_it_says_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/plan/plan.h"
#include "tests/unit/cmocka.h"

#define CONFIG(namespaces, options)                                                                \
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},"                                \
	"\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"user\":{\"uid\":7,\"gid\":8}},"            \
	"\"mounts\":[{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"gid=5\"]},"         \
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"options\":[" options "]}],"           \
	"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}" namespaces "]}}"

static const struct host plain = {.uid = 1000, .gid = 1001, .made_up = true};

static const struct spec *read_config(const char *text, struct arena *arena)
{
	const struct spec *spec;
	struct error err;

	assert_int_equal(spec_read("config.json", text, strlen(text), arena, &spec, &err), 0);
	return spec;
}

static void who_has_rights_or_a_namespace_is_given_none(void **state)
{
	static const struct host root = {.privileged = true, .made_up = true};
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct spec *without = read_config(CONFIG("", ""), arena);
	const struct spec *with = read_config(
		CONFIG(",{\"type\":\"user\",\"path\":\"/proc/self/ns/user\"}", ""), arena);
	const struct spec *spec = without;
	struct error err;

	(void)state;
	assert_int_equal(plan_user_namespace(&spec, &root, arena, &err), 0);
	assert_ptr_equal(spec, without);
	spec = with;
	assert_int_equal(plan_user_namespace(&spec, &plain, arena, &err), 0);
	assert_ptr_equal(spec, with);
}

static void a_plain_user_is_given_one_and_it_is_planned_as_the_configs_own(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct spec *asked = read_config(CONFIG("", ""), arena), *spec = asked;
	struct plan_request request = {.host = &plain, .id = "web", .bundle = "/bundle"};
	struct plan *plan;
	struct error err;

	(void)state;
	assert_int_equal(plan_user_namespace(&spec, &plain, arena, &err), 1);
	assert_false(asked->linux_.namespaces[NAMESPACE_USER].set);
	assert_int_equal(spec->linux_.uid_mappings.item[0].container_id, 7);
	assert_int_equal(spec->linux_.uid_mappings.item[0].host_id, 1000);
	assert_int_equal(spec->linux_.gid_mappings.item[0].container_id, 8);
	assert_int_equal(spec->linux_.gid_mappings.item[0].host_id, 1001);
	request.spec = spec;
	assert_int_equal(plan_from_spec(&request, arena, &plan, &err), 0);
	assert_true(plan->namespaces[NAMESPACE_USER].fresh);
	assert_true(plan->isolated & 1U << NAMESPACE_USER);
	plan_close(plan);
}

static void terminals_are_given_to_no_group_that_is_not_mapped(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct spec *asked = read_config(
		CONFIG("", "\"gid=5\",\"mode=620\",\"gid=8\",\"gid=x\",\"gid=4294967296\""), arena);
	const struct spec *spec = asked;
	struct error err;

	(void)state;
	assert_int_equal(plan_user_namespace(&spec, &plain, arena, &err), 1);
	assert_int_equal(asked->mounts.item[1].options.count, 5);
	assert_int_equal(spec->mounts.item[1].options.count, 4);
	assert_string_equal(spec->mounts.item[1].options.item[0], "mode=620");
	assert_string_equal(spec->mounts.item[1].options.item[1], "gid=8");
	/* what is another file system's was asked for */
	assert_int_equal(spec->mounts.item[0].options.count, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_rights_or_a_namespace_is_given_none),
		cmocka_unit_test(a_plain_user_is_given_one_and_it_is_planned_as_the_configs_own),
		cmocka_unit_test(terminals_are_given_to_no_group_that_is_not_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "spec/spec.h"
#include "tests/unit/cmocka.h"

/* The template, read back as a document. */
static const struct json *written(int64_t uid, int64_t gid, struct text *out, struct arena *arena)
{
	struct json_writer w = {.out = out, .indent = 2};
	const struct json *top = NULL;
	struct error err = {0};

	spec_write_template(&w, uid, gid);
	assert_int_equal(text_check(out, &err), 0);
	assert_int_equal(json_read("config.json", out->bytes, out->length, arena, &top, &err), 0);
	return top;
}

/* The element of an array whose member `key` is this text. */
static const struct json *element(const struct json *array, const char *key, const char *text)
{
	assert_non_null(array);
	for (const struct json *item = array->first; item; item = item->next) {
		const char *found = json_member_text(item, key);

		if (found && strcmp(found, text) == 0)
			return item;
	}
	return NULL;
}

static bool has_text(const struct json *array, const char *text)
{
	assert_non_null(array);
	for (const struct json *item = array->first; item; item = item->next)
		if (item->type == JSON_STRING && strcmp(item->text, text) == 0)
			return true;
	return false;
}

static void the_template_is_a_shell_in_new_namespaces(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	const struct json *top = written(-1, -1, &out, arena);
	const struct json *namespaces = json_member(json_member(top, "linux"), "namespaces");
	const struct json *process = json_member(top, "process");

	(void)state;
	assert_string_equal(json_member_text(top, "ociVersion"), "1.3.0");
	assert_true(json_member(process, "terminal")->truth);
	assert_true(json_member(process, "noNewPrivileges")->truth);
	assert_string_equal(json_member_text(process, "cwd"), "/");
	assert_true(has_text(json_member(process, "args"), "sh"));
	assert_int_equal(namespaces->count, 6);
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		assert_int_equal(element(namespaces, "type", namespace_names[i]) != NULL,
		                 i != NAMESPACE_USER && i != NAMESPACE_TIME);
}

static void the_template_denies_devices_and_gives_no_ambient_capability(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	const struct json *top = written(-1, -1, &out, arena);
	const struct json *sets = json_member(json_member(top, "process"), "capabilities");
	const struct json *resources = json_member(json_member(top, "linux"), "resources");
	const struct json *rules = json_member(resources, "devices");

	(void)state;
	assert_int_equal(resources->count, 1);
	assert_int_equal(rules->count, 1);
	assert_false(json_member(rules->first, "allow")->truth);
	assert_string_equal(json_member_text(rules->first, "access"), "rwm");
	assert_null(json_member(sets, "ambient"));
	assert_null(json_member(sets, "inheritable"));
	assert_int_equal(json_member(sets, "bounding")->count, 3);
	assert_int_equal(json_member(sets, "effective")->count, 3);
	assert_int_equal(json_member(sets, "permitted")->count, 3);
}

static void mounts_stand_in_the_order_in_which_they_cover_each_other(void **state)
{
	static const char *const order[] = {
		"/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup",
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	const struct json *mounts = json_member(written(-1, -1, &out, arena), "mounts");
	const struct json *mount = mounts->first;

	(void)state;
	assert_int_equal(mounts->count, ARRAY_SIZE(order));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++, mount = mount->next)
		assert_string_equal(json_member_text(mount, "destination"), order[i]);
}

static void rootless_maps_one_user_and_leaves_out_groups_it_has_not(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text root = {0}, user = {0};
	const struct json *rooted = written(-1, -1, &root, arena);
	const struct json *rootless = written(1000, 1001, &user, arena);
	const struct json *linux_object = json_member(rootless, "linux");
	const struct json *map = json_member(linux_object, "gidMappings")->first;
	const struct json *pts =
		element(json_member(rootless, "mounts"), "destination", "/dev/pts");
	int64_t number = -1;

	(void)state;
	assert_null(json_member(json_member(rooted, "linux"), "uidMappings"));
	assert_non_null(element(json_member(linux_object, "namespaces"), "type", "user"));
	assert_true(json_to_i64(json_member(map, "hostID"), &number) && number == 1001);
	map = json_member(linux_object, "uidMappings")->first;
	assert_true(json_to_i64(json_member(map, "hostID"), &number) && number == 1000);
	assert_true(json_to_i64(json_member(map, "size"), &number) && number == 1);
	assert_false(has_text(json_member(pts, "options"), "gid=5"));
	pts = element(json_member(rooted, "mounts"), "destination", "/dev/pts");
	assert_true(has_text(json_member(pts, "options"), "gid=5"));
}

static void what_is_written_is_a_config_that_can_be_read(void **state)
{
	static const int64_t ids[] = {-1, 0, 1000, 4294967294};
	owned_arena struct arena *arena = arena_new(4 << 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		owned_text struct text out = {0};
		const struct spec *spec = NULL;
		struct error err = {0};

		(void)written(ids[i], ids[i], &out, arena);
		assert_int_equal(
			spec_read("config.json", out.bytes, out.length, arena, &spec, &err), 0);
		assert_string_equal(spec->root_path, "rootfs");
		assert_true(spec->root_readonly && spec->process.terminal);
		assert_int_equal(spec->mounts.count, 7);
		assert_int_equal(spec->linux_.namespaces[NAMESPACE_USER].set, ids[i] >= 0);
		assert_int_equal(spec->linux_.uid_mappings.count, ids[i] >= 0 ? 1 : 0);
		assert_int_equal(spec->linux_.resources.devices.count, ids[i] < 0 ? 1 : 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_template_is_a_shell_in_new_namespaces),
		cmocka_unit_test(the_template_denies_devices_and_gives_no_ambient_capability),
		cmocka_unit_test(mounts_stand_in_the_order_in_which_they_cover_each_other),
		cmocka_unit_test(rootless_maps_one_user_and_leaves_out_groups_it_has_not),
		cmocka_unit_test(what_is_written_is_a_config_that_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

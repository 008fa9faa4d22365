/* SPDX-License-Identifier: Apache-2.0 */
#include "../../base/scratch.h"
#include "base/table.h"
#include "microvm/image/find.h"
#include "tests/unit/cmocka.h"

static void versions_are_ordered_as_packages_are(void **state)
{
	static const char *const rising[] = {
		"",
		"1",
		"5.10.0-30-amd64",
		"6.1.0-9-amd64",
		"6.1.0-9-cloud-amd64",
		"6.1.0-10-cloud-amd64",
		"6.1.76",
		"6.6.13+bpo-amd64",
		"6.12~rc1",
		"6.12",
		"6.12-arch1-1",
		"6.12.0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rising); i++)
		for (size_t j = 0; j < ARRAY_SIZE(rising); j++) {
			int found = version_compare(rising[i], rising[j]);

			assert_int_equal((found > 0) - (found < 0), (i > j) - (i < j));
		}
	assert_int_equal(version_compare("6.01", "6.1"), 0);
}

static void folders(const struct scratch *scratch, const char *path)
{
	char part[256];

	for (const char *c = strchr(path, '/'); c; c = strchr(c + 1, '/')) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)(c - path), path);
		if (!scratch_exists(scratch, part))
			scratch_folder(scratch, part);
	}
	if (!scratch_exists(scratch, path))
		scratch_folder(scratch, path);
}

static void debian(const struct scratch *scratch, const char *release)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "usr/lib/modules/%s", release);
	folders(scratch, path);
	folders(scratch, "boot");
	(void)snprintf(path, sizeof(path), "boot/vmlinuz-%s", release);
	scratch_file(scratch, path, release);
}

static void find_in(const struct scratch *scratch, struct sources *sources, struct candidates *ret)
{
	struct error err = {0};

	assert_int_equal(find_kernels(scratch->path, sources, ret, &err), 0);
}

static void the_newest_for_clouds_comes_first(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct sources sources = {.arena = arena};
	struct candidates all;

	debian(scratch, "6.12.0-1-amd64");
	debian(scratch, "6.1.0-9-cloud-amd64");
	debian(scratch, "6.1.0-10-cloud-amd64");
	debian(scratch, "6.1.0-10-amd64");
	scratch_file(scratch, "boot/vmlinuz-7.0", "has no modules");
	scratch_file(scratch, "boot/config-7.0", "");
	scratch_folder(scratch, "boot/vmlinuz-6.12.0-1-amd64.d");
	find_in(scratch, &sources, &all);
	assert_int_equal(all.count, 4);
	assert_string_equal(all.list[0].release, "6.1.0-10-cloud-amd64");
	assert_string_equal(all.list[1].release, "6.1.0-9-cloud-amd64");
	assert_string_equal(all.list[2].release, "6.12.0-1-amd64");
	assert_string_equal(all.list[3].release, "6.1.0-10-amd64");
}

static void a_kernel_beside_its_modules_is_found_once(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct sources sources = {.arena = arena};
	struct candidates all;

	folders(scratch, "usr/lib/modules/6.9.1-arch1-1");
	scratch_file(scratch, "usr/lib/modules/6.9.1-arch1-1/vmlinuz", "x");
	folders(scratch, "usr/lib/modules/6.8.1-arch1-1");
	scratch_link(scratch, "usr/lib", "lib");
	find_in(scratch, &sources, &all);
	assert_int_equal(all.count, 1);
	assert_string_equal(all.list[0].release, "6.9.1-arch1-1");
	assert_non_null(strstr(all.list[0].kernel, "/lib/modules/6.9.1-arch1-1/vmlinuz"));
}

static void a_kernel_that_comes_is_seen_in_what_was_noted(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct sources sources = {.arena = arena};
	struct candidates all;
	size_t changed = 0;

	find_in(scratch, &sources, &all);
	assert_int_equal(all.count, 0);
	for (size_t i = 0; i < sources.count; i++)
		assert_true(source_holds(&sources.list[i]));
	debian(scratch, "6.1.0-9-cloud-amd64");
	for (size_t i = 0; i < sources.count; i++)
		changed += !source_holds(&sources.list[i]);
	assert_int_equal(changed, 2);
}

static void modules_are_found_in_both_places(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct sources sources = {.arena = arena};
	struct error err = {0};
	const char *path;

	folders(scratch, "usr/lib/modules/6.1");
	folders(scratch, "lib/modules/6.2");
	assert_int_equal(find_modules(scratch->path, "6.1", &sources, &path, &err), 0);
	assert_non_null(strstr(path, "/usr/lib/modules/6.1"));
	assert_int_equal(find_modules(scratch->path, "6.2", &sources, &path, &err), 0);
	assert_null(strstr(path, "/usr"));
	assert_int_equal(find_modules(scratch->path, "6.3", &sources, &path, &err), 0);
	assert_null(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_ordered_as_packages_are),
		SCRATCH_TEST(the_newest_for_clouds_comes_first),
		SCRATCH_TEST(a_kernel_beside_its_modules_is_found_once),
		SCRATCH_TEST(a_kernel_that_comes_is_seen_in_what_was_noted),
		SCRATCH_TEST(modules_are_found_in_both_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>

#include "base/text.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

/* Configurations that others wrote: the specification's own examples, and what engines handed to
 * their runtimes. They lie beside the tree, and not everywhere. */

static const char schema_good[] = "../shared/oci-schema/test/config/good";
static const char schema_bad[] = "../shared/oci-schema/test/config/bad";
static const char engine_samples[] = "../shared/engine-samples";

static int read_config(const char *name, const char *bytes, size_t length, struct error *err)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec *spec = NULL;

	return spec_read(name, bytes, length, arena, &spec, err);
}

static int read_process(const char *name, const char *bytes, size_t length, struct error *err)
{
	owned_arena struct arena *arena = new_arena();
	struct spec_process *process = NULL;

	return spec_read_process(name, bytes, length, arena, &process, err);
}

static void load(const char *path, struct text *out)
{
	FILE *file = fopen(path, "r");
	char bytes[4096];
	size_t length;

	assert_non_null(file);
	while ((length = fread(bytes, 1, sizeof(bytes), file)) > 0)
		text_append_n(out, bytes, length);
	assert_int_equal(fclose(file), 0);
}

/* Read one file as what its name says it is. */
static int read_file(const char *folder, const char *name, struct error *err)
{
	owned_text struct text document = {0};
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	load(path, &document);
	if (strstr(name, "-process"))
		return read_process(name, document.bytes, document.length, err);
	return read_config(name, document.bytes, document.length, err);
}

static DIR *open_or_skip(const char *folder)
{
	DIR *dir = opendir(folder);

	if (!dir) {
		print_message("%s is not there: its files are not tried\n", folder);
		skip();
	}
	return dir;
}

/* Good examples that ask for another platform or another major version. */
static const struct refusal not_for_us[] = {
	{"freebsd-example.json", "freebsd",    "another platform" },
	{"freebsd-minimal.json", "freebsd",    "another platform" },
	{"spec-example.json",    "ociVersion", "found '0.5.0-dev'"},
	{"zos-example.json",     "ociVersion", "found '0.5.0-dev'"},
	{"zos-minimal.json",     "zos",        "another platform" },
};

static const struct refusal *expected_refusal(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_for_us); i++)
		if (strcmp(not_for_us[i].members, name) == 0)
			return &not_for_us[i];
	return NULL;
}

static void good_examples_of_the_specification_are_read(void **state)
{
	DIR *dir = open_or_skip(schema_good);
	size_t count = 0;

	(void)state;
	for (struct dirent *entry; (entry = readdir(dir));) {
		const struct refusal *refusal = expected_refusal(entry->d_name);
		struct error err = {0};

		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (refusal) {
			assert_int_equal(read_file(schema_good, entry->d_name, &err), -1);
			refused_as(&err, refusal->object, refusal->part);
		} else if (read_file(schema_good, entry->d_name, &err) < 0) {
			FAIL("%s: %s: %s", entry->d_name, err.object, err.reason);
		}
	}
	(void)closedir(dir);
	assert_true(count > ARRAY_SIZE(not_for_us));
}

/* The long example, with a version that it could have. */
static void the_long_example_is_read_but_for_its_version(void **state)
{
	owned_text struct text document = {0};
	struct error err = {0};
	char *version;
	char path[512];

	(void)state;
	(void)closedir(open_or_skip(schema_good));
	(void)snprintf(path, sizeof(path), "%s/spec-example.json", schema_good);
	load(path, &document);
	version = strstr(document.bytes, "0.5.0-dev");
	assert_non_null(version);
	*version = '1';
	read_well(read_config("config.json", document.bytes, document.length, &err), &err);
}

static void bad_examples_of_the_specification_are_refused(void **state)
{
	DIR *dir = open_or_skip(schema_bad);
	size_t count = 0;

	(void)state;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct error err = {0};

		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (read_file(schema_bad, entry->d_name, &err) == 0)
			FAIL("%s is taken", entry->d_name);
		assert_true(*err.object && *err.reason);
	}
	(void)closedir(dir);
	assert_true(count > 0);
}

static void what_engines_write_is_read(void **state)
{
	DIR *dir = open_or_skip(engine_samples);
	size_t count = 0;
	size_t wrong = 0;

	(void)state;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct error err = {0};

		if (!text_ends(entry->d_name, ".json"))
			continue;
		count++;
		if (read_file(engine_samples, entry->d_name, &err) == 0)
			continue;
		print_error("%s: %s: %s\n", entry->d_name, err.object, err.reason);
		wrong++;
	}
	(void)closedir(dir);
	assert_true(count > 0);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_examples_of_the_specification_are_read),
		cmocka_unit_test(the_long_example_is_read_but_for_its_version),
		cmocka_unit_test(bad_examples_of_the_specification_are_refused),
		cmocka_unit_test(what_engines_write_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

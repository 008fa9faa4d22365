/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/text.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static int try_spec(const char *bytes, size_t length, struct error *err)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec *spec = NULL;
	int result = spec_read("config.json", bytes, length, arena, &spec, err);

	assert_int_equal(result == 0, spec != NULL);
	return result;
}

static int try_text(const char *text, struct error *err)
{
	return try_spec(text, strlen(text), err);
}

static void the_least_configuration_is_a_version(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec *spec = read_spec(arena, "");

	(void)state;
	assert_string_equal(spec->oci_version, "1.3.0");
	assert_null(spec->root_path);
	assert_null(spec->hostname);
	assert_true(!spec->process.set && !spec->linux_.set && !spec->vm.set);
	assert_int_equal(spec->mounts.count, 0);
}

static void the_top_members_are_read(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec *spec = read_spec(
		arena,
		"\"root\": {\"path\": \"rootfs\", \"readonly\": true}, \"hostname\": \"h\","
		"\"domainname\": \"d\", \"annotations\": {\"org.a\": \"1\", \"org.b\": \"\"},"
		"\"linux\": {\"namespaces\": [{\"type\": \"uts\"}]}, \"platform\": 5");

	(void)state;
	assert_string_equal(spec->root_path, "rootfs");
	assert_true(spec->root_readonly);
	assert_string_equal(spec->hostname, "h");
	assert_string_equal(spec->domainname, "d");
	assert_string_equal(spec_annotation(spec, "org.a"), "1");
	assert_string_equal(spec_annotation(spec, "org.b"), "");
	assert_null(spec_annotation(spec, "org"));
	assert_null(spec_annotation(spec, ""));
}

static void versions_of_the_first_major_are_taken(void **state)
{
	static const struct {
		const char *version;
		const char *wrong; /* NULL: right */
	} cases[] = {
		{"1.0.0",            NULL			       },
		{"1.3.0",            NULL			       },
		{"1.0.2-dev",        NULL                               },
		{"1.99.0",           NULL			       },
		{"1.0.0-rc.5+dev.1", NULL                               },
		{"1.2.3+b-1",        NULL                               },
		{"0.5.0-dev",        "a version from 1.0.0, below 2.0.0"},
		{"2.0.0",            "a version from 1.0.0, below 2.0.0"},
		{"10.0.0",           "a version from 1.0.0, below 2.0.0"},
		{"1",                "a version such as 1.3.0"          },
		{"1.0",              "a version such as 1.3.0"          },
		{"1.0.0.0",          "a version such as 1.3.0"          },
		{"1.0.0-",           "a version such as 1.3.0"          },
		{"1.0.0-a..b",       "a version such as 1.3.0"          },
		{"1.0.0+",           "a version such as 1.3.0"          },
		{"1.0.0+a+b",        "a version such as 1.3.0"          },
		{"01.0.0",           "a version such as 1.3.0"          },
		{"v1.0.0",           "a version such as 1.3.0"          },
		{"-1.0.0",           "a version such as 1.3.0"          },
		{"",                 "a version such as 1.3.0"          },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];
		struct error err = {0};

		(void)snprintf(text, sizeof(text), "{\"ociVersion\": \"%s\"}", cases[i].version);
		if ((try_text(text, &err) == 0) != !cases[i].wrong)
			FAIL("'%s': %s", cases[i].version, err.reason);
		if (cases[i].wrong)
			refused_as(&err, "ociVersion", cases[i].wrong);
	}
}

static void what_is_no_document_is_refused_as_such(void **state)
{
	static const struct refusal cases[] = {
		{"",									  "config.json", ""                                  },
		{" \n",								       "config.json", ""                                  },
		{"[]",									"config.json", "expected an object, found an array"},
		{"null",								      "config.json", "expected an object, found null"    },
		{"{}",									"ociVersion",  "is required"                       },
		{"{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"a\", \"path\": \"b\"}}",
	         "root.path",										""				  },
		{"{\"ociVersion\": \"1.0.0\"} {}",                                            "config.json", ""                                  },
		{"{\"ociVersion\": \"1.0.0\", \"hostname\": \"a\\u0000b\"}",                  "hostname",    ""                                  },
	};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(try_text(cases[i].members, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_true(*err.reason);
		assert_true(text_begins(err.object, cases[i].object));
		assert_non_null(strstr(err.reason, cases[i].part));
	}
	/* a character that is cut short */
	assert_int_equal(try_text("{\"ociVersion\": \"1.0.0\", \"hostname\": \"\xc3\"}", &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void nesting_without_end_is_refused(void **state)
{
	owned_text struct text config = {0};
	struct error err = {0};

	(void)state;
	text_append(&config, "{\"ociVersion\": \"1.0.0\", \"x\": ");
	for (int i = 0; i < 100000; i++)
		text_append(&config, "[");
	assert_int_equal(try_spec(config.bytes, config.length, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_true(*err.reason);
}

static void a_file_of_a_hundred_megabytes_is_refused(void **state)
{
	enum { LENGTH = 100 << 20 };
	char *bytes = malloc(LENGTH);
	struct error err = {0};

	(void)state;
	assert_non_null(bytes);
	memset(bytes, ' ', LENGTH);
	memcpy(bytes, "{\"ociVersion\": \"1.0.0\"}", 23);
	assert_int_equal(try_spec(bytes, LENGTH, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.object, "config.json");
	free(bytes);
}

/* Many members that nobody knows must not cost more than their reading. */
static void very_many_unknown_members_are_ignored(void **state)
{
	owned_text struct text config = {0};
	struct error err = {0};

	(void)state;
	text_append(&config, "{");
	for (int i = 0; i < 100000; i++)
		text_format(&config, "\"m%d\": null, ", i);
	text_append(&config, "\"ociVersion\": \"1.0.0\"}");
	read_well(try_spec(config.bytes, config.length, &err), &err);
}

static void an_arena_that_is_too_small_is_an_error(void **state)
{
	static const char text[] =
		"{\"ociVersion\": \"1.0.0\", \"mounts\": [{\"destination\": \"/a\"},"
		"{\"destination\": \"/b\", \"options\": [\"ro\"]}], \"linux\": {\"namespaces\":"
		"[{\"type\": \"pid\"}, {\"type\": \"uts\"}]}, \"hostname\": \"h\"}";
	bool read = false;

	(void)state;
	for (size_t limit = 1; !read; limit += 16) {
		owned_arena struct arena *arena = arena_new(limit);
		const struct spec *spec = NULL;
		struct error err = {0};

		assert_true(limit < 1 << 20);
		read = spec_read("c", text, strlen(text), arena, &spec, &err) == 0;
		assert_true(read ? spec->linux_.namespaces[NAMESPACE_UTS].set : *err.reason != 0);
		assert_int_equal(read, spec != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_configuration_is_a_version),
		cmocka_unit_test(the_top_members_are_read),
		cmocka_unit_test(versions_of_the_first_major_are_taken),
		cmocka_unit_test(what_is_no_document_is_refused_as_such),
		cmocka_unit_test(nesting_without_end_is_refused),
		cmocka_unit_test(a_file_of_a_hundred_megabytes_is_refused),
		cmocka_unit_test(very_many_unknown_members_are_ignored),
		cmocka_unit_test(an_arena_that_is_too_small_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

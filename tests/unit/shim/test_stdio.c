/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio.h"
#include "shim/uri.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

static void a_path_is_decoded_without_its_query(void **state)
{
	static const struct {
		const char *uri, *path, *query;
	} cases[] = {
		{"/a",            "/a",     NULL      },
		{"/a%20b%2fC",    "/a b/C", NULL      },
		{"/a+b?to=%20&x", "/a+b",   "to=%20&x"},
		{"/a%3Fb?q#c?d",  "/a?b",   "q"       },
		{"/a%4",          "/a%4",   NULL      },
		{"/a%zz%",        "/a%zz%", NULL      },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *query;

		(void)snprintf(text, sizeof(text), "%s", cases[i].uri);
		query = uri_split(text);
		assert_string_equal(text, cases[i].path);
		assert_int_equal(query != NULL, cases[i].query != NULL);
		if (query)
			assert_string_equal(query, cases[i].query);
	}
}

/* Write a word to each output. */
static void write_to(const char *out, const char *errors)
{
	const struct stdio_request request = {
		.paths = {"", out, errors}
        };
	struct stdio io;
	struct error err;

	assert_int_equal(stdio_open(&request, &io, &err), 0);
	assert_int_equal(write(io.end[1], "out ", 4), 4);
	assert_int_equal(write(io.end[2], "error ", 6), 6);
	stdio_close(&io);
}

static void the_folders_of_a_log_are_made(void **state)
{
	const struct scratch *scratch = *state;
	char uri[128], text[64];

	(void)snprintf(uri, sizeof(uri), "file://%s/new/a%%20folder/log?x=y", scratch->path);
	write_to(uri, uri);
	assert_string_equal(scratch_text(scratch, "new/a folder/log", text, sizeof(text)),
	                    "out error ");
}

static void a_log_without_an_absolute_path_is_refused(void **state)
{
	const struct stdio_request request = {
		.paths = {"", "file://log", ""}
        };
	struct stdio io;
	struct error err;

	(void)state;
	assert_int_equal(stdio_open(&request, &io, &err), -1);
	assert_non_null(strstr(err.reason, "absolute path"));
	stdio_close(&io);
}

static void both_outputs_may_be_one_plain_file_that_has_something(void **state)
{
	const struct scratch *scratch = *state;
	char path[128], text[64];

	scratch_file(scratch, "log", "before ");
	(void)snprintf(path, sizeof(path), "%s/log", scratch->path);
	write_to(path, path);
	assert_string_equal(scratch_text(scratch, "log", text, sizeof(text)), "before out error ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_decoded_without_its_query),
		SCRATCH_TEST(the_folders_of_a_log_are_made),
		cmocka_unit_test(a_log_without_an_absolute_path_is_refused),
		SCRATCH_TEST(both_outputs_may_be_one_plain_file_that_has_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

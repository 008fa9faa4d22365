/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>

#include "runtime/process/process.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

static int find(const char *program, const char *path, char *found, struct error *err)
{
	char *args[] = {(char *)(uintptr_t)program, NULL};
	char variable[512];
	char *env[] = {variable, NULL};
	const struct process_plan plan = {.args = args, .env = path ? env : env + 1};

	(void)snprintf(variable, sizeof(variable), "PATH=%s", path ? path : "");
	memset(err, 0, sizeof(*err));
	return process_find(&plan, found, PATH_MAX, err);
}

static void a_name_is_searched_in_order(void **state)
{
	const struct scratch *s = *state;
	char path[256], wanted[256], found[PATH_MAX];
	struct error err;

	scratch_folder(s, "a");
	scratch_folder(s, "b");
	scratch_file(s, "a/tool", "not executable");
	scratch_file(s, "b/tool", "");
	assert_int_equal(fchmodat(s->dir, "b/tool", 0755, 0), 0);
	(void)snprintf(path, sizeof(path), "%s/no:%s/a:%s/b", s->path, s->path, s->path);
	(void)snprintf(wanted, sizeof(wanted), "%s/b/tool", s->path);
	assert_int_equal(find("tool", path, found, &err), 0);
	assert_string_equal(found, wanted);
	(void)snprintf(path, sizeof(path), "%s/a", s->path);
	assert_int_equal(find("tool", path, found, &err), -1);
	assert_string_equal(err.reason, "exec: permission denied");
}

static void the_words_of_failure_are_the_engines(void **state)
{
	const struct scratch *s = *state;
	char path[256], found[PATH_MAX];
	struct error err;

	assert_int_equal(find("no-such-tool", s->path, found, &err), -1);
	assert_string_equal(err.object, "no-such-tool");
	assert_string_equal(err.reason, "executable file not found in $PATH");
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(find("/no/such/tool", NULL, found, &err), -1);
	assert_string_equal(err.reason, "exec: no such file or directory");
	assert_int_equal(find(s->path, NULL, found, &err), -1);
	assert_string_equal(err.reason, "exec: permission denied: it is a directory");
	scratch_file(s, "plain", "");
	(void)snprintf(path, sizeof(path), "%s/plain", s->path);
	assert_int_equal(find(path, NULL, found, &err), -1);
	assert_string_equal(err.reason, "exec: permission denied: no x is set in its mode");
	assert_int_equal(err.errnum, EACCES);
}

static void without_path_the_usual_places_are_searched(void **state)
{
	char found[PATH_MAX];
	struct error err;

	(void)state;
	assert_int_equal(find("sh", NULL, found, &err), 0);
	assert_int_equal(found[0], '/');
	assert_int_equal(find("sh", "", found, &err), -1); /* empty: here only */
}

static void an_empty_part_is_the_working_directory(void **state)
{
	static const char *const paths[] = {"", ":/no", "/no::/no", "/no:"};
	const struct scratch *s = *state;
	char here[PATH_MAX], found[PATH_MAX];
	struct error err;

	scratch_file(s, "tool", "");
	assert_int_equal(fchmodat(s->dir, "tool", 0755, 0), 0);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(fchdir(s->dir), 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int result = find("tool", paths[i], found, &err);

		if (result < 0)
			print_error("PATH='%s'\n", paths[i]);
		assert_int_equal(result, 0);
		assert_string_equal(found, "./tool");
	}
	assert_int_equal(chdir(here), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_name_is_searched_in_order),
		SCRATCH_TEST(the_words_of_failure_are_the_engines),
		cmocka_unit_test(without_path_the_usual_places_are_searched),
		SCRATCH_TEST(an_empty_part_is_the_working_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "runtime/plan/plan.h"
#include "tests/unit/cmocka.h"

/* tests/golden/NAME.json is a config, NAME.plan what becomes of it on a machine that is made up: a
 * change of a plan is seen here first, without any rights. CELLA_GOLDEN=write writes them anew. */

static const char folder[] = "tests/golden";

static void give_up(const struct error *err)
{
	print_error("%s: %s\n", err->object, err->reason);
	_fail(__FILE__, __LINE__);
}

static char *read_text(const char *name, const char *end, struct arena *arena, size_t *ret_length)
{
	struct error err;
	char *bytes = NULL;

	if (fd_read_file(AT_FDCWD, arena_format(arena, "%s/%s%s", folder, name, end), 1 << 20,
	                 arena, &bytes, ret_length, &err) < 0)
		give_up(&err);
	return bytes;
}

static void plan_text(const char *name, struct arena *arena, struct text *out)
{
	const struct host host = {.capabilities = ~0ULL,
	                          .bounding = ~0ULL,
	                          .privileged = true,
	                          .made_up = true};
	struct plan_request request = {.host = &host, .id = "web", .bundle = "/bundle"};
	struct json_writer w = {.out = out, .indent = 2};
	struct plan *plan = NULL;
	struct error err;
	size_t length;
	char *config = read_text(name, ".json", arena, &length);

	if (spec_read("config.json", config, length, arena, &request.spec, &err) < 0 ||
	    plan_from_spec(&request, arena, &plan, &err) < 0)
		give_up(&err);
	plan_print(plan, &w);
	text_append(out, "\n");
	plan_close(plan);
}

static void compare(const char *name)
{
	owned_arena struct arena *arena = arena_new(1 << 24);
	owned_text struct text out = {0};
	const char *mode = getenv("CELLA_GOLDEN");
	struct error err;
	size_t length;

	plan_text(name, arena, &out);
	if (mode && strcmp(mode, "write") == 0) {
		owned_fd dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_int_equal(file_replace(dir, arena_format(arena, "%s.plan", name), out.bytes,
		                              out.length, 0644, &err),
		                 0);
	}
	assert_string_equal(out.bytes, read_text(name, ".plan", arena, &length));
}

static void a_default_container(void **state)
{
	(void)state;
	compare("default");
}

static void a_plain_users_container(void **state)
{
	(void)state;
	compare("rootless");
}

static void a_container_with_all_that_is_there(void **state)
{
	(void)state;
	compare("everything");
}

static void joined_namespaces(void **state)
{
	(void)state;
	compare("joined");
}

static void every_config_has_a_test(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int configs = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		configs += text_ends(entry->d_name, ".json");
	(void)closedir(dir);
	assert_int_equal(configs, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_default_container),
		cmocka_unit_test(a_plain_users_container),
		cmocka_unit_test(a_container_with_all_that_is_there),
		cmocka_unit_test(joined_namespaces),
		cmocka_unit_test(every_config_has_a_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

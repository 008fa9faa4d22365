/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/table.h"
#include "base/text.h"
#include "runtime/plan/plan.h"
#include "runtime/process/process.h"
#include "tests/unit/cmocka.h"

/* What engines handed to their runtimes, planned for a machine that is made up. They lie beside the tree, and not
 * everywhere. */

static const char *samples(void)
{
	static char path[512];
	const char *shared = getenv("SHARED");

	(void)snprintf(path, sizeof(path), "%s/engine-samples", shared ? shared : "../shared");
	return path;
}

static const struct host host = {.capabilities = ~0ULL,
                                 .bounding = ~0ULL,
                                 .privileged = true,
                                 .made_up = true};

/* What an engine can ask of cgroup v1 alone, and what no kernel does: NAME, where. */
static const struct {
	const char *name, *object;
} refused[] = {
	{"docker-config-run-rm-m-64m-memory-swap-64m-memory-reservat.json",
         "linux.resources.memory.swappiness"						   },
	{"podman-config-run-rm-v-tmp-t-rshared-idmap.json",                 "mounts[0].options"},
};

static const char *refusal_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (strcmp(refused[i].name, name) == 0)
			return refused[i].object;
	return NULL;
}

static const char *read_sample(const char *name, struct arena *arena, size_t *ret_length)
{
	char *bytes = NULL;
	struct error err;

	assert_int_equal(fd_read_file(AT_FDCWD, arena_format(arena, "%s/%s", samples(), name),
	                              1 << 20, arena, &bytes, ret_length, &err),
	                 0);
	return bytes;
}

/* 0 means not set: nothing is written for it. */
static void zeros_are_not_set(const struct spec *spec, const char *plan)
{
	const struct spec_resources *r = &spec->linux_.resources;

	if (r->cpu.shares.set && r->cpu.shares.value == 0)
		assert_null(strstr(plan, "\"cpu.weight\""));
	if (r->block_io.weight.set && r->block_io.weight.value == 0)
		assert_null(strstr(plan, "io.weight\""));
	if (r->cpu.shares.set && r->cpu.shares.value > 2)
		assert_non_null(strstr(plan, "\"cpu.weight\""));
	if (r->memory.limit.value > 0)
		assert_non_null(strstr(plan, "\"memory.max\""));
	if (r->pids_limit.value > 0)
		assert_non_null(strstr(plan, "\"pids.max\""));
}

static void try_config(const char *name)
{
	owned_arena struct arena *arena = arena_new(1 << 25);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out, .indent = 2};
	struct plan_request request = {.host = &host, .id = "web", .bundle = "/bundle"};
	struct plan *plan = NULL;
	struct error err = {0};
	size_t length = 0;
	const char *bytes = read_sample(name, arena, &length);

	if (spec_read(name, bytes, length, arena, &request.spec, &err) == 0) {
		request.systemd = request.spec->linux_.cgroups_path &&
		                  strchr(request.spec->linux_.cgroups_path, ':');
		if (plan_from_spec(&request, arena, &plan, &err) == 0) {
			plan_print(plan, &w);
			zeros_are_not_set(request.spec, out.bytes);
			plan_close(plan);
			return;
		}
	}
	if (refusal_of(name) && strcmp(refusal_of(name), err.object) == 0)
		return;
	print_error("%s: %s: %s\n", name, err.object, err.reason);
	_fail(__FILE__, __LINE__);
}

/* As exec would: in a container that has all that there is. */
static void try_process(const char *name)
{
	owned_arena struct arena *arena = arena_new(1 << 25);
	struct spec_process *process = NULL;
	const struct spec spec = {.oci_version = "1.3.0"};
	struct process_plan *plan = NULL;
	struct error err = {0};
	size_t length = 0;
	const char *bytes = read_sample(name, arena, &length);

	if (spec_read_process(name, bytes, length, arena, &process, &err) == 0 &&
	    plan_exec(&spec, process, &host, arena, &plan, &err) == 0) {
		assert_int_equal(plan->uid, process->user.uid);
		assert_int_equal(plan->env_count, process->env.count);
		assert_int_equal(plan->terminal, process->terminal);
		return;
	}
	print_error("%s: %s: %s\n", name, err.object, err.reason);
	_fail(__FILE__, __LINE__);
}

static void every_sample_is_taken(void **state)
{
	DIR *dir = opendir(samples());
	int count = 0;

	(void)state;
	if (!dir) {
		print_message("%s is not there: its files are not tried\n", samples());
		skip();
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (!text_ends(entry->d_name, ".json"))
			continue;
		count++;
		if (strstr(entry->d_name, "-process"))
			try_process(entry->d_name);
		else
			try_config(entry->d_name);
	}
	(void)closedir(dir);
	assert_true(count > (int)ARRAY_SIZE(refused));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

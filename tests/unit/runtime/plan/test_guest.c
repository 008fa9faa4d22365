/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "runtime/plan/plan.h"
#include "tests/unit/cmocka.h"

#define CONFIG(more)                                                                               \
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},"                                \
	"\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"}," more "}"

#define MOUNT "\"namespaces\":[{\"type\":\"mount\"}]"

static const struct spec *read_config(const char *text, struct arena *arena)
{
	const struct spec *spec;
	struct error err;

	assert_int_equal(spec_read("config.json", text, strlen(text), arena, &spec, &err), 0);
	return spec;
}

static void the_guest_keeps_memory_and_pids_the_host_time_and_disks(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct spec *asked = read_config(
		CONFIG("\"linux\":{\"namespaces\":[{\"type\":\"network\"},{\"type\":\"pid\"}],"
	               "\"resources\":{\"pids\":{\"limit\":7},\"cpu\":{\"shares\":9},"
	               "\"unified\":{\"memory.high\":\"1\",\"io.max\":\"2\",\"pids.max\":\"3\"}}}"),
		arena);
	const struct spec *guest = plan_guest(asked, arena);
	struct spec_resources host = asked->linux_.resources;

	(void)state;
	assert_true(guest->linux_.resources.pids_limit.set);
	assert_false(guest->linux_.resources.cpu.shares.set);
	assert_true(asked->linux_.resources.cpu.shares.set);
	assert_false(guest->linux_.namespaces[NAMESPACE_NETWORK].set);
	assert_true(guest->linux_.namespaces[NAMESPACE_PID].set);
	assert_int_equal(guest->linux_.resources.unified.count, 2);
	plan_split_unified(&host, false, arena);
	assert_int_equal(host.unified.count, 1);
	assert_string_equal(host.unified.item[0].key, "io.max");
	assert_int_equal(asked->linux_.resources.unified.count, 3);
}

static void of_the_hooks_the_guest_runs_those_that_are_in_its_root(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct spec *guest =
		plan_guest(read_config(CONFIG("\"hooks\":{\"createContainer\":[{\"path\":\"/a\"}],"
	                                      "\"startContainer\":[{\"path\":\"/b\"}],"
	                                      "\"poststop\":[{\"path\":\"/c\"}]}"),
	                               arena),
	                   arena);

	(void)state;
	assert_int_equal(guest->hooks[HOOK_CREATE_CONTAINER].count, 0);
	assert_int_equal(guest->hooks[HOOK_START_CONTAINER].count, 1);
	assert_int_equal(guest->hooks[HOOK_POSTSTOP].count, 0);
}

static void what_the_guest_would_refuse_is_refused_before_it_is_there(void **state)
{
	static const struct {
		const char *config, *object;
	} all[] = {
		{CONFIG("\"linux\":{" MOUNT ","
	                "\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}}"),
	         NULL			    },
		{CONFIG("\"linux\":{" MOUNT
	                "},\"mounts\":[{\"destination\":\"/x\",\"type\":\"tmpfs\","
	                "\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}],"
	                "\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}]"),
	         "mounts[0].uidMappings"         },
		{CONFIG("\"linux\":{" MOUNT ",\"sysctl\":{\"kernel.panic\":\"1\"}}"),
	         "linux.sysctl[\"kernel.panic\"]"},
		{CONFIG("\"linux\":{" MOUNT
	                "},\"mounts\":[{\"destination\":\"/x\",\"source\":\"/y\","
	                "\"options\":[\"tmpcopyup\",\"bind\"]}]"),
	         "mounts[0].options"             },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		int result;
		struct plan_request request = {.id = "c", .bundle = "/bundle"};
		struct error err = {0};

		request.spec = read_config(all[i].config, arena);
		result = plan_check_guest(&request, arena, &err);
		if (result < 0 && !all[i].object)
			print_error("%s: %s\n", err.object, err.reason);
		assert_int_equal(result, all[i].object ? -1 : 0);
		if (all[i].object)
			assert_string_equal(err.object, all[i].object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_guest_keeps_memory_and_pids_the_host_time_and_disks),
		cmocka_unit_test(of_the_hooks_the_guest_runs_those_that_are_in_its_root),
		cmocka_unit_test(what_the_guest_would_refuse_is_refused_before_it_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

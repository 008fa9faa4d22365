/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/program.h"
#include "base/table.h"
#include "microvm/parts.h"
#include "tests/unit/cmocka.h"

#define CONFIG(more)                                                                               \
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\",\"readonly\":true},"              \
	"\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"env\":[\"COLOR=red\"],"                    \
	"\"terminal\":true},"                                                                      \
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"           \
	"{\"destination\":\"/data\",\"source\":\"/srv\",\"options\":[\"rbind\",\"ro\"]},"          \
	"{\"destination\":\"/etc/hosts\",\"source\":\"hosts\",\"options\":[\"bind\"]}]" more "}"

#define NAMESPACES(network)                                                                        \
	"\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}," network "{\"type\":\"ipc\"}]"
#define NETWORK "{\"type\":\"network\"},"

static const struct spec *read_config(const char *text, struct arena *arena)
{
	const struct spec *spec;
	struct error err;

	if (spec_read("config.json", text, strlen(text), arena, &spec, &err) < 0) {
		print_error("%s: %s\n", err.object, err.reason);
		_fail(__FILE__, __LINE__);
	}
	return spec;
}

static const struct spec_mount *find_mount(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->mounts.count; i++)
		if (strcmp(spec->mounts.item[i].destination, destination) == 0)
			return &spec->mounts.item[i];
	return NULL;
}

static bool has(const text_list *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->item[i], word) == 0)
			return true;
	return false;
}

static void binds_are_shares_by_number(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct spec *spec =
		read_config(CONFIG(",\"linux\":{" NAMESPACES(NETWORK) "}"), arena);

	(void)state;
	assert_string_equal(room_shares(spec, arena), "1 1\n2 2\n");
}

static void what_a_machine_can_not_do_is_refused_by_name(void **state)
{
	static const struct {
		const char *config, *object;
	} all[] = {
		{CONFIG(",\"linux\":{" NAMESPACES("") "}"),                                                        "linux.namespaces"},
		{CONFIG(",\"linux\":{" NAMESPACES(
			 NETWORK) "},\"vm\":{\"kernel\":{\"path\":\"/k\"},"
	                          "\"hypervisor\":{\"path\":\"/usr/bin/qemu\"}}"),
	         "vm.hypervisor"												     },
		{CONFIG(",\"linux\":{" NAMESPACES(
			 NETWORK) "},\"vm\":{\"kernel\":{\"path\":\"/k\"},"
	                          "\"image\":{\"path\":\"/i\",\"format\":\"qcow2\"}}"),
	         "vm.image.format"												   },
		{CONFIG(",\"linux\":{" NAMESPACES(NETWORK) "},\"vm\":{\"kernel\":{\"path\":\"/k\"},"
	                                                   "\"hwConfig\":{\"vcpus\":65}}"),
	         "vm.hwConfig.vcpus"												 },
		{CONFIG(",\"linux\":{" NAMESPACES(NETWORK) "},\"vm\":{\"kernel\":{\"path\":\"/k\"},"
	                                                   "\"hwConfig\":{\"memory\":1048576}}"),
	         "vm.hwConfig.memory"												},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct plan_request request = {.spec = read_config(all[i].config, arena)};
		struct error err;

		assert_int_equal(room_prepare(&request, arena, &err), -1);
		assert_string_equal(err.object, all[i].object);
	}
}

static void a_machine_has_what_is_asked_for(void **state)
{
	static const struct {
		const char *more;
		uint64_t mib;
		unsigned int processors;
	} all[] = {
		{",\"linux\":{" NAMESPACES(NETWORK) "}",                                                       1024, 1},
		{",\"linux\":{" NAMESPACES(
			 NETWORK) ",\"resources\":{\"memory\":{\"limit\":67108864},"
	                          "\"cpu\":{\"quota\":150000,\"period\":100000}}}",           160,  2},
		{",\"linux\":{" NAMESPACES(
			 NETWORK) "},\"vm\":{\"kernel\":{\"path\":\"/k\"},"
	                          "\"hwConfig\":{\"vcpus\":4,\"memory\":268435456}}",         256,  4},
		{",\"annotations\":{\"krun.cpus\":\"3\",\"krun.ram_mib\":\"512\"},\"linux\":"
	         "{" NAMESPACES(NETWORK) ",\"resources\":{\"memory\":{\"limit\":67108864}}}",
	         512,												3},
		{",\"annotations\":{\"krun.cpus\":\"3\",\"krun.ram_mib\":\"512\"},\"linux\":"
	         "{" NAMESPACES(NETWORK) "},\"vm\":{\"kernel\":{\"path\":\"/k\"},"
	                                 "\"hwConfig\":{\"vcpus\":4,\"memory\":268435456}}",  256,  4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		char config[2048];
		struct machine machine;
		struct error err;

		(void)snprintf(config, sizeof(config), "%.*s%s}", (int)strlen(CONFIG("")) - 1,
		               CONFIG(""), all[i].more);
		assert_int_equal(machine_plan(read_config(config, arena), &machine, &err), 0);
		assert_int_equal(machine.memory_bytes, all[i].mib << 20);
		assert_int_equal(machine.processors, all[i].processors);
	}
}

static void not_planned(const char *more, const char *object)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	char config[2048];
	struct machine machine;
	struct error err;

	(void)snprintf(config, sizeof(config), "%.*s,%s}", (int)strlen(CONFIG("")) - 1, CONFIG(""),
	               more);
	assert_int_equal(machine_plan(read_config(config, arena), &machine, &err), -1);
	assert_string_equal(err.object, object);
}

struct wish {
	const char *name, *value;
};

static void what_no_machine_can_have_is_refused_by_the_name_that_was_written(void **state)
{
	static const char vm[] = "\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"%s\":%s}}";
	static const struct wish annotations[] = {
		{"krun.cpus",    "0"         },
                {"krun.cpus",    "-1"        },
                {"krun.cpus",    "two"       },
		{"krun.cpus",    "4294967296"},
                {"krun.cpus",    "1 "        },
                {"krun.cpus",    "65"        },
		{"krun.ram_mib", "63"        },
                {"krun.ram_mib", "16777217"  },
	};
	static const struct wish members[] = {
		{"vcpus",  "65"            },
		{"memory", "66060288"      },
		{"memory", "17592186044417"},
	};
	char more[512], object[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(annotations); i++) {
		(void)snprintf(more, sizeof(more), "\"annotations\":{\"%s\":\"%s\"}",
		               annotations[i].name, annotations[i].value);
		(void)snprintf(object, sizeof(object), "annotations[\"%s\"]", annotations[i].name);
		not_planned(more, object);
	}
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		(void)snprintf(more, sizeof(more), vm, members[i].name, members[i].value);
		(void)snprintf(object, sizeof(object), "vm.hwConfig.%s", members[i].name);
		not_planned(more, object);
	}
	not_planned("\"linux\":{\"resources\":{\"memory\":{\"limit\":9223372036854771712}}}",
	            "linux.resources.memory.limit");
}

/* The program must be installed for the whole of it: then the room has the shares and nothing else of the host. */
static void the_room_has_nothing_but_the_shares(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct spec *asked =
		read_config(CONFIG(",\"linux\":{" NAMESPACES(
				    NETWORK) ",\"sysctl\":{\"net.core.somaxconn\":\"9\"},"
	                                     "\"resources\":{\"memory\":{\"limit\":67108864},"
	                                     "\"pids\":{\"limit\":5}}}"
	                                     ",\"hooks\":{\"createContainer\":["
	                                     "{\"path\":\"/a\"},{\"path\":\"/b\",\"env\":[]}]}"),
	                    arena);
	const struct host host = {.made_up = true};
	struct plan_request request = {.spec = asked, .host = &host};
	struct error err;
	const struct spec *room;

	char self[PATH_MAX] = "", *tests;

	(void)state;
	/* the build that this test is of */
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 8) > 0);
	tests = strstr(self, "/tests/unit/");
	assert_non_null(tests);
	(void)memcpy(tests, "/cella", sizeof("/cella"));
	program_remember(self);
	if (room_prepare(&request, arena, &err) < 0) {
		assert_string_equal(err.object, "cella-vmm");
		skip();
	}
	room = request.spec;
	assert_true(request.start_at_once);
	assert_true(room->root_readonly);
	assert_string_equal(room->process.args.item[0], "/cella-vmm");
	assert_true(room->process.no_new_privileges);
	assert_int_equal(room->linux_.sysctl.count, 0);
	assert_non_null(find_mount(room, "/"));
	assert_true(has(&find_mount(room, "/shares/0")->options, "rro"));
	assert_true(has(&find_mount(room, "/shares/1")->options, "rro"));
	assert_false(has(&find_mount(room, "/shares/2")->options, "rro"));
	for (unsigned int i = 0; i < 3; i++) {
		const char *const paths[] = {"/shares/0", "/shares/1", "/shares/2"};

		assert_true(has(&find_mount(room, paths[i])->options, "rnodev"));
		assert_true(has(&find_mount(room, paths[i])->options, "rnosuid"));
		assert_true(has(&find_mount(room, paths[i])->options, "rnoexec"));
	}
	/* nothing of the kernel but processes can be written to */
	assert_true(has(&find_mount(room, "/proc")->options, "subset=pid"));
	assert_false(has(&room->process.capabilities.permitted, "CAP_MKNOD"));
	assert_false(has(&room->process.capabilities.permitted, "CAP_DAC_READ_SEARCH"));
	assert_null(find_mount(room, "/data"));
	assert_false(room->linux_.resources.pids_limit.set);
	assert_true(room->linux_.resources.memory.limit.value > 160 << 20);
	/* what is run beside the monitor is for the container */
	assert_true(has(&room->hooks[HOOK_CREATE_CONTAINER].item[0].env, "COLOR=red"));
	assert_int_equal(room->hooks[HOOK_CREATE_CONTAINER].item[1].env.count, 0);
	assert_int_equal(room->process.env.count, 0);
	/* the config itself is as it was */
	assert_false(asked->hooks[HOOK_CREATE_CONTAINER].item[0].has_env);
	assert_int_equal(asked->mounts.count, 3);
	assert_int_equal(asked->linux_.resources.memory.limit.value, 67108864);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_are_shares_by_number),
		cmocka_unit_test(what_a_machine_can_not_do_is_refused_by_name),
		cmocka_unit_test(a_machine_has_what_is_asked_for),
		cmocka_unit_test(what_no_machine_can_have_is_refused_by_the_name_that_was_written),
		cmocka_unit_test(the_room_has_nothing_but_the_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

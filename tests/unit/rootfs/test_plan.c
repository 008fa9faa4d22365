/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#undef fail /* base/error.h has its own */
/* clang-format on */

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/table.h"
#include "rootfs/steps.h"

static const struct host made_up = {.privileged = true, .made_up = true};
static const struct host real = {.privileged = true};

/* A spec that is planned without complaint. */
static struct spec simple(void)
{
	struct spec spec = {.root_path = "rootfs"};

	spec.linux_.set = true;
	spec.linux_.namespaces[NAMESPACE_MOUNT].set = true;
	return spec;
}

static int plan_on(const struct host *host, const struct spec *spec, struct arena *arena,
                   struct rootfs_plan **ret_plan, struct error *err)
{
	struct rootfs_request request = {.spec = spec, .host = host, .bundle = "/bundle"};

	return rootfs_plan(&request, arena, ret_plan, err);
}

static void a_relative_root_is_below_the_bundle(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_string_equal(rootfs_path(plan), "/bundle/rootfs");
}

static void a_root_that_is_missing_or_no_directory_is_refused(void **state)
{
	static const char *const paths[] = {"/nonexistent", "/etc/passwd", "/"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		spec.root_path = paths[i];
		assert_int_equal(plan_on(&real, &spec, arena, &plan, &err), -1);
		assert_int_equal(strncmp(err.object, "root.path", 9), 0);
	}
}

static void without_a_mount_namespace_nothing_is_planned(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.linux_.namespaces[NAMESPACE_MOUNT].set = false;
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), -1);
	assert_string_equal(err.object, "linux.namespaces");
}

static void a_mount_label_is_an_option_of_what_is_made(void **state)
{
	struct key_value kind = {"run.oci.mount_context_type", "rootcontext"};
	struct spec_mount mounts[] = {
		{.destination = "/tmp",    .type = "tmpfs",  .source = "tmpfs" },
		{.destination = "/proc",   .type = "proc",   .source = "proc"  },
		{.destination = "/mqueue", .type = "mqueue", .source = "mqueue"},
		{.destination = "/data",   .type = "bind",   .source = "/tmp"  },
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.mounts.item = mounts;
	spec.mounts.count = ARRAY_SIZE(mounts);
	spec.linux_.mount_label = "system_u:object_r:container_file_t:s0:c1,c2";
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_int_equal(plan->mounts[0].data_count, 1);
	assert_string_equal(plan->mounts[0].data[0].key, "context");
	assert_string_equal(plan->mounts[0].data[0].value, spec.linux_.mount_label);
	for (size_t i = 1; i < ARRAY_SIZE(mounts); i++)
		assert_int_equal(plan->mounts[i].data_count, 0);
	spec.annotations.item = &kind;
	spec.annotations.count = 1;
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_string_equal(plan->mounts[0].data[0].key, "rootcontext");
	kind.value = "nonsense";
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), -1);
	assert_string_equal(err.object, "annotations[\"run.oci.mount_context_type\"]");
}

static void mounts_of_the_same_ids_share_a_user_namespace(void **state)
{
	static struct spec_id_map map = {0, 1000, 1}, other = {0, 1000, 2};
	const id_map_list one = {&map, 1}, two = {&other, 1};
	struct spec_mount mounts[4];
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		mounts[i] = (struct spec_mount){.destination = "/a",
		                                .type = "bind",
		                                .source = "/a",
		                                .uid_mappings = one};
		mounts[i].gid_mappings = i == 3 ? two : one;
	}
	mounts[1].uid_mappings.count = mounts[1].gid_mappings.count = 0;
	spec.mounts.item = mounts;
	spec.mounts.count = ARRAY_SIZE(mounts);
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_non_null(rootfs_idmaps(plan, &count));
	assert_int_equal(count, 2);
	assert_int_equal(plan->mounts[0].idmap, 1);
	assert_int_equal(plan->mounts[1].idmap, 0);
	assert_int_equal(plan->mounts[2].idmap, 1);
	assert_int_equal(plan->mounts[3].idmap, 2);
}

static void id_maps_need_the_rights_of_root(void **state)
{
	static const struct host plain = {.made_up = true};
	const char *words[] = {"idmap"};
	struct spec_mount mount = {
		.destination = "/a",
		.type = "bind",
		.source = "/a",
		.options = {words, 1}
        };
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.mounts.item = &mount;
	spec.mounts.count = 1;
	spec.linux_.namespaces[NAMESPACE_USER].set = true;
	assert_int_equal(plan_on(&plain, &spec, arena, &plan, &err), -1);
	assert_string_equal(err.object, "mounts[0].options");
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_null(plan->idmaps[0].uids);
}

static void to_remove_mounts_needs_their_destinations_alone(void **state)
{
	struct spec_mount mounts[] = {
		{.destination = "a//b/", .type = "bind", .source = "/nonexistent"},
		{.destination = "/c",    .type = "none", .source = "x"           },
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = {.root_path = "/"};
	struct rootfs_request request = {.spec = &spec,
	                                 .host = &real,
	                                 .bundle = "/bundle",
	                                 .removal = true};
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.mounts.item = mounts;
	spec.mounts.count = ARRAY_SIZE(mounts);
	assert_int_equal(rootfs_plan_mounts(&request, arena, &plan, &err), 0);
	assert_string_equal(plan->mounts[0].destination, "/a/b");
	mounts[1].destination = "/.";
	assert_int_equal(rootfs_plan_mounts(&request, arena, &plan, &err), -1);
	assert_string_equal(err.object, "mounts[1].destination: /");
}

static void mounts_that_can_not_be_are_refused_with_their_path(void **state)
{
	static struct spec_id_map map = {0, 1000, 1};
	struct {
		struct spec_mount mount;
		const char *object;
	} cases[] = {
		{{.destination = "/a", .type = "bind", .source = "/nonexistent"},
	         "mounts[0].source: /nonexistent"						     },
		{{.destination = "/a", .type = "bind"},                             "mounts[0].source"},
		{{.destination = "/a", .source = "x"},                              "mounts[0].type"  },
		{{.destination = "/a", .type = "tmpfs", .uid_mappings = {&map, 1}},
	         "mounts[0].uidMappings"							      },
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.root_path = "/etc";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		spec.mounts.item = &cases[i].mount;
		spec.mounts.count = 1;
		assert_int_equal(plan_on(&real, &spec, arena, &plan, &err), -1);
		assert_string_equal(err.object, cases[i].object);
	}
}

static void a_read_only_tmpfs_gets_read_only_at_the_end(void **state)
{
	const char *words[] = {"ro", "nosuid"};
	struct spec_mount mounts[] = {
		{.destination = "dev//", .type = "tmpfs", .options = {words, 2}},
		{.destination = "/sys",  .type = "sysfs", .options = {words, 2}},
		{.destination = "/data", .type = "bind",  .source = "data"     },
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.mounts.item = mounts;
	spec.mounts.count = ARRAY_SIZE(mounts);
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_string_equal(plan->mounts[0].destination, "/dev");
	assert_true(plan->mounts[0].late_readonly && plan->mounts[0].no_link);
	assert_true(plan->mounts[0].set == MOUNT_ATTR_NOSUID);
	assert_false(plan->mounts[1].late_readonly);
	assert_true(plan->mounts[1].set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY));
	assert_string_equal(plan->mounts[2].source, "/bundle/data");
}

static void a_listed_device_replaces_a_default_one(void **state)
{
	struct spec_device device = {
		.path = "/dev/null",
		.type = 'c',
		.major = 1,
		.minor = 3,
		.mode = {true, 0600}
        };
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_int_equal(plan->nodes_count, 6);
	assert_int_equal(plan->nodes[0].mode, S_IFCHR | 0666);
	spec.linux_.devices.item = &device;
	spec.linux_.devices.count = 1;
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_int_equal(plan->nodes_count, 6);
	assert_string_equal(plan->nodes[5].path, "/dev/null");
	assert_int_equal(plan->nodes[5].mode, S_IFCHR | 0600);
	assert_true(plan->nodes[5].number == makedev(1, 3));
}

static int plan_sysctl(const char *key, enum namespace_type type, char *path, size_t size,
                       struct error *err)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct key_value entry = {key, "1"};
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;

	spec.linux_.sysctl.item = &entry;
	spec.linux_.sysctl.count = 1;
	spec.linux_.namespaces[type].set = true;
	if (plan_on(&made_up, &spec, arena, &plan, err) < 0)
		return -1;
	assert_true(strlen(plan->sysctls[0].path) < size);
	memcpy(path, plan->sysctls[0].path, strlen(plan->sysctls[0].path) + 1);
	return 0;
}

static void sysctls_of_a_namespace_become_paths(void **state)
{
	static const struct {
		const char *key;
		enum namespace_type type;
		const char *path;
	} cases[] = {
		{"net.ipv4.ip_forward",      NAMESPACE_NETWORK, "sys/net/ipv4/ip_forward"     },
		{"net/ipv4/conf/eth0.1/mtu", NAMESPACE_NETWORK, "sys/net/ipv4/conf/eth0.1/mtu"},
		{"net.ipv4.conf.eth0/1.mtu", NAMESPACE_NETWORK, "sys/net/ipv4/conf/eth0.1/mtu"},
		{"kernel.shmmax",            NAMESPACE_IPC,     "sys/kernel/shmmax"           },
		{"fs.mqueue.msg_max",        NAMESPACE_IPC,     "sys/fs/mqueue/msg_max"       },
		{"kernel.domainname",        NAMESPACE_UTS,     "sys/kernel/domainname"       },
	};
	struct error err;
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(plan_sysctl(cases[i].key, cases[i].type, path, sizeof(path), &err),
		                 0);
		assert_string_equal(path, cases[i].path);
	}
}

static void sysctls_that_would_change_the_host_are_refused(void **state)
{
	static const char *const keys[] = {
		"kernel.core_pattern",
		"kernel.shmmax",
		"kernel.shmmax.x",
		"vm.swappiness",
		"net/../kernel/panic",
		"net.//.kernel.panic",
		"net..x",
		"net.",
		"",
		"fs.mqueue",
	};
	struct error err;
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		assert_int_equal(plan_sysctl(keys[i], NAMESPACE_NETWORK, path, sizeof(path), &err),
		                 -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_int_equal(strncmp(err.object, "linux.sysctl[\"", 14), 0);
	}
}

static void a_sysctl_of_a_namespace_that_is_ours_is_refused(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct key_value entry = {"net.ipv4.ip_forward", "1"};
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.root_path = "/etc";
	spec.linux_.sysctl.item = &entry;
	spec.linux_.sysctl.count = 1;
	spec.linux_.namespaces[NAMESPACE_NETWORK].set = true;
	assert_int_equal(plan_on(&real, &spec, arena, &plan, &err), 0);
	spec.linux_.namespaces[NAMESPACE_NETWORK].path = "/proc/self/ns/net";
	assert_int_equal(plan_on(&real, &spec, arena, &plan, &err), -1);
	assert_string_equal(err.object, "linux.sysctl[\"net.ipv4.ip_forward\"]");
}

static void device_numbers_that_mknod_would_cut_are_refused(void **state)
{
	static const struct {
		int64_t major, minor;
		const char *object;
	} cases[] = {
		{-1,         0,          "linux.devices[0].major"},
		{4096,       3,          "linux.devices[0].major"},
		{4294967297, 3,          "linux.devices[0].major"},
		{1,          -1,         "linux.devices[0].minor"},
		{1,          1048576,    "linux.devices[0].minor"},
		{1,          4294967299, "linux.devices[0].minor"},
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec_device device = {.path = "/dev/x", .type = 'c'};
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.linux_.devices.item = &device;
	spec.linux_.devices.count = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		device.major = cases[i].major;
		device.minor = cases[i].minor;
		assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), -1);
		assert_string_equal(err.object, cases[i].object);
	}
	device.type = 'p'; /* has no number */
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
}

static void destinations_are_cleaned(void **state)
{
	static const char *const cases[][2] = {
		{"/a",        "/a"     },
                {"a/b",       "/a/b"   },
                {"//a//b//",  "/a/b"   },
                {"/./a/./.b", "/a/.b"  },
		{"/",         "/"      },
                {".",         "/"      },
                {"/a/../b",   "/a/../b"},
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec_mount mount = {.type = "tmpfs"};
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.mounts.item = &mount;
	spec.mounts.count = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		mount.destination = cases[i][0];
		assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
		assert_string_equal(plan->mounts[0].destination, cases[i][1]);
	}
}

static void a_bind_is_private_unless_it_says_otherwise(void **state)
{
	const char *words[] = {"rslave"};
	struct spec_mount mounts[] = {
		{.destination = "/a", .type = "bind",   .source = "a"},
		{.destination = "/b",                   .type = "bind",                 .source = "b", .options = {words, 1}},
		{.destination = "/c",      .type = "tmpfs"},
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec spec = simple();
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.mounts.item = mounts;
	spec.mounts.count = ARRAY_SIZE(mounts);
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	assert_true(plan->mounts[0].propagation == (MS_PRIVATE | MS_REC));
	assert_true(plan->mounts[1].propagation == (MS_SLAVE | MS_REC));
	assert_true(plan->mounts[2].propagation == 0);
}

static void the_plan_prints_as_json(void **state)
{
	const char *words[] = {"ro", "size=1m", "size=2m"};
	struct spec_mount mounts[] = {
		{.destination = "/t", .type = "tmpfs", .options = {words, 3}},
		{.destination = "/b", .type = "bind",  .source = "b"        },
	};
	struct key_value sysctls[] = {
		{"net.ipv4.ip_forward", "1"},
		{"net/ipv4/ip_forward", "0"},
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	struct spec spec = simple();
	const struct json *top = NULL;
	struct rootfs_plan *plan = NULL;
	struct error err;

	(void)state;
	spec.mounts.item = mounts;
	spec.mounts.count = ARRAY_SIZE(mounts);
	spec.linux_.sysctl.item = sysctls;
	spec.linux_.sysctl.count = ARRAY_SIZE(sysctls);
	spec.linux_.namespaces[NAMESPACE_NETWORK].set = true;
	assert_int_equal(plan_on(&made_up, &spec, arena, &plan, &err), 0);
	json_open(&w, NULL, '{');
	rootfs_print(plan, &w, "rootfs");
	json_close(&w);
	assert_int_equal(json_read("plan", out.bytes, out.length, arena, &top, &err), 0);
	top = json_member(json_member(top, "rootfs"), "mounts")->first;
	assert_int_equal(json_member(top, "data")->count, 2);
	assert_string_equal(json_member(top, "data")->first->text, "size=1m");
	assert_true(json_member(top, "readonlyAtTheEnd")->truth);
	assert_string_equal(json_member_text(top->next, "bind"), "/bundle/b");
	assert_string_equal(json_member_text(top->next, "propagation"), "rprivate");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relative_root_is_below_the_bundle),
		cmocka_unit_test(a_root_that_is_missing_or_no_directory_is_refused),
		cmocka_unit_test(without_a_mount_namespace_nothing_is_planned),
		cmocka_unit_test(a_mount_label_is_an_option_of_what_is_made),
		cmocka_unit_test(mounts_of_the_same_ids_share_a_user_namespace),
		cmocka_unit_test(id_maps_need_the_rights_of_root),
		cmocka_unit_test(to_remove_mounts_needs_their_destinations_alone),
		cmocka_unit_test(mounts_that_can_not_be_are_refused_with_their_path),
		cmocka_unit_test(a_read_only_tmpfs_gets_read_only_at_the_end),
		cmocka_unit_test(a_listed_device_replaces_a_default_one),
		cmocka_unit_test(sysctls_of_a_namespace_become_paths),
		cmocka_unit_test(sysctls_that_would_change_the_host_are_refused),
		cmocka_unit_test(a_sysctl_of_a_namespace_that_is_ours_is_refused),
		cmocka_unit_test(device_numbers_that_mknod_would_cut_are_refused),
		cmocka_unit_test(destinations_are_cleaned),
		cmocka_unit_test(a_bind_is_private_unless_it_says_otherwise),
		cmocka_unit_test(the_plan_prints_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/sysmacros.h>

#include "tests/unit/cmocka.h"

#include "planning.h"

static void a_relative_root_is_below_the_bundle(void **state)
{
	struct planning *p = *state;

	assert_int_equal(plan_on(p, &made_up), 0);
	assert_string_equal(rootfs_path(p->plan), "/bundle/rootfs");
}

static void a_root_that_is_missing_or_no_directory_is_refused(void **state)
{
	struct planning *p = *state;
	static const char *const paths[] = {"/nonexistent", "/etc/passwd", "/"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		p->spec.root_path = paths[i];
		assert_int_equal(plan_on(p, &real), -1);
		assert_int_equal(strncmp(p->err.object, "root.path", 9), 0);
	}
}

static void without_a_mount_namespace_nothing_is_planned(void **state)
{
	struct planning *p = *state;

	p->spec.linux_.namespaces[NAMESPACE_MOUNT].set = false;
	assert_int_equal(plan_on(p, &made_up), -1);
	assert_string_equal(p->err.object, "linux.namespaces");
}

static void a_listed_device_replaces_a_default_one(void **state)
{
	struct planning *p = *state;
	struct spec_device device = {
		.path = "/dev/null",
		.type = 'c',
		.major = 1,
		.minor = 3,
		.mode = {true, 0600}
        };

	assert_int_equal(plan_on(p, &made_up), 0);
	assert_int_equal(p->plan->nodes_count, 6);
	assert_int_equal(p->plan->nodes[0].mode, S_IFCHR | 0666);
	p->spec.linux_.devices.item = &device;
	p->spec.linux_.devices.count = 1;
	assert_int_equal(plan_on(p, &made_up), 0);
	assert_int_equal(p->plan->nodes_count, 6);
	assert_string_equal(p->plan->nodes[5].path, "/dev/null");
	assert_int_equal(p->plan->nodes[5].mode, S_IFCHR | 0600);
	assert_true(p->plan->nodes[5].number == makedev(1, 3));
}

static int plan_sysctl(struct planning *p, const char *key, enum namespace_type type)
{
	struct key_value entry = {key, "1"};
	int result;

	p->spec.linux_.sysctl.item = &entry;
	p->spec.linux_.sysctl.count = 1;
	p->spec.linux_.namespaces[type].set = true;
	result = plan_on(p, &made_up);
	p->spec.linux_.namespaces[type].set = false;
	return result;
}

static void sysctls_of_a_namespace_become_paths(void **state)
{
	struct planning *p = *state;
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

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(plan_sysctl(p, cases[i].key, cases[i].type), 0);
		assert_string_equal(p->plan->sysctls[0].path, cases[i].path);
	}
}

static void sysctls_that_would_change_the_host_are_refused(void **state)
{
	struct planning *p = *state;
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

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		assert_int_equal(plan_sysctl(p, keys[i], NAMESPACE_NETWORK), -1);
		assert_int_equal(p->err.kind, ERROR_CONFIG);
		assert_int_equal(strncmp(p->err.object, "linux.sysctl[\"", 14), 0);
	}
}

static void a_sysctl_of_a_namespace_that_is_ours_is_refused(void **state)
{
	struct planning *p = *state;
	struct key_value entry = {"net.ipv4.ip_forward", "1"};

	p->spec.root_path = "/etc";
	p->spec.linux_.sysctl.item = &entry;
	p->spec.linux_.sysctl.count = 1;
	p->spec.linux_.namespaces[NAMESPACE_NETWORK].set = true;
	assert_int_equal(plan_on(p, &real), 0);
	p->spec.linux_.namespaces[NAMESPACE_NETWORK].path = "/proc/self/ns/net";
	assert_int_equal(plan_on(p, &real), -1);
	assert_string_equal(p->err.object, "linux.sysctl[\"net.ipv4.ip_forward\"]");
}

static void device_numbers_that_mknod_would_cut_are_refused(void **state)
{
	struct planning *p = *state;
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
	struct spec_device device = {.path = "/dev/x", .type = 'c'};

	p->spec.linux_.devices.item = &device;
	p->spec.linux_.devices.count = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		device.major = cases[i].major;
		device.minor = cases[i].minor;
		assert_int_equal(plan_on(p, &made_up), -1);
		assert_string_equal(p->err.object, cases[i].object);
	}
	device.type = 'p'; /* has no number */
	assert_int_equal(plan_on(p, &made_up), 0);
}

static void the_plan_prints_as_json(void **state)
{
	struct planning *p = *state;
	const char *words[] = {"ro", "size=1m", "size=2m"};
	struct spec_mount mounts[] = {
		{.destination = "/t", .type = "tmpfs", .options = {words, 3}},
		{.destination = "/b", .type = "bind",  .source = "b"        },
	};
	struct key_value sysctls[] = {
		{"net.ipv4.ip_forward", "1"},
		{"net/ipv4/ip_forward", "0"},
	};
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	const struct json *top = NULL;

	p->spec.mounts = (mount_list){mounts, ARRAY_SIZE(mounts)};
	p->spec.linux_.sysctl.item = sysctls;
	p->spec.linux_.sysctl.count = ARRAY_SIZE(sysctls);
	p->spec.linux_.namespaces[NAMESPACE_NETWORK].set = true;
	assert_int_equal(plan_on(p, &made_up), 0);
	json_open(&w, NULL, '{');
	rootfs_print(p->plan, &w, "rootfs");
	json_close(&w);
	assert_int_equal(json_read("plan", out.bytes, out.length, p->arena, &top, &p->err), 0);
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
		PLANNING_TEST(a_relative_root_is_below_the_bundle),
		PLANNING_TEST(a_root_that_is_missing_or_no_directory_is_refused),
		PLANNING_TEST(without_a_mount_namespace_nothing_is_planned),
		PLANNING_TEST(a_listed_device_replaces_a_default_one),
		PLANNING_TEST(sysctls_of_a_namespace_become_paths),
		PLANNING_TEST(sysctls_that_would_change_the_host_are_refused),
		PLANNING_TEST(a_sysctl_of_a_namespace_that_is_ours_is_refused),
		PLANNING_TEST(device_numbers_that_mknod_would_cut_are_refused),
		PLANNING_TEST(the_plan_prints_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

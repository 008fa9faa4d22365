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

#include "cgroups/limits.h"

static void refused(const struct spec_resources *r, const char *controllers, const char *object,
                    const char *reason)
{
	struct error err;

	assert_int_equal(limits_refuse(r, controllers, &err), -1);
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_string_equal(err.object, object);
	assert_string_equal(err.reason, reason);
}

static void a_limit_is_refused_by_its_path_and_controller(void **state)
{
	struct spec_resources memory = {
		.memory.limit = {true, 4096}
        };
	struct spec_resources cpus = {.cpu.cpus = "0-1"};

	(void)state;
	refused(&memory, "cpu memory\n", "linux.resources.memory.limit",
	        "limits are not supported by this version of cella (wants the memory controller)");
	refused(&memory, "cpu memoryx\n", "linux.resources.memory.limit",
	        "this host has no memory controller in its cgroup v2 tree");
	refused(&cpus, "cpu", "linux.resources.cpu.cpus",
	        "this host has no cpuset controller in its cgroup v2 tree");
}

static void zero_minus_one_and_empty_are_no_limits(void **state)
{
	struct spec_resources r = {
		.memory.limit = {true, -1   },
		.memory.swap = {true, 0    },
		.memory.disable_oom_killer = {true, false},
		.memory.use_hierarchy = {true, true },
		.cpu.shares = {true, 0    },
		.cpu.quota = {true, -1   },
		.cpu.cpus = "",
		.pids_limit = {true, 0    }
        };
	struct error err;

	(void)state;
	assert_int_equal(limits_refuse(&r, "", &err), 0);
}

static void lists_and_unified_are_refused(void **state)
{
	struct spec_block_device device = {.major = 8};
	struct key_value max = {"memory.max", "1"};
	struct key_value core = {"cgroup.max.depth", "1"};
	struct spec_resources io = {0};
	struct spec_resources unified = {0};

	(void)state;
	io.block_io.throttle_read_bps.item = &device;
	io.block_io.throttle_read_bps.count = 1;
	refused(&io, NULL, "linux.resources.blockIO.throttleReadBpsDevice",
	        "limits are not supported by this version of cella (wants the io controller)");
	unified.unified.item = &max;
	unified.unified.count = 1;
	refused(&unified, "", "linux.resources.unified[\"memory.max\"]",
	        "this host has no memory controller in its cgroup v2 tree");
	unified.unified.item = &core;
	refused(&unified, "", "linux.resources.unified[\"cgroup.max.depth\"]",
	        "limits are not supported by this version of cella");
}

static void device_rules_may_only_allow(void **state)
{
	struct spec_device_rule rules[] = {
		{.allow = true, .type = 'c'},
		{.type = 'a'            }
        };
	struct spec_resources r = {0};
	struct error err;

	(void)state;
	r.devices.item = rules;
	r.devices.count = 1;
	assert_int_equal(limits_refuse(&r, "", &err), 0);
	r.devices.count = 2;
	refused(&r, "", "linux.resources.devices[1]",
	        "device rules are not supported by this version of cella");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_is_refused_by_its_path_and_controller),
		cmocka_unit_test(zero_minus_one_and_empty_are_no_limits),
		cmocka_unit_test(lists_and_unified_are_refused),
		cmocka_unit_test(device_rules_may_only_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

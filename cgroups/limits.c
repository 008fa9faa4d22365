/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/table.h"

#include "limits.h"

enum form { I64, U64, TRUTH, TEXT, MANY };

/* How every LIST() begins. */
typedef LIST(const void) any_list;

#define AT(member) offsetof(struct spec_resources, member)

/* Every member of linux.resources that limits; a new one is a new row. Not here: useHierarchy and
 * checkBeforeUpdate limit nothing; unified and devices have rules of their own. */
static const struct limit {
	const char *path;
	enum form form;
	size_t offset;
	const char *controller;
} limits[] = {
	{"memory.limit",                    I64,   AT(memory.limit),                 "memory"  },
	{"memory.reservation",              I64,   AT(memory.reservation),           "memory"  },
	{"memory.swap",                     I64,   AT(memory.swap),                  "memory"  },
	{"memory.kernel",                   I64,   AT(memory.kernel),                "memory"  },
	{"memory.kernelTCP",                I64,   AT(memory.kernel_tcp),            "memory"  },
	{"memory.swappiness",               U64,   AT(memory.swappiness),            "memory"  },
	{"memory.disableOOMKiller",         TRUTH, AT(memory.disable_oom_killer),    "memory"  },
	{"cpu.shares",                      U64,   AT(cpu.shares),                   "cpu"     },
	{"cpu.quota",		       I64,   AT(cpu.quota),                    "cpu"     },
	{"cpu.burst",		       U64,   AT(cpu.burst),                    "cpu"     },
	{"cpu.period",                      U64,   AT(cpu.period),                   "cpu"     },
	{"cpu.realtimeRuntime",             I64,   AT(cpu.realtime_runtime),         "cpu"     },
	{"cpu.realtimePeriod",              U64,   AT(cpu.realtime_period),          "cpu"     },
	{"cpu.idle",			I64,   AT(cpu.idle),                     "cpu"     },
	{"cpu.cpus",			TEXT,  AT(cpu.cpus),                     "cpuset"  },
	{"cpu.mems",			TEXT,  AT(cpu.mems),                     "cpuset"  },
	{"pids.limit",                      I64,   AT(pids_limit),                   "pids"    },
	{"blockIO.weight",                  U64,   AT(block_io.weight),              "io"      },
	{"blockIO.leafWeight",              U64,   AT(block_io.leaf_weight),         "io"      },
	{"blockIO.weightDevice",            MANY,  AT(block_io.weight_device),       "io"      },
	{"blockIO.throttleReadBpsDevice",   MANY,  AT(block_io.throttle_read_bps),   "io"      },
	{"blockIO.throttleWriteBpsDevice",  MANY,  AT(block_io.throttle_write_bps),  "io"      },
	{"blockIO.throttleReadIOPSDevice",  MANY,  AT(block_io.throttle_read_iops),  "io"      },
	{"blockIO.throttleWriteIOPSDevice", MANY,  AT(block_io.throttle_write_iops), "io"      },
	{"hugepageLimits",                  MANY,  AT(hugepage_limits),              "hugetlb" },
	{"network.classID",                 U64,   AT(network.class_id),             "net_cls" },
	{"network.priorities",              MANY,  AT(network.priorities),           "net_prio"},
	{"rdma",			    MANY,  AT(rdma),                         "rdma"    },
};

static bool is_set(const struct spec_resources *resources, const struct limit *limit)
{
	const void *member = (const char *)resources + limit->offset;
	const struct maybe_i64 *i64 = member;
	const struct maybe_u64 *u64 = member;
	const struct maybe_bool *truth = member;
	const char *const *text = member;
	const any_list *list = member;

	switch (limit->form) {
	case I64:
		return i64->set && i64->value != 0 && i64->value != -1;
	case U64:
		return u64->set && u64->value != 0;
	case TRUTH:
		return truth->set && truth->value;
	case TEXT:
		return *text && **text;
	case MANY:
		return list->count > 0;
	}
	return false;
}

/* Whether a word of `length` bytes is among words, which blanks and a line's end keep apart. */
static bool has_word(const char *words, const char *word, size_t length)
{
	for (words += strspn(words, " \n"); *words; words += strspn(words, " \n")) {
		size_t here = strcspn(words, " \n");

		if (here == length && memcmp(words, word, length) == 0)
			return true;
		words += here;
	}
	return false;
}

static int refuse(struct error *err, const char *object, const char *controllers,
                  const char *controller, size_t length)
{
	if (controllers && !has_word(controllers, controller, length))
		return fail(err, ERROR_UNSUPPORTED, object,
		            "this host has no %.*s controller in its cgroup v2 tree", (int)length,
		            controller);
	return fail(err, ERROR_UNSUPPORTED, object,
	            "limits are not supported by this version of cella (wants the %.*s controller)",
	            (int)length, controller);
}

/* linux.resources.unified: "memory.max" wants memory; "cgroup.…" is there without any. */
static int refuse_unified(const struct spec_resources *resources, const char *controllers,
                          struct error *err)
{
	const char *key;
	char path[256];

	if (resources->unified.count == 0)
		return 0;
	key = resources->unified.item[0].key;
	(void)snprintf(path, sizeof(path), "linux.resources.unified[\"%s\"]", key);
	if (strncmp(key, "cgroup.", strlen("cgroup.")) == 0)
		return fail(err, ERROR_UNSUPPORTED, path,
		            "limits are not supported by this version of cella");
	return refuse(err, path, controllers, key, strcspn(key, "."));
}

/* Device rules: without a filter everything is allowed, so rules that only allow hold already. */
static int refuse_devices(const struct spec_resources *resources, struct error *err)
{
	char path[64];

	for (size_t i = 0; i < resources->devices.count; i++) {
		if (resources->devices.item[i].allow)
			continue;
		(void)snprintf(path, sizeof(path), "linux.resources.devices[%zu]", i);
		return fail(err, ERROR_UNSUPPORTED, path,
		            "device rules are not supported by this version of cella");
	}
	return 0;
}

int limits_refuse(const struct spec_resources *resources, const char *controllers,
                  struct error *err)
{
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (!is_set(resources, &limits[i]))
			continue;
		(void)snprintf(path, sizeof(path), "linux.resources.%s", limits[i].path);
		return refuse(err, path, controllers, limits[i].controller,
		              strlen(limits[i].controller));
	}
	if (refuse_unified(resources, controllers, err) < 0)
		return -1;
	return refuse_devices(resources, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "parts.h"

/* linux.resources. Spec: runtime-spec 1.3 config-linux.md, "Control groups". */

/* ---- device rules ---- */

/* Some of the letters, none of them twice. */
static const char *wrong_access(const char *text)
{
	for (const char *at = text; *at; at++)
		if (!strchr("rwm", *at) || strchr(at + 1, *at))
			return "some of the letters of 'rwm'";
	return *text ? NULL : "some of the letters of 'rwm'";
}

static const struct word rule_types[] = {
	{"a", 'a'},
	{"b", 'b'},
	{"c", 'c'},
};

static const struct field_type rule_type = {.kind = FIELD_LETTER, FIELD_WORDS(rule_types)};
static const struct field_type rule_number = {.kind = FIELD_MAYBE_I64,
                                              .least = -1,
                                              .most = UINT32_MAX};
static const struct field_type rule_access = {.kind = FIELD_TEXT, .wrong = wrong_access};

#define RULE(member) offsetof(struct spec_device_rule, member)

static const struct field rule_members[] = {
	{"allow",  &field_bool,  RULE(allow),  REQUIRED},
	{"type",   &rule_type,   RULE(type),   OPTIONAL},
	{"major",  &rule_number, RULE(major),  OPTIONAL},
	{"minor",  &rule_number, RULE(minor),  OPTIONAL},
	{"access", &rule_access, RULE(access), OPTIONAL},
};

static int complete_rule(const struct json *value, void *at, struct error *err)
{
	struct spec_device_rule *rule = at;

	(void)value;
	(void)err;
	if (!rule->type)
		rule->type = 'a';
	return 0;
}

static const struct field_type rule = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_device_rule),
	FIELD_MEMBERS(rule_members),
	.check = complete_rule,
};

static const struct field_type rules = {.kind = FIELD_LIST, .element = &rule};

/* ---- memory, cpu, pids ---- */

#define AT(member) offsetof(struct spec_resources, member)

static const struct field_type bytes_or_all = {.kind = FIELD_MAYBE_I64,
                                               .least = -1,
                                               .most = INT64_MAX};
static const struct field_type percent = {.kind = FIELD_MAYBE_U64, .most = 100};

static const struct field memory_members[] = {
	{"limit",             &bytes_or_all,     AT(memory.limit),               OPTIONAL},
	{"reservation",       &bytes_or_all,     AT(memory.reservation),         OPTIONAL},
	{"swap",              &bytes_or_all,     AT(memory.swap),                OPTIONAL},
	{"kernel",            &bytes_or_all,     AT(memory.kernel),              OPTIONAL},
	{"kernelTCP",         &bytes_or_all,     AT(memory.kernel_tcp),          OPTIONAL},
	{"swappiness",        &percent,          AT(memory.swappiness),          OPTIONAL},
	{"disableOOMKiller",  &field_maybe_bool, AT(memory.disable_oom_killer),  OPTIONAL},
	{"useHierarchy",      &field_maybe_bool, AT(memory.use_hierarchy),       OPTIONAL},
	{"checkBeforeUpdate", &field_maybe_bool, AT(memory.check_before_update), OPTIONAL},
};

static const struct field_type memory = {.kind = FIELD_OBJECT, FIELD_MEMBERS(memory_members)};

static const struct field_type zero_or_one = {.kind = FIELD_MAYBE_I64, .most = 1};

static const struct field cpu_members[] = {
	{"shares",          &field_maybe_u64, AT(cpu.shares),           OPTIONAL},
	{"quota",           &field_maybe_i64, AT(cpu.quota),            OPTIONAL},
	{"burst",           &field_maybe_u64, AT(cpu.burst),            OPTIONAL},
	{"period",          &field_maybe_u64, AT(cpu.period),           OPTIONAL},
	{"realtimeRuntime", &field_maybe_i64, AT(cpu.realtime_runtime), OPTIONAL},
	{"realtimePeriod",  &field_maybe_u64, AT(cpu.realtime_period),  OPTIONAL},
	{"cpus",            &field_text,      AT(cpu.cpus),             OPTIONAL},
	{"mems",            &field_text,      AT(cpu.mems),             OPTIONAL},
	{"idle",            &zero_or_one,     AT(cpu.idle),             OPTIONAL},
};

static const struct field_type cpu = {.kind = FIELD_OBJECT, FIELD_MEMBERS(cpu_members)};

static const struct field pids_members[] = {
	{"limit", &field_maybe_i64, AT(pids_limit),
         OPTIONAL}, /* NRI writes {} where it is unlimited */
};

static const struct field_type pids = {.kind = FIELD_OBJECT, FIELD_MEMBERS(pids_members)};

/* ---- block devices ---- */

enum { WEIGHT_LEAST = 10, WEIGHT_MOST = 1000 };

/* Engines write 0 where no weight is meant. */
static int check_weight(const struct json *value, void *at, struct error *err)
{
	struct maybe_u64 *weight = at;

	if (weight->value == 0)
		weight->set = false;
	else if (weight->value < WEIGHT_LEAST)
		return field_expected(err, value, "a whole number from %d to %d, or 0 for none",
		                      WEIGHT_LEAST, WEIGHT_MOST);
	return 0;
}

static const struct field_type weight = {.kind = FIELD_MAYBE_U64,
                                         .most = WEIGHT_MOST,
                                         .check = check_weight};
static const struct field_type device_number = {.kind = FIELD_I64, .most = UINT32_MAX};

#define BLOCK(member) offsetof(struct spec_block_device, member)

static const struct field weight_members[] = {
	{"major",      &device_number, BLOCK(major),       REQUIRED},
	{"minor",      &device_number, BLOCK(minor),       REQUIRED},
	{"weight",     &weight,        BLOCK(weight),      OPTIONAL},
	{"leafWeight", &weight,        BLOCK(leaf_weight), OPTIONAL},
};

static const struct field throttle_members[] = {
	{"major", &device_number,   BLOCK(major), REQUIRED},
	{"minor", &device_number,   BLOCK(minor), REQUIRED},
	{"rate",  &field_maybe_u64, BLOCK(rate),  OPTIONAL},
};

static int check_weight_device(const struct json *value, void *at, struct error *err)
{
	(void)at; /* a weight of 0 is there, and is none */
	if (!json_member(value, "weight") && !json_member(value, "leafWeight"))
		return json_fail(err, value, "expected weight, leafWeight or both");
	return 0;
}

static const struct field_type weight_device = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_block_device),
	FIELD_MEMBERS(weight_members),
	.check = check_weight_device,
};

static const struct field_type throttle = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_block_device),
	FIELD_MEMBERS(throttle_members),
};

static const struct field_type weights = {.kind = FIELD_LIST, .element = &weight_device};
static const struct field_type throttles = {.kind = FIELD_LIST, .element = &throttle};

static const struct field block_members[] = {
	{"weight",                  &weight,    AT(block_io.weight),              OPTIONAL},
	{"leafWeight",              &weight,    AT(block_io.leaf_weight),         OPTIONAL},
	{"weightDevice",            &weights,   AT(block_io.weight_device),       OPTIONAL},
	{"throttleReadBpsDevice",   &throttles, AT(block_io.throttle_read_bps),   OPTIONAL},
	{"throttleWriteBpsDevice",  &throttles, AT(block_io.throttle_write_bps),  OPTIONAL},
	{"throttleReadIOPSDevice",  &throttles, AT(block_io.throttle_read_iops),  OPTIONAL},
	{"throttleWriteIOPSDevice", &throttles, AT(block_io.throttle_write_iops), OPTIONAL},
};

static const struct field_type block_io = {.kind = FIELD_OBJECT, FIELD_MEMBERS(block_members)};

/* ---- huge pages, network, rdma ---- */

/* A number without leading zeros and a unit: 64KB, 2MB, 1GB. */
static const char *wrong_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits > 0 && text[0] != '0' && text[digits] && strchr("KMG", text[digits]) &&
	    strcmp(text + digits + 1, "B") == 0)
		return NULL;
	return "a page size such as 64KB, 2MB or 1GB";
}

static const struct field_type page_size = {.kind = FIELD_TEXT, .wrong = wrong_page_size};

static const struct field hugepage_members[] = {
	{"pageSize", &page_size, offsetof(struct spec_hugepage_limit, page_size), REQUIRED},
	{"limit",    &field_u64, offsetof(struct spec_hugepage_limit, limit),     REQUIRED},
};

static const struct field_type hugepage_limit = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_hugepage_limit),
	FIELD_MEMBERS(hugepage_members),
};

static const struct field_type hugepage_limits = {.kind = FIELD_LIST, .element = &hugepage_limit};

#define PRIORITY(member) offsetof(struct spec_interface_priority, member)

static const struct field priority_members[] = {
	{"name",     &field_filled_text, PRIORITY(name),     REQUIRED},
	{"priority", &field_u32,         PRIORITY(priority), REQUIRED},
};

static const struct field_type interface_priority = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_interface_priority),
	FIELD_MEMBERS(priority_members),
};

static const struct field_type priorities = {.kind = FIELD_LIST, .element = &interface_priority};

static const struct field network_members[] = {
	{"classID",    &field_maybe_u32, AT(network.class_id),   OPTIONAL},
	{"priorities", &priorities,      AT(network.priorities), OPTIONAL},
};

static const struct field_type network = {.kind = FIELD_OBJECT, FIELD_MEMBERS(network_members)};

_Static_assert(offsetof(struct spec_rdma, device) == 0, "the key comes first");

static const struct field rdma_members[] = {
	{"hcaHandles", &field_maybe_u32, offsetof(struct spec_rdma, handles), OPTIONAL},
	{"hcaObjects", &field_maybe_u32, offsetof(struct spec_rdma, objects), OPTIONAL},
};

static int check_rdma(const struct json *value, void *at, struct error *err)
{
	const struct spec_rdma *rdma = at;

	if (!rdma->handles.set && !rdma->objects.set)
		return json_fail(err, value, "expected hcaHandles, hcaObjects or both");
	return 0;
}

static const struct field_type rdma_limit = {.kind = FIELD_OBJECT,
                                             FIELD_MEMBERS(rdma_members),
                                             .check = check_rdma};

static const struct field_type rdma = {
	.kind = FIELD_MAP,
	.element = &rdma_limit,
	.size = sizeof(struct spec_rdma),
};

/* ---- the whole ---- */

/* the keys are files of the cgroup */
static const struct field_type unified = {
	.kind = FIELD_MAP,
	.element = &field_text,
	.size = sizeof(struct key_value),
	.value_offset = offsetof(struct key_value, value),
	.wrong_key = wrong_file_name,
};

static const struct field members[] = {
	{"unified",        &unified,         AT(unified),         OPTIONAL},
	{"devices",        &rules,           AT(devices),         OPTIONAL},
	{"memory",         &memory,          0,                   OPTIONAL},
	{"cpu",            &cpu,             0,                   OPTIONAL},
	{"pids",           &pids,            0,                   OPTIONAL},
	{"blockIO",        &block_io,        0,                   OPTIONAL},
	{"hugepageLimits", &hugepage_limits, AT(hugepage_limits), OPTIONAL},
	{"network",        &network,         0,                   OPTIONAL},
	{"rdma",           &rdma,            AT(rdma),            OPTIONAL},
};

const struct field_type part_resources = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_resources),
	.marks = true,
	FIELD_MEMBERS(members),
};

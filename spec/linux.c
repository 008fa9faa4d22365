/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "parts.h"

/* linux, but for its large members. Spec: runtime-spec 1.3 config-linux.md. */

/* ---- namespaces ---- */

static const struct word namespace_words[] = {
	{"user",    NAMESPACE_USER   },
        {"cgroup",  NAMESPACE_CGROUP },
        {"ipc",     NAMESPACE_IPC    },
	{"uts",     NAMESPACE_UTS    },
        {"network", NAMESPACE_NETWORK},
        {"pid",     NAMESPACE_PID    },
	{"mount",   NAMESPACE_MOUNT  },
        {"time",    NAMESPACE_TIME   },
};

_Static_assert(ARRAY_SIZE(namespace_words) == NAMESPACE_TYPES, "one word a type");

struct listed_namespace {
	char type; /* enum namespace_type */
	const char *path;
};

static const struct field_type namespace_type = {.kind = FIELD_LETTER,
                                                 FIELD_WORDS(namespace_words)};

static const struct field namespace_members[] = {
	{"type", &namespace_type, offsetof(struct listed_namespace, type), REQUIRED},
	{"path", &field_path,     offsetof(struct listed_namespace, path), OPTIONAL},
};

static const struct field_type listed_namespace = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct listed_namespace),
	FIELD_MEMBERS(namespace_members),
};

/* The list of config.json becomes an array by type, so that no one has to search. */
static int read_namespaces(const struct json *value, struct arena *arena, void *at,
                           struct error *err)
{
	static const struct field_type list = {.kind = FIELD_LIST, .element = &listed_namespace};
	LIST(struct listed_namespace) listed = {0};
	struct spec_namespace *namespaces = at;
	const struct json *child = value->first;

	if (field_read(&list, value, arena, &listed, err) < 0)
		return -1;
	for (size_t i = 0; i < listed.count; i++, child = child->next) {
		struct spec_namespace *ns = &namespaces[(unsigned char)listed.item[i].type];

		if (ns->set)
			return field_fail(err, child, "type",
			                  "'%s' is there twice, at first in [%zu]",
			                  json_member_text(child, "type"), ns->index);
		*ns = (struct spec_namespace){true, i, listed.item[i].path};
	}
	return 0;
}

static const struct field_type namespaces = {.kind = FIELD_OTHER, .read = read_namespaces};

/* ---- id maps ---- */

enum { ID_MAPS_MOST = 340 }; /* UID_GID_MAP_MAX_EXTENTS of the kernel */

#define ID_MAP(member) offsetof(struct spec_id_map, member)

static const struct field_type id_map_size = {.kind = FIELD_U32, .least = 1, .most = UINT32_MAX};

static const struct field id_map_members[] = {
	{"containerID", &field_u32,   ID_MAP(container_id), REQUIRED},
	{"hostID",      &field_u32,   ID_MAP(host_id),      REQUIRED},
	{"size",        &id_map_size, ID_MAP(size),         REQUIRED},
};

/* UINT32_MAX is no id: (uid_t)-1 means "leave it". */
static int check_id_map(const struct json *value, void *at, struct error *err)
{
	const struct spec_id_map *map = at;

	if (map->size > UINT32_MAX - map->container_id || map->size > UINT32_MAX - map->host_id)
		return field_fail(err, value, "size", "reaches beyond the last id, %u",
		                  UINT32_MAX - 1);
	return 0;
}

static const struct field_type id_map = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_id_map),
	FIELD_MEMBERS(id_map_members),
	.check = check_id_map,
};

/* Both ranges are known to end below 2^32. */
static bool overlaps(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static int check_id_maps(const struct json *value, void *at, struct error *err)
{
	const id_map_list *maps = at;
	const struct json *child = value->first;

	/* also what bounds the comparison of each with each */
	if (maps->count > ID_MAPS_MOST)
		return json_fail(err, value, "expected at most %d of them, found %zu", ID_MAPS_MOST,
		                 maps->count);
	for (size_t i = 0; i < maps->count; i++, child = child->next)
		for (size_t j = 0; j < i; j++) {
			const struct spec_id_map *a = &maps->item[i];
			const struct spec_id_map *b = &maps->item[j];

			if (overlaps(a->container_id, a->size, b->container_id, b->size))
				return field_fail(err, child, "containerID",
				                  "overlaps with the ids of [%zu]", j);
			if (overlaps(a->host_id, a->size, b->host_id, b->size))
				return field_fail(err, child, "hostID",
				                  "overlaps with the ids of [%zu]", j);
		}
	return 0;
}

const struct field_type part_id_maps = {.kind = FIELD_LIST,
                                        .element = &id_map,
                                        .check = check_id_maps};

/* ---- smaller members ---- */

#define AT(member) offsetof(struct spec_linux, member)

static const struct word propagations[] = {
	{"private",     0},
        {"rprivate",    0},
        {"slave",       0},
        {"rslave",      0},
	{"shared",      0},
        {"rshared",     0},
        {"unbindable",  0},
        {"runbindable", 0},
};

static const struct field_type propagation = {.kind = FIELD_TEXT,
                                              FIELD_WORDS(propagations),
                                              .empty_is_none = true};

static const char *wrong_bandwidth(const char *text)
{
	return strncmp(text, "MB:", 3) == 0 && !strchr(text, '\n') ? NULL : "one line with MB:…";
}

static const char *wrong_clos(const char *text)
{
	if (strcmp(text, "/") == 0 || !wrong_file_name(text))
		return NULL;
	return "a name without '/', or '/' for the default group";
}

static const struct field_type clos_id = {.kind = FIELD_TEXT, .wrong = wrong_clos};
static const struct field_type bandwidth = {.kind = FIELD_TEXT, .wrong = wrong_bandwidth};

/* from the beginning of a struct inside struct spec_linux */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a member name can have none */
#define WITHIN(outer, member) (AT(outer.member) - AT(outer))

static const struct field rdt_members[] = {
	{"closID",           &clos_id,     WITHIN(intel_rdt, clos_id),           OPTIONAL},
	{"schemata",         &field_texts, WITHIN(intel_rdt, schemata),          OPTIONAL},
	{"l3CacheSchema",    &field_text,  WITHIN(intel_rdt, l3_cache_schema),   OPTIONAL},
	{"memBwSchema",      &bandwidth,   WITHIN(intel_rdt, mem_bw_schema),     OPTIONAL},
	{"enableMonitoring", &field_bool,  WITHIN(intel_rdt, enable_monitoring), OPTIONAL},
};

static const struct field_type intel_rdt = {.kind = FIELD_OBJECT,
                                            .marks = true,
                                            FIELD_MEMBERS(rdt_members)};

static const struct word domains[] = {
	{"LINUX",   0},
	{"LINUX32", 0},
};

static const struct field_type domain = {.kind = FIELD_TEXT, FIELD_WORDS(domains)};
static const struct field personality_members[] = {
	{"domain", &domain,      WITHIN(personality, domain), REQUIRED},
	{"flags",  &field_texts, WITHIN(personality, flags),  OPTIONAL},
};

static const struct field_type personality = {.kind = FIELD_OBJECT,
                                              FIELD_MEMBERS(personality_members)};

/* ---- memory policy ---- */

/* what set_mempolicy(2) wants of the nodes */
enum { NODES_NONE, NODES_SOME, NODES_ANY };

static const struct word policy_modes[] = {
	{"MPOL_DEFAULT",             NODES_NONE},
        {"MPOL_BIND",                NODES_SOME},
	{"MPOL_INTERLEAVE",          NODES_SOME},
        {"MPOL_WEIGHTED_INTERLEAVE", NODES_SOME},
	{"MPOL_PREFERRED",           NODES_ANY },
        {"MPOL_PREFERRED_MANY",      NODES_SOME},
	{"MPOL_LOCAL",               NODES_NONE},
};

static const struct word policy_flag_words[] = {
	{"MPOL_F_NUMA_BALANCING", 0},
	{"MPOL_F_RELATIVE_NODES", 0},
	{"MPOL_F_STATIC_NODES",   0},
};

static const struct field_type policy_mode = {.kind = FIELD_TEXT, FIELD_WORDS(policy_modes)};
static const struct field_type policy_nodes = {.kind = FIELD_TEXT, .wrong = wrong_list};
static const struct field_type policy_flag = {.kind = FIELD_TEXT, FIELD_WORDS(policy_flag_words)};
static const struct field_type policy_flags = {.kind = FIELD_LIST, .element = &policy_flag};

static const struct field policy_members[] = {
	{"mode",  &policy_mode,  WITHIN(memory_policy, mode),  REQUIRED},
	{"nodes", &policy_nodes, WITHIN(memory_policy, nodes), OPTIONAL},
	{"flags", &policy_flags, WITHIN(memory_policy, flags), OPTIONAL},
};

static int check_memory_policy(const struct json *value, void *at, struct error *err)
{
	const char *mode = json_member_text(value, "mode");
	const char *nodes = json_member_text(value, "nodes");
	bool some = nodes && *nodes;
	int64_t wants = NODES_ANY;

	(void)at;
	(void)table_value(policy_modes, ARRAY_SIZE(policy_modes), mode, &wants);
	if (wants == NODES_SOME && !some)
		return field_fail(err, value, "nodes", "is required with %s", mode);
	if (wants == NODES_NONE && some)
		return field_fail(err, value, "nodes", "must be absent with %s", mode);
	return 0;
}

static const struct field_type memory_policy = {
	.kind = FIELD_OBJECT,
	.marks = true,
	FIELD_MEMBERS(policy_members),
	.check = check_memory_policy,
};

/* ---- time offsets ---- */

static const struct field_type nanoseconds = {.kind = FIELD_U32, .most = 999999999};

static const struct field clock_members[] = {
	{"secs",     &field_i64,   WITHIN(time_boottime, secs),     OPTIONAL},
	{"nanosecs", &nanoseconds, WITHIN(time_boottime, nanosecs), OPTIONAL},
};

_Static_assert(WITHIN(time_boottime, secs) == WITHIN(time_monotonic, secs) &&
                       WITHIN(time_boottime, nanosecs) == WITHIN(time_monotonic, nanosecs),
               "one table serves both clocks");

static const struct field_type time_clock = {.kind = FIELD_OBJECT,
                                             .marks = true,
                                             FIELD_MEMBERS(clock_members)};

static const struct field offset_members[] = {
	{"boottime",  &time_clock, AT(time_boottime),  OPTIONAL},
	{"monotonic", &time_clock, AT(time_monotonic), OPTIONAL},
};

/* The keys are names of clocks, not members that a later version may add: an unknown one asks for
 * something that won't be done. */
static int check_time_offsets(const struct json *value, void *at, struct error *err)
{
	(void)at;
	for (const struct json *child = value->first; child; child = child->next)
		if (strcmp(child->key, "boottime") != 0 && strcmp(child->key, "monotonic") != 0)
			return json_fail(err, child, "expected boottime or monotonic as the clock");
	return 0;
}

static const struct field_type time_offsets = {.kind = FIELD_OBJECT,
                                               FIELD_MEMBERS(offset_members),
                                               .check = check_time_offsets};

/* ---- the whole ---- */

static const struct field members[] = {
	{"namespaces",        &namespaces,       AT(namespaces),         OPTIONAL},
	{"uidMappings",       &part_id_maps,     AT(uid_mappings),       OPTIONAL},
	{"gidMappings",       &part_id_maps,     AT(gid_mappings),       OPTIONAL},
	{"devices",           &part_devices,     AT(devices),            OPTIONAL},
	{"netDevices",        &part_net_devices, AT(net_devices),        OPTIONAL},
	{"cgroupsPath",       &field_text,       AT(cgroups_path),       OPTIONAL},
	{"resources",         &part_resources,   AT(resources),          OPTIONAL},
	{"rootfsPropagation", &propagation,      AT(rootfs_propagation), OPTIONAL},
	{"seccomp",           &part_seccomp,     AT(seccomp),            OPTIONAL},
	{"sysctl",            &field_text_map,   AT(sysctl),             OPTIONAL},
	{"maskedPaths",       &field_paths,      AT(masked_paths),       OPTIONAL},
	{"readonlyPaths",     &field_paths,      AT(readonly_paths),     OPTIONAL},
	{"mountLabel",        &field_text,       AT(mount_label),        OPTIONAL},
	{"intelRdt",          &intel_rdt,        AT(intel_rdt),          OPTIONAL},
	{"memoryPolicy",      &memory_policy,    AT(memory_policy),      OPTIONAL},
	{"personality",       &personality,      AT(personality),        OPTIONAL},
	{"timeOffsets",       &time_offsets,     0,                      OPTIONAL},
};

const struct field_type part_linux = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_linux),
	.marks = true,
	FIELD_MEMBERS(members),
};

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPEC_SPEC_H
#define SPEC_SPEC_H

/* spec: what was asked.
 *
 * PROMISE: the bytes of a config.json become a struct spec, or a refusal that names the JSON path and
 * says what would be right. Pure: no system call, nothing of this machine is looked at. Unknown members
 * are ignored as the specification says; known ones have the right type and a value that the
 * specification allows.
 * Whether this host and this build can do it is the plan's question.
 *
 * All memory is in the arena given to spec_read(). Texts are never NULL where the specification
 * requires the member; else NULL means absent.
 * Spec: runtime-spec 1.3.0. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"

#include "stats.h"

/* An array of a spec; all have this layout, so that one reader serves them. */
#define LIST(type)                                                                                 \
	struct {                                                                                   \
		type *item;                                                                        \
		size_t count;                                                                      \
	}

/* A number that may be absent. */
struct maybe_i64 {
	bool set;
	int64_t value;
};
struct maybe_u64 {
	bool set;
	uint64_t value;
};
struct maybe_bool {
	bool set;
	bool value;
};

struct key_value {
	const char *key;
	const char *value;
};

typedef LIST(const char *) text_list;

/* ---- process ---- */

struct spec_rlimit {
	const char *type; /* "RLIMIT_NOFILE" */
	uint64_t soft;
	uint64_t hard;
};

struct spec_user {
	uint32_t uid;
	uint32_t gid;
	struct maybe_u64 umask;
	LIST(uint32_t) additional_gids;
	const char *username;
};

/* Names as written ("CAP_KILL"); NULL lists differ from empty ones only by `set`. */
struct spec_capabilities {
	bool set; /* the object was there */
	text_list bounding, effective, inheritable, permitted, ambient;
};

struct spec_scheduler {
	bool set;
	const char *policy;
	int32_t nice, priority;
	text_list flags;
	uint64_t runtime, deadline, period;
};

struct spec_process {
	bool set; /* there is a process object */
	bool terminal;
	struct maybe_u64 console_height, console_width;
	const char *cwd;
	text_list env;
	text_list args;
	const char *command_line; /* Windows only: refused when it stands without args */
	struct spec_user user;
	struct spec_capabilities capabilities;
	LIST(struct spec_rlimit) rlimits;
	bool no_new_privileges;
	struct maybe_i64 oom_score_adj;
	const char *apparmor_profile;
	const char *selinux_label;
	const char *io_priority_class; /* NULL: absent */
	int32_t io_priority;
	struct spec_scheduler scheduler;
	const char *affinity_initial, *affinity_final; /* execCPUAffinity */
};

/* ---- the rest of the top ---- */

struct spec_id_map {
	uint32_t container_id, host_id, size;
};
typedef LIST(struct spec_id_map) id_map_list;

struct spec_mount {
	const char *destination;
	const char *type;   /* NULL: absent */
	const char *source; /* NULL: absent */
	text_list options;
	id_map_list uid_mappings, gid_mappings;
};
typedef LIST(struct spec_mount) mount_list;

struct spec_hook {
	const char *path;
	text_list args; /* args[0] included; empty: the path alone */
	text_list env;
	bool has_env;             /* it is there, and be it empty */
	struct maybe_i64 timeout; /* seconds, at least 1 */
};
typedef LIST(struct spec_hook) hook_list;

enum hook_point {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_POINTS
};
/* "prestart", "createRuntime", … in the order of the enum. */
extern const char *const hook_point_names[HOOK_POINTS];

/* ---- linux ---- */

enum namespace_type {
	NAMESPACE_USER, /* in the order in which namespaces are joined */
	NAMESPACE_CGROUP,
	NAMESPACE_IPC,
	NAMESPACE_UTS,
	NAMESPACE_NETWORK,
	NAMESPACE_PID,
	NAMESPACE_MOUNT,
	NAMESPACE_TIME,
	NAMESPACE_TYPES
};
/* The specification's words: "user", "cgroup", "ipc", "uts", "network", "pid", "mount", "time". */
extern const char *const namespace_names[NAMESPACE_TYPES];
/* The kernel's: the files in /proc/PID/ns. Spec: namespaces(7). */
extern const char *const namespace_files[NAMESPACE_TYPES];

struct spec_namespace {
	bool set;         /* the type is listed */
	size_t index;     /* where in linux.namespaces, for errors */
	const char *path; /* join this one; NULL: a new one */
};

struct spec_device {
	const char *path;
	char type; /* 'c', 'b', 'u', 'p' */
	int64_t major, minor;
	struct maybe_u64 mode; /* fileMode */
	struct maybe_u64 uid, gid;
};

struct spec_net_device {
	const char *host_name; /* the key */
	const char *name;      /* new name, or NULL */
};

struct spec_device_rule {
	bool allow;
	char type;                     /* 'a', 'b', 'c'; 'a' when absent */
	struct maybe_i64 major, minor; /* absent or -1: any */
	const char *access;            /* of "rwm"; NULL: all */
};

struct spec_block_device { /* weightDevice and the four throttles */
	int64_t major, minor;
	struct maybe_u64 weight, leaf_weight, rate;
};
typedef LIST(struct spec_block_device) block_device_list;

struct spec_hugepage_limit {
	const char *page_size;
	uint64_t limit;
};

struct spec_rdma {
	const char *device;
	struct maybe_u64 handles, objects;
};

struct spec_interface_priority {
	const char *name;
	uint32_t priority;
};

struct spec_resources {
	bool set;
	LIST(struct key_value) unified;
	LIST(struct spec_device_rule) devices;
	struct {
		struct maybe_i64 limit, reservation, swap, kernel, kernel_tcp;
		struct maybe_u64 swappiness;
		struct maybe_bool disable_oom_killer, use_hierarchy, check_before_update;
	} memory;
	struct {
		struct maybe_u64 shares, period, burst, realtime_period;
		struct maybe_i64 quota, realtime_runtime, idle;
		const char *cpus, *mems;
	} cpu;
	struct maybe_i64 pids_limit;
	struct {
		struct maybe_u64 weight, leaf_weight;
		block_device_list weight_device;
		block_device_list throttle_read_bps, throttle_write_bps, throttle_read_iops,
			throttle_write_iops;
	} block_io;
	LIST(struct spec_hugepage_limit) hugepage_limits;
	struct {
		struct maybe_u64 class_id;
		LIST(struct spec_interface_priority) priorities;
	} network;
	LIST(struct spec_rdma) rdma;
	/* of linux.intelRdt, for update alone: no member of a resources object */
	const char *l3_cache_schema, *mem_bw_schema;
};

struct spec_seccomp_argument {
	uint32_t index;
	uint64_t value, value_two;
	const char *op; /* "SCMP_CMP_EQ" */
};

struct spec_seccomp_rule {
	text_list names;
	const char *action; /* "SCMP_ACT_ALLOW" */
	struct maybe_u64 errno_ret;
	LIST(struct spec_seccomp_argument) args;
};

struct spec_seccomp {
	bool set;
	const char *default_action;
	struct maybe_u64 default_errno_ret;
	text_list architectures; /* "SCMP_ARCH_X86_64" */
	bool flags_set;          /* there are flags, though it may be none of them */
	text_list flags;         /* "SECCOMP_FILTER_FLAG_LOG" */
	const char *listener_path, *listener_metadata;
	LIST(struct spec_seccomp_rule) syscalls;
	/* crun's annotation "run.oci.seccomp_bpf_data": the filter itself, in base64, instead of rules; NULL: absent */
	const char *program;
};

struct spec_linux {
	bool set;
	bool own_machine; /* not of the config: all of its kernel is the container's, without namespaces too */
	struct spec_namespace namespaces[NAMESPACE_TYPES];
	id_map_list uid_mappings, gid_mappings;
	LIST(struct spec_device) devices;
	LIST(struct spec_net_device) net_devices;
	const char *cgroups_path;
	struct spec_resources resources;
	const char *
		rootfs_propagation; /* "private", "slave", "shared", "unbindable", their r… forms; NULL */
	struct spec_seccomp seccomp;
	LIST(struct key_value) sysctl;
	text_list masked_paths, readonly_paths;
	const char *mount_label;
	struct {
		bool set;
		const char *clos_id, *l3_cache_schema, *mem_bw_schema;
		text_list schemata;
		bool enable_monitoring;
	} intel_rdt;
	struct {
		bool set;
		const char *mode, *nodes;
		text_list flags;
	} memory_policy;
	struct {
		const char *domain; /* NULL: absent */
		text_list flags;
	} personality;
	struct {
		bool set;
		int64_t secs;
		uint32_t nanosecs;
	} time_boottime, time_monotonic;
};

/* ---- vm ---- */

struct spec_vm {
	bool set;
	const char *hypervisor_path;
	text_list hypervisor_parameters;
	const char *kernel_path;
	text_list kernel_parameters;
	const char *kernel_initrd;
	const char *image_path, *image_format;
	const char *device_tree;
	struct maybe_u64 vcpus, memory_bytes;
	text_list dtdevs;
	struct {
		bool set;
	} iomems, irqs; /* only whether they are there: nothing here can pass hardware through */
};

struct spec {
	const char *oci_version;
	const char *root_path; /* NULL: no root object */
	bool root_readonly;
	struct spec_process process;
	const char *hostname, *domainname;
	mount_list mounts;
	hook_list hooks[HOOK_POINTS];
	LIST(struct key_value) annotations;
	struct spec_linux linux_; /* `linux` is a macro of gnu17 */
	struct spec_vm vm;
};

/* Read a config.json.
 *
 * name      for errors about the document as a whole; "config.json".
 * ret_spec  in arena.
 * Returns   0, or -1 and *err (ERROR_CONFIG; the object is a JSON path).
 * Errors    what json_read() refuses; wrong types and values; a missing required member; another major version
 *           than 1; windows, solaris, zos or freebsd without linux; rules between members (gid mappings
 *           without a user namespace …). */
int spec_read(const char *name, const char *bytes, size_t length, struct arena *arena,
              const struct spec **ret_spec, struct error *err) FALLIBLE;

/* Read a process object alone: exec --process. */
int spec_read_process(const char *name, const char *bytes, size_t length, struct arena *arena,
                      struct spec_process **ret_process, struct error *err) FALLIBLE;

/* The process object as spec_read_process() reads it. */
void spec_write_process(struct json_writer *w, const char *key, const struct spec_process *process);

/* An array of mappings, as the members uidMappings and gidMappings are. */
void spec_write_maps(struct json_writer *w, const char *key, const id_map_list *maps);

/* Whether one of these mappings has the container's id; *ret_host is what it is outside (NULL: not wanted). */
bool spec_map_id(const id_map_list *maps, uint32_t id, uint32_t *ret_host);

/* Read the mounts alone: of an object with the member "mounts" (a config.json is one), or an array of them. */
int spec_read_mounts(const char *name, const char *bytes, size_t length, struct arena *arena,
                     mount_list *ret_mounts, struct error *err) FALLIBLE;

/* Read a linux.resources object alone: update --resources. */
int spec_read_resources(const char *name, const char *bytes, size_t length, struct arena *arena,
                        struct spec_resources **ret_resources, struct error *err) FALLIBLE;

/* What may be meant by annotations[key]; NULL when absent. */
const char *spec_annotation(const struct spec *spec, const char *key);

/* Whether one of its options is this word. */
bool spec_mount_has(const struct spec_mount *mount, const char *word);

/* Whether a mount makes a part of the host visible, by its type or by an option. One that changes what is mounted
 * already does not. */
bool spec_is_bind(const struct spec_mount *mount);

/* Whether a filter has calls that an agent answers: SCMP_ACT_NOTIFY. */
bool spec_seccomp_notifies(const struct spec_seccomp *seccomp);

/* Where that agent listens: linux.seccomp.listenerPath, else crun's annotation, else `otherwise`. NULL: nowhere, or
 * there is nothing to answer. */
const char *spec_seccomp_agent(const struct spec *spec, const char *otherwise);

/* Write the default configuration: a shell in a new instance, that runs as it is.
 * rootless_uid, rootless_gid   map this user to root in a new user namespace and leave out what it
 *                              can't have; -1: none. */
void spec_write_template(struct json_writer *w, int64_t rootless_uid, int64_t rootless_gid);

/* ---- state ---- */

enum container_status {
	STATUS_CREATING,
	STATUS_CREATED,
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED,
	STATUS_COUNT
};
/* "creating", "created", "running", "paused", "stopped". */
extern const char *const container_status_names[STATUS_COUNT];

/* What is known of a container: the specification's state, and what we need to find everything again. */
struct state {
	const char *id;
	enum container_status status;
	pid_t pid;           /* 0: none */
	uint64_t start_time; /* of pid, clock ticks since boot */
	const char *bundle;  /* absolute */
	const char *rootfs;  /* absolute */
	const char *created; /* RFC 3339 */
	const char *executor;
	const char *cgroup;       /* absolute path in the v2 tree ("/cella/web"); NULL: none */
	const char *systemd_unit; /* "cella-web.scope", when systemd made the cgroup; NULL */
	uint32_t owner;           /* who created it */
	bool terminal;
	bool no_new_keyring; /* its processes have the session keyring of who starts them */
	const char *
		seccomp_agent; /* where it listens, when config.json does not say it; absolute; NULL */
	/* what descriptors 0 to 2 were at its start ("pipe:[123]"), for checkpoint; NULL: of no interest */
	const char *stdio[3];
	unsigned int
		namespaces; /* bit per enum namespace_type: not ours but the container's (new or joined) */
	id_map_list uid_mappings, gid_mappings; /* of a user namespace that config.json has not */
	LIST(struct key_value) annotations;
};

/* state.json as it lies in the state directory, both ways. Reading refuses what we would not have written. */
void state_write(struct json_writer *w, const struct state *state);
int state_read(const char *bytes, size_t length, struct arena *arena, struct state *ret_state,
               struct error *err) FALLIBLE;

/* The state as the specification and hooks have it (ociVersion, id, status, pid, bundle,
 * annotations), without opening bracket: members only, so that commands may add theirs. */
void state_write_oci(struct json_writer *w, const struct state *state);

/* ---- features ---- */

/* What this build can do; the caller fills it from the rooms that do it. */
struct features {
	const char *const *hooks;
	size_t hooks_count;
	const char *const *mount_options;
	size_t mount_options_count;
	const char *const *capabilities;
	size_t capabilities_count;
	const char *const *seccomp_actions;
	size_t seccomp_actions_count;
	const char *const *seccomp_operators;
	size_t seccomp_operators_count;
	const char *const *seccomp_archs;
	size_t seccomp_archs_count;
	const char *const *seccomp_known_flags;
	size_t seccomp_known_flags_count;
	const char *const *seccomp_supported_flags;
	size_t seccomp_supported_flags_count;
	char seccomp_library[32]; /* its version, "2.5.4" */
	bool apparmor, selinux, intel_rdt, net_devices;
	LIST(struct key_value) annotations;
};

/* The document of `features`. Spec: runtime-spec 1.3 features.md, features-linux.md. */
void features_write(struct json_writer *w, const struct features *features);

#endif

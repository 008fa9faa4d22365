/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"

#include "spec.h"

/* The default configuration. */

static const char *const env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
};

static const char *const capabilities[] = {
	"CAP_AUDIT_WRITE",
	"CAP_KILL",
	"CAP_NET_BIND_SERVICE",
};

/* Not ambient: a program that is no longer root would keep them. */
static const char *const capability_sets[] = {"bounding", "effective", "permitted"};

static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
};

static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* Lists that end in NULL. */
static const char *const proc_options[] = {"nosuid", "noexec", "nodev", NULL};
static const char *const dev_options[] = {"nosuid", "strictatime", "mode=755", "size=65536k", NULL};
static const char *const pts_options[] = {"nosuid",    "noexec", "newinstance", "ptmxmode=0666",
                                          "mode=0620", "gid=5",  NULL};
static const char *const shm_options[] = {"nosuid",    "noexec",      "nodev",
                                          "mode=1777", "size=65536k", NULL};
static const char *const mqueue_options[] = {"nosuid", "noexec", "nodev", NULL};
static const char *const sys_options[] = {"nosuid", "noexec", "nodev", "ro", NULL};
static const char *const cgroup_options[] = {"nosuid", "noexec", "nodev", "relatime", "ro", NULL};

/* Every one can be mounted in a user namespace too, since all that shows a namespace is ours. */
static const struct {
	const char *destination, *type, *source;
	const char *const *options;
} mounts[] = {
	{"/proc",          "proc",   "proc",   proc_options  },
	{"/dev",           "tmpfs",  "tmpfs",  dev_options   },
	{"/dev/pts",       "devpts", "devpts", pts_options   },
	{"/dev/shm",       "tmpfs",  "shm",    shm_options   },
	{"/dev/mqueue",    "mqueue", "mqueue", mqueue_options},
	{"/sys",           "sysfs",  "sysfs",  sys_options   },
	{"/sys/fs/cgroup", "cgroup", "cgroup", cgroup_options},
};

/* What a mapping of one group has no use for. */
static const char unmapped_option[] = "gid=5";

static const enum namespace_type namespaces[] = {
	NAMESPACE_PID, NAMESPACE_NETWORK, NAMESPACE_IPC,
	NAMESPACE_UTS, NAMESPACE_MOUNT,   NAMESPACE_CGROUP,
};

static void write_process(struct json_writer *w)
{
	static const char *const args[] = {"sh"};

	json_open(w, "process", '{');
	json_bool(w, "terminal", true);
	json_open(w, "user", '{');
	json_u64(w, "uid", 0);
	json_u64(w, "gid", 0);
	json_close(w);
	json_texts(w, "args", args, ARRAY_SIZE(args));
	json_texts(w, "env", env, ARRAY_SIZE(env));
	json_text(w, "cwd", "/");
	json_open(w, "capabilities", '{');
	for (size_t i = 0; i < ARRAY_SIZE(capability_sets); i++)
		json_texts(w, capability_sets[i], capabilities, ARRAY_SIZE(capabilities));
	json_close(w);
	json_open(w, "rlimits", '[');
	json_open(w, NULL, '{');
	json_text(w, "type", "RLIMIT_NOFILE");
	json_u64(w, "hard", 1024);
	json_u64(w, "soft", 1024);
	json_close(w);
	json_close(w);
	json_bool(w, "noNewPrivileges", true);
	json_close(w);
}

static void write_options(struct json_writer *w, const char *const *options, bool rootless)
{
	json_open(w, "options", '[');
	for (size_t i = 0; options[i]; i++)
		if (!rootless || strcmp(options[i], unmapped_option) != 0)
			json_text(w, NULL, options[i]);
	json_close(w);
}

static void write_mounts(struct json_writer *w, bool rootless)
{
	json_open(w, "mounts", '[');
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		json_open(w, NULL, '{');
		json_text(w, "destination", mounts[i].destination);
		json_text(w, "type", mounts[i].type);
		json_text(w, "source", mounts[i].source);
		write_options(w, mounts[i].options, rootless);
		json_close(w);
	}
	json_close(w);
}

static void write_mapping(struct json_writer *w, const char *key, int64_t host_id)
{
	struct spec_id_map one = {.container_id = 0, .host_id = (uint32_t)host_id, .size = 1};
	const id_map_list maps = {.item = &one, .count = 1};

	spec_write_maps(w, key, &maps);
}

static void write_namespace(struct json_writer *w, enum namespace_type type)
{
	json_open(w, NULL, '{');
	json_text(w, "type", namespace_names[type]);
	json_close(w);
}

/* No device of the host's, also where the image brings a node of it; those that every container has are allowed
 * anyway. A plain user's rules could not be kept, and he opens no device that is not his. */
static void write_resources(struct json_writer *w)
{
	json_open(w, "resources", '{');
	json_open(w, "devices", '[');
	json_open(w, NULL, '{');
	json_bool(w, "allow", false);
	json_text(w, "access", "rwm");
	json_close(w);
	json_close(w);
	json_close(w);
}

static void write_linux(struct json_writer *w, int64_t rootless_uid, int64_t rootless_gid)
{
	bool rootless = rootless_uid >= 0;

	json_open(w, "linux", '{');
	if (rootless) {
		write_mapping(w, "uidMappings", rootless_uid);
		write_mapping(w, "gidMappings", rootless_gid);
	}
	if (!rootless)
		write_resources(w);
	json_open(w, "namespaces", '[');
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		write_namespace(w, namespaces[i]);
	if (rootless)
		write_namespace(w, NAMESPACE_USER);
	json_close(w);
	json_texts(w, "maskedPaths", masked_paths, ARRAY_SIZE(masked_paths));
	json_texts(w, "readonlyPaths", readonly_paths, ARRAY_SIZE(readonly_paths));
	json_close(w);
}

void spec_write_template(struct json_writer *w, int64_t rootless_uid, int64_t rootless_gid)
{
	json_open(w, NULL, '{');
	json_text(w, "ociVersion", "1.3.0");
	write_process(w);
	json_open(w, "root", '{');
	json_text(w, "path", "rootfs");
	json_bool(w, "readonly", true);
	json_close(w);
	json_text(w, "hostname", "cella");
	write_mounts(w, rootless_uid >= 0);
	write_linux(w, rootless_uid, rootless_gid);
	json_close(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's room: a config of our own, from which the namespace executor makes what it makes of any. Of the
 * asked one it has what concerns this host: the cgroup with the limits of the machine as a whole, the network and
 * user namespaces, the terminal, hooks of the runtime. In an empty, read-only root are the monitor's program, proc,
 * and the shares: "0" is the container's root, each further number a bind mount of the config. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/program.h"
#include "base/table.h"
#include "base/text.h"

#include "parts.h"

/* What the monitor and the file server have beside the guest's memory. */
static const int64_t own_memory = INT64_C(64) << 20;

/* The file server acts for the guest's users in the shares; the monitor itself drops all. Without CAP_MKNOD: it makes
 * no device, and a whiteout needs none. */
static const char *const capabilities[] = {
	"CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",
	"CAP_SETFCAP", "CAP_SETGID",       "CAP_SETUID",
};

/* Processes are all that it has: no /proc/sys, which root may write to without any capability. */
static const char *const proc_words[] = {"nosuid", "nodev", "noexec", "subset=pid"};
static const char *const root_words[] = {"mode=755", "size=64k", "nosuid", "nodev"};
static const char *const program_words[] = {"bind", "ro", "nosuid", "nodev"};
static const char *const pts_words[] = {"nosuid", "noexec", "newinstance", "ptmxmode=0666",
                                        "mode=0620"};
/* What the guest may execute or open as a device is its kernel's to know; here it is bytes. */
static const char *const share_words[] = {"rbind", "rprivate", "rnosuid", "rnodev", "rnoexec"};
static const char *const readonly_share_words[] = {"rbind",  "rprivate", "rnosuid",
                                                   "rnodev", "rnoexec",  "rro"};

#define WORDS(array)                                                                               \
	{                                                                                          \
		.item = (const char **)(uintptr_t)(array), .count = ARRAY_SIZE(array)              \
	}

const char *room_shares(const struct spec *spec, struct arena *arena)
{
	const char *lines = "";
	unsigned int share = 0;

	for (size_t i = 0; i < spec->mounts.count && lines; i++)
		if (spec_is_bind(&spec->mounts.item[i]))
			lines = arena_format(arena, "%s%zu %u\n", lines, i, ++share);
	return lines;
}

/* ---- what can't be ---- */

static int refuse(struct error *err, const char *path, const char *why)
{
	return fail(err, ERROR_UNSUPPORTED, path, "%s", why);
}

static int check_namespaces(const struct spec *spec, struct error *err)
{
	static const enum namespace_type inside[] = {NAMESPACE_PID,    NAMESPACE_IPC,
	                                             NAMESPACE_UTS,    NAMESPACE_MOUNT,
	                                             NAMESPACE_CGROUP, NAMESPACE_TIME};
	const struct spec_namespace *all = spec->linux_.namespaces;
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
		if (all[inside[i]].set && all[inside[i]].path) {
			(void)snprintf(path, sizeof(path), "linux.namespaces[%zu].path",
			               all[inside[i]].index);
			return refuse(err, path,
			              "a virtual machine of this version of cella can join no "
			              "namespace of the host but a network or user namespace");
		}
	if (!all[NAMESPACE_NETWORK].set)
		return refuse(err, "linux.namespaces",
		              "a virtual machine can't use the host's network: it needs a network "
		              "namespace");
	return 0;
}

static int check_vm(const struct spec_vm *vm, struct error *err)
{
	const struct {
		bool asked;
		const char *path, *why;
	} all[] = {
		{vm->hypervisor_path != NULL, "vm.hypervisor",          "cella has a monitor of its own"    },
		{vm->device_tree != NULL,     "vm.hwConfig.deviceTree",
	         "this machine has none: it is described by ACPI"                                           },
		{vm->dtdevs.count > 0,        "vm.hwConfig.dtdevs",     "no device of the host is passed on"},
		{vm->iomems.set,              "vm.hwConfig.iomems",     "no device of the host is passed on"},
		{vm->irqs.set,                "vm.hwConfig.irqs",       "no device of the host is passed on"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].asked)
			return refuse(err, all[i].path, all[i].why);
	return 0;
}

/* What a share can't be: the file server follows its source. */
static int check_mounts(const struct spec *spec, struct error *err)
{
	static const char *const words[] = {"copy-symlink", "src-nofollow"};
	char path[64];

	for (size_t i = 0; i < spec->mounts.count; i++)
		for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
			if (!spec_mount_has(&spec->mounts.item[i], words[w]))
				continue;
			(void)snprintf(path, sizeof(path), "mounts[%zu].options", i);
			return fail(err, ERROR_UNSUPPORTED, path,
			            "'%s': a virtual machine shares what the link leads to",
			            words[w]);
		}
	return 0;
}

static int check(const struct spec *spec, struct error *err)
{
	struct machine ignored;

	if (!spec->process.set)
		return fail(err, ERROR_CONFIG, "process",
		            "required: what the container runs, with args and cwd");
	if (!spec->root_path)
		return fail(err, ERROR_CONFIG, "root", "is missing");
	if (spec->linux_.seccomp.set && spec_seccomp_notifies(&spec->linux_.seccomp))
		return refuse(
			err, "linux.seccomp",
			"SCMP_ACT_NOTIFY: a listener of the guest's kernel can't reach an agent "
			"outside");
	if (check_mounts(spec, err) < 0 || check_namespaces(spec, err) < 0 ||
	    check_vm(&spec->vm, err) < 0 || disk_check(spec, err) < 0)
		return -1;
	return machine_plan(spec, &ignored, err);
}

/* By their place in the config: in the room they have another. Tests have no bundle. */
static int check_sources(const struct spec *spec, const char *bundle, struct error *err)
{
	for (size_t i = 0; bundle && i < spec->mounts.count; i++) {
		const struct spec_mount *mount = &spec->mounts.item[i];
		char path[PATH_MAX];
		struct stat st;

		if (!spec_is_bind(mount) || !mount->source)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", *mount->source == '/' ? "" : bundle,
		               mount->source);
		if (stat(path, &st) < 0) {
			(void)fail_errno(err, mount->source, "stat");
			return error_within(err, "mounts[%zu].source", i);
		}
	}
	return 0;
}

/* ---- what is in it ---- */

static void add_mount(struct spec *room, const char *destination, const char *type,
                      const char *source, text_list words)
{
	room->mounts.item[room->mounts.count++] = (struct spec_mount){.destination = destination,
	                                                              .type = type,
	                                                              .source = source,
	                                                              .options = words};
}

static void add_share(struct spec *room, const char *source, bool readonly, unsigned int number,
                      struct arena *arena)
{
	const text_list all = WORDS(share_words), read = WORDS(readonly_share_words);

	add_mount(room, arena_format(arena, "/shares/%u", number), NULL, source,
	          readonly ? read : all);
}

/* "idmap", "ridmap=…", or NULL. */
static const char *idmap_word(const struct spec_mount *mount)
{
	for (size_t i = 0; i < mount->options.count; i++) {
		const char *word = mount->options.item[i];
		const char *idmap = word + (*word == 'r');

		if (strncmp(idmap, "idmap", 5) == 0 && (idmap[5] == '=' || idmap[5] == '\0'))
			return word;
	}
	return NULL;
}

/* Whose the files are is settled outside: the file server sees them through the id-mapped mount, the guest
 * as it does. */
static void map_share(struct spec *room, const struct spec_mount *asked, struct arena *arena)
{
	struct spec_mount *share = &room->mounts.item[room->mounts.count - 1];
	const char *word = idmap_word(asked);
	const char **words;

	share->uid_mappings = asked->uid_mappings;
	share->gid_mappings = asked->gid_mappings;
	if (!word)
		return;
	words = arena_alloc(arena, share->options.count + 1, sizeof(*words));
	if (!words)
		return;
	memcpy(words, share->options.item, share->options.count * sizeof(*words));
	words[share->options.count++] = word;
	share->options.item = words;
}

static int add_mounts(const struct spec *asked, struct spec *room, struct arena *arena,
                      struct error *err)
{
	const text_list root = WORDS(root_words), proc = WORDS(proc_words),
			program = WORDS(program_words), pts = WORDS(pts_words);
	unsigned int share = 0;
	char path[PATH_MAX];

	if (program_helper("cella-vmm", path, sizeof(path), err) < 0)
		return -1;
	room->mounts.count = 0;
	room->mounts.item = arena_alloc(arena, asked->mounts.count + 8, sizeof(struct spec_mount));
	if (!room->mounts.item)
		return arena_check(arena, err);
	add_mount(room, "/", "tmpfs", "tmpfs", root);
	add_mount(room, "/proc", "proc", "proc", proc);
	if (asked->process.terminal)
		add_mount(room, "/dev/pts", "devpts", "devpts", pts);
	add_mount(room, "/cella-vmm", NULL, arena_text(arena, path), program);
	add_share(room, asked->root_path, asked->root_readonly, share, arena);
	for (size_t i = 0; i < asked->mounts.count; i++) {
		const struct spec_mount *mount = &asked->mounts.item[i];

		if (!spec_is_bind(mount))
			continue;
		add_share(room, mount->source,
		          spec_mount_has(mount, "ro") || spec_mount_has(mount, "rro"), ++share,
		          arena);
		map_share(room, mount, arena);
	}
	return arena_check(arena, err);
}

/* The guest's kernel can open no device of the host; nodes in a share can be made for it. */
static void set_devices(struct spec_resources *r, struct arena *arena)
{
	struct spec_device_rule *rules = arena_alloc(arena, 2, sizeof(*rules));

	if (!rules)
		return;
	rules[0] = (struct spec_device_rule){.type = 'a', .access = "rwm"};
	rules[1] = (struct spec_device_rule){.allow = true, .type = 'a', .access = "m"};
	r->devices.item = rules;
	r->devices.count = 2;
}

int64_t room_memory(uint64_t machine_bytes)
{
	return (int64_t)machine_bytes + own_memory;
}

/* Of the limits those that the whole machine has. Memory is that of the guest and of the monitor. */
static int set_resources(const struct spec *asked, struct spec *room, struct arena *arena,
                         struct error *err)
{
	struct spec_resources *r = &room->linux_.resources;
	int64_t limit = r->memory.limit.value, swap = r->memory.swap.value;
	bool limited = r->memory.limit.set && limit > 0;
	struct machine machine;

	if (machine_plan(asked, &machine, err) < 0)
		return -1;
	memset(&r->memory, 0, sizeof(r->memory));
	if (limited) {
		r->memory.limit.set = true;
		r->memory.limit.value = room_memory(machine.memory_bytes);
		if (asked->linux_.resources.memory.swap.set && swap >= limit) {
			r->memory.swap.set = true;
			r->memory.swap.value = r->memory.limit.value + (swap - limit);
		}
	}
	r->pids_limit.set = false;
	r->hugepage_limits.count = 0;
	plan_split_unified(r, false, arena);
	set_devices(r, arena);
	r->set = true;
	return 0;
}

/* The monitor is ours: it keeps what descriptors we may have more than we were given. */
static void keep_files(struct plan_request *request, struct arena *arena)
{
	struct host *host = ARENA_NEW(arena, struct host);

	if (!host)
		return;
	*host = *request->host;
	host->more_open_files = false;
	request->host = host;
}

static void set_process(struct spec *room, const struct spec *asked, struct arena *arena)
{
	struct spec_process *p = &room->process;
	const text_list sets = WORDS(capabilities);
	const char **args = arena_alloc(arena, 4, sizeof(*args));

	*p = (struct spec_process){.set = true, .terminal = asked->process.terminal, .cwd = "/"};
	p->console_height = asked->process.console_height;
	p->console_width = asked->process.console_width;
	p->oom_score_adj = asked->process.oom_score_adj;
	/* the policy is this kernel's: of the guest it sees the monitor, which it confines */
	p->apparmor_profile = asked->process.apparmor_profile;
	p->selinux_label = asked->process.selinux_label;
	p->no_new_privileges = true;
	p->capabilities.set = true;
	p->capabilities.bounding = p->capabilities.effective = p->capabilities.permitted = sets;
	if (!args)
		return;
	args[0] = "/cella-vmm";
	args[1] = "0"; /* the channel's number */
	p->args.item = args;
	p->args.count = 2;
}

/* Hooks beside the monitor are for the container, whose environment the monitor's own process has not. */
static void lend_environment(struct spec *room, const struct spec *asked, struct arena *arena)
{
	const hook_list *hooks = &asked->hooks[HOOK_CREATE_CONTAINER];
	struct spec_hook *own = arena_alloc(arena, hooks->count + 1, sizeof(*own));

	for (size_t i = 0; own && i < hooks->count; i++) {
		own[i] = hooks->item[i];
		if (!own[i].has_env)
			own[i].env = asked->process.env;
		own[i].has_env = true;
	}
	room->hooks[HOOK_CREATE_CONTAINER].item = own;
}

static void set_namespaces(struct spec *room)
{
	static const enum namespace_type fresh[] = {NAMESPACE_PID, NAMESPACE_IPC, NAMESPACE_UTS,
	                                            NAMESPACE_MOUNT, NAMESPACE_CGROUP};
	struct spec_namespace *all = room->linux_.namespaces;

	all[NAMESPACE_TIME] = (struct spec_namespace){0};
	for (size_t i = 0; i < ARRAY_SIZE(fresh); i++)
		all[fresh[i]] = (struct spec_namespace){.set = true};
}

int room_prepare(struct plan_request *request, struct arena *arena, struct error *err)
{
	const struct spec *asked = request->spec;
	struct spec *room = ARENA_NEW(arena, struct spec);

	if (!room)
		return arena_check(arena, err);
	if (request->preserve_fds > 0)
		return refuse(err, "--preserve-fds",
		              "descriptors of the host don't reach into a virtual machine");
	if (check(asked, err) < 0 || check_sources(asked, request->bundle, err) < 0 ||
	    plan_check_guest(request, arena, err) < 0)
		return -1;
	*room = *asked;
	room->root_readonly = true;
	room->hooks[HOOK_START_CONTAINER].count = 0;
	memset(&room->vm, 0, sizeof(room->vm));
	set_process(room, asked, arena);
	keep_files(request, arena);
	lend_environment(room, asked, arena);
	set_namespaces(room);
	room->linux_.devices.count =
		0; /* netDevices: from the network namespace they are handed on to the guest */
	room->linux_.sysctl.count = 0;
	room->linux_.masked_paths.count = room->linux_.readonly_paths.count = 0;
	room->linux_.seccomp.set = false;
	room->linux_.rootfs_propagation = NULL;
	memset(&room->linux_.personality, 0, sizeof(room->linux_.personality));
	room->linux_.memory_policy.set = false;
	if (add_mounts(asked, room, arena, err) < 0 || set_resources(asked, room, arena, err) < 0)
		return -1;
	request->spec = room;
	request->start_at_once = true;
	return arena_check(arena, err);
}

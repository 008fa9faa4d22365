/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/path.h"
#include "base/table.h"
#include "base/text.h"

#include "steps.h"

/* ---- devices ---- */

/* What mknod(2) can say: more bits would be lost without a word. */
enum { MAJOR_MOST = (1 << 12) - 1, MINOR_MOST = (1 << 20) - 1 };

static const struct {
	const char *path;
	unsigned int major, minor;
} default_nodes[] = {
	{"/dev/null",    1, 3},
        {"/dev/zero",    1, 5},
        {"/dev/full",    1, 7},
	{"/dev/random",  1, 8},
        {"/dev/urandom", 1, 9},
        {"/dev/tty",     5, 0},
};

static bool is_listed(const struct spec_linux *spec, const char *path)
{
	for (size_t i = 0; i < spec->devices.count; i++)
		if (strcmp(spec->devices.item[i].path, path) == 0)
			return true;
	return false;
}

static int check_number(size_t index, const char *member, int64_t number, int64_t most,
                        struct error *err)
{
	char object[64];

	if (number >= 0 && number <= most)
		return 0;
	(void)snprintf(object, sizeof(object), "linux.devices[%zu].%s", index, member);
	return fail(err, ERROR_CONFIG, object, "must be a number from 0 to %lld", (long long)most);
}

static int plan_node(const struct spec_device *asked, struct rootfs_node *node, struct error *err)
{
	mode_t type = asked->type == 'b' ? S_IFBLK : S_IFCHR;

	if (asked->type == 'p')
		type = S_IFIFO;
	if (type != S_IFIFO) {
		if (check_number(node->index, "major", asked->major, MAJOR_MOST, err) < 0 ||
		    check_number(node->index, "minor", asked->minor, MINOR_MOST, err) < 0)
			return -1;
		node->number = makedev((unsigned int)asked->major, (unsigned int)asked->minor);
	}
	node->path = asked->path;
	node->mode = type | (asked->mode.set ? (mode_t)(asked->mode.value & 07777) : 0666);
	node->uid = asked->uid.set ? (uid_t)asked->uid.value : 0;
	node->gid = asked->gid.set ? (gid_t)asked->gid.value : 0;
	return 0;
}

static int plan_nodes(const struct spec_linux *spec, struct arena *arena, struct rootfs_plan *plan,
                      struct error *err)
{
	plan->nodes = arena_alloc(arena, ARRAY_SIZE(default_nodes) + spec->devices.count,
	                          sizeof(*plan->nodes));
	if (!plan->nodes)
		return arena_check(arena, err);
	for (size_t i = 0; i < ARRAY_SIZE(default_nodes); i++) {
		if (is_listed(spec, default_nodes[i].path))
			continue;
		plan->nodes[plan->nodes_count++] = (struct rootfs_node){
			.path = default_nodes[i].path,
			.is_default = true,
			.mode = S_IFCHR | 0666,
			.number = makedev(default_nodes[i].major, default_nodes[i].minor),
		};
	}
	for (size_t i = 0; i < spec->devices.count; i++) {
		struct rootfs_node *node = &plan->nodes[plan->nodes_count++];

		node->index = i;
		if (plan_node(&spec->devices.item[i], node, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- sysctl ---- */

/* Which namespace a sysctl belongs to; a name that ends in "/" means all below. */
static const struct word namespaced[] = {
	{"sys/net/",                   NAMESPACE_NETWORK},
	{"sys/user/",                  NAMESPACE_USER   },
	{"sys/fs/mqueue/",             NAMESPACE_IPC    },
	{"sys/kernel/msgmax",          NAMESPACE_IPC    },
	{"sys/kernel/msgmnb",          NAMESPACE_IPC    },
	{"sys/kernel/msgmni",          NAMESPACE_IPC    },
	{"sys/kernel/sem",             NAMESPACE_IPC    },
	{"sys/kernel/shmall",          NAMESPACE_IPC    },
	{"sys/kernel/shmmax",          NAMESPACE_IPC    },
	{"sys/kernel/shmmni",          NAMESPACE_IPC    },
	{"sys/kernel/shm_rmid_forced", NAMESPACE_IPC    },
	{"sys/kernel/hostname",        NAMESPACE_UTS    },
	{"sys/kernel/domainname",      NAMESPACE_UTS    },
};

/* As sysctl.d(5) has it: where the first separator is a dot, dots and slashes change places. */
static char *sysctl_path(const char *key, struct arena *arena)
{
	char *path = arena_format(arena, "sys/%s", key);
	const char *first = strpbrk(key, "./");

	if (!path || !first || *first == '/')
		return path;
	for (char *c = path + strlen("sys/"); *c; c++)
		if (*c == '.')
			*c = '/';
		else if (*c == '/')
			*c = '.';
	return path;
}

/* Whether no component is empty, "." or "..": what is checked by its beginning must stay there. */
static bool is_plain(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 0 || (length <= 2 && strspn(path, ".") >= length))
			return false;
		path += length;
		if (*path && !*++path)
			return false;
	}
	return true;
}

static bool is_same(const char *file, const char *path)
{
	struct stat there, asked;

	return stat(file, &there) == 0 && stat(path, &asked) == 0 && there.st_dev == asked.st_dev &&
	       there.st_ino == asked.st_ino;
}

/* Whether a namespace to join is the one that we stand in. */
static bool is_ours(enum namespace_type type, const char *path)
{
	static const char *const files[NAMESPACE_TYPES] = {
		[NAMESPACE_USER] = "/proc/self/ns/user",   [NAMESPACE_MOUNT] = "/proc/self/ns/mnt",
		[NAMESPACE_IPC] = "/proc/self/ns/ipc",     [NAMESPACE_UTS] = "/proc/self/ns/uts",
		[NAMESPACE_NETWORK] = "/proc/self/ns/net",
	};

	return is_same(files[type], path);
}

/* Whose mounts would change, and in the end the root of all who have the host's. */
static int check_mount_namespace(const struct rootfs_request *request, struct error *err)
{
	const struct spec_namespace *ns = &request->spec->linux_.namespaces[NAMESPACE_MOUNT];
	const char *why = ns->set ? "is the host's" : "is missing";

	if (ns->set &&
	    (!ns->path || !*ns->path || request->host->made_up ||
	     !(is_ours(NAMESPACE_MOUNT, ns->path) || is_same("/proc/1/ns/mnt", ns->path))))
		return 0;
	return fail(err, ERROR_CONFIG, "linux.namespaces",
	            "a mount namespace %s: the host's mounts would change", why);
}

static int check_namespace(const struct rootfs_request *request, enum namespace_type type,
                           struct error *err)
{
	const struct spec_namespace *ns = &request->spec->linux_.namespaces[type];

	if (request->spec->linux_.own_machine &&
	    (type == NAMESPACE_NETWORK || type == NAMESPACE_USER))
		return 0;
	if (ns->set &&
	    (!ns->path || !*ns->path || request->host->made_up || !is_ours(type, ns->path)))
		return 0;
	return fail(err, ERROR_CONFIG, "",
	            "without a %s namespace of its own it would change the host",
	            namespace_names[type]);
}

static int check_sysctl(const struct rootfs_request *request, const char *path, struct error *err)
{
	if (!is_plain(path))
		return fail(err, ERROR_CONFIG, "", "is no name of a sysctl");
	for (size_t i = 0; i < ARRAY_SIZE(namespaced); i++) {
		const char *word = namespaced[i].word;
		bool same = text_ends(word, "/") ? text_begins(path, word) : !strcmp(path, word);

		if (same)
			return check_namespace(request, (enum namespace_type)namespaced[i].value,
			                       err);
	}
	return fail(err, ERROR_CONFIG, "", "not namespaced: would change the host");
}

static int plan_sysctls(const struct rootfs_request *request, struct arena *arena,
                        struct rootfs_plan *plan, struct error *err)
{
	const struct spec_linux *spec = &request->spec->linux_;

	plan->sysctls = arena_alloc(arena, spec->sysctl.count + 1, sizeof(*plan->sysctls));
	if (!plan->sysctls)
		return arena_check(arena, err);
	for (size_t i = 0; i < spec->sysctl.count; i++) {
		const struct key_value *asked = &spec->sysctl.item[i];
		char *path = sysctl_path(asked->key, arena);

		if (!path)
			return arena_check(arena, err);
		if (check_sysctl(request, path, err) < 0)
			return error_within(err, "linux.sysctl[\"%s\"]", asked->key);
		plan->sysctls[plan->sysctls_count++] =
			(struct rootfs_sysctl_entry){asked->key, path, asked->value};
	}
	return 0;
}

/* ---- the whole ---- */

static int plan_propagation(const struct spec_linux *spec, struct rootfs_plan *plan,
                            struct error *err)
{
	int64_t value = 0;
	char choices[128];

	if (spec->rootfs_propagation && *spec->rootfs_propagation &&
	    !table_value(rootfs_propagations, ROOTFS_PROPAGATIONS, spec->rootfs_propagation,
	                 &value))
		return fail(err, ERROR_CONFIG, "linux.rootfsPropagation", "must be %s",
		            table_choices(rootfs_propagations, ROOTFS_PROPAGATIONS, choices,
		                          sizeof(choices)));
	plan->propagation = (uint64_t)value;
	return 0;
}

static int plan_root(const struct rootfs_request *request, struct arena *arena,
                     struct rootfs_plan *plan, struct error *err)
{
	char real[PATH_MAX];

	if (!request->spec->root_path)
		return fail(err, ERROR_CONFIG, "root", "is missing");
	plan->path = rootfs_below_bundle(request, request->spec->root_path, arena);
	if (!plan->path)
		return arena_check(arena, err);
	if (request->host->made_up)
		return 0;
	if (path_real_directory(plan->path, real) < 0) {
		(void)fail_errno(err, plan->path, "stat");
		return error_within(err, "root.path");
	}
	if (strcmp(real, "/") == 0)
		return fail(err, ERROR_CONFIG, "root.path", "can't be the host's own root");
	plan->path = arena_text(arena, real);
	return plan->path ? 0 : arena_check(arena, err);
}

static struct rootfs_plan *begin(const struct rootfs_request *request, struct arena *arena)
{
	const struct spec_linux *spec = &request->spec->linux_;
	struct rootfs_plan *plan = ARENA_NEW(arena, struct rootfs_plan);

	if (!plan)
		return NULL;
	plan->spec = request->spec;
	plan->no_pivot = request->no_pivot;
	plan->user_namespace = spec->namespaces[NAMESPACE_USER].set;
	plan->privileged = request->host->privileged;
	plan->is_root =
		plan->user_namespace || (request->host->uid == 0 && request->host->gid == 0);
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (!spec->namespaces[i].set)
			plan->shared |= 1U << i;
	plan->root = plan->under = plan->null = -1;
	plan->dev = -1;
	plan->stands = plan->listing.of = plan->listing.dir = -1;
	if (request->cgroup)
		plan->cgroup = arena_text(arena, request->cgroup);
	return plan;
}

int rootfs_plan(const struct rootfs_request *request, struct arena *arena,
                struct rootfs_plan **ret_plan, struct error *err)
{
	const struct spec_linux *spec = &request->spec->linux_;
	struct rootfs_plan *plan = begin(request, arena);

	if (!plan || (request->cgroup && !plan->cgroup))
		return arena_check(arena, err);
	if (check_mount_namespace(request, err) < 0)
		return -1;
	if (plan_propagation(spec, plan, err) < 0 || plan_root(request, arena, plan, err) < 0 ||
	    rootfs_plan_all_mounts(request, arena, plan, err) < 0 ||
	    plan_nodes(spec, arena, plan, err) < 0 || plan_sysctls(request, arena, plan, err) < 0)
		return -1;
	*ret_plan = plan;
	return 0;
}

int rootfs_plan_mounts(const struct rootfs_request *request, struct arena *arena,
                       struct rootfs_plan **ret_plan, struct error *err)
{
	struct rootfs_plan *plan = begin(request, arena);

	if (!plan)
		return arena_check(arena, err);
	plan->late = true;
	if (rootfs_plan_all_mounts(request, arena, plan, err) < 0)
		return -1;
	*ret_plan = plan;
	return 0;
}

const char *rootfs_path(const struct rootfs_plan *plan)
{
	return plan->path;
}

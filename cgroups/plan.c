/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/text.h"

#include "cgroups.h"
#include "devices.h"
#include "limits.h"
#include "systemd.h"
#include "tree.h"

static const char object[] = "linux.cgroupsPath";

/* What was found on this machine, or made up for a test. */
struct found {
	bool rootless; /* looked up once: it takes a file of procfs */
	bool tree;     /* there is one; else its mount is the usual place and own is "/" */
	int top;       /* its descriptor, owned; -1 */
	struct tree at;
	char own[PATH_MAX];
};

static bool is_rootless(const struct host *host)
{
	return !host->privileged || host->nested;
}

static int look(const struct host *host, struct found *found, struct error *err)
{
	owned_fd top = -1;

	*found = (struct found){.at.mount = "/sys/fs/cgroup", .own = "/", .top = -1};
	found->rootless = host->made_up ? !host->privileged : is_rootless(host);
	if (host->made_up)
		return 0;
	top = tree_find(&found->at, err);
	if (top < 0)
		return err->errnum == ENOENT && found->rootless ? 0 : -1;
	found->tree = true;
	if (tree_own_cgroup(found->own, sizeof(found->own), err) < 0)
		return -1;
	found->top = take_fd(&top);
	return 0;
}

static void found_release(struct found *found)
{
	fd_release(&found->top);
}

/* Leave out "." and repeated and trailing slashes, in place; the path is absolute. */
static void tidy(char *path)
{
	const char *from = path;
	char *to = path;

	for (from += strspn(from, "/"); *from; from += strspn(from, "/")) {
		size_t length = strcspn(from, "/");

		if (length != 1 || *from != '.') {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	*to = '\0';
}

/* runc's rule: absolute is below the top; relative, or cella/ID, beside our own cgroup. */
static int decide_path(const char *wanted, const char *own, const char *id, struct arena *arena,
                       char **ret_path, struct error *err)
{
	const char *slash = strrchr(own, '/');
	int parent = slash ? (int)(slash - own) : 0;
	char *path;

	if (wanted && systemd_is_form(wanted))
		return fail(
			err, ERROR_CONFIG, object,
			"'%s' is the form of the systemd manager, which --systemd-cgroup chooses; "
			"expected a path",
			wanted);
	if (!wanted || !*wanted)
		path = arena_format(arena, "%.*s/cella/%s", parent, own, id);
	else if (*wanted == '/')
		path = arena_text(arena, wanted);
	else
		path = arena_format(arena, "%.*s/%s", parent, own, wanted);
	if (!path)
		return arena_check(arena, err);
	tidy(path);
	if (!tree_is_below(path))
		return fail(err, ERROR_CONFIG, object,
		            "'%s': expected a path below the top, without '..'",
		            wanted ? wanted : id);
	*ret_path = path;
	return 0;
}

/* Whether we may make a cgroup at path and be moved there: its nearest ancestor that exists, and
 * cgroup.procs of the nearest ancestor that it shares with our own, are writable (cgroup-v2.rst,
 * "Delegation Containment"). */
static bool may_write(const struct found *found, const char *path)
{
	struct error ignored;
	owned_fd top = tree_open(found->at.mount, &ignored);
	char ancestor[PATH_MAX];
	bool made = false;

	if (top < 0 || !path || strlen(path) >= sizeof(ancestor))
		return false;
	memcpy(ancestor, path, strlen(path) + 1);
	for (char *end = strrchr(ancestor, '/'); end; end = strrchr(ancestor, '/')) {
		owned_fd dir = -1;
		size_t length;

		*end = '\0';
		length = strlen(ancestor);
		dir = tree_descend(top, ancestor, &ignored);
		if (dir < 0 && ignored.errnum == ENOENT)
			continue;
		if (dir < 0 || (!made && faccessat(dir, ".", W_OK, AT_EACCESS) < 0))
			return false;
		made = true;
		if (strncmp(found->own, ancestor, length) == 0 &&
		    (found->own[length] == '/' || found->own[length] == '\0'))
			return faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS) == 0;
	}
	return false;
}

/* The container sees its cgroup as its own top, and can write to it: runtime-spec config-linux.md, "Cgroup
 * ownership". */
static bool is_delegated(const struct spec *spec)
{
	const struct spec_namespace *own = &spec->linux_.namespaces[NAMESPACE_CGROUP];

	if (!own->set || own->path)
		return false;
	for (size_t i = 0; i < spec->mounts.count; i++) {
		const struct spec_mount *mount = &spec->mounts.item[i];
		bool readonly = false;

		for (size_t j = 0; j < mount->options.count; j++)
			readonly = strcmp(mount->options.item[j], "ro") == 0 ||
			           (readonly && strcmp(mount->options.item[j], "rw") != 0);
		if (mount->type && text_begins(mount->type, "cgroup") && !readonly)
			return true;
	}
	return false;
}

/* Who an id of the container is on the host. */
static uint32_t host_id(const struct spec_linux *l, const id_map_list *maps, uint32_t id)
{
	uint32_t host = UINT32_MAX; /* chown(2): leave it */

	if (!l->namespaces[NAMESPACE_USER].set)
		return id;
	(void)spec_map_id(maps, id, &host);
	return host;
}

/* Whose it is: the user's who runs the program. Whom we don't know gets nothing, and who makes it has it. */
static void decide_owner(const struct cgroup_request *request, struct cgroup_plan *plan)
{
	const struct spec *spec = request->spec;
	const struct spec_linux *l = &spec->linux_;

	plan->owner_uid = host_id(l, &l->uid_mappings, spec->process.user.uid);
	plan->owner_gid = host_id(l, &l->gid_mappings, spec->process.user.gid);
	plan->delegate =
		plan->path && is_delegated(spec) && plan->owner_uid != UINT32_MAX &&
		(l->namespaces[NAMESPACE_USER].set || plan->owner_uid != request->host->uid);
}

/* crun's annotations that name a cgroup. Absent or empty: *ret_name is NULL. */
static int annotated(const struct spec *spec, const char *key, const char **ret_name,
                     struct error *err)
{
	const char *name = spec_annotation(spec, key);

	*ret_name = name && *name ? name : NULL;
	if (!*ret_name || (!strchr(name, '/') && name[0] != '.' && strlen(name) <= NAME_MAX))
		return 0;
	(void)fail(err, ERROR_CONFIG, "", "'%.100s': expected the name of a cgroup", name);
	return error_within(err, "annotations[\"%s\"]", key);
}

static int decide_scope(const struct cgroup_request *request, bool rootless,
                        const struct found *found, struct cgroup_plan *plan, char **ret_path,
                        struct error *err)
{
	const char *wanted = request->spec->linux_.cgroups_path;
	struct systemd_scope *scope = ARENA_NEW(plan->arena, struct systemd_scope);

	if (arena_check(plan->arena, err) < 0)
		return error_within(err, "%s", object);
	plan->scope = scope;
	if (systemd_place(wanted, request->id, rootless, found->own, plan->arena, scope, ret_path,
	                  err) < 0 ||
	    annotated(request->spec, "run.oci.systemd.subgroup", &scope->below, err) < 0)
		return -1;
	if (scope->below && *ret_path)
		*ret_path = arena_format(plan->arena, "%s/%s", *ret_path, scope->below);
	return 0;
}

/* Where it will be, by either manager; NULL: nowhere. */
static int decide_place(const struct cgroup_request *request, const struct found *found,
                        struct cgroup_plan *plan, char **ret_path, struct error *err)
{
	const char *wanted = request->spec->linux_.cgroups_path;
	bool rootless = !request->host->made_up && found->rootless;

	if (request->rootless != ROOTLESS_AUTO)
		rootless = request->rootless == ROOTLESS_YES;
	if (request->systemd)
		return decide_scope(request, rootless, found, plan, ret_path, err);
	if (decide_path(wanted, found->own, request->id, plan->arena, ret_path, err) < 0)
		return -1;
	if (rootless && !request->host->made_up && (!found->tree || !may_write(found, *ret_path))) {
		log_debug("%s: no right to make '%s': done without", object, *ret_path);
		*ret_path = NULL;
	}
	return 0;
}

const char *cgroup_unit(const struct cgroup_plan *plan)
{
	return plan->scope ? plan->scope->unit : NULL;
}

/* The cgroup below the container's that its first process gets. */
static int plan_below(const struct spec *spec, struct cgroup_plan *plan, struct error *err)
{
	static const char key[] = "run.oci.delegate-cgroup";

	if (annotated(spec, key, &plan->below, err) < 0)
		return -1;
	if (!plan->below || plan->path)
		return 0;
	(void)fail(err, ERROR_UNSUPPORTED, "", "the container has no cgroup");
	return error_within(err, "annotations[\"%s\"]", key);
}

/* crun's annotation for a systemd in the container that knows cgroup v1 only: it would not come up. */
static int refuse_old_tree(const struct spec *spec, struct error *err)
{
	const char *where = spec_annotation(spec, "run.oci.systemd.force_cgroup_v1");

	if (!where || !*where)
		return 0;
	return fail(
		err, ERROR_UNSUPPORTED, "annotations[\"run.oci.systemd.force_cgroup_v1\"]",
		"there is no cgroup v1 for '%.100s': the container's systemd must know cgroup v2",
		where);
}

static int plan_properties(const struct spec *spec, const struct found *found,
                           struct cgroup_plan *plan, struct error *err)
{
	/* the scope is to come: systemd's own tells what there will be */
	plan->scope->bfq =
		found->top >= 0 && faccessat(found->top, "init.scope/io.bfq.weight", F_OK, 0) == 0;
	if (systemd_limits(&plan->writes, -1, plan->arena, plan->scope, err) < 0)
		return -1;
	return systemd_annotations(spec, plan->arena, plan->scope, err);
}

static int refuse_limit(const struct cgroup_request *request, const struct found *found,
                        const char *member, struct error *err)
{
	const char *wanted = request->spec->linux_.cgroups_path;

	if (request->disabled)
		return fail(err, ERROR_UNSUPPORTED, member,
		            "wants a cgroup, and --cgroup-manager is disabled");
	return fail(err, ERROR_UNSUPPORTED, member,
	            "wants a cgroup, and this user may make none at '%s'",
	            wanted ? wanted : found->own);
}

int cgroup_plan(const struct cgroup_request *request, struct arena *arena,
                struct cgroup_plan **ret_plan, struct error *err)
{
	struct cgroup_plan *plan = ARENA_NEW(arena, struct cgroup_plan);
	const struct spec *spec = request->spec;
	const struct host *host = request->host;
	struct device_program *devices;
	OWNED(found_release) struct found found = {.top = -1};
	char *path = NULL;

	if (refuse_old_tree(spec, err) < 0 || look(host, &found, err) < 0)
		return -1;
	if (arena_check(arena, err) < 0)
		return error_within(err, "%s", object);
	plan->arena = arena;
	if (!request->disabled && decide_place(request, &found, plan, &path, err) < 0)
		return -1;
	if (limits_plan(&spec->linux_.resources, host->made_up ? NULL : found.at.controllers, arena,
	                &plan->writes, err) < 0)
		return -1;
	if (plan->scope && plan_properties(spec, &found, plan, err) < 0)
		return -1;
	if (devices_plan(&spec->linux_.resources, arena, &devices, err) < 0)
		return -1;
	/* A plain user's container has no right to make nodes, nor he one to load programs. */
	plan->devices = found.rootless || !path ? NULL : devices;
	if (!path && plan->writes.count > 0)
		return refuse_limit(request, &found, plan->writes.item[0].member, err);
	plan->path = path;
	plan->mount = arena_text(arena, found.at.mount);
	plan->top = -1;
	plan->own = arena_text(arena, found.own);
	plan->controllers = arena_text(arena, found.at.controllers);
	decide_owner(request, plan);
	if (plan_below(spec, plan, err) < 0)
		return -1;
	if (arena_check(arena, err) < 0)
		return error_within(err, "%s", object);
	plan->top = take_fd(&found.top);
	*ret_plan = plan;
	return 0;
}

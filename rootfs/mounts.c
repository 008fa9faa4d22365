/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of mounts: those of a config, and those that a container gets later. */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/table.h"

#include "steps.h"

/* One slash before each component, and no component ".". */
static const char *clean_path(const char *path, struct arena *arena)
{
	char *clean = arena_alloc(arena, 1, strlen(path) + 2);
	size_t length = 0;

	if (!clean)
		return NULL;
	while (*(path += strspn(path, "/"))) {
		size_t step = strcspn(path, "/");

		if (step != 1 || *path != '.') {
			clean[length++] = '/';
			memcpy(clean + length, path, step);
			length += step;
		}
		path += step;
	}
	if (length == 0)
		clean[0] = '/';
	return clean;
}

const char *rootfs_below_bundle(const struct rootfs_request *request, const char *path,
                                struct arena *arena)
{
	if (path[0] == '/')
		return arena_text(arena, path);
	return arena_format(arena, "%s/%s", request->bundle, path);
}

static int read_link(const char *path, struct arena *arena, struct rootfs_mount *mount,
                     struct error *err)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target));

	if (length < 0 || (size_t)length >= sizeof(target))
		return fail_errno(err, path, "readlink");
	mount->link = arena_text_n(arena, target, (size_t)length);
	return mount->link ? 0 : arena_check(arena, err);
}

static int plan_bind_source(const struct rootfs_request *request, const struct spec_mount *asked,
                            struct arena *arena, struct rootfs_mount *mount, struct error *err)
{
	bool as_it_is = mount->keep_link || mount->copy_link;
	struct stat st;

	if (!asked->source || !*asked->source)
		return fail(err, ERROR_CONFIG, "", "a bind mount needs one");
	mount->source = rootfs_below_bundle(request, asked->source, arena);
	if (!mount->source)
		return arena_check(arena, err);
	if (request->host->made_up)
		return 0;
	if ((as_it_is ? lstat : stat)(mount->source, &st) < 0)
		return fail_errno(err, mount->source, "stat");
	if (mount->copy_link && S_ISLNK(st.st_mode))
		return read_link(mount->source, arena, mount, err);
	return 0;
}

static int plan_source(const struct rootfs_request *request, const struct spec_mount *asked,
                       struct arena *arena, struct rootfs_mount *mount, struct error *err)
{
	if (mount->bind) {
		if (plan_bind_source(request, asked, arena, mount, err) < 0)
			return error_within(err, "mounts[%zu].source", mount->index);
		return 0;
	}
	if (!asked->type || !*asked->type) {
		(void)fail(err, ERROR_CONFIG, "", "is missing, and the mount is no bind");
		return error_within(err, "mounts[%zu].type", mount->index);
	}
	mount->type = asked->type;
	mount->source = asked->source;
	return 0;
}

static bool is_type(const struct rootfs_mount *mount, const char *type)
{
	return mount->type && strcmp(mount->type, type) == 0;
}

/* What is still to be made in it must be made first. */
static void readonly_at_the_end(struct rootfs_mount *mount)
{
	if (!(mount->set & MOUNT_ATTR_RDONLY))
		return;
	mount->set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	mount->late_readonly = true;
}

/* What its place and its kind mean for the order of things. */
static void plan_place(struct rootfs_mount *mount)
{
	bool is_dev = strcmp(mount->destination, "/dev") == 0;
	bool is_kernels = is_type(mount, "proc") || is_type(mount, "sysfs");

	mount->no_link = is_dev || is_kernels;
	mount->held = is_kernels || is_type(mount, "devpts") || (is_dev && !mount->bind);
	if (is_dev || is_type(mount, "tmpfs"))
		readonly_at_the_end(mount);
}

/* ---- SELinux ---- */

/* What linux.mountLabel is to a file system: the words of mount(8). */
static const struct word label_kinds[] = {
	{"context",     0},
	{"fscontext",   0},
	{"defcontext",  0},
	{"rootcontext", 0}
};

static bool has_selinux(const struct rootfs_request *request)
{
	struct statfs fs;

	return request->host->made_up || (statfs("/sys/fs/selinux", &fs) == 0 &&
	                                  (uint32_t)fs.f_type == (uint32_t)SELINUX_MAGIC);
}

static int check_label(const struct rootfs_request *request, const char **ret_kind,
                       struct error *err)
{
	static const char annotation[] = "run.oci.mount_context_type";
	const char *kind = spec_annotation(request->spec, annotation);
	char choices[128];
	int64_t ignored;

	*ret_kind = kind ? kind : label_kinds[0].word;
	if (kind && !table_value(label_kinds, ARRAY_SIZE(label_kinds), kind, &ignored)) {
		(void)fail(err, ERROR_CONFIG, "", "must be %s",
		           table_choices(label_kinds, ARRAY_SIZE(label_kinds), choices,
		                         sizeof(choices)));
		return error_within(err, "annotations[\"%s\"]", annotation);
	}
	if (!has_selinux(request))
		return fail(err, ERROR_UNSUPPORTED, "linux.mountLabel",
		            "this host's kernel does not use SELinux");
	return 0;
}

/* All file systems that are made get it, but those of the kernel, whose files have labels of their own. */
static int add_labels(const struct rootfs_request *request, struct rootfs_plan *plan,
                      struct error *err)
{
	static const char *const kernels[] = {"proc", "sysfs", "mqueue", "cgroup", "cgroup2"};
	const char *label = request->spec->linux_.mount_label, *kind = NULL;

	if (!label || !*label)
		return 0;
	if (check_label(request, &kind, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->mounts_count; i++) {
		struct rootfs_mount *mount = &plan->mounts[i];
		bool labelled = !mount->bind && !mount->remount;

		for (size_t k = 0; k < ARRAY_SIZE(kernels); k++)
			labelled = labelled && !is_type(mount, kernels[k]);
		if (labelled) /* there is room for one more: rootfs_read_options() */
			mount->data[mount->data_count++] =
				(struct rootfs_datum){ROOTFS_NO_OPTION, label, kind, label};
	}
	return 0;
}

/* ---- the whole ---- */

/* A plain user may copy no mount that is not in a namespace of his own, and the container's has no source
 * any more. */
static int check_late(const struct rootfs_request *request, const struct rootfs_plan *plan,
                      const struct rootfs_mount *mount, struct error *err)
{
	if (!plan->late || !mount->bind || request->host->privileged)
		return 0;
	(void)fail(err, ERROR_UNSUPPORTED, "",
	           "a bind mount in a container that lives needs the rights of the host's root");
	return error_within(err, "mounts[%zu]", mount->index);
}

/* The one that was asked for before at the same place, or NULL. */
static struct rootfs_mount *mounted_before(struct rootfs_plan *plan,
                                           const struct rootfs_mount *mount)
{
	for (size_t i = mount->index; i > 0; i--)
		if (!plan->mounts[i - 1].remount &&
		    strcmp(plan->mounts[i - 1].destination, mount->destination) == 0)
			return &plan->mounts[i - 1];
	return NULL;
}

/* A file system that was there before the container is others' too: only one of its own gets other options. */
static int plan_remount(struct rootfs_plan *plan, struct rootfs_mount *mount, struct error *err)
{
	struct rootfs_mount *there = mounted_before(plan, mount);
	bool own = there && there->type && rootfs_has_superblock_flag(there->type);
	bool is_root = strcmp(mount->destination, "/") == 0;

	if (plan->late) {
		(void)fail(err, ERROR_UNSUPPORTED, "",
		           "'remount' changes nothing in a container that lives");
		return error_within(err, "mounts[%zu].options", mount->index);
	}
	if (mount->data_count > 0 && !own) {
		(void)fail(err, ERROR_UNSUPPORTED, "",
		           "'remount' can change the mount, but not a file system that is not the "
		           "container's own");
		return error_within(err, "mounts[%zu].options[%zu]", mount->index,
		                    mount->data[0].option);
	}
	if (mount->data_count > 0) { /* whatever the image's links have put there since */
		there->reconfigured = true;
		mount->changes = there;
	}
	if (there && (mount->clear & MOUNT_ATTR_RDONLY))
		there->late_readonly = false;
	if (is_root || strcmp(mount->destination, "/dev") == 0 ||
	    (there && is_type(there, "tmpfs")))
		readonly_at_the_end(mount);
	return 0;
}

static int plan_mount(const struct rootfs_request *request, size_t index, struct arena *arena,
                      struct rootfs_plan *plan, struct error *err)
{
	const struct spec_mount *asked = &request->spec->mounts.item[index];
	struct rootfs_mount *mount = &plan->mounts[index];

	mount->index = index;
	mount->fd = mount->copy = -1;
	mount->from_host = plan->late;
	mount->destination = clean_path(asked->destination, arena);
	if (!mount->destination)
		return arena_check(arena, err);
	if (plan->late && strcmp(mount->destination, "/") == 0) {
		(void)fail(err, ERROR_CONFIG, mount->destination, "is the container's root");
		return error_within(err, "mounts[%zu].destination", index);
	}
	if (request->removal)
		return 0;
	if (rootfs_read_options(asked, arena, mount, err) < 0 ||
	    check_late(request, plan, mount, err) < 0 ||
	    rootfs_plan_idmap(request, arena, plan, mount, err) < 0)
		return -1;
	if (mount->remount)
		return plan_remount(plan, mount, err);
	if (plan_source(request, asked, arena, mount, err) < 0)
		return -1;
	plan_place(mount);
	/* the way from the host is left open for those who want it, others are cut off */
	if (mount->bind && mount->propagation == 0)
		mount->propagation = MS_PRIVATE | MS_REC;
	if (strcmp(mount->destination, "/dev") == 0)
		plan->foreign_dev = mount->bind;
	return 0;
}

static int allocate(size_t count, struct arena *arena, struct rootfs_plan *plan, struct error *err)
{
	plan->mounts = arena_alloc(arena, count + 1, sizeof(*plan->mounts));
	plan->idmaps = arena_alloc(arena, count + 1, sizeof(*plan->idmaps));
	return plan->mounts && plan->idmaps ? 0 : arena_check(arena, err);
}

int rootfs_plan_all_mounts(const struct rootfs_request *request, struct arena *arena,
                           struct rootfs_plan *plan, struct error *err)
{
	if (allocate(request->spec->mounts.count, arena, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < request->spec->mounts.count; i++) {
		if (plan_mount(request, i, arena, plan, err) < 0)
			return -1;
		plan->mounts_count++;
	}
	return request->removal ? 0 : add_labels(request, plan, err);
}

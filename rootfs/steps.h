/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_STEPS_H
#define ROOTFS_STEPS_H

/* The plan of a root file system, and the steps that the child takes by it.
 *
 * plan.c, options.c and print.c run on the host and may allocate; every other file here is the
 * child's: descriptors only, nothing is allocated. What the child opens it keeps in the plan, of
 * which it has its own copy. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/types.h>

#include "base/table.h"

#include "rootfs.h"

/* An option for the file system itself: a word, or key=value. */
struct rootfs_datum {
	size_t option;    /* where in mounts[].options; ROOTFS_NO_OPTION: linux.mountLabel */
	const char *word; /* as it was asked for */
	const char *key;
	const char *value; /* NULL: a word alone */
};

enum { ROOTFS_NO_OPTION = SIZE_MAX };

struct rootfs_mount {
	size_t index; /* where in mounts, for errors */
	const char *destination;
	const char *type;   /* of the file system; NULL for a bind */
	const char *source; /* absolute for a bind; NULL: none */
	bool bind;
	bool recursive;     /* the bind takes what is mounted below its source too */
	bool no_link;       /* the destination may not be a symbolic link: /proc, /sys, /dev */
	bool late_readonly; /* read-only at the very end: there are things to be made in it */
	bool held;          /* what is looked for below it is looked for by its descriptor */
	bool copy_up;       /* a tmpfs that begins with what the image has there */
	bool remount;       /* what is mounted there is changed; no bind, and without a type */
	bool reconfigured;  /* its file system, by a remount: so its descriptor is kept */
	bool keep_link;     /* a source that is a symbolic link is bound itself */
	bool onto_link;     /* a destination that is a symbolic link is covered itself */
	bool copy_link;     /* a source that is a symbolic link is made anew, not bound */
	bool from_host;     /* the source is not in the mount namespace that it is put into */
	bool at_once;       /* of data too long for fsconfig(2): by mount(2) */
	const char *link;   /* what the link to be made says; NULL: it is a mount */
	const char *ids;    /* idmap: what is behind '='; "" nothing; NULL: the word is not there */
	bool ids_below;     /* ridmap: of the mounts below it too */
	size_t idmap;       /* which of the plan's idmaps + 1; 0: none */
	uint64_t set, clear;             /* MOUNT_ATTR_… */
	uint64_t set_below, clear_below; /* the same, for all mounts that a bind takes along */
	uint64_t propagation;            /* MS_PRIVATE … with MS_REC, or 0 */
	struct rootfs_datum *data;
	size_t data_count;
	int copy; /* of the source, by the host before clone; or -1 */
	int fd;   /* the child's: the mount, when it is still needed; or -1 */
	const struct rootfs_mount *changes; /* the one that a remount reconfigures, or NULL */
	const struct rootfs_mount
		*in; /* the child's: made by name in this one, which is held; NULL */
};

struct rootfs_node {
	const char *path; /* in the container, and on the host when it is bound */
	size_t index;     /* where in linux.devices */
	bool is_default;  /* not listed: what can't be made is left out */
	mode_t mode;      /* with its S_IFCHR, S_IFBLK or S_IFIFO */
	dev_t number;
	uid_t uid;
	gid_t gid;
};

struct rootfs_sysctl_entry {
	const char *key;
	const char *path; /* below a procfs: "sys/net/ipv4/ip_forward" */
	const char *value;
};

/* What is in the container's own procfs, as far as it has been listed. */
struct rootfs_listing {
	_Alignas(8) char bytes[8192];
	size_t length;
	int of;  /* the descriptor of the procfs; -1: nothing is known */
	int dir; /* it was read from; closed with the rest; or -1 */
};

struct rootfs_plan {
	const struct spec *spec;
	const char *path;   /* absolute */
	const char *cgroup; /* of the container, or NULL */
	bool no_pivot;
	bool user_namespace; /* a user namespace of its own: no mknod, and locked flags */
	unsigned int shared; /* bit per enum namespace_type: it has not one of its own */
	bool foreign_dev;    /* /dev is a bind: nothing may be made in it */
	bool late;       /* for a container that lives: its mounts are not made from the host's */
	bool is_root;    /* we make files as user and group 0 of the container */
	bool privileged; /* we have the host's rights, so may open what its root can't */
	uint64_t propagation; /* asked for "/", with MS_REC; 0: private */
	struct rootfs_mount *mounts;
	size_t mounts_count;
	struct rootfs_node *nodes;
	size_t nodes_count;
	struct rootfs_idmap *idmaps;
	size_t idmaps_count;
	struct rootfs_sysctl_entry *sysctls;
	size_t sysctls_count;
	/* the child's */
	size_t mounts_done; /* those that are there already */
	int root;           /* the root mount, or -1 */
	int under;          /* what it lies on; closed with the rest */
	int null;           /* the container's null device, likewise; or -1 */
	int dev;    /* its /dev, once devices are made, where no mount is held there; or -1 */
	int stands; /* the descriptor of the directory that we stand in; -1: another one */
	struct rootfs_listing listing;
	bool null_made;   /* we have made /dev/null */
	bool proc_is_met; /* something of the config is mounted in a procfs, by whatever path */
};

/* ---- host: options.c ---- */

/* "private" to "runbindable" and their MS_ flags. */
enum { ROOTFS_PROPAGATIONS = 8 };
extern const struct word rootfs_propagations[ROOTFS_PROPAGATIONS];

/* Sort the option words of a mount into *mount; the source and type are not looked at.
 * Returns  0, or -1 and *err with the JSON path. */
int rootfs_read_options(const struct spec_mount *asked, struct arena *arena,
                        struct rootfs_mount *mount, struct error *err) FALLIBLE;

/* ---- host: idmap.c ---- */

/* Whose ids an id-mapped mount shows, from its mappings or its option; mount->idmap is 0 for another one.
 * Returns  0, or -1 and *err with the JSON path. */
int rootfs_plan_idmap(const struct rootfs_request *request, struct arena *arena,
                      struct rootfs_plan *plan, struct rootfs_mount *mount,
                      struct error *err) FALLIBLE;

/* ---- host: mounts.c ---- */

/* path, below the bundle when it is relative; in arena, or NULL. */
const char *rootfs_below_bundle(const struct rootfs_request *request, const char *path,
                                struct arena *arena);

/* All of spec.mounts. Returns 0, or -1 and *err with the JSON path. */
int rootfs_plan_all_mounts(const struct rootfs_request *request, struct arena *arena,
                           struct rootfs_plan *plan, struct error *err) FALLIBLE;

/* ---- child ---- */

/* Both: make the mount, attached nowhere yet.
 * Returns  its descriptor, owned by the caller, or -1 and *err with the JSON path. */
int rootfs_mount_filesystem(const struct rootfs_plan *plan, const struct rootfs_mount *mount,
                            struct error *err) FALLIBLE;
int rootfs_mount_bind(struct rootfs_mount *mount, struct error *err) FALLIBLE;

/* What mount(2) is handed for a new file system: a value of the stack. */
struct rootfs_arguments {
	const char *source, *type;
	unsigned long flags;
	char data[4096];
};
/* Returns  false where the options are more than it takes. */
bool rootfs_mount_arguments(const struct rootfs_plan *plan, const struct rootfs_mount *mount,
                            const char *type, struct rootfs_arguments *ret);

/* Change options of the file system of mount->changes. Returns 0, or -1 and *err with the JSON path. */
int rootfs_reconfigure(const struct rootfs_mount *mount, struct error *err) FALLIBLE;

/* Whether read-only is a flag of the file system too. What is one for all containers, or has nothing that could be
 * written to a disk, gets it on the mount alone. */
bool rootfs_has_superblock_flag(const char *type);

/* The same by mount(2), which takes all options at once, and some that fsconfig(2) can't take. What it refuses it
 * gives no reason for.
 * Returns  the mount's descriptor, owned by the caller, or -1 and *err with the type as the object. */
int rootfs_mount_at_once(const struct rootfs_plan *plan, const struct rootfs_mount *mount,
                         const char *type, struct error *err) FALLIBLE;

/* Whether an option of its file system has that key. */
bool rootfs_has_datum(const struct rootfs_mount *mount, const char *key);

/* Whether mount(2) can be told of a mount all that fsconfig(2) can. */
bool rootfs_may_at_once(const struct rootfs_mount *mount);

/* Make a mount right in its place, by name, where the name is ours alone.
 * Returns  false where it isn't, or mount(2) refuses: then nothing has happened, and the long way tells why. */
bool rootfs_mount_by_name(struct rootfs_plan *plan, struct rootfs_mount *mount);

/* The name of path in a procfs or sysfs that we mounted and stand in then: one step, so that only the kernel says what
 * it is.
 * Returns  NULL for any other path. */
const char *rootfs_kernels_name(struct rootfs_plan *plan, const char *path);

enum rootfs_kind {
	ROOTFS_KIND_UNKNOWN,
	ROOTFS_KIND_MISSING,
	ROOTFS_KIND_FILE,
	ROOTFS_KIND_DIRECTORY
};
/* List the container's own procfs, where that saves calls. */
void rootfs_list(struct rootfs_plan *plan);
/* What a name in the procfs is, and what a path that rootfs_kernels_name() takes is. */
enum rootfs_kind rootfs_kind_in_proc(const struct rootfs_plan *plan, const char *name);
enum rootfs_kind rootfs_kind_of(const struct rootfs_plan *plan, const char *path, const char *name);

/* Copy what is mounted at path below dir (AT_FDCWD; "" is dir itself), recursive or not.
 * Returns  the copy, attached nowhere, owned by the caller; or -1 and errno. */
int rootfs_clone_tree(int dir, const char *path, bool recursive);

/* The same of a bind's source. */
int rootfs_clone_source(const struct rootfs_mount *mount);

/* Set and clear attributes of the one mount; flags that a user namespace locks stay as they are.
 * Returns  0, or -1 and errno. */
int rootfs_set_attributes(int mount, uint64_t set, uint64_t clear);

/* The same of the mount and all below it, as a bind's recursive words want it. */
int rootfs_set_below(const struct rootfs_mount *mount, int tree);

/* Put a mount that is attached nowhere onto what target is. Returns 0, or -1 and errno. */
int rootfs_attach(int mount, int target);

/* A new instance of a file system without options: "proc", "tmpfs".
 * Returns  the mount, owned by the caller, or -1 and *err with the type as the object. */
int rootfs_mount_plain(const char *type, uint64_t attributes, struct error *err) FALLIBLE;

/* The descriptor to look for a path of the container from: of the mount that covers it, where we
 * hold that (nobody can have moved it), else the root.
 * path     is moved to what is left of it, "/" at least.
 * Returns  the descriptor, borrowed. */
int rootfs_base(const struct rootfs_plan *plan, const char **path);

/* The place for a mount, made with all its parents where it is missing. A symbolic link is followed
 * inside the root, a dangling one too, unless NO_LINK refuses one at the end.
 * Returns  an O_PATH descriptor, owned by the caller, or -1 and *err with path as the object. */
enum rootfs_place {
	ROOTFS_FILE = 0,
	ROOTFS_DIRECTORY = 1,
	ROOTFS_NO_LINK = 2,
	ROOTFS_ONTO_LINK = 4 /* one at the end is the place itself */
};
int rootfs_open_place(const struct rootfs_plan *plan, const char *path, unsigned int place,
                      struct error *err) FALLIBLE;

/* Copy what is in one directory into another, empty one: directories, files, links, fifos with
 * their modes, owners and times; devices and sockets are left out.
 * Returns  0, or -1 and *err with the name of what could not be copied. */
int rootfs_copy_tree(int from, int to, struct error *err) FALLIBLE;

/* Put one mount of the plan in its place, or the link that it is. Returns 0, or -1 and *err. */
int rootfs_apply_mount(struct rootfs_plan *plan, struct rootfs_mount *mount,
                       struct error *err) FALLIBLE;

/* Make the symbolic link that a copied one is. Returns 0, or -1 and *err with the destination as the object. */
int rootfs_make_link(const struct rootfs_plan *plan, const struct rootfs_mount *mount,
                     struct error *err) FALLIBLE;

/* Whether a component is "..": then what stands before it says nothing about where it ends. */
bool rootfs_climbs(const char *path);

/* The mount that was put last where it covers path, or NULL. */
const struct rootfs_mount *rootfs_cover(const struct rootfs_plan *plan, const char *path);

/* Whether fd is what plan->root is. */
bool rootfs_is_root(const struct rootfs_plan *plan, int fd);

/* Whether a path that begins with a slash has one component, which is a name: it may be made in a directory that
 * is held, without looking for its parent. */
bool rootfs_is_flat(const char *path);

/* Whether path is destination or below it. */
bool rootfs_covers(const char *destination, const char *path);

/* Device nodes, then the links of /dev. */
int rootfs_make_devices(struct rootfs_plan *plan, struct error *err) FALLIBLE;

/* linux.readonlyPaths, then linux.maskedPaths. */
int rootfs_protect(struct rootfs_plan *plan, struct error *err) FALLIBLE;

#endif

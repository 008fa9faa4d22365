/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_NAMESPACE_CRIU_H
#define RUNTIME_NAMESPACE_CRIU_H

/* What checkpoint and restore have in common: words for cella-criu, and what it says meanwhile. */

#include "rootfs/rootfs.h"
#include "runtime/criu/criu.h"

#include "namespace.h"

enum { ORDER_KEEPS = NAMESPACE_TYPES + 4, STDIO = 3, FOLDERS = 2 };

/* What cella-criu is asked; init it with .arena and .cgroup, of which -1 is none. */
struct order {
	struct arena *arena;
	const char *action, *program;
	const char **words;
	size_t count, size;
	int keep[ORDER_KEEPS]; /* descriptors that it finds open, borrowed */
	size_t keep_count;
	struct {
		int fd;
		const char *path; /* opened anew in CRIU's mount namespace, as it mounts in them */
	} folders[FOLDERS];
	size_t folders_count;
	int cgroup;                  /* CRIU is born there, borrowed; -1 */
	struct rootfs_plan *restore; /* this root is made ready for it; NULL */
};

/* Add words. Out of memory: the arena says so. */
void order_add(struct order *order, const char *name, const char *value);
void order_number(struct order *order, const char *name, int64_t number);
/* An object of two texts. */
void order_pair(struct order *order, const char *name, const char *const keys[2], const char *first,
                const char *second);
/* A descriptor that cella-criu finds open. */
void order_keep(struct order *order, int fd);
/* What is asked for by options, and by the annotation org.criu.config. */
void order_options(struct order *order, const struct spec *spec,
                   const struct checkpoint_options *options, const char *log);

/* Who hears what comes of it. Returns 0, or -1 and *err to have it given up. A descriptor that came may be taken. */
struct order_listener {
	int (*hear)(void *data, const struct criu_event *event, int *fd,
	            struct error *err) FALLIBLE;
	void *data;
};

/* Have it done. Returns 0, or -1 and *err: why not, as CRIU says. Context: host. */
int order_carry_out(const struct order *order, const struct order_listener *listener,
                    struct error *err) FALLIBLE;

/* Be cella-criu. Context: child. */
struct order_launch {
	const struct order *order;
	const char *path;
	char *const *args;
	int socket;
	pid_t parent;
};
_Noreturn void order_child_main(const struct order_launch *launch);
/* Make places for mounts, in a mount namespace that ends with it. Context: child. */
_Noreturn void order_places_main(struct rootfs_plan *rootfs, int socket);

/* The standard descriptors of the first process, for images: where they come from outside, what restore knows them by.
 *
 * stdio_dump()     tells CRIU of those, and writes descriptors.json into the images.
 * stdio_restore()  has CRIU put ours in their place.
 * Each: 0, or -1 and *err. */
int stdio_dump(const struct container *c, int images, struct order *order,
               struct error *err) FALLIBLE;
int stdio_restore(int images, struct order *order, struct error *err) FALLIBLE;

/* Have images say that the root is mounted writable. Returns 0, or -1 and *err. */
int images_release_root(int images, struct arena *arena, struct error *err) FALLIBLE;
/* Where the flags of a read-only root stand in mountpoints-ID.img; false: there is none. */
bool mountpoints_find_readonly_root(const void *bytes, size_t length, size_t *ret_offset);
/* Make the root of a process read-only, in its mount namespace. Context: child. */
_Noreturn void order_readonly_main(int pidfd, int socket);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: what the guest knows by a number, we by a descriptor.
 *
 * A node holds an O_PATH descriptor, so its inode and its mount stay, and (device, inode, mount) names nothing else
 * meanwhile. The number we give out is the slot in a table and how often the slot was used before: a number of a node
 * that is gone is nobody's, and no arithmetic on guest numbers reaches memory. A node lives as long as the guest
 * holds lookups of it or a request is at work on it. Forgetting more than was looked up is forgetting all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

#include "server.h"

enum { CHAINS_MIN = 256 };

static uint32_t *chain_of(const struct fuse_server *s, uint64_t device, uint64_t inode,
                          uint64_t mount)
{
	uint64_t mixed = inode * UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ device ^ mount << 32) * UINT64_C(0xff51afd7ed558ccd);
	return &s->chain[mixed >> 32 & (s->chains - 1)];
}

static uint64_t device_of(const struct statx *st)
{
	return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

static uint64_t mount_of(const struct statx *st)
{
	return st->stx_mask & STATX_MNT_ID ? st->stx_mnt_id : 0;
}

uint64_t node_id(const struct fuse_server *s, const struct node *node)
{
	return (uint64_t)node->generation << 32 | (uint64_t)(node - s->node);
}

const char *descriptor_name(int fd, char text[SLOT_TEXT])
{
	(void)snprintf(text, SLOT_TEXT, "%d", fd);
	return text;
}

static int fail_number(struct error *err, const char *object, const char *verb, int number)
{
	errno = number;
	return fail_errno(err, object, verb);
}

int nodes_open(struct fuse_server *s, int root, struct error *err)
{
	struct statx st;
	int result;

	s->node_slots = (struct slots){.max = s->options.nodes_max, .fresh = ROOT_SLOT + 1};
	s->chains = CHAINS_MIN;
	/* pages of it are used when nodes are */
	s->node = calloc((size_t)s->node_slots.max + ROOT_SLOT + 1, sizeof(*s->node));
	s->chain = calloc(s->chains, sizeof(*s->chain));
	if (!s->node || !s->chain)
		return fail_number(err, "fuse", "nodes", ENOMEM);
	s->node[ROOT_SLOT] = (struct node){.fd = -1};
	result = attributes_look(root, &st);
	if (result < 0)
		return fail_number(err, "fuse: the root", "statx", -result);
	if (!S_ISDIR(st.stx_mode))
		return fail_number(err, "fuse: the root", "open", ENOTDIR);
	s->node[ROOT_SLOT] = (struct node){.device = device_of(&st),
	                                   .inode = st.stx_ino,
	                                   .mount = mount_of(&st),
	                                   .type = S_IFDIR,
	                                   .fd = fcntl(root, F_DUPFD_CLOEXEC, 0)};
	return s->node[ROOT_SLOT].fd < 0 ? fail_errno(err, "fuse: the root", "fcntl") : 0;
}

void nodes_close(struct fuse_server *s)
{
	if (s->node) {
		nodes_forget_all(s);
		fd_release(&s->node[ROOT_SLOT].fd);
	}
	free(s->node);
	free(s->chain);
}

/* A place for a node, or 0. */
static uint32_t slot_take(struct fuse_server *s)
{
	struct slots *slots = &s->node_slots;
	uint32_t slot = slots->free;

	if (slot)
		slots->free = s->node[slot].next;
	else if (slots->fresh <= slots->max + ROOT_SLOT)
		slot = slots->fresh++;
	if (slot)
		slots->used++;
	return slot;
}

static void unchain(const struct fuse_server *s, uint32_t slot)
{
	const struct node *node = &s->node[slot];
	uint32_t *at = chain_of(s, node->device, node->inode, node->mount);

	while (*at != slot)
		at = &s->node[*at].next;
	*at = node->next;
}

/* Give a node up that nobody holds. Returns the descriptor: to be closed without the lock. */
static int drop(struct fuse_server *s, struct node *node)
{
	uint32_t slot = (uint32_t)(node - s->node);

	if (slot == ROOT_SLOT || node->lookups || node->busy || node->fd < 0)
		return -1;
	unchain(s, slot);
	node->generation++;
	node->next = s->node_slots.free;
	s->node_slots.free = slot;
	s->node_slots.used--;
	return take_fd(&node->fd);
}

static struct node *find(const struct fuse_server *s, uint64_t id)
{
	uint32_t slot = (uint32_t)id;
	struct node *node;

	if (slot < ROOT_SLOT || slot >= s->node_slots.fresh)
		return NULL;
	node = &s->node[slot];
	return node->fd >= 0 && node->generation == id >> 32 ? node : NULL;
}

struct node *node_get(struct fuse_server *s, uint64_t id)
{
	struct node *node;

	(void)pthread_mutex_lock(&s->mutex);
	node = find(s, id);
	if (node)
		node->busy++;
	(void)pthread_mutex_unlock(&s->mutex);
	return node;
}

void node_put(struct fuse_server *s, struct node *node)
{
	int gone = -1;

	(void)pthread_mutex_lock(&s->mutex);
	node->busy--;
	gone = drop(s, node);
	(void)pthread_mutex_unlock(&s->mutex);
	fd_release(&gone);
}

/* Twice as many chains, when they have become long; when there is no memory they stay long. */
static void more_chains(struct fuse_server *s)
{
	uint32_t *wider = NULL;

	if (s->node_slots.used < s->chains)
		return;
	wider = calloc((size_t)s->chains * 2, sizeof(*wider));
	if (!wider)
		return;
	free(s->chain);
	s->chain = wider;
	s->chains *= 2;
	for (uint32_t slot = ROOT_SLOT + 1; slot < s->node_slots.fresh; slot++) {
		struct node *node = &s->node[slot];
		uint32_t *at = chain_of(s, node->device, node->inode, node->mount);

		if (node->fd < 0)
			continue;
		node->next = *at;
		*at = slot;
	}
}

static struct node *known(const struct fuse_server *s, const struct statx *st)
{
	uint32_t slot = *chain_of(s, device_of(st), st->stx_ino, mount_of(st));

	for (; slot; slot = s->node[slot].next) {
		struct node *node = &s->node[slot];

		if (node->inode == st->stx_ino && node->device == device_of(st) &&
		    node->mount == mount_of(st))
			return node;
	}
	return NULL;
}

/* A node that was not known. Takes *fd where there is room. */
static struct node *add(struct fuse_server *s, int *fd, const struct statx *st)
{
	struct node *node;
	uint32_t slot;
	uint32_t *at;

	more_chains(s);
	slot = slot_take(s);
	if (!slot)
		return NULL;
	node = &s->node[slot];
	at = chain_of(s, device_of(st), st->stx_ino, mount_of(st));
	*node = (struct node){.device = device_of(st),
	                      .inode = st->stx_ino,
	                      .mount = mount_of(st),
	                      .type = st->stx_mode & S_IFMT,
	                      .generation = node->generation,
	                      .fd = take_fd(fd),
	                      .next = *at};
	*at = slot;
	return node;
}

int node_remember(struct fuse_server *s, int fd, const struct statx *st, struct node **ret)
{
	owned_fd ours = fd; /* closed where the node has one already */
	struct node *node;

	(void)pthread_mutex_lock(&s->mutex);
	node = known(s, st);
	if (!node)
		node = add(s, &ours, st);
	if (node) {
		node->lookups++;
		node->busy++;
	}
	(void)pthread_mutex_unlock(&s->mutex);
	*ret = node;
	return node ? 0 : -ENFILE;
}

void node_forget(struct fuse_server *s, uint64_t id, uint64_t lookups)
{
	int gone = -1;
	struct node *node;

	(void)pthread_mutex_lock(&s->mutex);
	node = find(s, id);
	if (node) {
		node->lookups -= lookups < node->lookups ? lookups : node->lookups;
		gone = drop(s, node);
	}
	(void)pthread_mutex_unlock(&s->mutex);
	fd_release(&gone);
}

void nodes_forget_all(struct fuse_server *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	for (uint32_t slot = ROOT_SLOT + 1; slot < s->node_slots.fresh; slot++) {
		int gone;

		s->node[slot].lookups = 0;
		gone = drop(s, &s->node[slot]);
		fd_release(&gone);
	}
	(void)pthread_mutex_unlock(&s->mutex);
}

int node_open(const struct fuse_server *s, const struct node *node, int flags)
{
	char name[SLOT_TEXT];
	int fd;

	/* what an inode is never changes: a device, a fifo or a socket of the host is not opened */
	if (node->type != S_IFREG && node->type != S_IFDIR)
		return -EPERM;
	fd = openat(s->descriptors, descriptor_name(node->fd, name), flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

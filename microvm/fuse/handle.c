/* SPDX-License-Identifier: Apache-2.0 */
/* Open files: a descriptor behind a number, as nodes are. One that is released while a request is at work on it is
 * closed when that has ended. */
#include <errno.h>

#include "base/own.h"

#include "server.h"

int handles_open(struct fuse_server *s, struct error *err)
{
	s->handle_slots = (struct slots){.max = s->options.handles_max, .fresh = 1};
	s->handle = calloc((size_t)s->handle_slots.max + 1, sizeof(*s->handle));
	if (s->handle)
		return 0;
	errno = ENOMEM;
	return fail_errno(err, "fuse", "handles");
}

void handles_close(struct fuse_server *s)
{
	if (s->handle)
		handles_release_all(s);
	free(s->handle);
}

int handle_new(struct fuse_server *s, int fd, bool directory, bool writable, uint64_t *ret_fh)
{
	struct slots *slots = &s->handle_slots;
	owned_fd ours = fd;
	uint32_t slot;

	(void)pthread_mutex_lock(&s->mutex);
	slot = slots->free;
	if (slot)
		slots->free = s->handle[slot].next;
	else if (slots->fresh <= slots->max)
		slot = slots->fresh++;
	if (slot) {
		struct handle *h = &s->handle[slot];

		slots->used++;
		*h = (struct handle){.generation = h->generation,
		                     .fd = take_fd(&ours),
		                     .directory = directory,
		                     .writable = writable};
		*ret_fh = (uint64_t)h->generation << 32 | slot;
	}
	(void)pthread_mutex_unlock(&s->mutex);
	return slot ? 0 : -ENFILE;
}

static struct handle *find(const struct fuse_server *s, uint64_t fh, bool directory)
{
	uint32_t slot = (uint32_t)fh;
	struct handle *h;

	if (slot == 0 || slot >= s->handle_slots.fresh)
		return NULL;
	h = &s->handle[slot];
	if (h->fd < 0 || h->released || h->generation != fh >> 32 || h->directory != directory)
		return NULL;
	return h;
}

/* Returns the descriptor of a handle that is nobody's any more: to be closed without the lock. */
static int drop(struct fuse_server *s, struct handle *h)
{
	if (!h->released || h->busy)
		return -1;
	h->released = false;
	h->generation++;
	h->next = s->handle_slots.free;
	s->handle_slots.free = (uint32_t)(h - s->handle);
	s->handle_slots.used--;
	return take_fd(&h->fd);
}

struct handle *handle_get(struct fuse_server *s, uint64_t fh, bool directory)
{
	struct handle *h;

	(void)pthread_mutex_lock(&s->mutex);
	h = find(s, fh, directory);
	if (h)
		h->busy++;
	(void)pthread_mutex_unlock(&s->mutex);
	return h;
}

void handle_put(struct fuse_server *s, struct handle *h)
{
	int gone = -1;

	(void)pthread_mutex_lock(&s->mutex);
	h->busy--;
	gone = drop(s, h);
	(void)pthread_mutex_unlock(&s->mutex);
	fd_release(&gone);
}

void handle_release(struct fuse_server *s, uint64_t fh, bool directory)
{
	int gone = -1;
	struct handle *h;

	(void)pthread_mutex_lock(&s->mutex);
	h = find(s, fh, directory);
	if (h) {
		h->released = true;
		gone = drop(s, h);
	}
	(void)pthread_mutex_unlock(&s->mutex);
	fd_release(&gone);
}

void handles_release_all(struct fuse_server *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	for (uint32_t slot = 1; slot < s->handle_slots.fresh; slot++) {
		int gone;

		s->handle[slot].released = s->handle[slot].fd >= 0;
		gone = drop(s, &s->handle[slot]);
		fd_release(&gone);
	}
	(void)pthread_mutex_unlock(&s->mutex);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of the guest as locks of the host.
 *
 * POSIX locks belong to (file, owner), and the host's belong to an open file description (F_OFD_SETLK): so each pair
 * that locks has a description of its own here, and closing it gives all its locks back. flock(2) belongs to an open
 * file already, which is the handle's description.
 *
 * Nobody waits in the kernel: a lock that others hold becomes a waiter, which its thread tries again whenever
 * something was unlocked here (the thread's eventfd is written to), and from time to time, as another process of the
 * host may have unlocked it. INTERRUPT marks the waiter; its thread answers. The tables are under one mutex of their
 * own, which is taken before the server's. */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"

#include "server.h"

enum {
	OWNERS_MAX = 4096,
	WAITERS_MAX = 256,
	CHAINS = 64,
	RETRY_MS = 100,
	HEADER_PIECES =
		sizeof(struct fuse_out_header), /* in the worst case each byte is elsewhere */
};

/* A lock that is asked for. */
struct wanted {
	uint64_t node, owner, fh;
	uint32_t pid;
	struct flock range;
	bool flock;
};

struct owner {
	uint64_t node, owner;
	uint64_t fh;  /* through which it locked first */
	uint32_t pid; /* who it is to the guest */
	uint32_t next;
	int fd; /* owned; -1: the slot is free */
};

struct waiter {
	const struct fuse_thread *thread; /* NULL: free */
	struct wanted wanted;
	uint64_t unique, tag;
	bool interrupted;
	struct iovec out[HEADER_PIECES];
	size_t out_count;
};

struct locks {
	pthread_mutex_t mutex;
	struct slots slots;
	struct owner *owner; /* [0] is nobody's */
	uint32_t chain[CHAINS];
	struct waiter waiter[WAITERS_MAX];
	_Atomic uint32_t waiting;
};

int locks_open(struct fuse_server *s, struct error *err)
{
	struct locks *l = calloc(1, sizeof(*l));

	s->locks = l;
	if (l) {
		(void)pthread_mutex_init(&l->mutex, NULL);
		l->slots = (struct slots){.max = OWNERS_MAX, .fresh = 1};
		l->owner = calloc(OWNERS_MAX + 1, sizeof(*l->owner));
	}
	if (l && l->owner)
		return 0;
	errno = ENOMEM;
	return fail_errno(err, "fuse", "locks");
}

void locks_close(struct fuse_server *s)
{
	if (!s->locks)
		return;
	if (s->locks->owner)
		locks_drop_all(s, false);
	(void)pthread_mutex_destroy(&s->locks->mutex);
	free(s->locks->owner);
	free(s->locks);
}

/* All owners of a node are in one chain. */
static uint32_t *chain_of(struct locks *l, uint64_t node)
{
	return &l->chain[(node * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (CHAINS - 1)];
}

static struct owner *find(struct locks *l, uint64_t node, uint64_t owner)
{
	uint32_t slot = *chain_of(l, node);

	while (slot && (l->owner[slot].node != node || l->owner[slot].owner != owner))
		slot = l->owner[slot].next;
	return slot ? &l->owner[slot] : NULL;
}

/* The descriptor that locks for an owner: as much as the file lets us have. */
static int open_for_locks(struct fuse_server *s, uint64_t id)
{
	struct node *node = node_get(s, id);
	int fd;

	if (!node)
		return -ESTALE;
	fd = node_open(s, node, O_RDWR);
	if (fd == -EROFS || fd == -EACCES || fd == -EISDIR || fd == -ETXTBSY || fd == -EPERM)
		fd = node_open(s, node, O_RDONLY);
	node_put(s, node);
	return fd;
}

static int add(struct fuse_server *s, const struct wanted *w, struct owner **ret)
{
	struct locks *l = s->locks;
	uint32_t slot = l->slots.free;
	uint32_t *chain = chain_of(l, w->node);
	int fd;

	if (!slot && l->slots.fresh > l->slots.max)
		return -ENOLCK;
	fd = open_for_locks(s, w->node);
	if (fd < 0)
		return fd;
	if (slot)
		l->slots.free = l->owner[slot].next;
	else
		slot = l->slots.fresh++;
	l->slots.used++;
	l->owner[slot] = (struct owner){.node = w->node,
	                                .owner = w->owner,
	                                .fh = w->fh,
	                                .pid = w->pid,
	                                .next = *chain,
	                                .fd = fd};
	*chain = slot;
	*ret = &l->owner[slot];
	return 0;
}

static void drop(struct locks *l, struct owner *o)
{
	uint32_t slot = (uint32_t)(o - l->owner);
	uint32_t *at = chain_of(l, o->node);

	while (*at != slot)
		at = &l->owner[*at].next;
	*at = o->next;
	fd_release(&o->fd);
	*o = (struct owner){.next = l->slots.free, .fd = -1};
	l->slots.free = slot;
	l->slots.used--;
}

/* Wake the threads that have waiters; with the mutex. */
static void wake_waiting(const struct locks *l)
{
	const uint64_t one = 1;

	for (size_t i = 0; i < WAITERS_MAX; i++) {
		const struct fuse_thread *t = l->waiter[i].thread;

		/* an eventfd that is full wakes as well */
		if (t && t->wake >= 0 && write(t->wake, &one, sizeof(one)) < 0)
			continue;
	}
}

void locks_changed(struct fuse_server *s)
{
	if (atomic_load(&s->locks->waiting) == 0)
		return;
	(void)pthread_mutex_lock(&s->locks->mutex);
	wake_waiting(s->locks);
	(void)pthread_mutex_unlock(&s->locks->mutex);
}

void locks_drop(struct fuse_server *s, uint64_t node, uint64_t owner)
{
	struct owner *o;

	(void)pthread_mutex_lock(&s->locks->mutex);
	o = find(s->locks, node, owner);
	if (o) {
		drop(s->locks, o);
		wake_waiting(s->locks);
	}
	(void)pthread_mutex_unlock(&s->locks->mutex);
}

/* Locks of an open file (F_OFD_SETLK) have that file as their owner, and no FLUSH is theirs. A process's are gone
 * before the file that it locked through is released, by the FLUSH of its close. */
void locks_drop_handle(struct fuse_server *s, uint64_t node, uint64_t fh)
{
	struct locks *l = s->locks;
	uint32_t slot, next;

	(void)pthread_mutex_lock(&l->mutex);
	for (slot = *chain_of(l, node); slot; slot = next) {
		struct owner *o = &l->owner[slot];

		next = o->next;
		if (o->node != node || o->fh != fh)
			continue;
		drop(l, o);
		wake_waiting(l);
	}
	(void)pthread_mutex_unlock(&l->mutex);
}

void locks_drop_all(struct fuse_server *s, bool answer)
{
	struct locks *l = s->locks;

	(void)pthread_mutex_lock(&l->mutex);
	for (uint32_t slot = 1; slot < l->slots.fresh; slot++)
		if (l->owner[slot].fd >= 0)
			drop(l, &l->owner[slot]);
	for (size_t i = 0; i < WAITERS_MAX; i++)
		if (answer)
			l->waiter[i].interrupted = true;
		else
			l->waiter[i].thread = NULL;
	if (!answer)
		atomic_store(&l->waiting, 0);
	wake_waiting(l);
	(void)pthread_mutex_unlock(&l->mutex);
}

void locks_abandon(const struct fuse_thread *thread)
{
	struct locks *l = thread->server->locks;

	(void)pthread_mutex_lock(&l->mutex);
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		if (l->waiter[i].thread != thread)
			continue;
		l->waiter[i].thread = NULL;
		atomic_fetch_sub(&l->waiting, 1);
	}
	(void)pthread_mutex_unlock(&l->mutex);
}

/* The range of a request. Returns 0 or -EINVAL. */
static int range_of(const struct fuse_lk_in *in, struct flock *ret)
{
	uint64_t end = in->lk.end > INT64_MAX ? INT64_MAX : in->lk.end;

	if (in->lk.type != F_RDLCK && in->lk.type != F_WRLCK && in->lk.type != F_UNLCK)
		return -EINVAL;
	if (in->lk.start > end)
		return -EINVAL;
	*ret = (struct flock){.l_type = (short)in->lk.type,
	                      .l_whence = SEEK_SET,
	                      .l_start = (off_t)in->lk.start};
	/* 0 is up to the end of all files */
	ret->l_len = end == INT64_MAX ? 0 : (off_t)(end - in->lk.start + 1);
	return 0;
}

static int try_flock(struct fuse_server *s, const struct wanted *w)
{
	int how = w->range.l_type == F_RDLCK   ? LOCK_SH
	          : w->range.l_type == F_WRLCK ? LOCK_EX
	                                       : LOCK_UN;
	struct handle *h = handle_get(s, w->fh, false);
	int result;

	if (!h)
		return -EBADF;
	result = flock(h->fd, how | LOCK_NB) < 0 ? -errno : 0;
	handle_put(s, h);
	return result;
}

/* Take or give back a lock, at once or not at all; with the mutex.
 * Returns  0, -EAGAIN where others have it, -errno. */
static int try_lock(struct fuse_server *s, const struct wanted *w)
{
	struct flock range = w->range;
	struct owner *o;
	int result = 0;

	if (w->flock)
		return try_flock(s, w);
	o = find(s->locks, w->node, w->owner);
	if (!o && range.l_type == F_UNLCK)
		return 0;
	if (!o)
		result = add(s, w, &o);
	if (result < 0)
		return result;
	if (fcntl(o->fd, F_OFD_SETLK, &range) < 0)
		result = errno == EACCES ? -EAGAIN : -errno;
	return result;
}

/* Put a request off until its lock is free. */
static int wait_for(struct call *c, const struct wanted *w)
{
	struct locks *l = c->server->locks;
	size_t i = 0;

	while (i < WAITERS_MAX && l->waiter[i].thread)
		i++;
	if (i == WAITERS_MAX)
		return -ENOLCK;
	l->waiter[i] = (struct waiter){.thread = c->thread,
	                               .wanted = *w,
	                               .unique = c->header.unique,
	                               .tag = c->request->tag};
	l->waiter[i].out_count = pieces_slice(c->request->out, c->request->out_count, 0,
	                                      sizeof(struct fuse_out_header), c->thread->pieces);
	memcpy(l->waiter[i].out, c->thread->pieces,
	       l->waiter[i].out_count * sizeof(l->waiter[i].out[0]));
	atomic_fetch_add(&l->waiting, 1);
	c->later = true;
	return 0;
}

static ssize_t set_lock(struct call *c, bool wait)
{
	struct locks *l = c->server->locks;
	struct wanted wanted = {.node = c->header.nodeid};
	struct fuse_lk_in in;
	int result;

	read_into(&c->in, &in, sizeof(in));
	wanted.owner = in.owner;
	wanted.fh = in.fh;
	wanted.pid = in.lk.pid;
	wanted.flock = in.lk_flags & FUSE_LK_FLOCK;
	if (!negotiated(c->server, wanted.flock ? FUSE_FLOCK_LOCKS : FUSE_POSIX_LOCKS))
		return -ENOSYS;
	result = range_of(&in, &wanted.range);
	if (result < 0)
		return result;
	(void)pthread_mutex_lock(&l->mutex);
	result = try_lock(c->server, &wanted);
	if (result == -EAGAIN && wait)
		result = wait_for(c, &wanted);
	else if (result == 0)
		wake_waiting(l); /* it may have been a lock given back, or one made weaker */
	(void)pthread_mutex_unlock(&l->mutex);
	return result;
}

ssize_t do_setlk(struct call *c)
{
	return set_lock(c, false);
}

ssize_t do_setlkw(struct call *c)
{
	return set_lock(c, true);
}

/* Who would be in the way; with the mutex. */
static int look(struct fuse_server *s, const struct wanted *w, struct flock *range)
{
	const struct owner *o = find(s->locks, w->node, w->owner);
	owned_fd own = -1; /* for who has no lock here and so has no owner */
	int fd = o ? o->fd : -1;

	if (fd < 0) {
		own = open_for_locks(s, w->node);
		fd = own;
	}
	if (fd < 0)
		return fd;
	*range = w->range;
	return fcntl(fd, F_OFD_GETLK, range) < 0 ? -errno : 0;
}

/* Whose lock was found, as far as it is one of the guest's: the host says of no open file whose it is, but to whoever
 * has the lock himself it isn't in the way. With the mutex. */
static uint32_t holder(struct locks *l, const struct wanted *w, const struct flock *found)
{
	for (uint32_t slot = *chain_of(l, w->node); slot; slot = l->owner[slot].next) {
		const struct owner *o = &l->owner[slot];
		struct flock range = *found;

		range.l_type = F_WRLCK;
		range.l_pid = 0;
		if (o->node == w->node && o->owner != w->owner &&
		    fcntl(o->fd, F_OFD_GETLK, &range) == 0 && range.l_type == F_UNLCK)
			return o->pid;
	}
	return 0;
}

ssize_t do_getlk(struct call *c)
{
	struct wanted wanted = {.node = c->header.nodeid};
	struct fuse_lk_out out = {.lk = {.type = F_UNLCK}};
	struct flock found;
	struct fuse_lk_in in;
	uint32_t pid = 0;
	int result;

	read_into(&c->in, &in, sizeof(in));
	if (!negotiated(c->server, FUSE_POSIX_LOCKS))
		return -ENOSYS;
	result = range_of(&in, &wanted.range);
	if (result < 0 || in.lk.type == F_UNLCK)
		return -EINVAL;
	wanted.owner = in.owner;
	(void)pthread_mutex_lock(&c->server->locks->mutex);
	result = look(c->server, &wanted, &found);
	if (result == 0 && found.l_type != F_UNLCK)
		pid = holder(c->server->locks, &wanted, &found);
	(void)pthread_mutex_unlock(&c->server->locks->mutex);
	if (result < 0)
		return result;
	if (found.l_type != F_UNLCK)
		out.lk = (struct fuse_file_lock){
			.start = (uint64_t)found.l_start,
			.end = found.l_len ? (uint64_t)(found.l_start + found.l_len - 1)
		                           : INT64_MAX,
			.type = (uint32_t)found.l_type,
			.pid = pid};
	write_bytes(&c->out, &out, sizeof(out));
	return 0;
}

ssize_t do_interrupt(struct call *c)
{
	struct locks *l = c->server->locks;
	struct fuse_interrupt_in in;

	read_into(&c->in, &in, sizeof(in));
	(void)pthread_mutex_lock(&l->mutex);
	for (size_t i = 0; i < WAITERS_MAX; i++)
		if (l->waiter[i].thread && l->waiter[i].unique == in.unique)
			l->waiter[i].interrupted = true;
	wake_waiting(l);
	(void)pthread_mutex_unlock(&l->mutex);
	return 0;
}

int fuse_patience(const struct fuse_thread *thread)
{
	return atomic_load(&thread->server->locks->waiting) ? RETRY_MS : -1;
}

/* Whether a waiter can be answered now; with the mutex. */
static bool answered(struct fuse_server *s, const struct waiter *w, struct fuse_out_header *ret)
{
	int result = w->interrupted ? -EINTR : try_lock(s, &w->wanted);

	*ret = (struct fuse_out_header){.len = sizeof(*ret), .error = result, .unique = w->unique};
	return result != -EAGAIN;
}

bool fuse_late(struct fuse_thread *thread, uint64_t *ret_tag, size_t *ret_written)
{
	struct locks *l = thread->server->locks;
	struct fuse_out_header out;
	bool found = false;

	if (atomic_load(&l->waiting) == 0)
		return false;
	(void)pthread_mutex_lock(&l->mutex);
	for (size_t i = 0; i < WAITERS_MAX && !found; i++) {
		struct waiter *w = &l->waiter[i];

		if (w->thread != thread || !answered(thread->server, w, &out))
			continue;
		*ret_tag = w->tag;
		*ret_written = pieces_scatter(w->out, w->out_count, 0, &out, sizeof(out));
		w->thread = NULL;
		atomic_fetch_sub(&l->waiting, 1);
		found = true;
	}
	(void)pthread_mutex_unlock(&l->mutex);
	return found;
}

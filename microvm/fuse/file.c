/* SPDX-License-Identifier: Apache-2.0 */
/* Open files and what is in them. Only regular files and directories are ever opened. O_APPEND is not kept: a page of
 * a mapped file that is written back later would land at the end; each write says for itself whether it appends.
 * O_DIRECT isn't kept either: the guest's buffers are aligned as they are. */
#include <errno.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/own.h"

#include "server.h"

enum {
	FLAGS_KEPT = O_ACCMODE | O_TRUNC | O_SYNC | O_DSYNC,
	COPY_MAX = 64 << 20, /* bytes a request: a thread isn't kept for longer */
};

int file_flags(const struct fuse_server *s, uint32_t flags)
{
	int kept = (int)flags & FLAGS_KEPT;

	/* to write a part of a page, the guest has to read the page */
	if (negotiated(s, FUSE_WRITEBACK_CACHE) && (kept & O_ACCMODE) == O_WRONLY)
		kept = (kept & ~O_ACCMODE) | O_RDWR;
	return kept;
}

static uint32_t open_flags(const struct fuse_server *s, bool directory, bool writable)
{
	uint32_t flags = 0;

	if (s->options.keep_cache)
		flags |= FOPEN_KEEP_CACHE | (directory ? FOPEN_CACHE_DIR : 0);
	/* a FLUSH at each close tells of errors, and of locks that end */
	if (!directory && !writable && !negotiated(s, FUSE_POSIX_LOCKS))
		flags |= FOPEN_NOFLUSH;
	return flags;
}

static int reply_open(struct call *c, int fd, bool directory, bool writable)
{
	struct fuse_open_out out = {.open_flags = open_flags(c->server, directory, writable)};
	int result = handle_new(c->server, fd, directory, writable, &out.fh);

	if (result == 0)
		write_bytes(&c->out, &out, sizeof(out));
	return result;
}

int file_reply(struct call *c, int fd, bool writable)
{
	return reply_open(c, fd, false, writable);
}

ssize_t do_open(struct call *c)
{
	struct fuse_open_in in;
	int flags, fd;

	read_into(&c->in, &in, sizeof(in));
	if (c->node->type == S_IFDIR)
		return -EISDIR;
	flags = file_flags(c->server, in.flags);
	caller_fsetid(&c->thread->caller, !(in.open_flags & FUSE_OPEN_KILL_SUIDGID));
	fd = node_open(c->server, c->node, flags);
	return fd < 0 ? fd : file_reply(c, fd, (flags & O_ACCMODE) != O_RDONLY);
}

ssize_t do_opendir(struct call *c)
{
	int fd;

	if (c->node->type != S_IFDIR)
		return -ENOTDIR;
	fd = node_open(c->server, c->node, O_RDONLY | O_DIRECTORY);
	return fd < 0 ? fd : reply_open(c, fd, true, false);
}

ssize_t do_read(struct call *c)
{
	struct fuse_read_in in;
	struct handle *h;
	size_t size, count;
	ssize_t n;

	read_into(&c->in, &in, sizeof(in));
	size = in.size < c->room ? in.size : c->room;
	size = size < DATA_MAX ? size : DATA_MAX;
	h = handle_get(c->server, in.fh, false);
	if (!h)
		return -EBADF;
	count = pieces_slice(c->request->out, c->request->out_count, sizeof(struct fuse_out_header),
	                     size, c->thread->pieces);
	n = preadv(h->fd, c->thread->pieces, (int)count, (off_t)in.offset);
	n = n < 0 ? -errno : n;
	handle_put(c->server, h);
	return n;
}

static ssize_t write_data(struct call *c, const struct fuse_write_in *in, int fd)
{
	/* O_APPEND is of who writes, not of the cache that writes for him later */
	bool append = (in->flags & O_APPEND) && !(in->write_flags & FUSE_WRITE_CACHE) &&
	              !negotiated(c->server, FUSE_WRITEBACK_CACHE);
	size_t count = pieces_slice(c->request->in, c->request->in_count,
	                            sizeof(c->header) + sizeof(*in), in->size, c->thread->pieces);
	ssize_t n;

	caller_fsetid(&c->thread->caller, !(in->write_flags & FUSE_WRITE_KILL_SUIDGID));
	n = pwritev2(fd, c->thread->pieces, (int)count, (off_t)in->offset, append ? RWF_APPEND : 0);
	return n < 0 ? -errno : n;
}

ssize_t do_write(struct call *c)
{
	struct fuse_write_in in;
	struct fuse_write_out out = {0};
	struct handle *h;
	ssize_t n;

	read_into(&c->in, &in, sizeof(in));
	if (in.size > c->length - sizeof(c->header) - sizeof(in) || in.size > DATA_MAX)
		return -EINVAL;
	h = handle_get(c->server, in.fh, false);
	if (!h)
		return -EBADF;
	n = write_data(c, &in, h->fd);
	handle_put(c->server, h);
	if (n < 0)
		return n;
	out.size = (uint32_t)n;
	write_bytes(&c->out, &out, sizeof(out));
	return 0;
}

ssize_t do_flush(struct call *c)
{
	struct fuse_flush_in in;
	struct handle *h;
	int copy, result = 0;

	read_into(&c->in, &in, sizeof(in));
	locks_drop(c->server, c->header.nodeid, in.lock_owner);
	h = handle_get(c->server, in.fh, false);
	if (!h)
		return -EBADF;
	/* file systems that find out late (NFS, quotas) tell it to who closes */
	if (h->writable) {
		copy = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
		result = copy < 0 || close(copy) < 0 ? -errno : 0;
	}
	handle_put(c->server, h);
	return result;
}

static ssize_t release(struct call *c, bool directory)
{
	struct fuse_release_in in;

	read_into(&c->in, &in, sizeof(in));
	if (!directory)
		locks_drop_handle(c->server, c->header.nodeid, in.fh);
	handle_release(c->server, in.fh, directory);
	if (in.release_flags & FUSE_RELEASE_FLOCK_UNLOCK)
		locks_changed(c->server);
	return 0;
}

ssize_t do_release(struct call *c)
{
	return release(c, false);
}

ssize_t do_releasedir(struct call *c)
{
	return release(c, true);
}

static ssize_t sync_file(struct call *c, bool directory)
{
	struct fuse_fsync_in in;
	struct handle *h;
	int result;

	read_into(&c->in, &in, sizeof(in));
	h = handle_get(c->server, in.fh, directory);
	if (!h)
		return -EBADF;
	result = in.fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(h->fd) : fsync(h->fd);
	result = result < 0 ? -errno : 0;
	handle_put(c->server, h);
	return result;
}

ssize_t do_fsync(struct call *c)
{
	return sync_file(c, false);
}

ssize_t do_fsyncdir(struct call *c)
{
	return sync_file(c, true);
}

/* The guest has no flag for it here: whoever isn't root takes set-user-ID and set-group-ID off what he changes. */
static void change_as_caller(const struct call *c)
{
	caller_fsetid(&c->thread->caller, c->header.uid == 0);
}

ssize_t do_fallocate(struct call *c)
{
	struct fuse_fallocate_in in;
	struct handle *h;
	int result;

	read_into(&c->in, &in, sizeof(in));
	h = handle_get(c->server, in.fh, false);
	if (!h)
		return -EBADF;
	change_as_caller(c);
	result = fallocate(h->fd, (int)in.mode, (off_t)in.offset, (off_t)in.length);
	result = result < 0 ? -errno : 0;
	handle_put(c->server, h);
	return result;
}

ssize_t do_lseek(struct call *c)
{
	struct fuse_lseek_in in;
	struct fuse_lseek_out out;
	struct handle *h;
	off_t at;

	read_into(&c->in, &in, sizeof(in));
	/* the guest knows all other places itself */
	if (in.whence != SEEK_DATA && in.whence != SEEK_HOLE)
		return -EINVAL;
	h = handle_get(c->server, in.fh, false);
	if (!h)
		return -EBADF;
	at = lseek(h->fd, (off_t)in.offset, (int)in.whence);
	at = at < 0 ? -errno : at;
	handle_put(c->server, h);
	if (at < 0)
		return at;
	out.offset = (uint64_t)at;
	write_bytes(&c->out, &out, sizeof(out));
	return 0;
}

ssize_t do_copy(struct call *c)
{
	struct fuse_copy_file_range_in in;
	struct fuse_write_out out = {0};
	struct handle *from, *to;
	off_t from_offset, to_offset;
	ssize_t n = -EBADF;

	read_into(&c->in, &in, sizeof(in));
	if (in.flags)
		return -EINVAL;
	from_offset = (off_t)in.off_in;
	to_offset = (off_t)in.off_out;
	from = handle_get(c->server, in.fh_in, false);
	to = handle_get(c->server, in.fh_out, false);
	if (from && to) {
		change_as_caller(c);
		n = copy_file_range(from->fd, &from_offset, to->fd, &to_offset,
		                    in.len < COPY_MAX ? in.len : COPY_MAX, 0);
		n = n < 0 ? -errno : n;
	}
	if (from)
		handle_put(c->server, from);
	if (to)
		handle_put(c->server, to);
	if (n < 0)
		return n;
	out.size = (uint32_t)n;
	write_bytes(&c->out, &out, sizeof(out));
	return 0;
}

ssize_t do_syncfs(struct call *c)
{
	/* syncfs(2) takes no O_PATH descriptor */
	owned_fd file = node_open(c->server, c->node, O_RDONLY);

	if (file < 0)
		return file;
	return syncfs(file) < 0 ? -errno : 0;
}

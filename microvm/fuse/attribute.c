/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a file beside its contents. xattr calls know no descriptor of O_PATH; the working directory is
 * /proc/self/fd, so the descriptor's number is a path to exactly that inode, whatever it is. */
#include <errno.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/syscalls.h"

#include "server.h"

enum { MODE_BITS = 07777 };

int attributes_look(int fd, struct statx *ret)
{
	int result = statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
	                   STATX_BASIC_STATS | STATX_MNT_ID, ret);

	return result < 0 ? -errno : 0;
}

/* A device's number as the kernel packs it into 32 bits: (0, 0) is 0. */
static uint32_t packed_device(const struct statx *st)
{
	uint32_t major = st->stx_rdev_major, minor = st->stx_rdev_minor;

	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffU) << 12;
}

void attributes_fill(struct fuse_attr *to, const struct statx *st)
{
	*to = (struct fuse_attr){.ino = st->stx_ino,
	                         .size = st->stx_size,
	                         .blocks = st->stx_blocks,
	                         .atime = (uint64_t)st->stx_atime.tv_sec,
	                         .mtime = (uint64_t)st->stx_mtime.tv_sec,
	                         .ctime = (uint64_t)st->stx_ctime.tv_sec,
	                         .atimensec = st->stx_atime.tv_nsec,
	                         .mtimensec = st->stx_mtime.tv_nsec,
	                         .ctimensec = st->stx_ctime.tv_nsec,
	                         .mode = st->stx_mode,
	                         .nlink = st->stx_nlink,
	                         .uid = st->stx_uid,
	                         .gid = st->stx_gid,
	                         .rdev = packed_device(st),
	                         .blksize = st->stx_blksize};
}

void attributes_valid(unsigned int ms, uint64_t *ret_seconds, uint32_t *ret_nanoseconds)
{
	*ret_seconds = ms / 1000;
	*ret_nanoseconds = ms % 1000 * 1000000;
}

ssize_t do_getattr(struct call *c)
{
	struct fuse_attr_out out = {0};
	struct statx st;
	int result = attributes_look(c->node->fd, &st);

	if (result < 0)
		return result;
	attributes_fill(&out.attr, &st);
	attributes_valid(c->server->options.attribute_ms, &out.attr_valid, &out.attr_valid_nsec);
	write_bytes(&c->out, &out, sizeof(out));
	return 0;
}

static int set_owner(const struct call *c, const struct fuse_setattr_in *in)
{
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

	if (!(in->valid & (FATTR_UID | FATTR_GID)))
		return 0;
	return fchownat(c->node->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int set_mode(const struct call *c, const struct fuse_setattr_in *in)
{
	char name[SLOT_TEXT];

	if (!(in->valid & FATTR_MODE))
		return 0;
	if (fchmodat(c->server->descriptors, descriptor_name(c->node->fd, name),
	             in->mode & MODE_BITS, 0) < 0)
		return -errno;
	return 0;
}

static int set_size(const struct call *c, const struct fuse_setattr_in *in)
{
	struct handle *h = NULL;
	char name[SLOT_TEXT];
	int result;

	if (!(in->valid & FATTR_SIZE))
		return 0;
	if (c->node->type != S_IFREG || in->size > INT64_MAX)
		return -EINVAL;
	caller_fsetid(&c->thread->caller, !(in->valid & FATTR_KILL_SUIDGID));
	/* ftruncate(2) of a file that was opened for writing works whatever its permissions are now */
	if (in->valid & FATTR_FH)
		h = handle_get(c->server, in->fh, false);
	if (h && h->writable)
		result = ftruncate(h->fd, (off_t)in->size);
	else
		result = truncate(descriptor_name(c->node->fd, name), (off_t)in->size);
	result = result < 0 ? -errno : 0;
	if (h)
		handle_put(c->server, h);
	return result;
}

static struct timespec moment(uint32_t valid, uint32_t set, uint32_t now, uint64_t seconds,
                              uint32_t nanoseconds)
{
	if (!(valid & set))
		return (struct timespec){.tv_nsec = UTIME_OMIT};
	if (valid & now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds};
}

static int set_times(const struct call *c, const struct fuse_setattr_in *in)
{
	struct timespec times[2];

	if (!(in->valid & (FATTR_ATIME | FATTR_MTIME)))
		return 0;
	times[0] = moment(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec);
	times[1] = moment(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec);
	/* the two numbers that are words to us are none of the guest's */
	if (in->atimensec >= 1000000000 || in->mtimensec >= 1000000000)
		return -EINVAL;
	return utimensat(c->node->fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

ssize_t do_setattr(struct call *c)
{
	/* the owner first: a change of it takes bits off the mode */
	static int (*const steps[])(const struct call *, const struct fuse_setattr_in *) = {
		set_owner, set_mode, set_size, set_times};
	struct fuse_setattr_in in;

	read_into(&c->in, &in, sizeof(in));
	caller_fsetid(&c->thread->caller, true);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int result = steps[i](c, &in);

		if (result < 0)
			return result;
	}
	return do_getattr(c);
}

ssize_t do_statfs(struct call *c)
{
	struct fuse_statfs_out out = {0};
	struct statfs st;

	if (fstatfs(c->node->fd, &st) < 0)
		return -errno;
	out.st = (struct fuse_kstatfs){.blocks = st.f_blocks,
	                               .bfree = st.f_bfree,
	                               .bavail = st.f_bavail,
	                               .files = st.f_files,
	                               .ffree = st.f_ffree,
	                               .bsize = (uint32_t)st.f_bsize,
	                               .namelen = (uint32_t)st.f_namelen,
	                               .frsize = (uint32_t)st.f_frsize};
	write_bytes(&c->out, &out, sizeof(out));
	return 0;
}

ssize_t do_access(struct call *c)
{
	struct fuse_access_in in;
	char name[SLOT_TEXT];
	int result;

	read_into(&c->in, &in, sizeof(in));
	if (in.mask & ~(uint32_t)(R_OK | W_OK | X_OK))
		return -EINVAL;
	result = caller_become(&c->thread->caller, &c->header, false);
	if (result < 0)
		return result;
	/* the effective ids are the fsuid and fsgid here */
	if (sys_faccessat2(c->server->descriptors, descriptor_name(c->node->fd, name), (int)in.mask,
	                   AT_EACCESS) < 0)
		result = -errno;
	caller_return(&c->thread->caller);
	return result;
}

/* The name of an xattr: NAME is not a path, so anything but nothing will do. */
static int take_xattr(struct call *c, const char **ret)
{
	*ret = read_text(&c->in);
	return *ret && **ret ? 0 : -EINVAL;
}

/* The reply to who asked for `size` bytes and there are `result`: how many, or the bytes themselves. */
static ssize_t xattr_reply(struct call *c, uint32_t size, ssize_t result)
{
	struct fuse_getxattr_out out = {.size = (uint32_t)result};

	if (result < 0)
		return -errno;
	if (size == 0) {
		write_bytes(&c->out, &out, sizeof(out));
		return 0;
	}
	(void)pieces_scatter(c->request->out, c->request->out_count, sizeof(struct fuse_out_header),
	                     c->thread->out, (size_t)result);
	return result;
}

/* How much of a value may come: what was asked for, what there is room for. 0: only its size is wanted.
 * Returns  false where there is no room for either. */
static bool xattr_room(const struct call *c, uint32_t size, size_t *ret)
{
	size_t room = size < c->room ? size : c->room;

	*ret = room < BODY_MAX ? room : BODY_MAX;
	return size ? room > 0 : c->room >= sizeof(struct fuse_getxattr_out);
}

ssize_t do_getxattr(struct call *c)
{
	struct fuse_getxattr_in in;
	char text[SLOT_TEXT];
	const char *name;
	size_t room;

	read_into(&c->in, &in, sizeof(in));
	if (take_xattr(c, &name) < 0 || !xattr_room(c, in.size, &room))
		return -EINVAL;
	return xattr_reply(
		c, in.size,
		getxattr(descriptor_name(c->node->fd, text), name, c->thread->out, room));
}

ssize_t do_listxattr(struct call *c)
{
	struct fuse_getxattr_in in;
	char text[SLOT_TEXT];
	size_t room;

	read_into(&c->in, &in, sizeof(in));
	if (!xattr_room(c, in.size, &room))
		return -EINVAL;
	return xattr_reply(
		c, in.size,
		listxattr(descriptor_name(c->node->fd, text), (char *)c->thread->out, room));
}

ssize_t do_setxattr(struct call *c)
{
	struct fuse_setxattr_in in = {0};
	char text[SLOT_TEXT];
	const void *value;
	const char *name;
	int result;

	read_into(&c->in, &in,
	          negotiated(c->server, FUSE_SETXATTR_EXT) ? sizeof(in)
	                                                   : FUSE_COMPAT_SETXATTR_IN_SIZE);
	if (take_xattr(c, &name) < 0)
		return -EINVAL;
	value = read_bytes(&c->in, in.size);
	if (!value)
		return -EINVAL;
	caller_fsetid(&c->thread->caller, !(in.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID));
	result = setxattr(descriptor_name(c->node->fd, text), name, value, in.size, (int)in.flags);
	return result < 0 ? -errno : 0;
}

ssize_t do_removexattr(struct call *c)
{
	char text[SLOT_TEXT];
	const char *name;

	if (take_xattr(c, &name) < 0)
		return -EINVAL;
	return removexattr(descriptor_name(c->node->fd, text), name) < 0 ? -errno : 0;
}

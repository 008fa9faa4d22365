/* SPDX-License-Identifier: Apache-2.0 */
/* Names. Each is one component below a directory's descriptor, resolved once, without following a link: a link is an
 * inode of its own to us, and the guest follows it. What the host changes meanwhile makes us see another child of that
 * directory, never something outside. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/syscalls.h"

#include "server.h"

static int open_child(int directory, const char *name, int flags, mode_t mode)
{
	/* openat2(2) refuses a mode with any flags but those that make a file */
	struct open_how how = {.flags = (uint64_t)(unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
	                       .mode = mode,
	                       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int fd = sys_openat2(directory, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The entry of what fd is; *ret, where wanted, is held. */
static int entry_of(struct call *c, int fd, struct fuse_entry_out *ret, struct node **ret_node)
{
	owned_fd child = fd;
	struct node *node = NULL;
	struct statx st;
	int result = attributes_look(child, &st);

	if (result == 0)
		result = node_remember(c->server, take_fd(&child), &st, &node);
	if (result != 0)
		return result;
	*ret = (struct fuse_entry_out){.nodeid = node_id(c->server, node)};
	attributes_valid(c->server->options.entry_ms, &ret->entry_valid, &ret->entry_valid_nsec);
	attributes_valid(c->server->options.attribute_ms, &ret->attr_valid, &ret->attr_valid_nsec);
	attributes_fill(&ret->attr, &st);
	/* another mount, or a subvolume: the guest gives it a device number of its own */
	if (node->type == S_IFDIR &&
	    (node->mount != c->node->mount || node->device != c->node->device))
		ret->attr.flags |= FUSE_ATTR_SUBMOUNT;
	if (ret_node)
		*ret_node = node;
	else
		node_put(c->server, node);
	return 0;
}

static int enter(struct call *c, int directory, const char *name, struct fuse_entry_out *ret)
{
	int fd = open_child(directory, name, O_PATH, 0);

	return fd < 0 ? fd : entry_of(c, fd, ret, NULL);
}

/* The reply of what makes an entry. */
static ssize_t reply_entry(struct call *c, const char *name)
{
	struct fuse_entry_out out;
	int result = enter(c, c->node->fd, name, &out);

	if (result == 0)
		write_bytes(&c->out, &out, sizeof(out));
	return result;
}

ssize_t do_lookup(struct call *c)
{
	unsigned int absent_ms = c->server->options.absent_ms;
	struct fuse_entry_out absent = {0};
	const char *name;
	ssize_t result = take_name(c, &name);

	if (result < 0)
		return result;
	result = reply_entry(c, name);
	if (result != -ENOENT || absent_ms == 0)
		return result;
	/* nodeid 0: not there, and need not be asked for again */
	attributes_valid(absent_ms, &absent.entry_valid, &absent.entry_valid_nsec);
	write_bytes(&c->out, &absent, sizeof(absent));
	return 0;
}

/* Make something as who asks. */
static ssize_t make(struct call *c, const char *name,
                    int (*how)(int directory, const char *name, const void *what), const void *what)
{
	int result = caller_become(&c->thread->caller, &c->header, true);

	if (result < 0)
		return result;
	if (how(c->node->fd, name, what) < 0)
		result = -errno;
	caller_return(&c->thread->caller);
	return result < 0 ? result : reply_entry(c, name);
}

static int make_node(int directory, const char *name, const void *what)
{
	const struct fuse_mknod_in *in = what;

	/* packed as the kernel does; a whiteout of an overlay is (0, 0) */
	return mknodat(directory, name, in->mode, in->rdev);
}

ssize_t do_mknod(struct call *c)
{
	struct fuse_mknod_in in;
	const char *name;
	bool device;
	int result;

	read_into(&c->in, &in, sizeof(in));
	result = take_name(c, &name);
	if (result < 0)
		return result;
	device = S_ISCHR(in.mode) || S_ISBLK(in.mode);
	if (device && !(S_ISCHR(in.mode) && in.rdev == 0) && !c->server->options.devices)
		return -EPERM;
	return make(c, name, make_node, &in);
}

static int make_directory(int directory, const char *name, const void *what)
{
	const struct fuse_mkdir_in *in = what;

	return mkdirat(directory, name, in->mode);
}

ssize_t do_mkdir(struct call *c)
{
	struct fuse_mkdir_in in;
	const char *name;
	int result;

	read_into(&c->in, &in, sizeof(in));
	result = take_name(c, &name);
	return result < 0 ? result : make(c, name, make_directory, &in);
}

static int make_symlink(int directory, const char *name, const void *what)
{
	return symlinkat(what, directory, name);
}

ssize_t do_symlink(struct call *c)
{
	const char *name, *target;
	int result = take_name(c, &name);

	if (result < 0)
		return result;
	target = read_text(&c->in);
	return target ? make(c, name, make_symlink, target) : -EINVAL;
}

ssize_t do_link(struct call *c)
{
	struct fuse_link_in in;
	char text[SLOT_TEXT];
	const char *name;
	struct node *old;
	ssize_t result;

	read_into(&c->in, &in, sizeof(in));
	result = take_name(c, &name);
	if (result < 0)
		return result;
	old = node_get(c->server, in.oldnodeid);
	if (!old)
		return -ESTALE;
	/* followed is the link that /proc/self/fd has, not what it leads to */
	if (linkat(c->server->descriptors, descriptor_name(old->fd, text), c->node->fd, name,
	           AT_SYMLINK_FOLLOW) < 0)
		result = -errno;
	node_put(c->server, old);
	return result < 0 ? result : reply_entry(c, name);
}

static ssize_t unlink_child(struct call *c, int flags)
{
	const char *name;
	int result = take_name(c, &name);

	if (result < 0)
		return result;
	return unlinkat(c->node->fd, name, flags) < 0 ? -errno : 0;
}

ssize_t do_unlink(struct call *c)
{
	return unlink_child(c, 0);
}

ssize_t do_rmdir(struct call *c)
{
	return unlink_child(c, AT_REMOVEDIR);
}

static ssize_t rename_child(struct call *c, uint64_t new_directory, unsigned int flags)
{
	const char *from = NULL, *to = NULL;
	struct node *node;
	int result = take_name(c, &from);

	if (result == 0)
		result = take_name(c, &to);
	if (result < 0)
		return result;
	if (new_directory == FUSE_ROOT_ID)
		return -EROFS;
	node = node_get(c->server, new_directory);
	if (!node)
		return -ESTALE;
	if (renameat2(c->node->fd, from, node->fd, to, flags) < 0)
		result = -errno;
	node_put(c->server, node);
	return result;
}

ssize_t do_rename(struct call *c)
{
	struct fuse_rename_in in;

	read_into(&c->in, &in, sizeof(in));
	return rename_child(c, in.newdir, 0);
}

ssize_t do_rename2(struct call *c)
{
	struct fuse_rename2_in in;

	read_into(&c->in, &in, sizeof(in));
	if (in.flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	return rename_child(c, in.newdir, in.flags);
}

ssize_t do_readlink(struct call *c)
{
	size_t room = c->room < BODY_MAX ? c->room : BODY_MAX;
	ssize_t n;

	if (c->node->type != S_IFLNK)
		return -EINVAL;
	n = readlinkat(c->node->fd, "", (char *)c->thread->out, room);
	if (n < 0)
		return -errno;
	(void)pieces_scatter(c->request->out, c->request->out_count, sizeof(struct fuse_out_header),
	                     c->thread->out, (size_t)n);
	return n;
}

/* The entry and the open file of what was made and is open as fd (taken). */
static ssize_t reply_created(struct call *c, int fd, int flags)
{
	owned_fd file = fd;
	char text[SLOT_TEXT];
	struct fuse_entry_out out;
	struct node *node;
	int child = openat(c->server->descriptors, descriptor_name(file, text), O_PATH | O_CLOEXEC);
	int result;

	if (child < 0)
		return -errno;
	result = entry_of(c, child, &out, &node);
	if (result != 0)
		return result;
	write_bytes(&c->out, &out, sizeof(out));
	result = file_reply(c, take_fd(&file), (flags & O_ACCMODE) != O_RDONLY);
	/* a reply without the entry: the lookup isn't the guest's */
	if (result < 0)
		node_forget(c->server, out.nodeid, 1);
	node_put(c->server, node);
	return result;
}

/* Open what is there already: what O_CREAT alone would do, but to a regular file only. */
static int open_existing(struct call *c, const char *name, int flags, bool kill)
{
	struct fuse_entry_out entry;
	struct node *node;
	int fd = open_child(c->node->fd, name, O_PATH, 0);

	fd = fd < 0 ? fd : entry_of(c, fd, &entry, &node);
	if (fd != 0)
		return fd;
	caller_fsetid(&c->thread->caller, !kill);
	fd = node->type == S_IFDIR ? -EISDIR : node_open(c->server, node, flags);
	node_forget(c->server, entry.nodeid, 1);
	node_put(c->server, node);
	return fd;
}

static int open_new(struct call *c, const char *name, int flags, mode_t mode)
{
	int fd = caller_become(&c->thread->caller, &c->header, true);

	if (fd < 0)
		return fd;
	fd = open_child(c->node->fd, name, flags, mode);
	caller_return(&c->thread->caller);
	return fd;
}

ssize_t do_create(struct call *c)
{
	struct fuse_create_in in;
	const char *name;
	int flags, fd;

	read_into(&c->in, &in, sizeof(in));
	fd = take_name(c, &name);
	if (fd < 0)
		return fd;
	flags = file_flags(c->server, in.flags);
	fd = open_new(c, name, (flags & ~O_TRUNC) | O_CREAT | O_EXCL, in.mode & 07777);
	if (fd == -EEXIST && !(in.flags & O_EXCL))
		fd = open_existing(c, name, flags, in.open_flags & FUSE_OPEN_KILL_SUIDGID);
	return fd < 0 ? fd : reply_created(c, fd, flags);
}

ssize_t do_tmpfile(struct call *c)
{
	struct fuse_create_in in;
	int flags, fd;

	read_into(&c->in, &in, sizeof(in));
	flags = file_flags(c->server, in.flags) & ~O_TRUNC;
	fd = open_new(c, ".", flags | O_TMPFILE | (int)(in.flags & O_EXCL), in.mode & 07777);
	return fd < 0 ? fd : reply_created(c, fd, flags);
}

/* An entry of a directory as the kernel has it, that stands in a buffer it filled. */
struct entry {
	uint64_t inode, next;
	unsigned char type;
	const char *name;
	size_t length;
};

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Write one entry of a listing, whole or not at all. */
static bool list(struct call *c, const struct entry *e, int directory, bool plus)
{
	struct fuse_dirent head = {e->inode, e->next, (uint32_t)e->length, e->type};
	size_t size = FUSE_NAME_OFFSET + e->length, padding = FUSE_REC_ALIGN(size) - size;
	struct fuse_entry_out entry = {0};

	if (c->out.left < size + padding + (plus ? sizeof(entry) : 0))
		return false;
	if (plus && (is_dots(e->name) || enter(c, directory, e->name, &entry) < 0))
		/* nodeid 0: nothing is said about it, and nothing looked up */
		entry = (struct fuse_entry_out){
			.attr = {.ino = e->inode, .mode = DTTOIF((mode_t)e->type)}
                };
	if (plus)
		write_bytes(&c->out, &entry, sizeof(entry));
	write_bytes(&c->out, &head, FUSE_NAME_OFFSET);
	write_bytes(&c->out, e->name, e->length);
	write_zeros(&c->out, padding);
	return true;
}

/* Write what stands in the buffer.
 * Returns  whether all of it had room. */
static bool list_buffer(struct call *c, size_t filled, int directory, bool plus)
{
	size_t at = 0;

	while (at < filled) {
		const struct dirent64 *d = (const void *)(c->thread->dirents + at);
		struct entry e = {.inode = d->d_ino,
		                  .next = (uint64_t)d->d_off,
		                  .type = d->d_type,
		                  .name = d->d_name,
		                  .length = strlen(d->d_name)};

		if (!list(c, &e, directory, plus))
			return false;
		at += d->d_reclen;
	}
	return true;
}

static ssize_t list_directory(struct call *c, int directory, uint64_t offset, bool plus)
{
	/* of what is read and has no room, all is read again: read about as much as fits */
	size_t size = plus ? c->out.left / 4 : c->out.left;
	ssize_t n;

	if (lseek(directory, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	size = size < 1024 ? 1024 : size;
	size = size < DIRENTS_SIZE ? size : DIRENTS_SIZE;
	do {
		n = getdents64(directory, c->thread->dirents, size);
		if (n < 0)
			return c->out.written ? 0 : -errno;
	} while (n > 0 && list_buffer(c, (size_t)n, directory, plus));
	/* nothing at all would say that this was the end */
	return n > 0 && c->out.written == 0 ? -EINVAL : 0;
}

static ssize_t read_directory(struct call *c, bool plus)
{
	struct fuse_read_in in;
	struct handle *h;
	ssize_t result;

	read_into(&c->in, &in, sizeof(in));
	h = handle_get(c->server, in.fh, true);
	if (!h)
		return -EBADF;
	c->out.left = c->out.left < in.size ? c->out.left : in.size;
	result = list_directory(c, h->fd, in.offset, plus);
	handle_put(c->server, h);
	return result;
}

ssize_t do_readdir(struct call *c)
{
	return read_directory(c, false);
}

ssize_t do_readdirplus(struct call *c)
{
	return read_directory(c, true);
}

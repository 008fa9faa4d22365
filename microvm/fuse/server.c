/* SPDX-License-Identifier: Apache-2.0 */
/* How a request is taken apart. The guest can change it at any time, so its header is copied, then what is behind it
 * (but for the data of a WRITE, which nobody looks at); only the copies are checked and used. The table says for each
 * operation how short and how long a request may be, and how much room a reply needs: where there is less, nothing is
 * done, so that no lookup is counted of which the guest never hears. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "base/table.h"

#include "server.h"

static_assert(PIECES_MAX == IOV_MAX, "a run of buffers is what preadv(2) takes");

enum {
	NODE = 1,             /* the header names a node that there is */
	CHANGE = 2,           /* of a share, not of the directory of shares, which stays as it is */
	SILENT = 4,           /* has no reply */
	EARLY = 8,            /* before INIT too */
	DATA = 16,            /* what is more is not copied */
	NAME_SENT = 1024 + 1, /* a guest sends longer names than there can be, to be told so */
	NAMES_SENT = 2 * NAME_SENT,
	INIT_LEAST = offsetof(struct fuse_init_in, flags2),
	MINOR_LEAST = 31,
	INIT_MORE = BODY_MAX - INIT_LEAST,
	XATTR_LEAST = FUSE_COMPAT_SETXATTR_IN_SIZE,
	XATTR_MORE = BODY_MAX - XATTR_LEAST,
	LINK_SENT = NAME_SENT + PATH_MAX,
	CREATED = sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out),
	FORGETS_MAX = BODY_MAX - sizeof(struct fuse_batch_forget_in),
	DESCRIPTORS_OTHER = 64, /* beside nodes, handles and locks */
};

/* A flag that is none of the protocol's. */
#define INIT_DONE (UINT64_C(1) << 63)

/* Long enough for a container's life, short enough for an overflow nowhere. */
enum { FOREVER_MS = 24 * 3600 * 1000 };

const struct fuse_options fuse_alone = {.entry_ms = FOREVER_MS,
                                        .attribute_ms = FOREVER_MS,
                                        .absent_ms = FOREVER_MS,
                                        .keep_cache = true,
                                        .writeback = true,
                                        .nodes_max = 1 << 20,
                                        .handles_max = 1 << 16};

const struct fuse_options fuse_shared = {.entry_ms = 1000,
                                         .attribute_ms = 1000,
                                         .posix_locks = true,
                                         .flocks = true,
                                         .nodes_max = 1 << 20,
                                         .handles_max = 1 << 16};

bool negotiated(const struct fuse_server *s, uint64_t flag)
{
	return atomic_load_explicit(&s->flags, memory_order_relaxed) & flag;
}

static void forget_all(struct fuse_server *s, bool answer)
{
	locks_drop_all(s, answer);
	handles_release_all(s);
	nodes_forget_all(s);
	atomic_store(&s->flags, 0);
}

static uint64_t wanted_flags(const struct fuse_options *o)
{
	uint64_t wanted = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC |
	                  FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_PARALLEL_DIROPS |
	                  FUSE_MAX_PAGES | FUSE_ASYNC_DIO | FUSE_HANDLE_KILLPRIV_V2 |
	                  FUSE_SUBMOUNTS | FUSE_SETXATTR_EXT;

	wanted |= o->posix_locks ? FUSE_POSIX_LOCKS : 0;
	wanted |= o->flocks ? FUSE_FLOCK_LOCKS : 0;
	wanted |= o->writeback ? FUSE_WRITEBACK_CACHE : 0;
	return wanted | (o->keep_cache ? FUSE_CACHE_SYMLINKS : FUSE_AUTO_INVAL_DATA);
}

static ssize_t do_init(struct call *c)
{
	/* an INIT of one flag word less is what older kernels send: the rest of it is zeros */
	size_t length =
		c->in.left < sizeof(struct fuse_init_in) ? INIT_LEAST : sizeof(struct fuse_init_in);
	struct fuse_init_in in = {0};
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
	                            .minor = FUSE_KERNEL_MINOR_VERSION,
	                            .max_background = 64,
	                            .congestion_threshold = 48,
	                            .max_write = DATA_MAX,
	                            .time_gran = 1,
	                            .max_pages = DATA_PAGES};
	uint64_t flags;

	read_into(&c->in, &in, length);
	if (in.major < FUSE_KERNEL_VERSION ||
	    (in.major == FUSE_KERNEL_VERSION && in.minor < MINOR_LEAST))
		return -EPROTO;
	/* a mount of its own each time; a version above ours is told ours, and asks again */
	forget_all(c->server, true);
	if (in.major == FUSE_KERNEL_VERSION) {
		flags = in.flags & wanted_flags(&c->server->options);
		out.minor = in.minor < out.minor ? in.minor : out.minor;
		out.max_readahead = in.max_readahead;
		out.flags = (uint32_t)flags;
		atomic_store(&c->server->flags, flags | INIT_DONE);
	}
	write_bytes(&c->out, &out, sizeof(out));
	return 0;
}

static ssize_t do_destroy(struct call *c)
{
	forget_all(c->server, true);
	return 0;
}

static ssize_t do_forget(struct call *c)
{
	struct fuse_forget_in in;

	read_into(&c->in, &in, sizeof(in));
	node_forget(c->server, c->header.nodeid, in.nlookup);
	return 0;
}

static ssize_t do_batch_forget(struct call *c)
{
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one;

	read_into(&c->in, &in, sizeof(in));
	for (uint32_t i = 0; i < in.count && c->in.left >= sizeof(one); i++) {
		read_into(&c->in, &one, sizeof(one));
		node_forget(c->server, one.nodeid, one.nlookup);
	}
	return 0;
}

/* A kind of request. */
struct row {
	uint32_t opcode;
	operation *work;
	uint32_t least; /* bytes behind the header */
	uint32_t more;  /* bytes behind those, at most: names, data */
	uint32_t reply; /* bytes of the body that a reply needs, but for data */
	unsigned int flags;
};

#define IN(name)  sizeof(struct fuse_##name##_in)
#define OUT(name) sizeof(struct fuse_##name##_out)

static const struct row rows[] = {
	{FUSE_LOOKUP,          do_lookup,       0,                   NAME_SENT,   OUT(entry),  NODE         },
	{FUSE_FORGET,          do_forget,       IN(forget),          0,           0,           SILENT       },
	{FUSE_GETATTR,         do_getattr,      IN(getattr),         0,           OUT(attr),   NODE         },
	{FUSE_SETATTR,         do_setattr,      IN(setattr),         0,           OUT(attr),   NODE | CHANGE},
	{FUSE_READLINK,        do_readlink,     0,                   0,           1,           NODE         },
	{FUSE_SYMLINK,         do_symlink,      0,                   LINK_SENT,   OUT(entry),  NODE | CHANGE},
	{FUSE_MKNOD,           do_mknod,        IN(mknod),           NAME_SENT,   OUT(entry),  NODE | CHANGE},
	{FUSE_MKDIR,           do_mkdir,        IN(mkdir),           NAME_SENT,   OUT(entry),  NODE | CHANGE},
	{FUSE_UNLINK,          do_unlink,       0,                   NAME_SENT,   0,           NODE | CHANGE},
	{FUSE_RMDIR,           do_rmdir,        0,                   NAME_SENT,   0,           NODE | CHANGE},
	{FUSE_RENAME,          do_rename,       IN(rename),          NAMES_SENT,  0,           NODE | CHANGE},
	{FUSE_LINK,            do_link,         IN(link),            NAME_SENT,   OUT(entry),  NODE | CHANGE},
	{FUSE_OPEN,            do_open,         IN(open),            0,           OUT(open),   NODE         },
	{FUSE_READ,            do_read,         IN(read),            0,           0,           0            },
	{FUSE_WRITE,           do_write,        IN(write),           DATA_MAX,    OUT(write),  DATA         },
	{FUSE_STATFS,          do_statfs,       0,                   0,           OUT(statfs), NODE         },
	{FUSE_RELEASE,         do_release,      IN(release),         0,           0,           0            },
	{FUSE_FSYNC,           do_fsync,        IN(fsync),           0,           0,           0            },
	{FUSE_SETXATTR,        do_setxattr,     XATTR_LEAST,         XATTR_MORE,  0,           NODE | CHANGE},
	{FUSE_GETXATTR,        do_getxattr,     IN(getxattr),        NAME_SENT,   0,           NODE         },
	{FUSE_LISTXATTR,       do_listxattr,    IN(getxattr),        0,           0,           NODE         },
	{FUSE_REMOVEXATTR,     do_removexattr,  0,                   NAME_SENT,   0,           NODE | CHANGE},
	{FUSE_FLUSH,           do_flush,        IN(flush),           0,           0,           0            },
	{FUSE_INIT,            do_init,         INIT_LEAST,          INIT_MORE,   OUT(init),   EARLY        },
	{FUSE_OPENDIR,         do_opendir,      IN(open),            0,           OUT(open),   NODE         },
	{FUSE_READDIR,         do_readdir,      IN(read),            0,           0,           0            },
	{FUSE_RELEASEDIR,      do_releasedir,   IN(release),         0,           0,           0            },
	{FUSE_FSYNCDIR,        do_fsyncdir,     IN(fsync),           0,           0,           0            },
	{FUSE_GETLK,           do_getlk,        IN(lk),              0,           OUT(lk),     NODE         },
	{FUSE_SETLK,           do_setlk,        IN(lk),              0,           0,           NODE         },
	{FUSE_SETLKW,          do_setlkw,       IN(lk),              0,           0,           NODE         },
	{FUSE_ACCESS,          do_access,       IN(access),          0,           0,           NODE         },
	{FUSE_CREATE,          do_create,       IN(create),          NAME_SENT,   CREATED,     NODE | CHANGE},
	{FUSE_INTERRUPT,       do_interrupt,    IN(interrupt),       0,           0,           SILENT       },
	{FUSE_DESTROY,         do_destroy,      0,                   0,           0,           EARLY        },
	{FUSE_BATCH_FORGET,    do_batch_forget, IN(batch_forget),    FORGETS_MAX, 0,           SILENT       },
	{FUSE_FALLOCATE,       do_fallocate,    IN(fallocate),       0,           0,           0            },
	{FUSE_READDIRPLUS,     do_readdirplus,  IN(read),            0,           0,           NODE         },
	{FUSE_RENAME2,         do_rename2,      IN(rename2),         NAMES_SENT,  0,           NODE | CHANGE},
	{FUSE_LSEEK,           do_lseek,        IN(lseek),           0,           OUT(lseek),  0            },
	{FUSE_COPY_FILE_RANGE, do_copy,         IN(copy_file_range), 0,           OUT(write),  0            },
	{FUSE_SYNCFS,          do_syncfs,       IN(syncfs),          0,           0,           NODE         },
	{FUSE_TMPFILE,         do_tmpfile,      IN(create),          NAME_SENT,   CREATED,     NODE | CHANGE},
};

/* The row of each opcode; opcodes are few and small. */
static const struct row *row_of(uint32_t opcode)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].opcode == opcode)
			return &rows[i];
	return NULL;
}

int take_name(struct call *c, const char **ret)
{
	const char *name = read_text(&c->in);

	if (!name || !*name || strchr(name, '/') || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return -EINVAL;
	*ret = name;
	return strlen(name) < NAME_SIZE ? 0 : -ENAMETOOLONG;
}

/* Whether a request may be done at all; copies what is behind its header. */
static int admit(struct call *c, const struct row *row)
{
	const struct fuse_request *r = c->request;
	size_t body = c->length - sizeof(c->header);

	if (body < row->least || body - row->least > row->more)
		return -EINVAL;
	if (c->room < row->reply)
		return -EINVAL;
	if (!(row->flags & EARLY) && atomic_load(&c->server->flags) == 0)
		return -EIO;
	body = row->flags & DATA ? row->least : body;
	c->in = reader_of(c->thread->in, pieces_gather(r->in, r->in_count, sizeof(c->header),
	                                               c->thread->in, body));
	c->out = writer_of(c->thread->out, c->room < BODY_MAX ? c->room : BODY_MAX);
	if (!(row->flags & NODE))
		return 0;
	c->node = node_get(c->server, c->header.nodeid);
	if (!c->node)
		return -ESTALE;
	return (row->flags & CHANGE) && c->header.nodeid == FUSE_ROOT_ID ? -EROFS : 0;
}

static ssize_t work(struct call *c, const struct row *row)
{
	ssize_t result = admit(c, row);

	if (result == 0)
		result = row->work(c);
	if (c->node)
		node_put(c->server, c->node);
	/* the table's `reply` makes sure that there is room */
	return result == 0 && c->out.failed ? -EIO : result;
}

/* Write the header of a reply, and its body where that isn't there yet. */
static size_t reply(const struct call *c, ssize_t result)
{
	const struct fuse_request *r = c->request;
	struct fuse_out_header out = {.unique = c->header.unique};
	size_t body = result > 0 ? (size_t)result : 0;

	if (result == 0) {
		body = c->out.written;
		(void)pieces_scatter(r->out, r->out_count, sizeof(out), c->thread->out, body);
	}
	out.error = result < 0 ? (int32_t)result : 0;
	out.len = (uint32_t)(sizeof(out) + body);
	(void)pieces_scatter(r->out, r->out_count, 0, &out, sizeof(out));
	return out.len;
}

size_t fuse_handle(struct fuse_thread *thread, const struct fuse_request *request)
{
	struct call c = {.server = thread->server, .thread = thread, .request = request};
	size_t there = pieces_total(request->in, request->in_count);
	size_t room = pieces_total(request->out, request->out_count);
	const struct row *row;
	ssize_t result;

	if (pieces_gather(request->in, request->in_count, 0, &c.header, sizeof(c.header)) !=
	    sizeof(c.header))
		return 0;
	row = row_of(c.header.opcode);
	if (room < sizeof(struct fuse_out_header) && !(row && row->flags & SILENT))
		return 0;
	c.length = c.header.len;
	c.room = room < sizeof(struct fuse_out_header) ? 0 : room - sizeof(struct fuse_out_header);
	if (c.length > there || c.length < sizeof(c.header))
		result = -EINVAL;
	else
		result = row ? work(&c, row) : -ENOSYS;
	if (c.later)
		return FUSE_LATER;
	return row && row->flags & SILENT ? 0 : reply(&c, result);
}

/* What RLIMIT_NOFILE leaves: most of it for nodes. */
static void bound(struct fuse_options *o)
{
	struct rlimit limit;
	uint64_t room;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	room = limit.rlim_cur > DESCRIPTORS_OTHER ? limit.rlim_cur - DESCRIPTORS_OTHER : 1;
	if (o->nodes_max > room / 4 * 3)
		o->nodes_max = (uint32_t)(room / 4 * 3);
	if (o->handles_max > room / 8)
		o->handles_max = (uint32_t)(room / 8);
}

static int prepare(struct fuse_server *s, int root, int proc, struct error *err)
{
	char path[32]; /* "PID/fd" */
	ssize_t n = readlinkat(proc, "self", path, sizeof(path) - sizeof("/fd"));

	if (n <= 0)
		return fail_errno(err, "fuse: /proc/self", "readlink");
	memcpy(path + n, "/fd", sizeof("/fd"));
	s->descriptors = path_open_strict(proc, path, O_RDONLY | O_DIRECTORY, err);
	if (s->descriptors < 0)
		return error_within(err, "fuse: /proc");
	if (fchdir(s->descriptors) < 0)
		return fail_errno(err, "fuse: /proc/self/fd", "fchdir");
	(void)umask(0);
	bound(&s->options);
	return nodes_open(s, root, err) < 0 || handles_open(s, err) < 0 || locks_open(s, err) < 0
	               ? -1
	               : 0;
}

struct fuse_server *fuse_new(int root, int proc, const struct fuse_options *options,
                             struct error *err)
{
	struct fuse_server *s = calloc(1, sizeof(*s));

	if (!s) {
		errno = ENOMEM;
		(void)fail_errno(err, "fuse", "server");
		return NULL;
	}
	*s = (struct fuse_server){.options = *options, .descriptors = -1};
	(void)pthread_mutex_init(&s->mutex, NULL);
	if (prepare(s, root, proc, err) < 0) {
		fuse_free(s);
		return NULL;
	}
	return s;
}

void fuse_free(struct fuse_server *s)
{
	if (!s)
		return;
	locks_close(s);
	handles_close(s);
	nodes_close(s);
	fd_release(&s->descriptors);
	(void)pthread_mutex_destroy(&s->mutex);
	free(s);
}

void fuse_reset(struct fuse_server *s)
{
	forget_all(s, false);
}

struct fuse_thread *fuse_thread_new(struct fuse_server *s, int wake, struct error *err)
{
	struct fuse_thread *t = calloc(1, sizeof(*t));
	int result = t ? caller_learn(&t->caller) : -ENOMEM;

	if (result < 0) {
		free(t);
		errno = -result;
		(void)fail_errno(err, "fuse", "thread");
		return NULL;
	}
	t->server = s;
	t->wake = wake;
	return t;
}

void fuse_thread_free(struct fuse_thread *t)
{
	if (t)
		locks_abandon(t);
	free(t);
}

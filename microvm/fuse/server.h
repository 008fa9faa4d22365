/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_FUSE_SERVER_H
#define MICROVM_FUSE_SERVER_H

/* What the files of this room share. Functions here return 0 or more, or -errno: that is what a reply carries. */

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/pieces.h"

#include "fuse.h"

enum {
	ROOT_SLOT = FUSE_ROOT_ID,
	NAME_SIZE = 256,    /* of a name with its NUL */
	DATA_MAX = 1 << 20, /* bytes of one READ or WRITE */
	DATA_PAGES = DATA_MAX / 4096,
	BODY_MAX = (64 << 10) +
	           512, /* of a request or a reply that is copied: an xattr with its name */
	DIRENTS_SIZE = 32 << 10,
	PIECES_MAX = 1024, /* IOV_MAX */
};

/* A file that the guest knows: an O_PATH descriptor. The slot in the table and the generation make its nodeid. */
struct node {
	uint64_t device, inode, mount; /* the key */
	uint64_t lookups;              /* what the guest holds */
	uint32_t generation;
	uint32_t next; /* slot in the chain or in the free list */
	uint32_t busy; /* requests at work on it */
	uint32_t type; /* S_IFMT */
	int fd;        /* owned; -1: the slot is free */
};

/* An open file; fh is made as a nodeid is. */
struct handle {
	uint32_t generation, next, busy;
	int fd; /* owned; -1: the slot is free */
	bool directory, writable, released;
};

/* Slots of a table: those never used yet begin at `fresh`, the others are a list. */
struct slots {
	uint32_t max, fresh, free, used;
};

struct locks; /* lock.c */

struct fuse_server {
	struct fuse_options options;
	int descriptors;        /* /proc/self/fd; owned */
	_Atomic uint64_t flags; /* negotiated; 0: no INIT yet */
	pthread_mutex_t mutex;  /* of the tables */
	struct slots node_slots, handle_slots;
	struct node *node;     /* [0] is nobody's */
	struct handle *handle; /* likewise */
	uint32_t *chain;       /* of nodes by key */
	uint32_t chains;       /* a power of two */
	struct locks *locks;
};

/* Whose permissions a thread acts with; see caller.c. */
struct caller {
	uid_t uid;
	gid_t gid;
	struct __user_cap_data_struct capabilities[2];
	bool changed; /* fsuid, fsgid are another's */
	bool fsetid;  /* CAP_FSETID is in effect, if it ever was */
};

struct fuse_thread {
	struct fuse_server *server;
	int wake;
	struct caller caller;
	struct iovec pieces[PIECES_MAX];
	uint8_t in[BODY_MAX], out[BODY_MAX];
	_Alignas(8) uint8_t dirents[DIRENTS_SIZE];
};

/* A request at work. */
struct call {
	struct fuse_server *server;
	struct fuse_thread *thread;
	const struct fuse_request *request;
	struct fuse_in_header header;
	struct node *node; /* of the header, where the operation needs one */
	size_t length;     /* of the request, by its header and no more than there is */
	size_t room;       /* for the body of the reply */
	struct reader in;  /* what is behind the header, copied */
	struct writer out; /* the body of the reply */
	bool later;
};

/* What an operation does.
 * Returns  0: the reply is what was written to out; more: so many bytes of its body are with the guest already;
 *          -errno. */
typedef ssize_t operation(struct call *call);

/* server.c */
bool negotiated(const struct fuse_server *server, uint64_t flag);
/* The next name of the request: one component that is neither "." nor "..". */
int take_name(struct call *call, const char **ret);

/* inode.c */
enum { SLOT_TEXT = 16 };
int nodes_open(struct fuse_server *server, int root, struct error *err) FALLIBLE;
void nodes_close(struct fuse_server *server);
/* Forget every node but the root; those at work go when they are put back. */
void nodes_forget_all(struct fuse_server *server);
/* The node of a nodeid, held until node_put(); NULL where there is none. */
struct node *node_get(struct fuse_server *server, uint64_t id);
void node_put(struct fuse_server *server, struct node *node);
uint64_t node_id(const struct fuse_server *server, const struct node *node);
/* One lookup more of what fd (O_PATH, taken) is; *ret is held. */
int node_remember(struct fuse_server *server, int fd, const struct statx *st, struct node **ret);
void node_forget(struct fuse_server *server, uint64_t id, uint64_t lookups);
/* Open anew what a node is: a regular file or a directory, nothing else, ever. */
int node_open(const struct fuse_server *server, const struct node *node, int flags);
/* Its name below server->descriptors. */
const char *descriptor_name(int fd, char text[SLOT_TEXT]);

/* handle.c */
int handles_open(struct fuse_server *server, struct error *err) FALLIBLE;
void handles_close(struct fuse_server *server);
void handles_release_all(struct fuse_server *server);
/* fd is taken. */
int handle_new(struct fuse_server *server, int fd, bool directory, bool writable, uint64_t *ret_fh);
struct handle *handle_get(struct fuse_server *server, uint64_t fh, bool directory);
void handle_put(struct fuse_server *server, struct handle *handle);
void handle_release(struct fuse_server *server, uint64_t fh, bool directory);

/* caller.c */
int caller_learn(struct caller *caller);
/* Act as who sent the request; create: whatever the permissions of the directory. caller_return() ends it. */
int caller_become(struct caller *caller, const struct fuse_in_header *header, bool create);
void caller_return(struct caller *caller);
/* Whether set-user-ID and set-group-ID survive a write, a truncation, a chmod by a stranger to the group. */
void caller_fsetid(struct caller *caller, bool keep);

/* attribute.c */
int attributes_look(int fd, struct statx *ret);
void attributes_fill(struct fuse_attr *to, const struct statx *st);
void attributes_valid(unsigned int ms, uint64_t *ret_seconds, uint32_t *ret_nanoseconds);

/* file.c */
/* Flags to open with what the guest wants to open with these. */
int file_flags(const struct fuse_server *server, uint32_t flags);
int file_reply(struct call *call, int fd, bool writable);

/* lock.c */
int locks_open(struct fuse_server *server, struct error *err) FALLIBLE;
void locks_close(struct fuse_server *server);
/* Drop all locks; the requests that wait are answered (with EINTR), or dropped. */
void locks_drop_all(struct fuse_server *server, bool answer);
/* Drop the requests that wait in this thread. */
void locks_abandon(const struct fuse_thread *thread);
void locks_drop(struct fuse_server *server, uint64_t node, uint64_t owner);
/* Drop the locks that were taken through an open file that is released. */
void locks_drop_handle(struct fuse_server *server, uint64_t node, uint64_t fh);
/* Something was unlocked: whoever waits tries again. */
void locks_changed(struct fuse_server *server);

operation do_lookup, do_readdir, do_readdirplus, do_mknod, do_mkdir, do_symlink, do_link, do_unlink,
	do_rmdir, do_rename, do_rename2, do_create, do_tmpfile, do_readlink;
operation do_open, do_opendir, do_read, do_write, do_flush, do_release, do_releasedir, do_fsync,
	do_fsyncdir, do_fallocate, do_lseek, do_copy, do_syncfs;
operation do_getattr, do_setattr, do_statfs, do_access, do_getxattr, do_setxattr, do_listxattr,
	do_removexattr;
operation do_getlk, do_setlk, do_setlkw, do_interrupt;

#endif

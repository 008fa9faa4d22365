/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_FUSE_FUSE_H
#define MICROVM_FUSE_FUSE_H

/* microvm/fuse: a file server for a guest.
 *
 * PROMISE: FUSE requests as bytes in, replies out; it knows no virtio. Who asks is hostile: it reaches what is
 * below the served root and nothing else, makes the server open no device, and holds a bounded number of
 * descriptors. Data goes between files and the buffers of a request without a copy.
 * Context  a process of its own: the process's umask and working directory are the server's (xattrs have no call
 *          by descriptor, so they are reached from a working directory of descriptors). It takes the capabilities
 *          it finds; the fewer, the better: see caller.c.
 * Spec     <linux/fuse.h>, protocol 7.31 or newer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"

/* How a share is served. What the guest believes for how long makes or breaks its speed, and is right only while
 * nobody else changes the files. */
struct fuse_options {
	unsigned int entry_ms;     /* how long a name stays what it was */
	unsigned int attribute_ms; /* how long a file's attributes do */
	unsigned int absent_ms;    /* how long a name that is not there is not asked for again */
	bool keep_cache; /* contents, directories and links stay cached from open to open */
	bool writeback;  /* writes are gathered in the guest */
	bool posix_locks,
		flocks;       /* locks are the host's too; otherwise they are the guest's alone */
	bool devices;         /* the guest may make device nodes (never open them) */
	uint32_t nodes_max;   /* files known to the guest at a time: a descriptor each */
	uint32_t handles_max; /* open files */
};

/* The share is this guest's alone, or others write to it too. */
extern const struct fuse_options fuse_alone, fuse_shared;

struct fuse_server;
struct fuse_thread;

/* Make a server. The bounds are lowered to what RLIMIT_NOFILE leaves room for.
 *
 * root     directory whose entries are the shares; they can't be removed, renamed or added to. Borrowed.
 * proc     procfs of this process's pid namespace, checked (path_open_proc()); borrowed, used only here.
 * Returns  the server, given back by fuse_free() after its threads; NULL and *err.
 * Context  the process that serves, not a parent of it. */
struct fuse_server *fuse_new(int root, int proc, const struct fuse_options *options,
                             struct error *err);
void fuse_free(struct fuse_server *server);

/* Forget all that the guest opened, locked and looked up, and its INIT. No thread may be in fuse_handle() or
 * fuse_late() meanwhile; requests that wait for a lock are dropped without a reply. */
void fuse_reset(struct fuse_server *server);

/* What one thread needs to handle requests; only the thread that made it may use and free it.
 *
 * wake     eventfd that is written to when fuse_late() should be called; borrowed. -1: none.
 * Returns  NULL and *err. */
struct fuse_thread *fuse_thread_new(struct fuse_server *server, int wake, struct error *err);
void fuse_thread_free(struct fuse_thread *thread);

/* One request: what the guest wrote, and where it wants the reply. The bytes may change at any time. */
struct fuse_request {
	const struct iovec *in, *out; /* at most IOV_MAX each; read until fuse_handle() returns */
	size_t in_count, out_count;
	uint64_t tag; /* the caller's name for it */
};

/* Do what a request asks.
 * Returns  how many bytes of `out` were written (0: it wants no reply, or has no room for one), or FUSE_LATER: the
 *          reply comes by fuse_late(), into the same buffers, which must stay until then. */
#define FUSE_LATER SIZE_MAX
size_t fuse_handle(struct fuse_thread *thread, const struct fuse_request *request);

/* Try again what this thread has put off: locks that others held.
 * Returns  true, and which request is answered now; false when there is none (for now). */
bool fuse_late(struct fuse_thread *thread, uint64_t *ret_tag, size_t *ret_written);

/* After how many milliseconds fuse_late() is worth a call even if nothing happens; -1: never. */
int fuse_patience(const struct fuse_thread *thread);

#endif

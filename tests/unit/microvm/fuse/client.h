/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MICROVM_FUSE_CLIENT_H
#define TESTS_UNIT_MICROVM_FUSE_CLIENT_H

/* A guest of the file server: real requests as bytes, on a scratch directory that is the served root. Share "0" is a
 * directory in it. */

#include <errno.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/path.h"
#include "microvm/fuse/fuse.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

enum { CLIENT_ROOM = 1 << 17, CLIENT_PARTS = 6 };

struct client {
	struct scratch *scratch;
	struct fuse_server *server;
	struct fuse_thread *thread;
	int wake, before; /* our working directory before the server took it */
	uint32_t uid, gid;
	uint64_t unique;
	struct fuse_init_out init;
	int error;       /* of the last reply */
	size_t length;   /* of its body */
	size_t returned; /* by fuse_handle() */
	size_t room;     /* for the next replies, header included */
	_Alignas(8) uint8_t reply[CLIENT_ROOM];
};

struct part {
	const void *bytes;
	size_t length;
};

#define PART(value) ((struct part){&(value), sizeof(value)})
#define NAME(text)  ((struct part){(text), strlen(text) + 1})
/* client_ask() with a list of parts */
#define ASK(client, opcode, node, ...)                                                             \
	client_ask(client, opcode, node, (const struct part[CLIENT_PARTS]){__VA_ARGS__})

/* Send a request of some parts behind its header; the body of the reply, or NULL and client->error. */
static inline const void *client_ask(struct client *c, uint32_t opcode, uint64_t node,
                                     const struct part part[CLIENT_PARTS])
{
	struct fuse_in_header header = {.len = sizeof(header),
	                                .opcode = opcode,
	                                .unique = ++c->unique,
	                                .nodeid = node,
	                                .uid = c->uid,
	                                .gid = c->gid};
	struct iovec in[1 + CLIENT_PARTS] = {
		{&header, sizeof(header)}
        };
	struct iovec out = {c->reply, c->room};
	struct fuse_request request = {.in = in,
	                               .in_count = 1,
	                               .out = &out,
	                               .out_count = 1,
	                               .tag = c->unique};
	struct fuse_out_header *reply = (void *)c->reply;

	for (size_t i = 0; i < CLIENT_PARTS; i++) {
		if (part[i].length == 0)
			continue;
		in[request.in_count++] =
			(struct iovec){(void *)(uintptr_t)part[i].bytes, part[i].length};
		header.len += (uint32_t)part[i].length;
	}
	memset(c->reply, 0xee, sizeof(*reply));
	c->returned = fuse_handle(c->thread, &request);
	c->error = 0;
	c->length = 0;
	if (c->returned == 0 || c->returned == FUSE_LATER)
		return NULL;
	assert_true(c->returned >= sizeof(*reply) && c->returned <= c->room);
	assert_int_equal(reply->len, c->returned);
	assert_int_equal(reply->unique, c->unique);
	c->error = -reply->error;
	c->length = c->returned - sizeof(*reply);
	if (c->error) {
		assert_true(c->error > 0 && c->error < 512);
		assert_int_equal(c->length, 0);
	}
	return c->error ? NULL : c->reply + sizeof(*reply);
}

static inline void client_init(struct client *c)
{
	struct fuse_init_in in = {.major = 7, .minor = 38, .flags = UINT32_MAX, .max_readahead = 1};
	const void *body = ASK(c, FUSE_INIT, 0, PART(in));

	assert_non_null(body);
	memcpy(&c->init, body, sizeof(c->init));
}

/* A server with these options, INIT done. */
static inline void client_open(struct client *c, struct scratch *scratch,
                               const struct fuse_options *options)
{
	struct error err;
	int proc = path_open_proc(&err);

	memset(c, 0, sizeof(*c));
	c->scratch = scratch;
	c->room = CLIENT_ROOM;
	c->uid = geteuid();
	c->gid = getegid();
	if (faccessat(scratch->dir, "0", F_OK, 0) < 0)
		assert_int_equal(mkdirat(scratch->dir, "0", 0755), 0);
	c->before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->server = fuse_new(scratch->dir, proc, options, &err);
	assert_non_null(c->server);
	(void)close(proc);
	c->thread = fuse_thread_new(c->server, c->wake, &err);
	assert_non_null(c->thread);
	client_init(c);
}

static inline void client_close(struct client *c)
{
	fuse_thread_free(c->thread);
	fuse_free(c->server);
	assert_int_equal(fchdir(c->before), 0);
	(void)close(c->before);
	(void)close(c->wake);
}

/* Look a name up: its nodeid, or 0 and client->error. */
static inline uint64_t client_find(struct client *c, uint64_t node, const char *name)
{
	const struct fuse_entry_out *entry = ASK(c, FUSE_LOOKUP, node, NAME(name));

	return entry ? entry->nodeid : 0;
}

static inline uint64_t client_share(struct client *c)
{
	uint64_t share = client_find(c, FUSE_ROOT_ID, "0");

	assert_true(share > FUSE_ROOT_ID);
	return share;
}

static inline uint64_t client_create(struct client *c, uint64_t node, const char *name,
                                     uint32_t flags, uint32_t mode, uint64_t *ret_fh)
{
	struct fuse_create_in in = {.flags = flags, .mode = S_IFREG | mode};
	const uint8_t *body = ASK(c, FUSE_CREATE, node, PART(in), NAME(name));
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	if (!body)
		return 0;
	assert_int_equal(c->length, sizeof(entry) + sizeof(open));
	memcpy(&entry, body, sizeof(entry));
	memcpy(&open, body + sizeof(entry), sizeof(open));
	*ret_fh = open.fh;
	return entry.nodeid;
}

static inline uint64_t client_opened(struct client *c, uint32_t opcode, uint64_t node,
                                     uint32_t flags)
{
	struct fuse_open_in in = {.flags = flags};
	const struct fuse_open_out *open = ASK(c, opcode, node, PART(in));

	return open ? open->fh : 0;
}

static inline ssize_t client_write(struct client *c, uint64_t fh, uint64_t offset, const char *text)
{
	struct fuse_write_in in = {.fh = fh, .offset = offset, .size = (uint32_t)strlen(text)};
	const struct fuse_write_out *out = ASK(c, FUSE_WRITE, 0, PART(in), {text, strlen(text)});

	return out ? (ssize_t)out->size : -c->error;
}

static inline const char *client_read(struct client *c, uint64_t fh, uint64_t offset, uint32_t size)
{
	struct fuse_read_in in = {.fh = fh, .offset = offset, .size = size};
	const void *body = ASK(c, FUSE_READ, 0, PART(in));

	if (body)
		c->reply[c->returned] = '\0';
	return body;
}

static inline void client_forget(struct client *c, uint64_t node, uint64_t lookups)
{
	struct fuse_forget_in in = {.nlookup = lookups};

	assert_null(ASK(c, FUSE_FORGET, node, PART(in)));
	assert_int_equal(c->returned, 0);
}

static inline struct fuse_attr client_attributes(struct client *c, uint64_t node)
{
	struct fuse_getattr_in in = {0};
	const struct fuse_attr_out *out = ASK(c, FUSE_GETATTR, node, PART(in));

	assert_non_null(out);
	return out->attr;
}

#endif

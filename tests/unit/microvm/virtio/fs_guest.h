/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MICROVM_VIRTIO_FS_GUEST_H
#define TESTS_UNIT_MICROVM_VIRTIO_FS_GUEST_H

/* A guest with a file system device, and the server behind it.
 *
 * They are two processes: the device with a made-up driver here, the server in a child. Rings are set up by hand; each
 * chain is one readable and one writable buffer at a place of its own. */

#include <linux/fuse.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/path.h"
#include "microvm/virtio/fs.h"
#include "microvm/virtio/virtio.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

enum {
	REQUESTS = 2,
	QUEUES = 1 + REQUESTS,
	SIZE = 16,
	MEMORY = 1 << 20,
	RING = 0x10000,   /* of guest memory for each queue */
	BUFFERS = 0x4000, /* in it, behind the rings */
	SLOT = 0x800,
	WAIT_MS = 20000,
	DRIVER_OK = 15,
};

struct machine {
	struct scratch *scratch;
	struct loop *loop;
	struct virtio_device *device;
	struct guest_memory memory;
	int kick[QUEUES], call;
	pid_t child;
	uint16_t next[QUEUES], seen[QUEUES];
	uint64_t unique;
};

static struct machine m;

static inline void serve(int socket)
{
	struct fuse_options options = fuse_shared;
	struct virtio_fs_service service = {.socket = socket,
	                                    .root = m.scratch->dir,
	                                    .request_queues = REQUESTS};
	struct error err;

	service.options = &options;
	service.proc = path_open_proc(&err);
	_exit(virtio_fs_serve(&service, &err) == 0 ? 0 : 1);
}

static inline void start_server(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	m.child = fork();
	assert_true(m.child >= 0);
	if (m.child == 0) {
		(void)close(ends[0]);
		serve(ends[1]);
	}
	(void)close(ends[1]);
}

static inline int end_of_server(void)
{
	int status;

	assert_int_equal(waitpid(m.child, &status, 0), m.child);
	return status;
}

static inline void write_register(uint64_t offset, uint32_t value)
{
	virtio_mmio_write(m.device, offset, &value, sizeof(value));
}

static inline uint32_t read_register(uint64_t offset)
{
	uint32_t value;

	virtio_mmio_read(m.device, offset, &value, sizeof(value));
	return value;
}

static inline uint64_t ring(unsigned int queue)
{
	return (uint64_t)(queue + 1) * RING;
}

/* What a driver does at its start: reset, features, queues. */
static inline void start_driver(void)
{
	write_register(0x70, 0);
	write_register(0x70, 3);
	write_register(0x24, 1);
	write_register(0x20, 1);
	write_register(0x70, 11);
	for (unsigned int i = 0; i < QUEUES; i++) {
		memset(memory_at(&m.memory, ring(i), BUFFERS), 0, BUFFERS);
		m.next[i] = m.seen[i] = 0;
		write_register(0x30, i);
		write_register(0x38, SIZE);
		write_register(0x80, (uint32_t)ring(i));
		write_register(0x90, (uint32_t)ring(i) + 0x1000);
		write_register(0xa0, (uint32_t)ring(i) + 0x2000);
		write_register(0x44, 1);
	}
	write_register(0x70, DRIVER_OK);
}

static inline void start(void **state)
{
	struct virtio_fs_options options = {.tag = "rootfs",
	                                    .request_queues = REQUESTS,
	                                    .limit_ms = WAIT_MS};
	struct error err;
	int ends[2];

	memset(&m, 0, sizeof(m));
	m.scratch = *state;
	scratch_folder(m.scratch, "0");
	scratch_file(m.scratch, "0/a", "hello");
	start_server(ends);
	options.server = ends[0];
	m.loop = loop_new(&err);
	m.device = virtio_fs_new(m.loop, &options, &err);
	assert_non_null(m.device);
	assert_int_equal(memory_new(MEMORY, &m.memory, &err), 0);
	m.call = m.device->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned int i = 0; i < QUEUES; i++) {
		m.kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		m.device->queue[i].memory = &m.memory;
		m.device->queue[i].kick = m.kick[i];
		m.device->queue[i].call = m.call;
	}
	start_driver();
}

/* ended: how the server has. */
static inline void stop(int ended)
{
	virtio_fs_free(m.device);
	loop_free(m.loop);
	assert_int_equal(end_of_server(), ended);
	memory_release(&m.memory);
	for (unsigned int i = 0; i < QUEUES; i++)
		(void)close(m.kick[i]);
	(void)close(m.call);
}

static inline void put_descriptor(unsigned int queue, uint16_t index, uint64_t address,
                                  uint32_t length, uint16_t flags)
{
	uint8_t *at = memory_at(&m.memory, ring(queue) + 16U * index, 16);
	uint16_t next = (uint16_t)(index + 1);

	memcpy(at, &address, 8);
	memcpy(at + 8, &length, 4);
	memcpy(at + 12, &flags, 2);
	memcpy(at + 14, &next, 2);
}

/* Make a chain available that begins with this descriptor, and kick. */
static inline void offer(unsigned int queue, uint16_t head)
{
	uint8_t *available = memory_at(&m.memory, ring(queue) + 0x1000, 4 + 2 * SIZE);
	const uint64_t one = 1;

	memcpy(available + 4 + 2 * (m.next[queue] % SIZE), &head, 2);
	m.next[queue]++;
	__atomic_store_n((uint16_t *)(void *)(available + 2), m.next[queue], __ATOMIC_RELEASE);
	assert_int_equal(write(m.kick[queue], &one, sizeof(one)), sizeof(one));
}

/* Send a request in chain `head` (even). */
static inline uint64_t send_request(unsigned int queue, uint16_t head, uint32_t opcode,
                                    uint64_t node, const void *body, uint32_t length)
{
	struct fuse_in_header header = {.len = (uint32_t)sizeof(header) + length,
	                                .opcode = opcode,
	                                .unique = ++m.unique,
	                                .nodeid = node,
	                                .uid = geteuid(),
	                                .gid = getegid()};
	uint64_t place = ring(queue) + BUFFERS + (uint64_t)head / 2 * SLOT;
	uint8_t *bytes = memory_at(&m.memory, place, SLOT);

	memcpy(bytes, &header, sizeof(header));
	if (length)
		memcpy(bytes + sizeof(header), body, length);
	put_descriptor(queue, head, place, header.len, 1);
	put_descriptor(queue, head + 1, place + SLOT / 2, SLOT / 2, 2);
	offer(queue, head);
	return header.unique;
}

/* The next chain that comes back: its head, or -1 when none does in time. */
static inline int take_used(unsigned int queue, int limit_ms)
{
	const uint8_t *used = memory_at(&m.memory, ring(queue) + 0x2000, 4 + 8 * SIZE);
	struct pollfd call = {.fd = m.call, .events = POLLIN};
	uint64_t count;
	uint32_t head;

	for (;;) {
		uint16_t index = __atomic_load_n((const uint16_t *)(const void *)(used + 2),
		                                 __ATOMIC_ACQUIRE);

		if (index != m.seen[queue])
			break;
		if (poll(&call, 1, limit_ms) <= 0)
			return -1;
		/* others may have read it */
		if (read(m.call, &count, sizeof(count)) < 0)
			continue;
	}
	memcpy(&head, used + 4 + 8 * (m.seen[queue] % SIZE), sizeof(head));
	m.seen[queue]++;
	return (int)head;
}

/* The reply that lies in a chain. */
static inline const void *reply_of(unsigned int queue, int head, uint64_t unique, int32_t error)
{
	const struct fuse_out_header *out = memory_at(
		&m.memory, ring(queue) + BUFFERS + (uint64_t)head / 2 * SLOT + SLOT / 2, SLOT / 2);

	assert_int_equal(out->unique, unique);
	assert_int_equal(out->error, -error);
	return out + 1;
}

static inline const void *ask(unsigned int queue, uint32_t opcode, uint64_t node, const void *body,
                              uint32_t length)
{
	uint64_t unique = send_request(queue, 0, opcode, node, body, length);

	assert_int_equal(take_used(queue, WAIT_MS), 0);
	return reply_of(queue, 0, unique, 0);
}

static inline void init(void)
{
	struct fuse_init_in in = {.major = 7, .minor = 38, .flags = UINT32_MAX};

	assert_int_equal(
		((const struct fuse_init_out *)ask(1, FUSE_INIT, 0, &in, sizeof(in)))->major, 7);
}

static inline uint64_t find(unsigned int queue, uint64_t node, const char *name)
{
	const struct fuse_entry_out *entry =
		ask(queue, FUSE_LOOKUP, node, name, (uint32_t)strlen(name) + 1);

	return entry->nodeid;
}

#endif

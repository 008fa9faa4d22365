/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#undef fail /* base/error.h has its own */
/* clang-format on */

#include <dirent.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fdpass.h"
#include "base/path.h"
#include "microvm/virtio/fs.h"
#include "microvm/virtio/fs_wire.h"
#include "microvm/virtio/virtio.h"
#include "tests/unit/base/scratch.h"

/* Both halves, in two processes: the device with a made-up driver here, the server in a child. Rings are set up by
 * hand; each chain is one readable and one writable buffer at a place of its own. */

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

static void serve(int socket)
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

static void start_server(int ends[2])
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

static int end_of_server(void)
{
	int status;

	assert_int_equal(waitpid(m.child, &status, 0), m.child);
	return status;
}

static void write_register(uint64_t offset, uint32_t value)
{
	virtio_mmio_write(m.device, offset, &value, sizeof(value));
}

static uint32_t read_register(uint64_t offset)
{
	uint32_t value;

	virtio_mmio_read(m.device, offset, &value, sizeof(value));
	return value;
}

static uint64_t ring(unsigned int queue)
{
	return (uint64_t)(queue + 1) * RING;
}

/* What a driver does at its start: reset, features, queues. */
static void start_driver(void)
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

static void start(void **state)
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

static void stop(void)
{
	virtio_fs_free(m.device);
	loop_free(m.loop);
	assert_int_equal(end_of_server(), 0);
	memory_release(&m.memory);
	for (unsigned int i = 0; i < QUEUES; i++)
		(void)close(m.kick[i]);
	(void)close(m.call);
}

static void put_descriptor(unsigned int queue, uint16_t index, uint64_t address, uint32_t length,
                           uint16_t flags)
{
	uint8_t *at = memory_at(&m.memory, ring(queue) + 16U * index, 16);
	uint16_t next = (uint16_t)(index + 1);

	memcpy(at, &address, 8);
	memcpy(at + 8, &length, 4);
	memcpy(at + 12, &flags, 2);
	memcpy(at + 14, &next, 2);
}

/* Make a chain available that begins with this descriptor, and kick. */
static void offer(unsigned int queue, uint16_t head)
{
	uint8_t *available = memory_at(&m.memory, ring(queue) + 0x1000, 4 + 2 * SIZE);
	const uint64_t one = 1;

	memcpy(available + 4 + 2 * (m.next[queue] % SIZE), &head, 2);
	m.next[queue]++;
	__atomic_store_n((uint16_t *)(void *)(available + 2), m.next[queue], __ATOMIC_RELEASE);
	assert_int_equal(write(m.kick[queue], &one, sizeof(one)), sizeof(one));
}

/* Send a request in chain `head` (even). */
static uint64_t send_request(unsigned int queue, uint16_t head, uint32_t opcode, uint64_t node,
                             const void *body, uint32_t length)
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
static int take_used(unsigned int queue, int limit_ms)
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
static const void *reply_of(unsigned int queue, int head, uint64_t unique, int32_t error)
{
	const struct fuse_out_header *out = memory_at(
		&m.memory, ring(queue) + BUFFERS + (uint64_t)head / 2 * SLOT + SLOT / 2, SLOT / 2);

	assert_int_equal(out->unique, unique);
	assert_int_equal(out->error, -error);
	return out + 1;
}

static const void *ask(unsigned int queue, uint32_t opcode, uint64_t node, const void *body,
                       uint32_t length)
{
	uint64_t unique = send_request(queue, 0, opcode, node, body, length);

	assert_int_equal(take_used(queue, WAIT_MS), 0);
	return reply_of(queue, 0, unique, 0);
}

static void init(void)
{
	struct fuse_init_in in = {.major = 7, .minor = 38, .flags = UINT32_MAX};

	assert_int_equal(
		((const struct fuse_init_out *)ask(1, FUSE_INIT, 0, &in, sizeof(in)))->major, 7);
}

static uint64_t find(unsigned int queue, uint64_t node, const char *name)
{
	const struct fuse_entry_out *entry =
		ask(queue, FUSE_LOOKUP, node, name, (uint32_t)strlen(name) + 1);

	return entry->nodeid;
}

static void a_file_is_read_over_rings(void **state)
{
	struct fuse_open_in open = {0};
	struct fuse_read_in read = {.size = 100};
	struct fuse_forget_in forget = {.nlookup = 1};
	uint64_t node;

	start(state);
	assert_int_equal(read_register(0x70), DRIVER_OK);
	init();
	node = find(1, find(2, FUSE_ROOT_ID, "0"), "a");
	memcpy(&read.fh, ask(2, FUSE_OPEN, node, &open, sizeof(open)), sizeof(read.fh));
	assert_memory_equal(ask(1, FUSE_READ, node, &read, sizeof(read)), "hello", 5);
	/* what has no reply comes back all the same, on the queue of high priority */
	(void)send_request(0, 2, FUSE_FORGET, node, &forget, sizeof(forget));
	assert_int_equal(take_used(0, WAIT_MS), 2);
	stop();
}

static void the_configuration_says_tag_and_queues(void **state)
{
	uint8_t tag[37] = {0};

	start(state);
	for (int i = 0; i < 36; i++)
		virtio_mmio_read(m.device, 0x100 + (uint64_t)i, tag + i, 1);
	assert_string_equal(tag, "rootfs");
	assert_int_equal(read_register(0x100 + 36), REQUESTS);
	assert_int_equal(read_register(0x100 + 40), 0);
	assert_int_equal(read_register(0x08), 26);
	stop();
}

static void a_request_that_waits_keeps_no_queue(void **state)
{
	struct fuse_lk_in lock = {
		.owner = 1,
		.lk = {.end = INT64_MAX, .type = F_WRLCK}
        };
	struct fuse_interrupt_in interrupt;
	struct fuse_getattr_in get = {0};
	uint64_t node, waiting;

	start(state);
	init();
	node = find(1, find(1, FUSE_ROOT_ID, "0"), "a");
	(void)ask(1, FUSE_SETLK, node, &lock, sizeof(lock));
	lock.owner = 2;
	waiting = send_request(2, 4, FUSE_SETLKW, node, &lock, sizeof(lock));
	/* the same queue, meanwhile */
	(void)ask(2, FUSE_GETATTR, node, &get, sizeof(get));
	lock.owner = 1;
	lock.lk.type = F_UNLCK;
	(void)ask(1, FUSE_SETLK, node, &lock, sizeof(lock));
	assert_int_equal(take_used(2, WAIT_MS), 4);
	(void)reply_of(2, 4, waiting, 0);
	/* another one, which is interrupted over the queue of high priority */
	lock.lk.type = F_WRLCK;
	interrupt.unique = waiting = send_request(2, 4, FUSE_SETLKW, node, &lock, sizeof(lock));
	(void)ask(2, FUSE_GETATTR, node, &get, sizeof(get));
	(void)send_request(0, 0, FUSE_INTERRUPT, 0, &interrupt, sizeof(interrupt));
	assert_int_equal(take_used(0, WAIT_MS), 0);
	assert_int_equal(take_used(2, WAIT_MS), 4);
	(void)reply_of(2, 4, waiting, EINTR);
	stop();
}

static void after_a_reset_nothing_is_left(void **state)
{
	struct fuse_lk_in lock = {
		.owner = 1,
		.lk = {.end = INT64_MAX, .type = F_WRLCK}
        };
	struct fuse_getattr_in get = {0};
	static uint8_t before[MEMORY];
	uint64_t node, unique;

	start(state);
	for (int round = 0; round < 20; round++) {
		init();
		node = find(1, find(1, FUSE_ROOT_ID, "0"), "a");
		lock.owner = 1;
		(void)ask(1, FUSE_SETLK, node, &lock, sizeof(lock));
		lock.owner = 2;
		(void)send_request(1, 2, FUSE_SETLKW, node, &lock, sizeof(lock));
		/* while requests run: the driver doesn't wait for their answers */
		for (uint16_t i = 0; i < SIZE / 2; i++)
			(void)send_request(2, (uint16_t)(i * 2), FUSE_GETATTR, node, &get,
			                   sizeof(get));
		write_register(0x70, 0);
		assert_int_equal(read_register(0x70), 0);
		memcpy(before, memory_at(&m.memory, 0, MEMORY), MEMORY);
		start_driver();
		unique = send_request(1, 0, FUSE_GETATTR, node, &get, sizeof(get));
		assert_int_equal(take_used(1, WAIT_MS), 0);
		/* no INIT yet */
		(void)reply_of(1, 0, unique, EIO);
		/* and no late reply to what was asked before, anywhere */
		memcpy(before + ring(1) + BUFFERS, memory_at(&m.memory, ring(1) + BUFFERS, SLOT),
		       SLOT);
		for (unsigned int i = 0; i < QUEUES; i++)
			assert_memory_equal(before + ring(i) + BUFFERS,
			                    memory_at(&m.memory, ring(i) + BUFFERS, RING - BUFFERS),
			                    RING - BUFFERS);
		start_driver();
	}
	stop();
}

static void a_pause_keeps_what_is_open(void **state)
{
	struct fuse_getattr_in get = {0};
	struct error err;
	uint64_t node, unique;

	start(state);
	init();
	node = find(1, FUSE_ROOT_ID, "0");
	assert_int_equal(virtio_fs_pause(m.device, &err), 0);
	assert_int_equal(m.device->queue[1].next_available, 2);
	assert_int_equal(m.device->queue[1].next_used, 2);
	unique = send_request(1, 0, FUSE_GETATTR, node, &get, sizeof(get));
	assert_int_equal(take_used(1, 50), -1);
	assert_int_equal(virtio_fs_resume(m.device, &err), 0);
	assert_int_equal(take_used(1, WAIT_MS), 0);
	(void)reply_of(1, 0, unique, 0);
	stop();
}

/* Let the monitor's loop hear what the server says, until the guest is told of a fault. */
static int end_loop(struct loop_source *self, uint32_t events, struct error *err)
{
	uint64_t count;

	(void)events;
	(void)err;
	if (read(self->fd, &count, sizeof(count)) == sizeof(count) && read_register(0x70) & 64)
		loop_stop(self->data);
	return 0;
}

static void run_loop_until_broken(void)
{
	struct loop_source source = {m.call, end_loop, m.loop};
	struct error err;

	assert_int_equal(loop_add(m.loop, &source, 1, &err), 0);
	assert_int_equal(loop_run(m.loop, &err), 0);
	assert_int_equal(loop_remove(m.loop, &source, &err), 0);
}

static void a_ring_of_nonsense_breaks_the_device_alone(void **state)
{
	start(state);
	init();
	put_descriptor(2, 0, UINT64_MAX - 8, 100, 0);
	offer(2, 0);
	run_loop_until_broken();
	assert_true(read_register(0x70) & 64);
	/* the others go on, and a reset cures it */
	assert_true(find(1, FUSE_ROOT_ID, "0"));
	start_driver();
	assert_int_equal(read_register(0x70), DRIVER_OK);
	init();
	assert_true(find(2, FUSE_ROOT_ID, "0"));
	stop();
}

static void a_server_that_is_gone_breaks_the_device(void **state)
{
	struct error err;

	start(state);
	assert_int_equal(kill(m.child, SIGKILL), 0);
	run_loop_until_broken();
	assert_true(read_register(0x70) & 64);
	start_driver();
	assert_true(read_register(0x70) & 64);
	assert_int_equal(virtio_fs_resume(m.device, &err), -1);
	virtio_fs_free(m.device);
	loop_free(m.loop);
	assert_int_equal(end_of_server(), SIGKILL);
	memory_release(&m.memory);
	for (unsigned int i = 0; i < QUEUES; i++)
		(void)close(m.kick[i]);
	(void)close(m.call);
}

/* Say something to a server of its own; how it ends. */
static int say(void **state, const struct fs_message *message, size_t length, int fd)
{
	struct error err;
	int ends[2];

	memset(&m, 0, sizeof(m));
	m.scratch = *state;
	start_server(ends);
	assert_int_equal(fdpass_send(ends[0], message, length, fd, &err), 0);
	(void)shutdown(ends[0], SHUT_WR);
	length = (size_t)end_of_server();
	(void)close(ends[0]);
	return WEXITSTATUS((int)length);
}

static void what_the_monitor_says_is_checked(void **state)
{
	struct fs_message message = {.kind = FS_QUEUE, .queue = 99, .size = 16};
	int file = eventfd(0, EFD_CLOEXEC);

	assert_int_equal(say(state, &message, sizeof(message), file), 1);
	message.queue = 0;
	assert_int_equal(say(state, &message, sizeof(message), -1), 1);
	message.size = 70000;
	assert_int_equal(say(state, &message, sizeof(message), file), 1);
	message.kind = FS_MEMORY;
	assert_int_equal(say(state, &message, sizeof(message), -1), 1);
	assert_int_equal(say(state, &message, sizeof(message), file), 1);
	message.kind = FS_CALL;
	message.queue = 3;
	assert_int_equal(say(state, &message, sizeof(message), file), 1);
	message.kind = FS_KINDS;
	assert_int_equal(say(state, &message, sizeof(message), -1), 1);
	assert_int_equal(say(state, &message, 7, -1), 1);
	/* to start without queues and to stop what doesn't run are no faults */
	message = (struct fs_message){.kind = FS_START};
	assert_int_equal(say(state, &message, sizeof(message), -1), 0);
	message.kind = FS_STOP;
	message.forget = 1;
	assert_int_equal(say(state, &message, sizeof(message), -1), 0);
	(void)close(file);
}

static void options_that_cannot_be_are_refused(void **state)
{
	struct virtio_fs_options options = {.tag = "", .request_queues = 1, .server = -1};
	struct error err;
	struct loop *loop = loop_new(&err);

	(void)state;
	assert_null(virtio_fs_new(loop, &options, &err));
	options.tag = "1234567890123456789012345678901234567";
	assert_null(virtio_fs_new(loop, &options, &err));
	options.tag = "x";
	options.request_queues = VIRTIO_QUEUES_MAX;
	assert_null(virtio_fs_new(loop, &options, &err));
	options.request_queues = 0;
	assert_null(virtio_fs_new(loop, &options, &err));
	loop_free(loop);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_read_over_rings),
		TEST(the_configuration_says_tag_and_queues),
		TEST(a_request_that_waits_keeps_no_queue),
		TEST(after_a_reset_nothing_is_left),
		TEST(a_pause_keeps_what_is_open),
		TEST(a_ring_of_nonsense_breaks_the_device_alone),
		TEST(a_server_that_is_gone_breaks_the_device),
		TEST(what_the_monitor_says_is_checked),
		TEST(options_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

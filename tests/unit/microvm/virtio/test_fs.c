/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "base/fdpass.h"
#include "microvm/virtio/fs_wire.h"
#include "tests/unit/cmocka.h"

#include "fs_guest.h"

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
	stop(0);
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
	stop(0);
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
	stop(0);
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
	stop(0);
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
	stop(0);
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
	stop(0);
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
	stop(SIGKILL);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_file_is_read_over_rings),
		SCRATCH_TEST(the_configuration_says_tag_and_queues),
		SCRATCH_TEST(a_request_that_waits_keeps_no_queue),
		SCRATCH_TEST(after_a_reset_nothing_is_left),
		SCRATCH_TEST(a_pause_keeps_what_is_open),
		SCRATCH_TEST(a_ring_of_nonsense_breaks_the_device_alone),
		SCRATCH_TEST(a_server_that_is_gone_breaks_the_device),
		SCRATCH_TEST(what_the_monitor_says_is_checked),
		SCRATCH_TEST(options_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

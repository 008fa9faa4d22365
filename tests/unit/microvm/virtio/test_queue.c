/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka.h"

#include "driver.h"

enum { SIZE = 8, NEXT = 1, INDIRECT = 4, FULL = 1 << 20 };

static const struct virtio_type plain = {.name = "plain", .id = 42};

/* A device with one queue of which nobody takes anything but the test. */
struct scene {
	struct virtio_device device;
	struct virtio_queue *q;
	struct driver driver;
	struct virtio_chain chain;
	uint64_t bytes; /* guest address of some */
};

static void open_scene(struct scene *s, uint64_t features)
{
	*s = (struct scene){
		.device = {.type = &plain, .queue_count = 1}
        };
	s->q = &s->device.queue[0];
	s->q->size_max = SIZE;
	driver_open(&s->driver, &s->device, FULL);
	driver_start(&s->driver, features, SIZE);
	s->bytes = driver_place(&s->driver, 65536);
}

static void close_scene(struct scene *s)
{
	driver_close(&s->driver);
}

static void raw(struct scene *s, uint16_t index, struct driver_buffer buffer, uint16_t flags,
                uint16_t next)
{
	driver_descriptor(&s->driver, 0, index, &buffer, flags, next);
}

static void a_chain_is_read_and_written_across_its_pieces(void **state)
{
	struct scene s;
	struct driver_buffer buffer[4];
	struct iovec piece[QUEUE_SIZE_MAX];
	char text[16] = {0};
	uint32_t written;
	size_t bytes;
	int head;

	(void)state;
	open_scene(&s, VIRTIO_F_EVENT_IDX);
	for (unsigned int i = 0; i < 4; i++)
		buffer[i] = (struct driver_buffer){s.bytes + 100 * i, 3 + i, i > 1};
	memcpy(driver_bytes(&s.driver, s.bytes, 3), "abc", 3);
	memcpy(driver_bytes(&s.driver, s.bytes + 100, 4), "defg", 4);
	assert_int_equal(queue_pop(s.q, &s.chain), 0);
	head = driver_add(&s.driver, 0, buffer, 4);
	assert_int_equal(queue_pop(s.q, &s.chain), 1);
	assert_int_equal(s.chain.head, head);
	assert_int_equal(s.chain.readable, 2);
	assert_int_equal(s.chain.readable_bytes, 7);
	assert_int_equal(s.chain.writable, 2);
	assert_int_equal(s.chain.writable_bytes, 11);
	assert_int_equal(chain_read(&s.chain, 2, text, 16), 5);
	assert_string_equal(text, "cdefg");
	assert_int_equal(chain_read(&s.chain, 7, text, 1), 0);
	assert_int_equal(chain_read(&s.chain, SIZE_MAX, text, 1), 0);
	assert_int_equal(chain_write(&s.chain, 4, "123456789", 9), 7);
	assert_memory_equal(driver_bytes(&s.driver, s.bytes + 204, 1), "1", 1);
	assert_memory_equal(driver_bytes(&s.driver, s.bytes + 300, 6), "234567", 6);
	assert_int_equal(chain_readable(&s.chain, 1, 4, piece, &bytes), 2);
	assert_int_equal(bytes, 4);
	assert_int_equal(piece[0].iov_len, 2);
	assert_int_equal(piece[1].iov_len, 2);
	assert_int_equal(chain_writable(&s.chain, 11, 4, piece, &bytes), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(chain_writable(&s.chain, 5, SIZE_MAX, piece, &bytes), 1);
	assert_int_equal(bytes, 6);
	assert_ptr_equal(piece[0].iov_base, driver_bytes(&s.driver, s.bytes + 300, 6));
	queue_push(s.q, s.chain.head, 11);
	assert_int_equal(driver_used(&s.driver, 0, &written), head);
	assert_int_equal(written, 11);
	close_scene(&s);
}

static void indexes_run_around(void **state)
{
	struct scene s;
	struct driver_buffer buffer;

	(void)state;
	open_scene(&s, VIRTIO_F_EVENT_IDX);
	buffer = (struct driver_buffer){s.bytes, 1, false};
	for (int i = 0; i < 70000; i++) {
		int head = driver_add(&s.driver, 0, &buffer, 1);

		assert_true(queue_wait(s.q));
		assert_int_equal(queue_pop(s.q, &s.chain), 1);
		assert_false(queue_wait(s.q));
		queue_push(s.q, s.chain.head, 0);
		assert_int_equal(driver_used(&s.driver, 0, NULL), head);
	}
	close_scene(&s);
}

static void what_is_given_back_comes_again(void **state)
{
	struct scene s;
	struct driver_buffer buffer;

	(void)state;
	open_scene(&s, 0);
	buffer = (struct driver_buffer){s.bytes, 1, true};
	for (int i = 0; i < SIZE; i++)
		assert_true(driver_add(&s.driver, 0, &buffer, 1) >= 0);
	for (uint16_t i = 0; i < SIZE; i++) {
		assert_int_equal(queue_pop(s.q, &s.chain), 1);
		queue_unpop(s.q);
		assert_int_equal(queue_pop(s.q, &s.chain), 1);
		assert_int_equal(s.chain.head, i);
	}
	assert_int_equal(queue_pop(s.q, &s.chain), 0);
	close_scene(&s);
}

static void an_interrupt_comes_where_the_driver_wants_one(void **state)
{
	struct scene s;
	struct driver_buffer buffer;
	uint16_t event;

	(void)state;
	open_scene(&s, VIRTIO_F_EVENT_IDX);
	buffer = (struct driver_buffer){s.bytes, 1, false};
	for (int i = 0; i < 4; i++)
		assert_true(driver_add(&s.driver, 0, &buffer, 1) >= 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(queue_pop(s.q, &s.chain), 1);
	/* used_event is 2: the third one */
	event = 2;
	memcpy(driver_bytes(&s.driver, s.driver.queue[0].available + 4 + 2 * SIZE, 2), &event, 2);
	queue_announce(s.q);
	assert_int_equal(driver_interrupts(&s.driver), 0);
	queue_push(s.q, 0, 0);
	queue_push(s.q, 1, 0);
	queue_announce(s.q);
	assert_int_equal(driver_interrupts(&s.driver), 0);
	queue_push(s.q, 2, 0);
	queue_announce(s.q);
	assert_int_equal(driver_interrupts(&s.driver), 1);
	queue_announce(s.q);
	queue_push(s.q, 3, 0);
	queue_announce(s.q);
	assert_int_equal(driver_interrupts(&s.driver), 0);
	close_scene(&s);
}

static void without_event_indexes_flags_say_who_wants_what(void **state)
{
	struct scene s;
	struct driver_buffer buffer;
	const uint16_t quiet = 1;

	(void)state;
	open_scene(&s, 0);
	buffer = (struct driver_buffer){s.bytes, 1, false};
	queue_busy(s.q);
	assert_true(driver_add(&s.driver, 0, &buffer, 1) >= 0);
	driver_kick(&s.driver, 0);
	assert_int_equal(s.driver.kicks, 0);
	assert_true(queue_wait(s.q));
	assert_int_equal(queue_pop(s.q, &s.chain), 1);
	assert_false(queue_wait(s.q));
	queue_push(s.q, s.chain.head, 0);
	queue_announce(s.q);
	assert_int_equal(driver_interrupts(&s.driver), 1);
	assert_true(driver_add(&s.driver, 0, &buffer, 1) >= 0);
	driver_kick(&s.driver, 0);
	assert_int_equal(s.driver.kicks, 1);
	memcpy(driver_bytes(&s.driver, s.driver.queue[0].available, 2), &quiet, 2);
	assert_int_equal(queue_pop(s.q, &s.chain), 1);
	queue_push(s.q, s.chain.head, 0);
	queue_announce(s.q);
	assert_int_equal(driver_interrupts(&s.driver), 0);
	close_scene(&s);
}

/* Put an indirect table of `count` buffers at s->bytes; each is one byte. */
static void indirect(struct scene *s, uint16_t count, uint16_t flags, uint64_t address)
{
	for (uint16_t i = 0; i < count; i++) {
		uint8_t *at = driver_bytes(&s->driver, s->bytes + (uint64_t)16 * i, 16);
		uint32_t length = 1;
		uint16_t last[2] = {(uint16_t)(flags | (i + 1 < count ? NEXT : 0)),
		                    (uint16_t)(i + 1)};

		memcpy(at, &address, 8);
		memcpy(at + 8, &length, 4);
		memcpy(at + 12, last, 4);
	}
}

static void an_indirect_table_may_follow_others_and_be_long(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, VIRTIO_F_INDIRECT_DESC);
	indirect(&s, 100, 0, 4096);
	raw(&s, 5, (struct driver_buffer){s.bytes, 7, false}, NEXT, 2);
	raw(&s, 2, (struct driver_buffer){s.bytes, 1600, false}, INDIRECT, 77);
	driver_offer(&s.driver, 0, 5);
	assert_int_equal(queue_pop(s.q, &s.chain), 1);
	assert_int_equal(s.chain.head, 5);
	assert_int_equal(s.chain.readable, 101);
	assert_int_equal(s.chain.readable_bytes, 107);
	close_scene(&s);
}

/* Each way to lie: descriptors 0 and 1, then the head 0. */
struct lie {
	const char *what;
	struct driver_buffer first;
	uint16_t flags, next;
	struct driver_buffer second;
	uint16_t second_flags;
	uint64_t features;
};

static void a_queue_that_lies_gives_nothing_until_a_reset(void **state)
{
	static const struct lie lies[] = {
		{"outside",             {FULL, 1, false},       0,        0,      {0},              0,    0                     },
		{"across the end",      {FULL - 1, 2, false},   0,        0,      {0},              0,    0                     },
		{"around the end",      {UINT64_MAX, 2, false}, 0,        0,      {0},              0,    0                     },
		{"nothing",             {4096, 0, false},       0,        0,      {0},              0,    0                     },
		{"to itself",           {4096, 1, false},       NEXT,     0,      {0},              0,    0                     },
		{"in a circle",         {4096, 1, false},       NEXT,     1,      {4096, 1, false}, NEXT, 0                     },
		{"next is none",        {4096, 1, false},       NEXT,     SIZE,   {0},              0,    0                     },
		{"next is far",         {4096, 1, false},       NEXT,     0xffff, {0},              0,    0                     },
		{"reads after writing", {4096, 1, true},        NEXT,     1,      {4096, 1, false}, 0,    0                     },
		{"not negotiated",      {65536, 16, false},     INDIRECT, 0,      {0},              0,    0                     },
		{"table is outside",
	         {FULL - 8, 16, false},
	         INDIRECT,	                                        0,
	         {0},
	         0,	                                                                               VIRTIO_F_INDIRECT_DESC},
		{"table is empty",      {65536, 0, false},      INDIRECT, 0,      {0},              0,    VIRTIO_F_INDIRECT_DESC},
		{"table is odd",        {65536, 17, false},     INDIRECT, 0,      {0},              0,    VIRTIO_F_INDIRECT_DESC},
		{"table is huge",
	         {65536, 16 * 1025, false},
	         INDIRECT,	                                        0,
	         {0},
	         0,	                                                                               VIRTIO_F_INDIRECT_DESC},
		{"table and next",
	         {65536, 16, false},
	         INDIRECT | NEXT,
	         1,	                                                       {4096, 1, false},
	         0,	                                                                               VIRTIO_F_INDIRECT_DESC},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct scene s;
		struct driver_buffer good;

		open_scene(&s, lies[i].features);
		good = (struct driver_buffer){s.bytes, 1, false};
		raw(&s, 0, lies[i].first, lies[i].flags, lies[i].next);
		raw(&s, 1, lies[i].second, lies[i].second_flags, 0);
		driver_offer(&s.driver, 0, 0);
		if (queue_pop(s.q, &s.chain) != -1)
			print_error("%s\n", lies[i].what);
		assert_true(s.q->broken);
		/* what it says from then on does not count */
		raw(&s, 0, good, 0, 0);
		assert_int_equal(queue_pop(s.q, &s.chain), -1);
		queue_push(s.q, 0, 0);
		assert_int_equal(driver_used(&s.driver, 0, NULL), -1);
		assert_false(queue_wait(s.q));
		driver_start(&s.driver, 0, SIZE);
		assert_true(driver_add(&s.driver, 0, &good, 1) >= 0);
		assert_int_equal(queue_pop(s.q, &s.chain), 1);
		close_scene(&s);
	}
}

static void an_indirect_table_in_a_table_is_a_lie(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, VIRTIO_F_INDIRECT_DESC);
	indirect(&s, 1, INDIRECT, s.bytes);
	raw(&s, 0, (struct driver_buffer){s.bytes, 16, false}, INDIRECT, 0);
	driver_offer(&s.driver, 0, 0);
	assert_int_equal(queue_pop(s.q, &s.chain), -1);
	close_scene(&s);
}

static void a_chain_longer_than_any_is_a_lie(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, VIRTIO_F_INDIRECT_DESC);
	indirect(&s, QUEUE_SIZE_MAX, 0, 4096);
	raw(&s, 0, (struct driver_buffer){s.bytes, 16 * QUEUE_SIZE_MAX, false}, INDIRECT, 0);
	driver_offer(&s.driver, 0, 0);
	assert_int_equal(queue_pop(s.q, &s.chain), 1);
	assert_int_equal(s.chain.readable, QUEUE_SIZE_MAX);
	/* one more in front of it */
	raw(&s, 0, (struct driver_buffer){s.bytes, 1, false}, NEXT, 1);
	raw(&s, 1, (struct driver_buffer){s.bytes, 16 * QUEUE_SIZE_MAX, false}, INDIRECT, 0);
	driver_offer(&s.driver, 0, 0);
	assert_int_equal(queue_pop(s.q, &s.chain), -1);
	close_scene(&s);
}

static void heads_and_counts_that_cannot_be_are_lies(void **state)
{
	struct scene s;
	struct driver_buffer buffer;
	const uint16_t far = SIZE + 1;

	(void)state;
	open_scene(&s, 0);
	buffer = (struct driver_buffer){s.bytes, 1, false};
	raw(&s, 0, buffer, 0, 0);
	driver_offer(&s.driver, 0, SIZE);
	assert_int_equal(queue_pop(s.q, &s.chain), -1);
	driver_start(&s.driver, 0, SIZE);
	/* more than the ring holds */
	memcpy(driver_bytes(&s.driver, s.driver.queue[0].available + 2, 2), &far, 2);
	assert_int_equal(queue_pop(s.q, &s.chain), -1);
	close_scene(&s);
}

static void rings_that_cannot_be_are_not_enabled(void **state)
{
	static const struct virtio_queue wrong[] = {
		{.size = 0,      .descriptors = 0,               .available = 0,         .used = 0        },
		{.size = 3,      .descriptors = 0,               .available = 0,         .used = 0        },
		{.size = 16,     .descriptors = 0,               .available = 0,         .used = 0        },
		{.size = 0x8000, .descriptors = 0,               .available = 0,         .used = 0        },
		{.size = 8,      .descriptors = 8,               .available = 0,         .used = 0        },
		{.size = 8,      .descriptors = 0,               .available = 1,         .used = 0        },
		{.size = 8,      .descriptors = 0,               .available = 0,         .used = 2        },
		{.size = 8,      .descriptors = FULL - 112,      .available = 0,         .used = 0        },
		{.size = 8,      .descriptors = 0,               .available = FULL - 20, .used = 0        },
		{.size = 8,      .descriptors = 0,               .available = 0,         .used = FULL - 68},
		{.size = 8,      .descriptors = UINT64_MAX - 15, .available = 0,         .used = 0        },
	};
	struct scene s;
	struct error err;

	(void)state;
	open_scene(&s, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct virtio_queue q = wrong[i];

		q.memory = &s.driver.memory;
		q.size_max = SIZE;
		assert_int_equal(queue_enable(&q, &err), -1);
		assert_string_equal(err.object, "virtqueue");
		assert_false(q.ready);
		assert_int_equal(queue_pop(&q, &s.chain), 0);
		assert_false(queue_wait(&q));
		queue_push(&q, 0, 0);
		queue_busy(&q);
		queue_announce(&q);
	}
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_is_read_and_written_across_its_pieces),
		cmocka_unit_test(indexes_run_around),
		cmocka_unit_test(what_is_given_back_comes_again),
		cmocka_unit_test(an_interrupt_comes_where_the_driver_wants_one),
		cmocka_unit_test(without_event_indexes_flags_say_who_wants_what),
		cmocka_unit_test(an_indirect_table_may_follow_others_and_be_long),
		cmocka_unit_test(a_queue_that_lies_gives_nothing_until_a_reset),
		cmocka_unit_test(an_indirect_table_in_a_table_is_a_lie),
		cmocka_unit_test(a_chain_longer_than_any_is_a_lie),
		cmocka_unit_test(heads_and_counts_that_cannot_be_are_lies),
		cmocka_unit_test(rings_that_cannot_be_are_not_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

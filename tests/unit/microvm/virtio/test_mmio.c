/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka.h"

#include "driver.h"

enum { SIZE = 16, FULL = 1 << 20, OWN = 1, NEEDS_RESET = 64 };

/* A device that writes down what happens to it. */
struct witness {
	struct virtio_device device;
	struct driver driver;
	int activated, reset, kicked, fails;
	unsigned int queue;
	uint64_t accepted; /* when it was activated */
	uint8_t config[8];
	size_t offset, length; /* of the last write */
};

static int activate(struct virtio_device *device, struct error *err)
{
	struct witness *w = (struct witness *)device;

	w->activated++;
	w->accepted = device->accepted;
	return w->fails ? fail(err, ERROR_SYSTEM, "witness", "it was told to fail") : 0;
}

static void reset(struct virtio_device *device)
{
	((struct witness *)device)->reset++;
}

static void kicked(struct virtio_device *device, unsigned int queue)
{
	((struct witness *)device)->kicked++;
	((struct witness *)device)->queue = queue;
}

static void read_config(struct virtio_device *device, size_t offset, void *to, size_t length)
{
	const struct witness *w = (const struct witness *)device;

	if (offset < sizeof(w->config) && length <= sizeof(w->config) - offset)
		memcpy(to, w->config + offset, length);
}

static void write_config(struct virtio_device *device, size_t offset, const void *from,
                         size_t length)
{
	struct witness *w = (struct witness *)device;

	w->offset = offset;
	w->length = length;
	if (offset < sizeof(w->config) && length <= sizeof(w->config) - offset)
		memcpy(w->config + offset, from, length);
}

static const struct virtio_type type = {"witness", 7,     read_config, write_config,
                                        activate,  reset, kicked};

static void open_witness(struct witness *w)
{
	*w = (struct witness){
		.device = {.type = &type, .offered = OWN, .queue_count = 2},
		.config = { 1, 2, 3, 4, 5, 6, 7, 8}
        };
	w->device.queue[0].size_max = w->device.queue[1].size_max = SIZE;
	driver_open(&w->driver, &w->device, FULL);
}

static void close_witness(struct witness *w)
{
	driver_close(&w->driver);
}

static uint32_t get(struct witness *w, uint64_t offset)
{
	return driver_read(&w->driver, offset);
}

static void put(struct witness *w, uint64_t offset, uint32_t value)
{
	driver_write(&w->driver, offset, value);
}

static void it_says_what_it_is(void **state)
{
	struct witness w;

	(void)state;
	open_witness(&w);
	assert_int_equal(get(&w, 0x000), 0x74726976);
	assert_int_equal(get(&w, 0x004), 2);
	assert_int_equal(get(&w, 0x008), 7);
	assert_int_equal(get(&w, 0x00c), 0x6c6c6563);
	assert_int_equal(get(&w, 0x070), 0);
	assert_int_equal(get(&w, 0x0b0), UINT32_MAX); /* no shared memory */
	assert_int_equal(get(&w, 0x0b4), UINT32_MAX);
	close_witness(&w);
}

static void features_are_offered_and_taken_by_pages(void **state)
{
	struct witness w;

	(void)state;
	open_witness(&w);
	assert_int_equal(get(&w, 0x010), 1U << 28 | 1U << 29 | OWN);
	put(&w, 0x014, 1);
	assert_int_equal(get(&w, 0x010), 1);
	put(&w, 0x014, 2);
	assert_int_equal(get(&w, 0x010), 0);
	put(&w, 0x014, UINT32_MAX);
	assert_int_equal(get(&w, 0x010), 0);
	put(&w, 0x070, 3);
	put(&w, 0x024, 2);
	put(&w, 0x020, UINT32_MAX); /* no such page */
	put(&w, 0x024, 0);
	put(&w, 0x020, OWN);
	put(&w, 0x070, 8);
	assert_int_equal(get(&w, 0x070), 3); /* without VERSION_1 */
	put(&w, 0x024, 1);
	put(&w, 0x020, 1);
	put(&w, 0x070, 8);
	assert_int_equal(get(&w, 0x070), 11);
	put(&w, 0x024, 0);
	put(&w, 0x020, 0); /* too late */
	put(&w, 0x070, 4);
	assert_int_equal(w.activated, 1);
	assert_true(w.accepted == (VIRTIO_F_VERSION_1 | OWN));
	close_witness(&w);
}

static void features_that_were_not_offered_are_refused(void **state)
{
	struct witness w;

	(void)state;
	open_witness(&w);
	put(&w, 0x070, 3);
	put(&w, 0x024, 1);
	put(&w, 0x020, 1);
	put(&w, 0x024, 0);
	put(&w, 0x020, OWN | 2);
	put(&w, 0x070, 15);
	assert_int_equal(get(&w, 0x070) & 8, 0);
	assert_int_equal(w.activated, 0);
	close_witness(&w);
}

static void a_device_is_activated_once_and_reset_by_zero(void **state)
{
	struct witness w;

	(void)state;
	open_witness(&w);
	put(&w, 0x070, 0);
	assert_int_equal(w.reset, 0); /* there was nothing to be reset */
	driver_start(&w.driver, OWN, SIZE);
	put(&w, 0x070, 4);
	assert_int_equal(w.activated, 1);
	assert_true(w.device.queue[0].ready && w.device.queue[1].ready);
	put(&w, 0x070, 0);
	assert_int_equal(w.reset, 1);
	assert_int_equal(get(&w, 0x070), 0);
	assert_false(w.device.active || w.device.queue[0].ready || w.device.queue[1].ready);
	assert_int_equal(w.device.accepted, 0);
	/* what is not the driver's stays */
	assert_int_equal(w.device.queue[1].size_max, SIZE);
	assert_ptr_equal(w.device.queue[1].memory, &w.driver.memory);
	driver_start(&w.driver, 0, SIZE);
	assert_int_equal(w.activated, 2);
	close_witness(&w);
}

static void a_device_that_fails_asks_for_a_reset(void **state)
{
	struct witness w;

	(void)state;
	open_witness(&w);
	w.fails = 1;
	driver_start(&w.driver, 0, SIZE);
	assert_int_equal(get(&w, 0x070) & NEEDS_RESET, NEEDS_RESET);
	assert_int_equal(get(&w, 0x060), 3);
	assert_int_equal(driver_interrupts(&w.driver), 1);
	put(&w, 0x064, 2);
	assert_int_equal(get(&w, 0x060), 1);
	close_witness(&w);
}

static void a_kick_reaches_the_queue_only_while_it_runs(void **state)
{
	struct witness w;

	(void)state;
	open_witness(&w);
	put(&w, 0x050, 1);
	assert_int_equal(w.kicked, 0);
	driver_start(&w.driver, 0, SIZE);
	put(&w, 0x050, 1);
	assert_int_equal(w.kicked, 1);
	assert_int_equal(w.queue, 1);
	put(&w, 0x050, 2);
	put(&w, 0x050, UINT32_MAX);
	assert_int_equal(w.kicked, 1);
	close_witness(&w);
}

static void what_runs_is_not_set_up_anew(void **state)
{
	struct witness w;
	const struct virtio_queue *q = &w.device.queue[1];
	struct virtio_queue before;

	(void)state;
	open_witness(&w);
	driver_start(&w.driver, 0, SIZE);
	before = *q;
	put(&w, 0x030, 1);
	put(&w, 0x038, 4);
	for (uint64_t at = 0x080; at <= 0x0a4; at += 4)
		put(&w, at, 0x1000);
	assert_memory_equal(q, &before, sizeof(before));
	/* it may stop a queue, and then not change or start it before a reset */
	put(&w, 0x044, 0);
	assert_int_equal(get(&w, 0x044), 0);
	put(&w, 0x038, 4);
	put(&w, 0x080, 0x1000);
	put(&w, 0x044, 1);
	assert_int_equal(get(&w, 0x044), 0);
	assert_int_equal(q->size, before.size);
	assert_int_equal(q->descriptors, before.descriptors);
	close_witness(&w);
}

static void addresses_come_in_halves(void **state)
{
	struct witness w;

	(void)state;
	open_witness(&w);
	put(&w, 0x030, 1);
	for (uint64_t at = 0x080; at <= 0x0a0; at += 0x10) {
		put(&w, at + 4, 0xaaaa0000 + (uint32_t)at);
		put(&w, at, 0xbbbb0000 + (uint32_t)at);
	}
	assert_true(w.device.queue[1].descriptors == UINT64_C(0xaaaa0080bbbb0080));
	assert_true(w.device.queue[1].available == UINT64_C(0xaaaa0090bbbb0090));
	assert_true(w.device.queue[1].used == UINT64_C(0xaaaa00a0bbbb00a0));
	assert_int_equal(w.device.queue[0].descriptors, 0);
	/* which is nowhere */
	put(&w, 0x038, 8);
	put(&w, 0x044, 1);
	assert_int_equal(get(&w, 0x044), 0);
	assert_int_equal(get(&w, 0x070) & NEEDS_RESET, NEEDS_RESET);
	close_witness(&w);
}

static void a_queue_that_is_not_there_reads_as_zero(void **state)
{
	static const uint32_t none[] = {2, VIRTIO_QUEUES_MAX, UINT32_MAX};
	struct witness w;

	(void)state;
	open_witness(&w);
	for (size_t i = 0; i < 3; i++) {
		put(&w, 0x030, none[i]);
		assert_int_equal(get(&w, 0x034), 0);
		assert_int_equal(get(&w, 0x044), 0);
		for (uint64_t at = 0x038; at < 0x050; at += 4)
			put(&w, at, 1);
		for (uint64_t at = 0x080; at <= 0x0a4; at += 4)
			put(&w, at, 1);
	}
	put(&w, 0x030, 0);
	assert_int_equal(get(&w, 0x034), SIZE);
	put(&w, 0x038, 0x10000 + 8); /* no 8 */
	put(&w, 0x044, 1);
	assert_int_equal(get(&w, 0x044), 0);
	close_witness(&w);
}

static void accesses_of_other_sizes_are_nothing(void **state)
{
	struct witness w;
	uint8_t bytes[16];

	(void)state;
	open_witness(&w);
	for (uint64_t at = 0; at < 0x100; at++) {
		for (size_t length = 1; length <= 8; length++) {
			if (length == 4 && at % 4 == 0)
				continue;
			memset(bytes, 0xff, sizeof(bytes));
			virtio_mmio_write(&w.device, at, bytes, length);
			virtio_mmio_read(&w.device, at, bytes, length);
			for (size_t i = 0; i < length; i++)
				assert_int_equal(bytes[i], 0);
			assert_int_equal(bytes[length], 0xff);
		}
	}
	assert_int_equal(get(&w, 0x070), 0);
	/* of our size, where no register is, or beyond the window */
	for (uint64_t at = 0; at < 0x1000; at += 4)
		if (at != 0x070)
			put(&w, at, UINT32_MAX);
	assert_int_equal(get(&w, 0x200), 0);
	virtio_mmio_read(&w.device, UINT64_MAX - 3, bytes, 4);
	assert_memory_equal(bytes, "\0\0\0\0", 4);
	close_witness(&w);
}

static void the_configuration_is_read_in_aligned_pieces(void **state)
{
	struct witness w;
	uint64_t value = 0;

	(void)state;
	open_witness(&w);
	virtio_mmio_read(&w.device, 0x100, &value, 8);
	assert_true(value == UINT64_C(0x0807060504030201));
	virtio_mmio_read(&w.device, 0x106, &value, 2);
	assert_true(value == UINT64_C(0x0807060504030807));
	virtio_mmio_read(&w.device, 0x103, &value, 1);
	assert_int_equal(value & 0xff, 4);
	virtio_mmio_read(&w.device, 0x102, &value, 4); /* not aligned */
	assert_int_equal(value & UINT32_MAX, 0);
	virtio_mmio_read(&w.device, 0x108, &value, 8); /* beyond */
	assert_int_equal(value, 0);
	virtio_mmio_write(&w.device, 0x102, "ab", 2);
	assert_memory_equal(w.config,
	                    "\x01\x02"
	                    "ab\x05",
	                    5);
	assert_int_equal(w.length, 2);
	virtio_mmio_write(&w.device, 0x101, "cd", 2);
	virtio_mmio_write(&w.device, 0x100, "efg", 3);
	assert_int_equal(w.offset, 2);
	close_witness(&w);
}

static void a_changed_configuration_is_told(void **state)
{
	struct witness w;
	uint32_t generation;

	(void)state;
	open_witness(&w);
	generation = get(&w, 0x0fc);
	virtio_config_changed(&w.device);
	assert_int_not_equal(get(&w, 0x0fc), generation);
	assert_int_equal(driver_interrupts(&w.driver), 0); /* nobody is there */
	driver_start(&w.driver, 0, SIZE);
	virtio_config_changed(&w.device);
	assert_int_equal(driver_interrupts(&w.driver), 1);
	assert_int_equal(get(&w, 0x060) & 2, 2);
	close_witness(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_it_is),
		cmocka_unit_test(features_are_offered_and_taken_by_pages),
		cmocka_unit_test(features_that_were_not_offered_are_refused),
		cmocka_unit_test(a_device_is_activated_once_and_reset_by_zero),
		cmocka_unit_test(a_device_that_fails_asks_for_a_reset),
		cmocka_unit_test(a_kick_reaches_the_queue_only_while_it_runs),
		cmocka_unit_test(what_runs_is_not_set_up_anew),
		cmocka_unit_test(addresses_come_in_halves),
		cmocka_unit_test(a_queue_that_is_not_there_reads_as_zero),
		cmocka_unit_test(accesses_of_other_sizes_are_nothing),
		cmocka_unit_test(the_configuration_is_read_in_aligned_pieces),
		cmocka_unit_test(a_changed_configuration_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

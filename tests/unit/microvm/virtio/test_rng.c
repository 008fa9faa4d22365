/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/virtio_ids.h>
#include <stdlib.h>

#include "microvm/virtio/rng.h"
#include "tests/unit/cmocka.h"

#include "driver.h"

enum { MEMORY = 16 << 20, DATA = 0x200000 };

struct scene {
	struct driver driver;
	struct loop *loop;
};

static int set_up(void **state)
{
	struct scene *s = malloc(sizeof(*s));
	struct error err;

	s->loop = loop_new(&err);
	driver_open(&s->driver, virtio_rng_new(&err), MEMORY);
	driver_join(&s->driver, s->loop);
	driver_start(&s->driver, 0, QUEUE_SIZE_MAX);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	virtio_rng_free(s->driver.device);
	driver_close(&s->driver);
	loop_free(s->loop);
	free(s);
	return 0;
}

static size_t zeros_in(const uint8_t *bytes, size_t length)
{
	size_t zeros = 0;

	for (size_t i = 0; i < length; i++)
		zeros += bytes[i] == 0;
	return zeros;
}

static void it_is_the_entropy_device_of_one_queue(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;

	assert_int_equal(driver_read(d, 0x008), VIRTIO_ID_RNG);
	assert_int_equal(d->device->queue_count, 1);
	assert_int_equal(driver_read(d, 0x100), 0);
}

static void buffers_are_filled_with_random_bytes_and_nothing_beside_them(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer pieces[] = {
		{DATA + 16,   1000, true},
		{DATA + 4096, 1000, true},
	};
	uint32_t written;

	(void)driver_add(d, 0, pieces, 2);
	driver_go(d, 0);
	assert_true(driver_interrupts(d));
	assert_true(driver_used(d, 0, &written) >= 0);
	assert_int_equal(written, 2000);
	assert_true(zeros_in(driver_at(d, DATA + 16, 1000), 1000) < 100);
	assert_true(zeros_in(driver_at(d, DATA + 4096, 1000), 1000) < 100);
	assert_int_equal(zeros_in(driver_at(d, DATA, 16), 16), 16);
	assert_int_equal(zeros_in(driver_at(d, DATA + 1016, 1000), 1000), 1000);
	assert_memory_not_equal(driver_at(d, DATA + 16, 1000), driver_at(d, DATA + 4096, 1000),
	                        1000);
}

static void a_request_gets_64_kib_at_most(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer piece = {DATA, 1 << 20, true};
	uint32_t written;

	(void)driver_add(d, 0, &piece, 1);
	driver_go(d, 0);
	assert_true(driver_used(d, 0, &written) >= 0);
	assert_int_equal(written, 64 << 10);
	assert_int_equal(zeros_in(driver_at(d, DATA + (64 << 10), 4096), 4096), 4096);
}

static void a_chain_with_nothing_to_write_comes_back_empty(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer piece = {DATA, 4096, false};
	uint32_t written;

	(void)driver_add(d, 0, &piece, 1);
	driver_go(d, 0);
	assert_true(driver_used(d, 0, &written) >= 0);
	assert_int_equal(written, 0);
	assert_false(driver_needs_reset(d));
}

/* A full ring of the dearest requests is not done in one turn, but all the same it is done. */
static void a_greedy_guest_gets_its_bytes_in_several_turns(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer piece = {DATA, 64 << 10, true};
	unsigned int size = d->queue[0].size, done;

	for (unsigned int i = 0; i < size; i++)
		(void)driver_add(d, 0, &piece, 1);
	driver_kick(d, 0);
	done = driver_waiting(d, 0);
	assert_true(done > 0 && done < size);
	driver_turn(d, 8);
	assert_int_equal(driver_waiting(d, 0), size);
}

static void addresses_out_of_memory_break_the_device_until_it_is_reset(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer bad[] = {
		{MEMORY,     1,          true},
                {MEMORY - 1, 2,          true},
                {UINT64_MAX, 2,          true},
		{DATA,       UINT32_MAX, true},
                {DATA,       0,          true},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t written;

		driver_start(d, 0, QUEUE_SIZE_MAX);
		assert_false(driver_needs_reset(d));
		(void)driver_add(d, 0, &bad[i], 1);
		driver_go(d, 0);
		assert_true(driver_needs_reset(d));
		assert_false(driver_used(d, 0, &written) >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_the_entropy_device_of_one_queue, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(
			buffers_are_filled_with_random_bytes_and_nothing_beside_them, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_request_gets_64_kib_at_most, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_chain_with_nothing_to_write_comes_back_empty,
	                                        set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_greedy_guest_gets_its_bytes_in_several_turns,
	                                        set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			addresses_out_of_memory_break_the_device_until_it_is_reset, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "microvm/virtio/balloon.h"
#include "tests/unit/cmocka.h"

#include "driver.h"

enum { INFLATE, DEFLATE, STATS, REPORTING, REPORTING_ALONE = 2, PAGE = 4096 };
enum { MEMORY = 16 << 20, DATA = 0x200000 };

#define FEATURE(bit) (UINT64_C(1) << (bit))

struct scene {
	struct driver driver;
	struct loop *loop;
};

static int set_up(void **state)
{
	struct scene *s = malloc(sizeof(*s));
	struct error err;

	s->loop = loop_new(&err);
	driver_open(&s->driver, virtio_balloon_new(&err), MEMORY);
	driver_join(&s->driver, s->loop);
	driver_start(&s->driver,
	             FEATURE(VIRTIO_BALLOON_F_STATS_VQ) | FEATURE(VIRTIO_BALLOON_F_REPORTING),
	             QUEUE_SIZE_MAX);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	virtio_balloon_free(s->driver.device);
	driver_close(&s->driver);
	loop_free(s->loop);
	free(s);
	return 0;
}

static size_t pages_used(struct driver *d)
{
	struct stat st;

	assert_int_equal(fstat(d->memory.file, &st), 0);
	return (size_t)st.st_blocks * 512 / PAGE;
}

/* Name pages by number to a queue; the list lies at DATA. */
static void name_pages(struct driver *d, unsigned int queue, const uint32_t *page, size_t count)
{
	const struct driver_buffer piece = {DATA, (uint32_t)(4 * count), false};

	memcpy(driver_at(d, DATA, 4 * count), page, 4 * count);
	(void)driver_add(d, queue, &piece, 1);
	driver_go(d, queue);
}

static void its_features_and_configuration_are_those_of_a_balloon(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;

	assert_int_equal(driver_read(d, 0x008), VIRTIO_ID_BALLOON);
	driver_write(d, 0x014, 0);
	assert_int_equal(driver_read(d, 0x010) & ~(3U << 28),
	                 FEATURE(VIRTIO_BALLOON_F_STATS_VQ) |
	                         FEATURE(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
	                         FEATURE(VIRTIO_BALLOON_F_REPORTING));
	assert_int_equal(driver_read(d, 0x100), 0);
	virtio_balloon_set_target(d->device, 77);
	assert_true(driver_interrupts(d));
	assert_int_equal(driver_read(d, 0x100), 77);
	virtio_balloon_set_target(d->device, 77);
	assert_false(driver_interrupts(d));
	driver_write(d, 0x100, 5); /* not the driver's to write */
	assert_int_equal(driver_read(d, 0x100), 77);
	driver_write(d, 0x104, 33);
	assert_int_equal(driver_read(d, 0x104), 33);
	assert_int_equal(virtio_balloon_actual(d->device), 33);
	driver_write(d, 0x070, 0);
	assert_int_equal(virtio_balloon_actual(d->device), 0);
}

static void pages_in_the_balloon_are_the_hosts_and_read_as_zeros(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const uint32_t up[] = {0x300, 0x301, 0x302}, down[] = {0x382, 0x381, 0x380, 0x390};
	size_t before;

	memset(driver_at(d, 0x300000, 0x100000), 0xaa, 0x100000);
	memset(driver_at(d, DATA, PAGE), 1, PAGE);
	before = pages_used(d);
	name_pages(d, INFLATE, up, 3);
	assert_int_equal(pages_used(d), before - 3);
	name_pages(d, INFLATE, down, 4);
	assert_int_equal(pages_used(d), before - 7);
	for (size_t i = 0; i < 3 * PAGE; i++)
		assert_int_equal(*driver_at(d, 0x300000 + i, 1), 0);
	assert_int_equal(*driver_at(d, 0x303000, 1), 0xaa);
	assert_int_equal(*driver_at(d, 0x37ffff, 1), 0xaa);
	assert_int_equal(*driver_at(d, 0x383000, 1), 0xaa);
	assert_int_equal(*driver_at(d, 0x390000, 1), 0);
	name_pages(d, DEFLATE, up, 3);
	assert_int_equal(driver_waiting(d, INFLATE), 2);
	assert_int_equal(driver_waiting(d, DEFLATE), 1);
}

static void pages_that_are_not_there_are_passed_over(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const uint32_t page[] = {UINT32_MAX, MEMORY / PAGE, MEMORY / PAGE - 1,
	                         0xc0000,    0x100000,      0x80000000};
	size_t before;

	memset(driver_at(d, MEMORY - 2 * PAGE, 2 * PAGE), 0xaa, 2 * PAGE);
	memset(driver_at(d, DATA, PAGE), 1, PAGE);
	before = pages_used(d);
	name_pages(d, INFLATE, page, 6);
	assert_int_equal(pages_used(d), before - 1);
	assert_int_equal(*driver_at(d, MEMORY - PAGE, 1), 0);
	assert_int_equal(*driver_at(d, MEMORY - PAGE - 1, 1), 0xaa);
	assert_false(driver_needs_reset(d));
}

static void a_list_that_ends_within_a_number_or_holds_none_is_fine(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer odd = {DATA, 7, false}, none = {DATA, 4096, true};
	const uint32_t page[] = {0x300, 0x301};
	uint32_t written;

	memset(driver_at(d, 0x300000, 2 * PAGE), 0xaa, 2 * PAGE);
	memcpy(driver_at(d, DATA, 8), page, 8);
	(void)driver_add(d, INFLATE, &odd, 1);
	(void)driver_add(d, INFLATE, &none, 1);
	driver_go(d, INFLATE);
	assert_int_equal(*driver_at(d, 0x300000, 1), 0);
	assert_int_equal(*driver_at(d, 0x301000, 1), 0xaa);
	assert_true((driver_used(d, INFLATE, &written) >= 0) &&
	            (driver_used(d, INFLATE, &written) >= 0));
	assert_int_equal(written, 0);
}

static void a_list_without_end_is_read_up_to_a_bound_in_several_turns(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer piece = {DATA, 8 << 20, false};
	unsigned int size = d->queue[INFLATE].size, done;
	uint32_t *page = (uint32_t *)(void *)driver_at(d, DATA, 8 << 20);

	/* no two side by side; behind the bound is one that must stay */
	for (uint32_t i = 0; i < 1024; i++)
		page[i] = 0xb00 + (i * 2) % 256;
	page[1024] = 0xc00;
	*driver_at(d, 0xc00000, 1) = 0xaa;
	for (unsigned int i = 0; i < size; i++)
		(void)driver_add(d, INFLATE, &piece, 1);
	driver_kick(d, INFLATE);
	done = driver_waiting(d, INFLATE);
	assert_true(done > 0 && done < size / 8);
	driver_turn(d, size);
	assert_int_equal(driver_waiting(d, INFLATE), size);
	assert_int_equal(*driver_at(d, 0xc00000, 1), 0xaa);
}

static void report(struct driver *d, unsigned int queue)
{
	const struct driver_buffer range[] = {
		{0x400000,       0x100000, true},
		{0x600000,       0x80000,  true},
		{0x700000 + 512, 0x1000,   true}, /* no whole pages */
		{0x700000,       0x1234,   true},
	};
	uint32_t written;
	size_t before;

	memset(driver_at(d, 0x400000, 0x400000), 0xaa, 0x400000);
	before = pages_used(d);
	(void)driver_add(d, queue, range, 4);
	driver_go(d, queue);
	assert_true(driver_used(d, queue, &written) >= 0);
	assert_int_equal(written, 0);
	assert_int_equal(pages_used(d), before - 0x180);
	assert_int_equal(*driver_at(d, 0x400000, 1), 0);
	assert_int_equal(*driver_at(d, 0x500000, 1), 0xaa);
	assert_int_equal(*driver_at(d, 0x67ffff, 1), 0);
	assert_int_equal(*driver_at(d, 0x680000, 1), 0xaa);
	assert_int_equal(*driver_at(d, 0x700600, 1), 0xaa);
}

static void free_pages_that_are_reported_are_the_hosts(void **state)
{
	report(*state, REPORTING);
}

static void a_queue_has_the_number_that_the_features_give_it(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer range = {0x400000, 0x1000, true};

	driver_start(d, FEATURE(VIRTIO_BALLOON_F_REPORTING), QUEUE_SIZE_MAX);
	report(d, REPORTING_ALONE);
	*driver_at(d, 0x400000, 1) = 0xaa;
	(void)driver_add(d, REPORTING, &range, 1);
	driver_go(d, REPORTING);
	assert_int_equal(driver_waiting(d, REPORTING), 0);
	driver_start(d, 0, QUEUE_SIZE_MAX);
	(void)driver_add(d, REPORTING_ALONE, &range, 1);
	driver_go(d, REPORTING_ALONE);
	assert_int_equal(driver_waiting(d, REPORTING_ALONE), 0);
	assert_int_equal(*driver_at(d, 0x400000, 1), 0xaa);
}

static void put_stats(struct driver *d, const struct virtio_balloon_stat *stat, size_t count)
{
	const struct driver_buffer piece = {DATA, (uint32_t)(count * sizeof(*stat)), false};

	memcpy(driver_at(d, DATA, count * sizeof(*stat)), stat, count * sizeof(*stat));
	(void)driver_add(d, STATS, &piece, 1);
	driver_go(d, STATS);
}

static void statistics_are_those_of_the_last_time_it_was_asked(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct virtio_balloon_stat first[] = {
		{VIRTIO_BALLOON_S_MEMTOT,  1000},
		{VIRTIO_BALLOON_S_MEMFREE, 600 },
		{0xffff,                   1   },
		{BALLOON_STATS,            1   },
	};
	const struct virtio_balloon_stat second[] = {
		{VIRTIO_BALLOON_S_MEMFREE, 500}
        };
	struct balloon_stats stats = virtio_balloon_stats(d->device);

	for (size_t i = 0; i < BALLOON_STATS; i++)
		assert_false(stats.set[i]);
	put_stats(d, first, 4);
	assert_int_equal(driver_waiting(d, STATS), 0); /* it stays until somebody asks */
	stats = virtio_balloon_stats(d->device);
	assert_int_equal(driver_waiting(d, STATS), 1);
	assert_true(driver_interrupts(d));
	assert_true(stats.set[VIRTIO_BALLOON_S_MEMTOT] && !stats.set[VIRTIO_BALLOON_S_SWAP_IN]);
	assert_int_equal(stats.value[VIRTIO_BALLOON_S_MEMTOT], 1000);
	assert_int_equal(stats.value[VIRTIO_BALLOON_S_MEMFREE], 600);
	stats = virtio_balloon_stats(d->device); /* no answer yet: as before */
	assert_int_equal(stats.value[VIRTIO_BALLOON_S_MEMFREE], 600);
	assert_int_equal(driver_waiting(d, STATS), 1);
	put_stats(d, second, 1);
	stats = virtio_balloon_stats(d->device);
	assert_int_equal(stats.value[VIRTIO_BALLOON_S_MEMFREE], 500);
	/* one that has several gets all but one back */
	put_stats(d, second, 1);
	put_stats(d, second, 1);
	assert_int_equal(driver_waiting(d, STATS), 3);
	driver_write(d, 0x070, 0);
	stats = virtio_balloon_stats(d->device);
	assert_false(stats.set[VIRTIO_BALLOON_S_MEMFREE]);
}

static void rings_that_lie_break_it_and_no_more(void **state)
{
	struct driver *d = &((struct scene *)*state)->driver;
	const struct driver_buffer bad = {MEMORY, 4, false};

	for (unsigned int queue = 0; queue < 4; queue++) {
		driver_start(
			d, FEATURE(VIRTIO_BALLOON_F_STATS_VQ) | FEATURE(VIRTIO_BALLOON_F_REPORTING),
			QUEUE_SIZE_MAX);
		assert_false(driver_needs_reset(d));
		(void)driver_add(d, queue, &bad, 1);
		driver_go(d, queue);
		assert_true(driver_needs_reset(d));
		driver_go(d, queue);
		(void)virtio_balloon_stats(d->device);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_features_and_configuration_are_those_of_a_balloon),
		TEST(pages_in_the_balloon_are_the_hosts_and_read_as_zeros),
		TEST(pages_that_are_not_there_are_passed_over),
		TEST(a_list_that_ends_within_a_number_or_holds_none_is_fine),
		TEST(a_list_without_end_is_read_up_to_a_bound_in_several_turns),
		TEST(free_pages_that_are_reported_are_the_hosts),
		TEST(a_queue_has_the_number_that_the_features_give_it),
		TEST(statistics_are_those_of_the_last_time_it_was_asked),
		TEST(rings_that_lie_break_it_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Inflating names pages by number, reporting by buffers that are the pages themselves. Both only ever free pages of
 * the guest's own memory, so a guest that lies here hurts its own contents and nobody else.
 *
 * The queue of statistics runs the other way: the guest's one buffer stays with us until we want to know more; given
 * back it comes again, filled anew. */
#include <endian.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "balloon.h"
#include "turn.h"

enum {
	INFLATE = 0,
	DEFLATE = 1,
	OPTIONAL = 2, /* the first of those that depend on features */
	QUEUES = 4,
	SIZE = 128,
	PAGE = 4096,
	PAGES_MAX = 1024, /* that one chain names: four times of what Linux puts there */
	STATS_MAX = 64,   /* entries that are read */
	TURN = 4096,      /* pages or ranges discarded */
};

#define FEATURE(bit) (UINT64_C(1) << (bit))

struct balloon {
	struct virtio_device device;
	struct virtio_chain chain;
	uint32_t page[PAGES_MAX];
	/* what is to be saved */
	uint32_t target, actual;
	bool held; /* the buffer of statistics is with us */
	uint16_t held_head;
	struct balloon_stats stats;
};

/* A run of pages that are side by side. */
struct run {
	uint64_t start, length; /* guest addresses */
};

static const struct guest_memory *memory_of(const struct balloon *b)
{
	return b->device.queue[INFLATE].memory;
}

static void discard(const struct balloon *b, const void *bytes, uint64_t length)
{
	struct error err;

	if (bytes && memory_discard(memory_of(b), bytes, length, &err) < 0)
		log_debug("virtio balloon: %s: %s", err.object, err.reason);
}

static void discard_run(const struct balloon *b, struct run *run)
{
	if (run->length > 0)
		discard(b, memory_at(memory_of(b), run->start, run->length), run->length);
	run->length = 0;
}

/* Make a run longer by a page at either end.
 * Returns  false when it is at neither. */
static bool extend(struct run *run, uint64_t page)
{
	if (run->length == 0 || page + PAGE == run->start)
		run->start = page;
	else if (page != run->start + run->length)
		return false;
	run->length += PAGE;
	return true;
}

static uint32_t inflate(struct virtio_device *device, struct turn *turn)
{
	struct balloon *b = (struct balloon *)device;
	size_t count = chain_read(turn->chain, 0, b->page, sizeof(b->page)) / sizeof(b->page[0]);
	struct run run = {0};

	for (size_t i = 0; i < count; i++) {
		uint64_t page = (uint64_t)le32toh(b->page[i]) << VIRTIO_BALLOON_PFN_SHIFT;

		if (!memory_at(memory_of(b), page, PAGE))
			continue;
		if (extend(&run, page))
			continue;
		discard_run(b, &run);
		(void)extend(&run, page);
	}
	discard_run(b, &run);
	turn_spend(turn, count);
	return 0;
}

/* The host gives pages when they are touched: there is nothing to do but to agree. */
static uint32_t deflate(struct virtio_device *device, struct turn *turn)
{
	(void)device;
	(void)turn;
	return 0;
}

static uint32_t report(struct virtio_device *device, struct turn *turn)
{
	const struct balloon *b = (const struct balloon *)device;
	const struct virtio_chain *chain = turn->chain;

	for (size_t i = 0; i < chain->writable; i++) {
		const struct iovec *range = &chain->buffer[chain->readable + i];

		discard(b, range->iov_base, range->iov_len);
	}
	turn_spend(turn, chain->writable);
	return 0;
}

static void read_stats(struct balloon *b)
{
	struct virtio_balloon_stat entry;

	for (size_t i = 0; i < STATS_MAX; i++) {
		uint16_t tag;

		if (chain_read(&b->chain, i * sizeof(entry), &entry, sizeof(entry)) < sizeof(entry))
			return;
		tag = le16toh(entry.tag);
		if (tag >= BALLOON_STATS)
			continue;
		b->stats.set[tag] = true;
		b->stats.value[tag] = le64toh(entry.val);
	}
}

static void give_back(struct balloon *b)
{
	struct virtio_queue *q = &b->device.queue[OPTIONAL];

	b->held = false;
	queue_push(q, b->held_head, 0);
	queue_announce(q);
}

/* The first buffer comes unasked, and holds what was true when the guest booted. A guest has one: that of one with
 * more goes back at once. */
static void take_stats(struct balloon *b)
{
	struct virtio_queue *q = &b->device.queue[OPTIONAL];
	unsigned int left = SIZE;
	int taken = 1;

	do
		while (left > 0 && (taken = queue_pop(q, &b->chain)) > 0) {
			left--;
			read_stats(b);
			if (b->held)
				give_back(b);
			b->held = true;
			b->held_head = b->chain.head;
		}
	while (taken == 0 && queue_wait(q));
	if (taken < 0)
		virtio_broken(&b->device, "a ring is nonsense");
	else if (taken > 0)
		turn_again(&b->device, OPTIONAL);
}

/* Queues of features that were not taken are left out, and the next one has their number. */
static bool has_stats(const struct virtio_device *device)
{
	return device->accepted & FEATURE(VIRTIO_BALLOON_F_STATS_VQ);
}

static bool has_reporting(const struct virtio_device *device)
{
	return device->accepted & FEATURE(VIRTIO_BALLOON_F_REPORTING);
}

static void kicked(struct virtio_device *device, unsigned int queue)
{
	struct balloon *b = (struct balloon *)device;
	struct turn turn = {queue, TURN, &b->chain, NULL};

	if (queue == INFLATE)
		turn.answer = inflate;
	else if (queue == DEFLATE)
		turn.answer = deflate;
	else if (has_reporting(device) && queue == OPTIONAL + (has_stats(device) ? 1 : 0))
		turn.answer = report;
	if (turn.answer)
		turn_serve(device, &turn);
	else if (has_stats(device) && queue == OPTIONAL && !device->queue[queue].broken)
		take_stats(b);
}

static int activate(struct virtio_device *device, struct error *err)
{
	(void)err;
	for (unsigned int i = 0; i < QUEUES; i++)
		kicked(device, i);
	return 0;
}

static void reset(struct virtio_device *device)
{
	struct balloon *b = (struct balloon *)device;

	b->actual = 0;
	b->held = false;
	b->stats = (struct balloon_stats){0};
}

static void read_config(struct virtio_device *device, size_t offset, void *to, size_t length)
{
	const struct balloon *b = (const struct balloon *)device;
	const struct virtio_balloon_config config = {
		.num_pages = htole32(b->target),
		.actual = htole32(b->actual),
	};

	turn_config(&config, sizeof(config), offset, to, length);
}

static void write_config(struct virtio_device *device, size_t offset, const void *from,
                         size_t length)
{
	struct balloon *b = (struct balloon *)device;
	uint32_t value;

	if (offset != offsetof(struct virtio_balloon_config, actual) || length != sizeof(value))
		return;
	memcpy(&value, from, sizeof(value));
	b->actual = le32toh(value);
}

static const struct virtio_type type = {
	.name = "balloon",
	.id = VIRTIO_ID_BALLOON,
	.read_config = read_config,
	.write_config = write_config,
	.activate = activate,
	.reset = reset,
	.kicked = kicked,
};

struct virtio_device *virtio_balloon_new(struct error *err)
{
	struct balloon *b = calloc(1, sizeof(*b));

	if (!b) {
		(void)fail_errno(err, "balloon", "allocate");
		return NULL;
	}
	b->device.type = &type;
	b->device.offered = FEATURE(VIRTIO_BALLOON_F_STATS_VQ) |
	                    FEATURE(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
	                    FEATURE(VIRTIO_BALLOON_F_REPORTING);
	b->device.queue_count = QUEUES;
	for (unsigned int i = 0; i < QUEUES; i++)
		b->device.queue[i].size_max = SIZE;
	return &b->device;
}

void virtio_balloon_free(struct virtio_device *device)
{
	free((struct balloon *)device);
}

void virtio_balloon_set_target(struct virtio_device *device, uint32_t pages)
{
	struct balloon *b = (struct balloon *)device;

	if (b->target == pages)
		return;
	b->target = pages;
	virtio_config_changed(device);
}

uint32_t virtio_balloon_actual(const struct virtio_device *device)
{
	return ((const struct balloon *)device)->actual;
}

struct balloon_stats virtio_balloon_stats(struct virtio_device *device)
{
	struct balloon *b = (struct balloon *)device;

	if (b->held)
		give_back(b);
	return b->stats;
}

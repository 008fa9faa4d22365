/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of virtio over memory-mapped I/O, version 2 (virtio 1.2, 4.2.2), as a table: what each reads as
 * and what writing it does. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/table.h"

#include "virtio.h"

enum {
	MAGIC = 0x74726976, /* "virt" */
	VERSION = 2,
	VENDOR = 0x6c6c6563, /* "cell" */
	CONFIG = 0x100,
	STATUS_DRIVER_OK = 4,
	STATUS_FEATURES_OK = 8,
	STATUS_NEEDS_RESET = 64,
	INTERRUPT_USED = 1,
	INTERRUPT_CONFIG = 2,
};

struct reg {
	uint64_t offset;
	uint32_t (*read)(struct virtio_device *d);
	void (*write)(struct virtio_device *d, uint32_t value);
};

static uint64_t all_features(const struct virtio_device *d)
{
	return d->offered | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC;
}

static struct virtio_queue *selected(struct virtio_device *d)
{
	return d->queue_selected < d->queue_count ? &d->queue[d->queue_selected] : NULL;
}

/* A queue that may still be set up: what stands while it runs is no longer the driver's to change. */
static struct virtio_queue *open_queue(struct virtio_device *d)
{
	struct virtio_queue *q = selected(d);

	return q && !q->ready && !d->active ? q : NULL;
}

void virtio_broken(struct virtio_device *d, const char *why)
{
	log_debug("virtio %s: %s", d->type->name, why);
	d->status |= STATUS_NEEDS_RESET;
	virtio_config_changed(d);
}

void virtio_config_changed(struct virtio_device *d)
{
	const uint64_t one = 1;

	d->config_generation++;
	d->interrupts |= INTERRUPT_CONFIG;
	if (d->active && write(d->call, &one, sizeof(one)) < 0)
		log_debug("virtio %s: interrupt: %s", d->type->name, strerrordesc_np(errno));
}

static void reset(struct virtio_device *d)
{
	if (d->type->reset && d->active)
		d->type->reset(d);
	for (unsigned int i = 0; i < d->queue_count; i++)
		queue_reset(&d->queue[i]);
	d->accepted = 0;
	d->status = d->interrupts = d->queue_selected = 0;
	d->feature_page[0] = d->feature_page[1] = 0;
	d->active = false;
}

static void activate(struct virtio_device *d)
{
	struct error err;

	d->active = true;
	if (d->type->activate && d->type->activate(d, &err) < 0)
		virtio_broken(d, err.reason);
}

static uint32_t read_magic(struct virtio_device *d)
{
	(void)d;
	return MAGIC;
}

static uint32_t read_version(struct virtio_device *d)
{
	(void)d;
	return VERSION;
}

static uint32_t read_id(struct virtio_device *d)
{
	return d->type->id;
}

static uint32_t read_vendor(struct virtio_device *d)
{
	(void)d;
	return VENDOR;
}

static uint32_t read_features(struct virtio_device *d)
{
	uint32_t page = d->feature_page[0];

	return page < 2 ? (uint32_t)(all_features(d) >> (32 * page)) : 0;
}

static void select_features(struct virtio_device *d, uint32_t value)
{
	d->feature_page[0] = value;
}

static void write_features(struct virtio_device *d, uint32_t value)
{
	uint32_t page = d->feature_page[1];

	if (page > 1 || (d->status & STATUS_FEATURES_OK))
		return;
	d->accepted &= ~(UINT64_C(0xffffffff) << (32 * page));
	d->accepted |= (uint64_t)value << (32 * page);
}

static void select_accepted(struct virtio_device *d, uint32_t value)
{
	d->feature_page[1] = value;
}

static void select_queue(struct virtio_device *d, uint32_t value)
{
	d->queue_selected = value;
}

static uint32_t read_size_max(struct virtio_device *d)
{
	const struct virtio_queue *q = selected(d);

	return q ? q->size_max : 0;
}

static void write_size(struct virtio_device *d, uint32_t value)
{
	struct virtio_queue *q = open_queue(d);

	if (q)
		q->size = value <= QUEUE_SIZE_MAX ? (uint16_t)value : 0;
}

static uint32_t read_ready(struct virtio_device *d)
{
	const struct virtio_queue *q = selected(d);

	return q && q->ready;
}

static void write_ready(struct virtio_device *d, uint32_t value)
{
	struct virtio_queue *q = selected(d);
	struct error err;

	if (!q || value > 1 || q->ready == (value == 1))
		return;
	if (value == 0) {
		q->ready = false;
		return;
	}
	if (d->active)
		return;
	q->event_idx = d->accepted & VIRTIO_F_EVENT_IDX;
	q->indirect = d->accepted & VIRTIO_F_INDIRECT_DESC;
	if (queue_enable(q, &err) < 0)
		virtio_broken(d, err.reason);
}

/* Only where nobody waits at the queue's eventfd: else KVM has written there itself. */
static void write_notify(struct virtio_device *d, uint32_t value)
{
	if (d->active && value < d->queue_count && d->type->kicked)
		d->type->kicked(d, value);
}

/* What runs beside us signals used buffers without telling us, so that bit is always set: each device has an
 * interrupt of its own, and a look at the rings is all that it causes. */
static uint32_t read_interrupts(struct virtio_device *d)
{
	return d->interrupts | INTERRUPT_USED;
}

static void write_acknowledge(struct virtio_device *d, uint32_t value)
{
	d->interrupts &= ~value;
}

static uint32_t read_status(struct virtio_device *d)
{
	return d->status;
}

/* Spec: 2.1, 3.1.1. Bits are only added, zero is a reset. */
static void write_status(struct virtio_device *d, uint32_t value)
{
	if (value == 0) {
		reset(d);
		return;
	}
	value = (value | d->status) & 0xff;
	if ((value & STATUS_FEATURES_OK) &&
	    ((d->accepted & ~all_features(d)) || !(d->accepted & VIRTIO_F_VERSION_1)))
		value &= ~(uint32_t)STATUS_FEATURES_OK;
	d->status = value;
	if ((value & STATUS_DRIVER_OK) && (value & STATUS_FEATURES_OK) && !d->active)
		activate(d);
}

static uint32_t read_generation(struct virtio_device *d)
{
	return d->config_generation;
}

/* No shared memory regions: their length is -1. */
static uint32_t read_no_region(struct virtio_device *d)
{
	(void)d;
	return UINT32_MAX;
}

#define ADDRESS_HALF(name, member, shift)                                                          \
	static void write_##name(struct virtio_device *d, uint32_t value)                          \
	{                                                                                          \
		struct virtio_queue *q = open_queue(d);                                            \
                                                                                                   \
		if (q)                                                                             \
			q->member = (q->member & ~(UINT64_C(0xffffffff) << (shift))) |             \
			            (uint64_t)value << (shift);                                    \
	}
ADDRESS_HALF(descriptors_low, descriptors, 0)
ADDRESS_HALF(descriptors_high, descriptors, 32)
ADDRESS_HALF(available_low, available, 0)
ADDRESS_HALF(available_high, available, 32)
ADDRESS_HALF(used_low, used, 0)
ADDRESS_HALF(used_high, used, 32)

static const struct reg registers[] = {
	{0x000, read_magic,      NULL                  },
	{0x004, read_version,    NULL                  },
	{0x008, read_id,         NULL                  },
	{0x00c, read_vendor,     NULL                  },
	{0x010, read_features,   NULL                  },
	{0x014, NULL,            select_features       },
	{0x020, NULL,            write_features        },
	{0x024, NULL,            select_accepted       },
	{0x030, NULL,            select_queue          },
	{0x034, read_size_max,   NULL                  },
	{0x038, NULL,            write_size            },
	{0x044, read_ready,      write_ready           },
	{0x050, NULL,            write_notify          },
	{0x060, read_interrupts, NULL                  },
	{0x064, NULL,            write_acknowledge     },
	{0x070, read_status,     write_status          },
	{0x080, NULL,            write_descriptors_low },
	{0x084, NULL,            write_descriptors_high},
	{0x090, NULL,            write_available_low   },
	{0x094, NULL,            write_available_high  },
	{0x0a0, NULL,            write_used_low        },
	{0x0a4, NULL,            write_used_high       },
	{0x0b0, read_no_region,  NULL                  },
	{0x0b4, read_no_region,  NULL                  },
	{0x0fc, read_generation, NULL                  },
};

static const struct reg *find(uint64_t offset, size_t length)
{
	for (size_t i = 0; length == 4 && i < ARRAY_SIZE(registers); i++)
		if (registers[i].offset == offset)
			return &registers[i];
	return NULL;
}

/* Configuration is read in pieces of 1, 2, 4 or 8 bytes, aligned to their size. */
static bool in_config(uint64_t offset, size_t length)
{
	return offset >= CONFIG && offset < VIRTIO_MMIO_SIZE && length > 0 && length <= 8 &&
	       !(length & (length - 1)) && offset % length == 0;
}

void virtio_mmio_read(struct virtio_device *d, uint64_t offset, void *to, size_t length)
{
	const struct reg *reg = find(offset, length);
	uint32_t value = 0;

	memset(to, 0, length);
	if (in_config(offset, length) && d->type->read_config) {
		d->type->read_config(d, offset - CONFIG, to, length);
		return;
	}
	if (!reg || !reg->read)
		return;
	value = reg->read(d);
	memcpy(to, &value, sizeof(value));
}

void virtio_mmio_write(struct virtio_device *d, uint64_t offset, const void *from, size_t length)
{
	const struct reg *reg = find(offset, length);
	uint32_t value;

	if (in_config(offset, length) && d->type->write_config) {
		d->type->write_config(d, offset - CONFIG, from, length);
		return;
	}
	if (!reg || !reg->write)
		return;
	memcpy(&value, from, sizeof(value));
	reg->write(d, value);
}

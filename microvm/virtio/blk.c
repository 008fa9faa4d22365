/* SPDX-License-Identifier: Apache-2.0 */
/* A request is a header of 16 bytes, data, and one byte for the status, the last that can be written. The header is
 * copied once; the data is read and written where it stands. A kind of request is a row of a table and a function, that
 * knows nothing of rings: it could run elsewhere.
 *
 * What a guest can make us do at once is bounded: a request by its bytes, a turn by its requests and theirs. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/table.h"

#include "blk.h"
#include "blk_image.h"
#include "turn.h"

enum {
	SIZE = 256,
	SECTOR = 512,
	SEGMENTS = SIZE - 2,     /* data of a chain: all but header and status */
	SEGMENT_MAX = 128 << 10, /* bytes */
	DATA_MAX = SEGMENTS * SEGMENT_MAX,
	RANGES_MAX = 16, /* of a request that discards */
	DISCARD_MAX = (1 << 30) / SECTOR,
	ZEROES_MAX = (32 << 20) / SECTOR,
	TURN = 256, /* requests, or 64 KiB of data */
};

#define FEATURE(bit) (UINT64_C(1) << (bit))

struct blk {
	struct virtio_device device;
	struct blk_image image;
	struct virtio_chain chain;
	char id[VIRTIO_BLK_ID_BYTES];
	struct virtio_blk_config config;
};

/* A request whose header was copied. */
struct request {
	struct virtio_chain *chain;
	uint32_t type;
	uint64_t sector;
	size_t out,
		in; /* bytes of data: from the guest, behind the header; to the guest, before the status */
	size_t given; /* how many of `in` were filled */
};

/* Whether count sectors from sector on are on the disk. */
static bool on_disk(const struct blk *b, uint64_t sector, uint64_t count)
{
	uint64_t capacity = b->image.bytes / SECTOR;

	return sector <= capacity && count <= capacity - sector;
}

static bool is_data(const struct blk *b, const struct request *r, size_t length)
{
	return length <= DATA_MAX && length % SECTOR == 0 && on_disk(b, r->sector, length / SECTOR);
}

static uint8_t read_data(struct blk *b, struct request *r)
{
	const struct blk_image_data data = {r->chain, 0, r->in, r->sector * SECTOR};

	if (!is_data(b, r, r->in) || blk_image_read(&b->image, &data) < 0)
		return VIRTIO_BLK_S_IOERR;
	r->given = r->in;
	return VIRTIO_BLK_S_OK;
}

static uint8_t write_data(struct blk *b, struct request *r)
{
	const struct blk_image_data data = {r->chain, sizeof(struct virtio_blk_outhdr), r->out,
	                                    r->sector * SECTOR};

	if (!is_data(b, r, r->out) || blk_image_write(&b->image, &data) < 0)
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static uint8_t flush(struct blk *b, struct request *r)
{
	(void)r;
	return blk_image_flush(&b->image) < 0 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

static uint8_t get_id(struct blk *b, struct request *r)
{
	if (r->in < sizeof(b->id) || chain_write(r->chain, 0, b->id, sizeof(b->id)) < sizeof(b->id))
		return VIRTIO_BLK_S_IOERR;
	r->given = sizeof(b->id);
	return VIRTIO_BLK_S_OK;
}

/* One range of a request that discards. Spec: 5.2.6.1. */
static uint8_t clear_range(struct blk *b, struct request *r,
                           const struct virtio_blk_discard_write_zeroes *range)
{
	bool discards = r->type == VIRTIO_BLK_T_DISCARD;
	uint32_t count = le32toh(range->num_sectors), flags = le32toh(range->flags);
	uint64_t sector = le64toh(range->sector);

	if (flags & (discards ? UINT32_MAX : ~(uint32_t)VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
		return VIRTIO_BLK_S_UNSUPP;
	if (count > (discards ? DISCARD_MAX : ZEROES_MAX) || !on_disk(b, sector, count))
		return VIRTIO_BLK_S_IOERR;
	if ((discards ? blk_image_discard(&b->image, sector * SECTOR, (uint64_t)count * SECTOR)
	              : blk_image_zero(&b->image, sector * SECTOR, (uint64_t)count * SECTOR,
	                               flags != 0)) < 0)
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static uint8_t clear(struct blk *b, struct request *r)
{
	struct virtio_blk_discard_write_zeroes range[RANGES_MAX];
	size_t count = r->out / sizeof(range[0]);
	uint8_t status = VIRTIO_BLK_S_OK;

	if (!b->image.clears)
		return VIRTIO_BLK_S_UNSUPP;
	if (r->out == 0 || r->out > sizeof(range) || r->out % sizeof(range[0]))
		return VIRTIO_BLK_S_IOERR;
	(void)chain_read(r->chain, sizeof(struct virtio_blk_outhdr), range, r->out);
	for (size_t i = 0; i < count && status == VIRTIO_BLK_S_OK; i++)
		status = clear_range(b, r, &range[i]);
	return status;
}

static const struct kind {
	uint32_t type;
	bool writes;
	uint8_t (*act)(struct blk *b, struct request *r);
} kinds[] = {
	{VIRTIO_BLK_T_IN,           false, read_data },
        {VIRTIO_BLK_T_OUT,          true,  write_data},
	{VIRTIO_BLK_T_FLUSH,        false, flush     },
        {VIRTIO_BLK_T_GET_ID,       false, get_id    },
	{VIRTIO_BLK_T_DISCARD,      true,  clear     },
        {VIRTIO_BLK_T_WRITE_ZEROES, true,  clear     },
};

static uint8_t act(struct blk *b, struct request *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].type != r->type)
			continue;
		if (kinds[i].writes && b->image.read_only)
			return VIRTIO_BLK_S_IOERR;
		return kinds[i].act(b, r);
	}
	return VIRTIO_BLK_S_UNSUPP;
}

static uint32_t answer(struct virtio_device *device, struct turn *turn)
{
	struct virtio_chain *chain = turn->chain;
	struct virtio_blk_outhdr header;
	struct request r = {.chain = chain};
	uint8_t status = VIRTIO_BLK_S_IOERR;

	if (chain->writable_bytes == 0)
		return 0; /* no place to say anything */
	r.in = chain->writable_bytes - 1;
	if (chain_read(chain, 0, &header, sizeof(header)) == sizeof(header)) {
		r.out = chain->readable_bytes - sizeof(header);
		r.type = le32toh(header.type);
		r.sector = le64toh(header.sector);
		status = act((struct blk *)device, &r);
	}
	turn_spend(turn, (r.in + r.out) >> 16);
	(void)chain_write(chain, r.in, &status, sizeof(status));
	return (uint32_t)r.given + 1;
}

static void kicked(struct virtio_device *device, unsigned int queue)
{
	struct turn turn = {queue, TURN, &((struct blk *)device)->chain, answer};

	turn_serve(device, &turn);
}

static int activate(struct virtio_device *device, struct error *err)
{
	(void)err;
	/* who could flush and doesn't know how to is served by writing through. Spec: 5.2.5.2 */
	((struct blk *)device)->image.through =
		(device->offered & ~device->accepted) & FEATURE(VIRTIO_BLK_F_FLUSH);
	kicked(device, 0);
	return 0;
}

static void read_config(struct virtio_device *device, size_t offset, void *to, size_t length)
{
	const struct blk *b = (const struct blk *)device;

	turn_config(&b->config, sizeof(b->config), offset, to, length);
}

static const struct virtio_type type = {
	.name = "blk",
	.id = VIRTIO_ID_BLOCK,
	.read_config = read_config,
	.activate = activate,
	.kicked = kicked,
};

static void describe(struct blk *b)
{
	const struct blk_image *image = &b->image;

	b->device.type = &type;
	b->device.queue_count = 1;
	b->device.queue[0].size_max = SIZE;
	b->device.offered = FEATURE(VIRTIO_BLK_F_SIZE_MAX) | FEATURE(VIRTIO_BLK_F_SEG_MAX) |
	                    FEATURE(VIRTIO_BLK_F_BLK_SIZE);
	if (image->read_only)
		b->device.offered |= FEATURE(VIRTIO_BLK_F_RO);
	else if (image->overlay < 0)
		b->device.offered |= FEATURE(VIRTIO_BLK_F_FLUSH);
	if (image->clears)
		b->device.offered |=
			FEATURE(VIRTIO_BLK_F_DISCARD) | FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
	b->config = (struct virtio_blk_config){
		.capacity = htole64(image->bytes / SECTOR),
		.size_max = htole32(SEGMENT_MAX),
		.seg_max = htole32(SEGMENTS),
		.blk_size = htole32(image->block_bytes),
		.max_discard_sectors = htole32(DISCARD_MAX),
		.max_discard_seg = htole32(RANGES_MAX),
		.discard_sector_alignment =
			htole32((image->overlay < 0 ? 4096 : image->cluster_bytes) / SECTOR),
		.max_write_zeroes_sectors = htole32(ZEROES_MAX),
		.max_write_zeroes_seg = htole32(RANGES_MAX),
		.write_zeroes_may_unmap = 1,
	};
}

struct virtio_device *virtio_blk_new(const struct virtio_blk_options *options, struct error *err)
{
	struct blk *b = calloc(1, sizeof(*b));
	int file = options->file, overlay = options->overlay;

	if (!b) {
		(void)fail_errno(err, "blk", "allocate");
		fd_release(&file);
		fd_release(&overlay);
		return NULL;
	}
	if (blk_image_open(options, &b->image, err) < 0) {
		free(b);
		return NULL;
	}
	if (options->id)
		memcpy(b->id, options->id, strnlen(options->id, sizeof(b->id)));
	describe(b);
	return &b->device;
}

void virtio_blk_free(struct virtio_device *device)
{
	struct blk *b = (struct blk *)device;

	if (!b)
		return;
	blk_image_close(&b->image);
	free(b);
}

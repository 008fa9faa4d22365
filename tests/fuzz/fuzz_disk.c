/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"
#include "microvm/virtio/blk.h"
#include "tests/unit/microvm/virtio/driver.h"

#include "must.h"

/* A guest that asks a disk for what it may, and for more than it has: what it reads is what it wrote, and zeros where
 * it cleared, whatever lies in the image and whatever in the overlay; an image below an overlay, and one that is
 * read-only, stays as it is. The host may have room for a part of it only: what is asked of the rest fails, and nothing
 * else has changed. (A guest that breaks the rules is fuzz_devices.) */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SECTOR = 512,
	SECTORS_MOST = 160,
	MEMORY = 1 << 20,
	HEAD = 0x10000,
	STATUS = 0x10100,
	DATA = 0x11000,
	DEEDS = 60,
	NOT_SAID = 0xee,
};

struct contents {
	uint8_t byte[SECTORS_MOST * SECTOR];
	bool unknown[SECTORS_MOST]; /* was discarded: reads as anything */
};

static uint8_t pattern[SECTORS_MOST * SECTOR + UINT8_MAX];

struct play {
	struct reader in;
	struct driver driver;
	struct virtio_device *device;
	int file;
	bool read_only, below;
	uint64_t sectors, cluster_bytes;
	uint64_t room; /* bytes, of what is written to; 0: as many as there are */
	uint8_t image[SECTORS_MOST * SECTOR];
	struct contents model;
};

/* ---- a request ---- */

struct wish {
	uint32_t type;
	uint64_t sector;
	uint32_t bytes;
	bool to_guest;
};

/* The data in one to four pieces. */
static unsigned int cut(struct play *p, const struct wish *w, struct driver_buffer *buffer)
{
	uint8_t how = read_u8(&p->in);
	uint32_t done = 0;
	unsigned int count = 0;

	while (done < w->bytes) {
		uint32_t part = w->bytes - done;

		if (count < (how & 3) && part > 1)
			part = 1 + read_u8(&p->in) * 37 % (part - 1);
		buffer[count++] = (struct driver_buffer){DATA + done, part, w->to_guest};
		done += part;
	}
	return count;
}

/* Nothing but the device is to feel it. */
static void limit_room(const struct play *p, bool limited)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = limited && p->room > 0 ? p->room : limit.rlim_max;
	must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* For what is written there, in whole clusters. */
static bool has_room(const struct play *p, uint64_t sector, uint64_t count)
{
	uint64_t end = (sector + count) * SECTOR;

	if (p->below)
		end += (p->cluster_bytes - end % p->cluster_bytes) % p->cluster_bytes;
	return p->room == 0 || count == 0 || end <= p->room;
}

/* Returns  the status, after exactly one chain has come back with as much as was given. */
static uint8_t ask(struct play *p, const struct wish *wish)
{
	struct writer w = writer_of(driver_bytes(&p->driver, HEAD, 16), 16);
	struct driver_buffer buffer[6] = {
		{HEAD, 16, false}
        };
	unsigned int count = 1 + cut(p, wish, buffer + 1);
	uint8_t *status = driver_at(&p->driver, STATUS, 1);
	uint32_t written = 0;
	int head;

	write_u32(&w, wish->type);
	write_u32(&w, 0);
	write_u64(&w, wish->sector);
	*status = NOT_SAID;
	buffer[count++] = (struct driver_buffer){STATUS, 1, true};
	head = read_u8(&p->in) & 1 ? driver_add_indirect(&p->driver, 0, HEAD + 0x200, buffer, count)
	                           : driver_add(&p->driver, 0, buffer, count);
	must(head >= 0);
	limit_room(p, true);
	driver_kick(&p->driver, 0);
	limit_room(p, false);
	must(driver_used(&p->driver, 0, &written) == head && driver_waiting(&p->driver, 0) == 0);
	must(*status <= VIRTIO_BLK_S_UNSUPP && !driver_needs_reset(&p->driver));
	must(written == (wish->to_guest && *status == VIRTIO_BLK_S_OK ? wish->bytes : 0) + 1);
	return *status;
}

static bool on_disk(const struct play *p, uint64_t sector, uint64_t count)
{
	return sector <= p->sectors && count <= p->sectors - sector;
}

/* A place that is mostly on the disk. */
static uint64_t a_sector(struct play *p)
{
	uint16_t place = read_u16(&p->in);

	return place == UINT16_MAX ? read_u64(&p->in) : place % (p->sectors + 2);
}

/* ---- deeds ---- */

static void read_at(struct play *p, uint64_t sector, uint64_t count)
{
	const struct wish wish = {VIRTIO_BLK_T_IN, sector, (uint32_t)count * SECTOR, true};
	const uint8_t *data = driver_at(&p->driver, DATA, SECTORS_MOST * SECTOR);

	must((ask(p, &wish) == VIRTIO_BLK_S_OK) == on_disk(p, sector, count));
	if (!on_disk(p, sector, count))
		return;
	for (uint64_t i = 0; i < count; i++)
		must(p->model.unknown[sector + i] ||
		     memcmp(data + i * SECTOR, p->model.byte + (sector + i) * SECTOR, SECTOR) == 0);
}

/* What failed for want of room was done or not, sector by sector: which, is read. */
static void settle(struct play *p, const struct contents *before)
{
	const struct wish wish = {VIRTIO_BLK_T_IN, 0, (uint32_t)p->sectors * SECTOR, true};
	const uint8_t *data = driver_at(&p->driver, DATA, SECTORS_MOST * SECTOR);

	must(ask(p, &wish) == VIRTIO_BLK_S_OK);
	for (size_t i = 0; i < p->sectors; i++) {
		uint8_t *sector = p->model.byte + i * SECTOR;

		p->model.unknown[i] = p->model.unknown[i] || before->unknown[i];
		must(p->model.unknown[i] || memcmp(data + i * SECTOR, sector, SECTOR) == 0 ||
		     memcmp(data + i * SECTOR, before->byte + i * SECTOR, SECTOR) == 0);
		memcpy(sector, data + i * SECTOR, SECTOR);
	}
}

static void do_read(struct play *p)
{
	uint64_t sector = a_sector(p);

	read_at(p, sector, read_u8(&p->in) % SECTORS_MOST);
}

static void do_write(struct play *p)
{
	struct wish wish = {VIRTIO_BLK_T_OUT, a_sector(p), 0, false};
	uint64_t count = read_u8(&p->in) % SECTORS_MOST;
	uint8_t what = read_u8(&p->in), *data = driver_at(&p->driver, DATA, SECTORS_MOST * SECTOR);
	bool right = on_disk(p, wish.sector, count) && !p->read_only, failed;
	struct contents before = p->model;

	wish.bytes = (uint32_t)count * SECTOR;
	memcpy(data, pattern + what, wish.bytes);
	failed = ask(p, &wish) != VIRTIO_BLK_S_OK;
	must(failed == !right || (right && !has_room(p, wish.sector, count)));
	if (!right || count == 0)
		return;
	memcpy(p->model.byte + wish.sector * SECTOR, pattern + what, wish.bytes);
	memset(p->model.unknown + wish.sector, 0, count * sizeof(p->model.unknown[0]));
	if (failed)
		settle(p, &before);
}

/* Up to four ranges; the first that is wrong ends it. */
static void clear(struct play *p, uint32_t type)
{
	uint8_t count = 1 + read_u8(&p->in) % 4, how = read_u8(&p->in);
	struct wish wish = {type, 0, count * 16U, false};
	struct writer w = writer_of(driver_bytes(&p->driver, DATA, 64), 64);
	bool discards = type == VIRTIO_BLK_T_DISCARD, right = !p->read_only, room = true;
	struct contents before = p->model;

	for (uint8_t i = 0; i < count; i++) {
		uint64_t sector = a_sector(p);
		uint32_t sectors = read_u8(&p->in), flags = discards ? how == 255 : how >> i & 1;

		write_u64(&w, sector);
		write_u32(&w, sectors);
		write_u32(&w, flags);
		right = right && on_disk(p, sector, sectors) && !(discards && flags);
		room = room && (!right || has_room(p, sector, sectors));
		for (uint32_t s = 0; right && s < sectors; s++) {
			p->model.unknown[sector + s] = discards;
			if (!discards)
				memset(p->model.byte + (sector + s) * SECTOR, 0, SECTOR);
		}
	}
	if (ask(p, &wish) == VIRTIO_BLK_S_OK) {
		must(right);
		return;
	}
	must(!right || !room);
	if (!room)
		settle(p, &before);
}

static void do_zero(struct play *p)
{
	clear(p, VIRTIO_BLK_T_WRITE_ZEROES);
}

static void do_discard(struct play *p)
{
	clear(p, VIRTIO_BLK_T_DISCARD);
}

static void do_flush(struct play *p)
{
	const struct wish wish = {VIRTIO_BLK_T_FLUSH, a_sector(p), 0, false};

	must(ask(p, &wish) == VIRTIO_BLK_S_OK);
}

static void do_id(struct play *p)
{
	const struct wish wish = {VIRTIO_BLK_T_GET_ID, a_sector(p), VIRTIO_BLK_ID_BYTES, true};

	must(ask(p, &wish) == VIRTIO_BLK_S_OK);
	must(memcmp(driver_bytes(&p->driver, DATA, VIRTIO_BLK_ID_BYTES), "a disk", 7) == 0);
}

/* Of a kind that there is none of, or of a length that is none. */
static void do_wrong(struct play *p)
{
	struct wish wish = {read_u8(&p->in) & 1 ? 99 : VIRTIO_BLK_T_OUT, a_sector(p), 0, false};

	wish.bytes = read_u8(&p->in) * 2U + 1;
	must(ask(p, &wish) != VIRTIO_BLK_S_OK);
}

static void do_start(struct play *p)
{
	uint64_t features = VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | read_u16(&p->in);

	driver_start(&p->driver,
	             features & (p->device->offered | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC),
	             8U << read_u8(&p->in) % 4);
}

static void (*const deeds[])(struct play *p) = {
	do_read, do_write, do_write, do_zero, do_discard, do_flush, do_id, do_wrong, do_start,
};

/* ---- around it ---- */

static void make_disk(struct play *p)
{
	uint8_t how = read_u8(&p->in);
	uint16_t size = read_u16(&p->in), rest = size / (SECTORS_MOST - 1);
	struct virtio_blk_options options = {.overlay = -1, .id = "a disk"};
	struct error err;

	p->sectors = 1 + size % (SECTORS_MOST - 1);
	p->read_only = how & 1;
	p->below = how & 2;
	memcpy(p->image, pattern, p->sectors * SECTOR);
	memcpy(p->model.byte, pattern, p->sectors * SECTOR);
	p->file = memfd_create("disk", MFD_CLOEXEC);
	/* what is behind the last whole sector is none of the disk */
	must(pwrite(p->file, p->image, p->sectors * SECTOR, 0) == (ssize_t)(p->sectors * SECTOR));
	if (how & 4)
		must(pwrite(p->file, "rest", 4, (off_t)(p->sectors * SECTOR)) == 4);
	options.file = fcntl(p->file, F_DUPFD_CLOEXEC, 0);
	options.read_only = p->read_only;
	options.cluster_bytes = 4096U << (how >> 3) % 5;
	p->cluster_bytes = options.cluster_bytes;
	p->room = rest & 1 ? (1 + rest / 2 % p->sectors) * SECTOR : 0;
	if (p->below)
		options.overlay = memfd_create("overlay", MFD_CLOEXEC);
	p->device = virtio_blk_new(&options, &err);
	must(p->device);
}

/* The image is what it was, or what was written to it. */
static void check_file(const struct play *p)
{
	static uint8_t now[SECTORS_MOST * SECTOR + 4];
	const struct contents *model = p->below || p->read_only ? NULL : &p->model;
	const uint8_t *right = model ? model->byte : p->image;
	ssize_t n = pread(p->file, now, sizeof(now), 0);

	must(n == (ssize_t)(p->sectors * SECTOR) ||
	     (n == (ssize_t)(p->sectors * SECTOR + 4) && memcmp(now + n - 4, "rest", 4) == 0));
	for (size_t i = 0; i < p->sectors; i++)
		must((model && model->unknown[i]) ||
		     memcmp(now + i * SECTOR, right + i * SECTOR, SECTOR) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play *p = calloc(1, sizeof(*p));

	must(p);
	if (!pattern[1])
		for (size_t i = 0; i < sizeof(pattern); i++)
			pattern[i] = (uint8_t)(i * 7 + i / SECTOR);
	(void)signal(SIGXFSZ, SIG_IGN);
	p->in = reader_of(data, size);
	make_disk(p);
	driver_open(&p->driver, p->device, MEMORY);
	do_start(p);
	for (int i = 0; i < DEEDS && p->in.left > 0; i++)
		deeds[read_u8(&p->in) % (sizeof(deeds) / sizeof(deeds[0]))](p);
	read_at(p, 0, p->sectors);
	virtio_blk_free(p->device);
	driver_close(&p->driver);
	check_file(p);
	(void)close(p->file);
	free(p);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The overlay is as long as the disk and has holes where nothing was written; a cluster has the same place in both.
 * The first write to a cluster brings the rest of it along, unless it covers all of it. A bit is set when the cluster
 * is complete: after a failure in between the image still counts. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

#include "blk_image.h"

enum { CLUSTER_MIN = 4096, SECTOR = 512 };

static const uint8_t zeros[CLUSTER_MAX];

static bool is_present(const struct blk_image *image, uint64_t cluster)
{
	return image->present[cluster / 8] & (1U << cluster % 8);
}

static void set_present(struct blk_image *image, uint64_t place, uint64_t length)
{
	uint64_t last = (place + length - 1) / image->cluster_bytes;

	for (uint64_t c = place / image->cluster_bytes; c <= last; c++)
		image->present[c / 8] |= (uint8_t)(1U << c % 8);
}

/* How much of a range, from its beginning on, is in one of the two files; in *ret_file which. */
static uint64_t stretch(const struct blk_image *image, uint64_t place, uint64_t length,
                        int *ret_file)
{
	uint64_t cluster = place / image->cluster_bytes, end;
	bool present;

	*ret_file = image->file;
	if (image->overlay < 0)
		return length;
	present = is_present(image, cluster);
	if (present)
		*ret_file = image->overlay;
	do
		end = ++cluster * image->cluster_bytes;
	while (end < place + length && is_present(image, cluster) == present);
	return end < place + length ? end - place : length;
}

/* All of a stretch, in as many calls as it takes. */
static int move(struct blk_image *image, int file, const struct blk_image_data *data, bool out)
{
	struct iovec *piece = image->piece;
	size_t done = 0;

	while (done < data->length) {
		off_t at = (off_t)(data->place + done);
		size_t bytes, count;
		ssize_t moved;

		count = (out ? chain_readable : chain_writable)(data->chain, data->offset + done,
		                                                data->length - done, piece, &bytes);
		if (bytes < data->length - done)
			return -1;
		moved = out ? pwritev2(file, piece, (int)count, at, image->through ? RWF_DSYNC : 0)
		            : preadv(file, piece, (int)count, at);
		if (moved < 0 && errno == EINTR)
			continue;
		if (moved <= 0)
			return -1; /* an end: somebody has cut the file */
		done += (size_t)moved;
	}
	return 0;
}

int blk_image_read(struct blk_image *image, const struct blk_image_data *data)
{
	struct blk_image_data part = *data;
	int file;

	for (size_t done = 0; done < data->length; done += part.length) {
		part.offset = data->offset + done;
		part.place = data->place + done;
		part.length = stretch(image, part.place, data->length - done, &file);
		if (move(image, file, &part, false) < 0)
			return -1;
	}
	return 0;
}

/* Bring a cluster into the overlay as it is in the image. */
static int copy_up(struct blk_image *image, uint64_t cluster)
{
	uint64_t place = cluster * image->cluster_bytes;
	uint64_t left = image->bytes - place;
	size_t length = left < image->cluster_bytes ? (size_t)left : image->cluster_bytes;

	if (pread(image->file, image->cluster, length, (off_t)place) != (ssize_t)length ||
	    pwrite(image->overlay, image->cluster, length, (off_t)place) != (ssize_t)length)
		return -1;
	set_present(image, place, length);
	return 0;
}

/* The clusters that a range begins and ends in are copied where it doesn't cover them. */
static int prepare(struct blk_image *image, uint64_t place, uint64_t length)
{
	uint64_t end = place + length;
	uint64_t first = place / image->cluster_bytes, last = (end - 1) / image->cluster_bytes;

	if (place % image->cluster_bytes && !is_present(image, first) && copy_up(image, first) < 0)
		return -1;
	if (end % image->cluster_bytes && end < image->bytes && !is_present(image, last))
		return copy_up(image, last);
	return 0;
}

int blk_image_write(struct blk_image *image, const struct blk_image_data *data)
{
	if (image->overlay < 0)
		return move(image, image->file, data, true);
	if (data->length == 0)
		return 0;
	if (prepare(image, data->place, data->length) < 0 ||
	    move(image, image->overlay, data, true) < 0)
		return -1;
	set_present(image, data->place, data->length);
	return 0;
}

int blk_image_flush(const struct blk_image *image)
{
	return image->overlay >= 0 || image->read_only ? 0 : fdatasync(image->file);
}

static int punch(int file, uint64_t place, uint64_t length)
{
	return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)place,
	                 (off_t)length);
}

static int write_zeros(int file, uint64_t place, uint64_t length)
{
	while (length > 0) {
		size_t most = length < sizeof(zeros) ? (size_t)length : sizeof(zeros);
		ssize_t done = pwrite(file, zeros, most, (off_t)place);

		if (done <= 0)
			return -1;
		place += (uint64_t)done;
		length -= (uint64_t)done;
	}
	return 0;
}

/* Keeping the room: by the file system where it knows how. */
static int zero_kept(int file, uint64_t place, uint64_t length)
{
	if (fallocate(file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)place,
	              (off_t)length) == 0)
		return 0;
	return errno == EOPNOTSUPP ? write_zeros(file, place, length) : -1;
}

int blk_image_zero(struct blk_image *image, uint64_t place, uint64_t length, bool unmap)
{
	if (length == 0)
		return 0;
	if (image->overlay < 0) {
		if ((unmap ? punch : zero_kept)(image->file, place, length) < 0)
			return -1;
		return image->through ? fdatasync(image->file) : 0;
	}
	/* nobody was promised room in the overlay */
	if (prepare(image, place, length) < 0 || punch(image->overlay, place, length) < 0)
		return -1;
	set_present(image, place, length);
	return 0;
}

int blk_image_discard(struct blk_image *image, uint64_t place, uint64_t length)
{
	int file;

	if (image->overlay < 0)
		return blk_image_zero(image, place, length, true);
	/* what is not in the overlay takes no room there */
	while (length > 0) {
		uint64_t part = stretch(image, place, length, &file);

		if (file == image->overlay && punch(file, place, part) < 0)
			return -1;
		place += part;
		length -= part;
	}
	return 0;
}

static int measure(struct blk_image *image, struct error *err)
{
	struct stat st;
	int block = SECTOR;

	if (fstat(image->file, &st) < 0)
		return fail_errno(err, "blk", "fstat");
	image->bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(image->file, BLKGETSIZE64, &image->bytes) < 0 ||
		    ioctl(image->file, BLKSSZGET, &block) < 0)
			return fail_errno(err, "blk", "size of the device");
	} else if (!S_ISREG(st.st_mode)) {
		return fail(err, ERROR_SYSTEM, "blk", "its image is no file and no block device");
	}
	image->block_bytes = (uint32_t)block;
	image->bytes -= image->bytes % SECTOR;
	if (image->bytes == 0)
		return fail(err, ERROR_SYSTEM, "blk", "its image has not one sector");
	/* Beyond its end a file has nothing to lose. A block device would refuse that place: it is not asked. */
	image->clears =
		!image->read_only &&
		(image->overlay >= 0 ||
	         (S_ISREG(st.st_mode) && punch(image->file, (uint64_t)st.st_size, SECTOR) == 0));
	return 0;
}

static int open_overlay(struct blk_image *image, struct error *err)
{
	uint32_t size = image->cluster_bytes;
	uint64_t clusters;

	if (size < CLUSTER_MIN || size > CLUSTER_MAX || (size & (size - 1)))
		return fail(err, ERROR_SYSTEM, "blk",
		            "clusters of %u bytes are no power of two from %d to %d", size,
		            CLUSTER_MIN, CLUSTER_MAX);
	if (ftruncate(image->overlay, 0) < 0 || ftruncate(image->overlay, (off_t)image->bytes) < 0)
		return fail_errno(err, "blk", "size of the overlay");
	clusters = (image->bytes + size - 1) / size;
	image->present = calloc(1, clusters / 8 + 1);
	image->cluster = malloc(size);
	if (!image->present || !image->cluster)
		return fail_errno(err, "blk", "allocate");
	return 0;
}

int blk_image_open(const struct virtio_blk_options *options, struct blk_image *ret,
                   struct error *err)
{
	*ret = (struct blk_image){
		.file = options->file,
		.overlay = options->overlay,
		.read_only = options->read_only,
		.cluster_bytes = options->cluster_bytes ? options->cluster_bytes : CLUSTER_MAX,
	};
	if (measure(ret, err) < 0 || (ret->overlay >= 0 && open_overlay(ret, err) < 0)) {
		blk_image_close(ret);
		return -1;
	}
	return 0;
}

void blk_image_close(struct blk_image *image)
{
	fd_release(&image->file);
	fd_release(&image->overlay);
	image->file = image->overlay = -1;
	free(image->present);
	free(image->cluster);
	image->present = image->cluster = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Each library writes straight into what is returned, and is given room for one byte more than the
 * limit: so what is too large shows itself, and what fits exactly can still come to its end. */
#define ZLIB_CONST /* what is read is const */

#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "base/table.h"

#include "unpack.h"

enum {
	FIRST_SIZE = 1 << 20,
	LZ4_MAGIC = 0x184c2102,
	LZ4_BLOCK = 8 << 20,     /* what a block of the kernel's LZ4 unpacks to, at most */
	LZMA_MEMORY = 256 << 20, /* the largest dictionary that kernels are built with takes half */
	ZSTD_WINDOW_LOG_MAX = 27, /* 128 MiB: what kernels are built with */
};

void unpacked_free(struct unpacked *out)
{
	free(out->bytes);
	*out = (struct unpacked){.limit = out->limit};
}

static int fail_damaged(struct error *err, const char *name, const char *kind)
{
	return fail(err, ERROR_CONFIG, name, "is damaged or cut short: its %s data doesn't unpack",
	            kind);
}

/* Returns  0, or -1 and *err. */
static int resize(const char *name, struct unpacked *out, size_t size, struct error *err)
{
	uint8_t *moved = realloc(out->bytes, size);

	if (!moved)
		return fail(err, ERROR_SYSTEM, name, "out of memory for %zu bytes", size);
	out->bytes = moved;
	out->size = size;
	return 0;
}

static int check_limit(const char *name, const struct unpacked *out, struct error *err)
{
	if (out->length <= out->limit)
		return 0;
	return fail(err, ERROR_CONFIG, name, "unpacks to more than %zu bytes", out->limit);
}

/* Have room for at least one byte more.
 * Returns  0, or -1 and *err: the limit is passed, or there is no memory. */
static int grow(const char *name, struct unpacked *out, struct error *err)
{
	size_t size = out->expect ? out->expect + 1 : FIRST_SIZE;

	if (check_limit(name, out, err) < 0)
		return -1;
	if (out->length < out->size)
		return 0;
	if (size <= out->size)
		size = out->size * 2;
	return resize(name, out, size <= out->limit ? size : out->limit + 1, err);
}

static void inflate_release(z_stream *z)
{
	(void)inflateEnd(z);
}

static int decode_gzip(const char *name, struct bytes in, struct unpacked *out, struct error *err)
{
	enum { WINDOW = 15, GZIP_HEADER = 16 };
	__attribute__((cleanup(inflate_release))) z_stream z = {0};
	int r;

	z.next_in = in.at;
	z.avail_in = (uInt)in.length;
	if (inflateInit2(&z, WINDOW + GZIP_HEADER) != Z_OK)
		return fail(err, ERROR_SYSTEM, name, "zlib can't be set up");
	do {
		if (grow(name, out, err) < 0)
			return -1;
		z.next_out = out->bytes + out->length;
		z.avail_out = (uInt)(out->size - out->length);
		r = inflate(&z, Z_NO_FLUSH);
		out->length = out->size - z.avail_out;
	} while (r == Z_OK && z.avail_out == 0);
	return r == Z_STREAM_END ? 0 : fail_damaged(err, name, "gzip");
}

static void lzma_release(lzma_stream *stream)
{
	lzma_end(stream);
}

/* Run a decoder of liblzma that is set up to its end. */
static int lzma_through(const char *name, lzma_stream *stream, struct unpacked *out,
                        struct error *err)
{
	lzma_ret r;

	do {
		if (grow(name, out, err) < 0)
			return -1;
		stream->next_out = out->bytes + out->length;
		stream->avail_out = out->size - out->length;
		r = lzma_code(stream, LZMA_FINISH);
		out->length = out->size - stream->avail_out;
	} while (r == LZMA_OK && stream->avail_out == 0);
	if (r == LZMA_MEMLIMIT_ERROR || r == LZMA_MEM_ERROR)
		return fail(err, ERROR_UNSUPPORTED, name, "needs more than %d MiB to be unpacked",
		            LZMA_MEMORY >> 20);
	return r == LZMA_STREAM_END ? 0 : fail_damaged(err, name, "xz or lzma");
}

static int decode_xz(const char *name, struct bytes in, struct unpacked *out, struct error *err)
{
	__attribute__((cleanup(lzma_release))) lzma_stream stream = LZMA_STREAM_INIT;

	stream.next_in = in.at;
	stream.avail_in = in.length;
	if (lzma_stream_decoder(&stream, LZMA_MEMORY, 0) != LZMA_OK)
		return fail(err, ERROR_SYSTEM, name, "liblzma can't be set up");
	return lzma_through(name, &stream, out, err);
}

static int decode_lzma(const char *name, struct bytes in, struct unpacked *out, struct error *err)
{
	__attribute__((cleanup(lzma_release))) lzma_stream stream = LZMA_STREAM_INIT;

	stream.next_in = in.at;
	stream.avail_in = in.length;
	if (lzma_alone_decoder(&stream, LZMA_MEMORY) != LZMA_OK)
		return fail(err, ERROR_SYSTEM, name, "liblzma can't be set up");
	return lzma_through(name, &stream, out, err);
}

/* One block of LZ4, for which there is room for LZ4_BLOCK bytes or all that is allowed. */
static int lz4_block(const char *name, struct reader *r, uint32_t length, struct unpacked *out,
                     struct error *err)
{
	const void *block = read_bytes(r, length);
	size_t wanted = out->length + LZ4_BLOCK;
	int n;

	if (!block || length > (uint32_t)LZ4_compressBound(LZ4_BLOCK))
		return fail_damaged(err, name, "lz4");
	if (check_limit(name, out, err) < 0)
		return -1;
	if (wanted > out->limit + 1)
		wanted = out->limit + 1;
	if (wanted > out->size && resize(name, out, wanted, err) < 0)
		return -1;
	n = LZ4_decompress_safe(block, (char *)out->bytes + out->length, (int)length,
	                        (int)(wanted - out->length));
	if (n < 0)
		return fail_damaged(err, name, "lz4");
	out->length += (size_t)n;
	return 0;
}

/* The "legacy" frame: a magic number, then blocks with their lengths before them, up to the end. */
static int decode_lz4(const char *name, struct bytes in, struct unpacked *out, struct error *err)
{
	struct reader r = reader_of(in.at, in.length);
	uint32_t length;

	while (r.left > 0) {
		length = read_u32(&r);
		if (r.failed)
			return fail_damaged(err, name, "lz4");
		if (length != LZ4_MAGIC && lz4_block(name, &r, length, out, err) < 0)
			return -1;
	}
	return 0;
}

static void zstd_release(ZSTD_DCtx **context)
{
	(void)ZSTD_freeDCtx(*context);
}

static int decode_zstd(const char *name, struct bytes in, struct unpacked *out, struct error *err)
{
	__attribute__((cleanup(zstd_release))) ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer from = {.src = in.at, .size = in.length};
	ZSTD_outBuffer to;
	size_t left;

	if (!context ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)))
		return fail(err, ERROR_SYSTEM, name, "libzstd can't be set up");
	do {
		if (grow(name, out, err) < 0)
			return -1;
		to = (ZSTD_outBuffer){.dst = out->bytes, .size = out->size, .pos = out->length};
		left = ZSTD_decompressStream(context, &to, &from);
		out->length = to.pos;
	} while (!ZSTD_isError(left) && left > 0 && to.pos == to.size);
	return left == 0 ? 0 : fail_damaged(err, name, "zstd");
}

static const struct decoder {
	const char *kind;
	size_t magic_length;
	uint8_t magic[6];
	int (*decode)(const char *name, struct bytes in, struct unpacked *out, struct error *err);
} decoders[] = {
	{"lz4",   4, {0x02, 0x21, 0x4c, 0x18},          decode_lz4 },
	{"zstd",  4, {0x28, 0xb5, 0x2f, 0xfd},          decode_zstd},
	{"gzip",  3, {0x1f, 0x8b, 0x08},                decode_gzip},
	{"xz",    6, {0xfd, '7', 'z', 'X', 'Z', 0x00},  decode_xz  },
	{"lzma",  3, {0x5d, 0x00, 0x00},                decode_lzma},
	{"bzip2", 3, {'B', 'Z', 'h'},                   NULL       },
	{"lzo",   6, {0x89, 'L', 'Z', 'O', 0x00, '\r'}, NULL       },
};

static const struct decoder *decoder_of(struct bytes packed)
{
	for (size_t i = 0; i < ARRAY_SIZE(decoders); i++)
		if (packed.length >= decoders[i].magic_length &&
		    memcmp(packed.at, decoders[i].magic, decoders[i].magic_length) == 0)
			return &decoders[i];
	return NULL;
}

const char *unpack_kind(struct bytes packed)
{
	const struct decoder *decoder = decoder_of(packed);

	return decoder ? decoder->kind : NULL;
}

int unpack(const char *name, struct bytes packed, struct unpacked *out, struct error *err)
{
	const struct decoder *decoder = decoder_of(packed);

	if (!decoder)
		return fail(
			err, ERROR_UNSUPPORTED, name,
			"is packed in a way that isn't known (gzip, xz, lzma, lz4 and zstd are)");
	if (!decoder->decode)
		return fail(err, ERROR_UNSUPPORTED, name,
		            "is packed with %s (gzip, xz, lzma, lz4 and zstd can be unpacked)",
		            decoder->kind);
	if (packed.length > INT32_MAX)
		return fail(err, ERROR_CONFIG, name, "is larger than 2 GiB");
	if (decoder->decode(name, packed, out, err) < 0)
		return -1;
	return check_limit(name, out, err);
}

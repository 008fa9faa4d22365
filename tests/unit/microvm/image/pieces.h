/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PIECES_H
#define TESTS_PIECES_H

#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "microvm/image/kernel.h"
#include "tests/unit/cmocka.h"

/* Kernels made by hand: an ELF of one segment and one note, packed in each way, in a bzImage. */

enum {
	PIECE_ADDRESS = 0x1000000,
	PIECE_CODE = 0x1000,  /* where the segment stands in the file */
	PIECE_SIZE = 0x80000, /* of the segment: more than first buffers hold */
	PIECE_NOTES = 0x200,
	PIECE_SETUP = 3 * 512, /* setup header: one sector and two */
	PIECE_BEFORE = 0x40,   /* code before the payload */
};

static const char piece_release[] = "6.1.0-9-cloud-amd64";

struct piece {
	uint8_t *at;
	size_t length;
};

static inline struct bytes piece_bytes(const struct piece *piece)
{
	return (struct bytes){piece->at, piece->length};
}

static inline struct piece piece_new(size_t length)
{
	struct piece piece = {.at = calloc(1, length), .length = length};

	assert_non_null(piece.at);
	return piece;
}

static inline void piece_free(struct piece *piece)
{
	free(piece->at);
}
#define owned_piece __attribute__((cleanup(piece_free))) struct piece

/* Two notes, the second of which is the one that counts. */
static inline void piece_notes(uint8_t *at, uint64_t entry)
{
	const Elf64_Nhdr first = {.n_namesz = 6, .n_descsz = 5, .n_type = 18};
	const Elf64_Nhdr second = {.n_namesz = 4, .n_descsz = sizeof(entry), .n_type = 18};

	memcpy(at, &first, sizeof(first));
	memcpy(at + 12, "Other", 6);
	memcpy(at + 28, &second, sizeof(second));
	memcpy(at + 40, "Xen", 4);
	memcpy(at + 44, &entry, sizeof(entry));
}

static inline struct piece piece_elf(uint64_t entry)
{
	struct piece elf = piece_new(PIECE_CODE + PIECE_SIZE);
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
	                    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2
        };
	const Elf64_Phdr segments[] = {
		{.p_type = PT_LOAD,
	         .p_offset = PIECE_CODE,
	         .p_paddr = PIECE_ADDRESS,
	         .p_filesz = PIECE_SIZE,
	         .p_memsz = 2 * (uint64_t)PIECE_SIZE},
		{.p_type = PT_NOTE,                 .p_offset = PIECE_NOTES,    .p_filesz = 52, .p_memsz = 52},
	};

	memcpy(elf.at, &header, sizeof(header));
	memcpy(elf.at + header.e_phoff, segments, sizeof(segments));
	piece_notes(elf.at + PIECE_NOTES, entry);
	for (size_t i = 0; i < PIECE_SIZE; i++)
		elf.at[PIECE_CODE + i] = (uint8_t)(i * i >> 7);
	(void)snprintf((char *)elf.at + PIECE_CODE + 64, 64, "Linux version %s (gcc)",
	               piece_release);
	return elf;
}

/* --- packing ---------------------------------------------------------------------------------- */

static inline struct piece pack_gzip(const struct piece *plain)
{
	struct piece packed = piece_new(plain->length + 1024);
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = plain->at;
	z.avail_in = (uInt)plain->length;
	z.next_out = packed.at;
	z.avail_out = (uInt)packed.length;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	packed.length = z.total_out;
	(void)deflateEnd(&z);
	return packed;
}

static inline struct piece pack_lzma_with(const struct piece *plain, int alone)
{
	struct piece packed = piece_new(plain->length + 1024);
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	assert_false(lzma_lzma_preset(&options, 1));
	assert_int_equal(alone ? lzma_alone_encoder(&stream, &options)
	                       : lzma_easy_encoder(&stream, 1, LZMA_CHECK_CRC32),
	                 LZMA_OK);
	stream.next_in = plain->at;
	stream.avail_in = plain->length;
	stream.next_out = packed.at;
	stream.avail_out = packed.length;
	assert_int_equal(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
	packed.length = stream.total_out;
	lzma_end(&stream);
	return packed;
}

static inline struct piece pack_xz(const struct piece *plain)
{
	return pack_lzma_with(plain, 0);
}

static inline struct piece pack_lzma(const struct piece *plain)
{
	return pack_lzma_with(plain, 1);
}

static inline struct piece pack_zstd(const struct piece *plain)
{
	struct piece packed = piece_new(ZSTD_compressBound(plain->length));

	packed.length = ZSTD_compress(packed.at, packed.length, plain->at, plain->length, 3);
	assert_false(ZSTD_isError(packed.length));
	return packed;
}

static inline void append_lz4(struct piece *packed, const uint8_t *plain, size_t length)
{
	uint32_t n = (uint32_t)LZ4_compress_default((const char *)plain,
	                                            (char *)packed->at + packed->length + 4,
	                                            (int)length, LZ4_compressBound((int)length));

	assert_true(n > 0);
	memcpy(packed->at + packed->length, &n, sizeof(n));
	packed->length += n + sizeof(n);
}

/* Blocks of 8 MiB, as the kernel's kind has them. */
static inline struct piece pack_lz4(const struct piece *plain)
{
	static const uint8_t magic[] = {0x02, 0x21, 0x4c, 0x18};
	struct piece packed = piece_new(plain->length * 2 + 1024);

	memcpy(packed.at, magic, sizeof(magic));
	packed.length = sizeof(magic);
	for (size_t at = 0; at < plain->length; at += 8 << 20)
		append_lz4(&packed, plain->at + at,
		           plain->length - at < 8 << 20 ? plain->length - at : 8 << 20);
	return packed;
}

static const struct packer {
	const char *kind;
	struct piece (*pack)(const struct piece *plain);
} packers[] = {
	{"gzip", pack_gzip},
        {"xz",   pack_xz  },
        {"lzma", pack_lzma},
	{"lz4",  pack_lz4 },
        {"zstd", pack_zstd},
};

/* A bzImage with this payload; promised is appended to it, as the build does it but for gzip. */
static inline struct piece piece_image(const struct piece *payload, uint32_t promised)
{
	size_t length = payload->length + (promised ? sizeof(promised) : 0);
	struct piece image = piece_new(PIECE_SETUP + PIECE_BEFORE + length + 512);
	const uint32_t place[] = {PIECE_BEFORE, (uint32_t)length};

	image.at[0x1f1] = 2;
	memcpy(image.at + 0x1fe, "\x55\xaa", 2);
	memcpy(image.at + 0x202, "HdrS\x0f\x02", 6);
	memcpy(image.at + 0x20e, "\x00\x02", 2);
	image.at[0x236] = 1;
	memcpy(image.at + 0x248, place, sizeof(place));
	(void)snprintf((char *)image.at + 0x400, 64, "%s (x@y) #1 SMP", piece_release);
	memcpy(image.at + PIECE_SETUP + PIECE_BEFORE, payload->at, payload->length);
	memcpy(image.at + PIECE_SETUP + PIECE_BEFORE + payload->length, &promised,
	       length - payload->length);
	return image;
}

#endif

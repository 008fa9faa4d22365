/* SPDX-License-Identifier: Apache-2.0 */
/* A bzImage is code for real mode, of which we read the header only, and behind it a program for
 * protected mode that has the kernel, an ELF file, packed in its data. The header says where that
 * is. Its last four bytes are the length that it unpacks to: the build adds them to all kinds of
 * packing, gzip has them of its own. LZ4 has no checksum, so that length is checked. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#include "kernel.h"

enum {
	SECTOR = 512,
	SETUP_SECTORS_DEFAULT = 4,
	AT_SETUP_SECTORS = 0x1f1,
	AT_BOOT_FLAG = 0x1fe,
	AT_MAGIC = 0x202,
	AT_VERSION = 0x206,
	AT_KERNEL_VERSION = 0x20e,
	AT_XLOADFLAGS = 0x236,
	AT_PAYLOAD = 0x248,
	BOOT_FLAG = 0xaa55,
	MAGIC = 0x53726448, /* "HdrS" */
	VERSION_WITH_PAYLOAD = 0x208,
	VERSION_WITH_XLOADFLAGS = 0x20c,
	XLF_KERNEL_64 = 1,
	HEADER_SIZE = 0x250,
	LENGTH_SIZE = 4,
	SEGMENTS_MOST = 64,
	XEN_ELFNOTE_PHYS32_ENTRY = 18, /* xen/include/public/elfnote.h */
};

void kernel_free(struct kernel *kernel)
{
	unpacked_free(&kernel->image);
}

/* A reader of the part of a file from offset on; it has failed where that is outside. */
static struct reader reader_at(struct bytes file, uint64_t offset)
{
	struct reader r = reader_of(file.at, file.length);

	(void)read_bytes(&r, offset > SIZE_MAX ? SIZE_MAX : (size_t)offset);
	return r;
}

static uint64_t number_at(struct bytes file, uint64_t offset, int size)
{
	struct reader r = reader_at(file, offset);

	switch (size) {
	case 1:
		return read_u8(&r);
	case 2:
		return read_u16(&r);
	default:
		return read_u32(&r);
	}
}

static bool is_elf(struct bytes file)
{
	return file.length >= SELFMAG && memcmp(file.at, ELFMAG, SELFMAG) == 0;
}

static int check_setup_header(const char *name, struct bytes file, struct error *err)
{
	uint64_t version = number_at(file, AT_VERSION, 2);

	if (file.length < HEADER_SIZE || number_at(file, AT_BOOT_FLAG, 2) != BOOT_FLAG ||
	    number_at(file, AT_MAGIC, 4) != MAGIC)
		return fail(err, ERROR_CONFIG, name,
		            "is no Linux kernel for x86 (neither a bzImage nor an ELF file)");
	if (version < VERSION_WITH_PAYLOAD)
		return fail(err, ERROR_UNSUPPORTED, name,
		            "is a kernel too old for this: boot protocol %u.%02u, not 2.08",
		            (unsigned)version >> 8, (unsigned)version & 0xff);
	if (version >= VERSION_WITH_XLOADFLAGS &&
	    !(number_at(file, AT_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return fail(err, ERROR_UNSUPPORTED, name, "is no 64-bit kernel");
	return 0;
}

/* Where the packed kernel stands in a bzImage. */
static int find_payload(const char *name, struct bytes file, struct bytes *ret, struct error *err)
{
	uint64_t sectors = number_at(file, AT_SETUP_SECTORS, 1);
	uint64_t start = ((sectors ? sectors : SETUP_SECTORS_DEFAULT) + 1) * SECTOR;
	uint64_t length = number_at(file, AT_PAYLOAD + 4, 4);
	struct reader r = reader_at(file, start + number_at(file, AT_PAYLOAD, 4));

	ret->at = read_bytes(&r, length);
	ret->length = length;
	if (!ret->at || length <= LENGTH_SIZE)
		return fail(err, ERROR_CONFIG, name,
		            "is cut short: its header promises %llu bytes of packed kernel",
		            (unsigned long long)length);
	return 0;
}

static int unpack_payload(const char *name, struct bytes payload, size_t limit,
                          struct kernel *kernel, struct error *err)
{
	size_t promised = number_at(payload, payload.length - LENGTH_SIZE, LENGTH_SIZE);

	kernel->packing = unpack_kind(payload);
	kernel->image = (struct unpacked){.limit = promised, .expect = promised};
	if (kernel->packing && promised > limit)
		return fail(err, ERROR_CONFIG, name, "unpacks to %zu bytes, more than %zu",
		            promised, limit);
	if (!kernel->packing || strcmp(kernel->packing, "gzip") != 0)
		payload.length -= LENGTH_SIZE;
	if (unpack(name, payload, &kernel->image, err) < 0)
		return -1;
	if (kernel->image.length != promised)
		return fail(err, ERROR_CONFIG, name,
		            "is damaged: it unpacks to %zu bytes and promises %zu",
		            kernel->image.length, promised);
	kernel->elf = (struct bytes){kernel->image.bytes, kernel->image.length};
	return 0;
}

/* --- the ELF file ----------------------------------------------------------------------------- */

struct segments {
	Elf64_Phdr list[SEGMENTS_MOST];
	size_t count;
};

static int read_segments(const char *name, struct bytes elf, struct segments *ret,
                         struct error *err)
{
	struct reader r = reader_at(elf, 0);
	Elf64_Ehdr header;

	read_into(&r, &header, sizeof(header));
	if (r.failed || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64)
		return fail(err, ERROR_UNSUPPORTED, name, "is no 64-bit kernel for x86-64");
	if ((header.e_type != ET_EXEC && header.e_type != ET_DYN) ||
	    header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > SEGMENTS_MOST)
		return fail(err, ERROR_CONFIG, name, "is no ELF file that can be loaded");
	r = reader_at(elf, header.e_phoff);
	read_into(&r, ret->list, header.e_phnum * sizeof(Elf64_Phdr));
	ret->count = header.e_phnum;
	if (r.failed)
		return fail(err, ERROR_CONFIG, name, "is cut short in its program headers");
	return 0;
}

/* Each segment inside the file, and inside the memory that 32-bit code reaches. */
static int check_segments(const char *name, struct bytes elf, const struct segments *segments,
                          struct error *err)
{
	size_t loaded = 0;

	for (size_t i = 0; i < segments->count; i++) {
		const Elf64_Phdr *p = &segments->list[i];
		struct reader r = reader_at(elf, p->p_offset);

		if (p->p_type != PT_LOAD && p->p_type != PT_NOTE)
			continue;
		if (!read_bytes(&r, p->p_filesz))
			return fail(err, ERROR_CONFIG, name, "is cut short in segment %zu", i);
		if (p->p_type != PT_LOAD)
			continue;
		loaded++;
		if (p->p_filesz > p->p_memsz || p->p_memsz > UINT32_MAX ||
		    p->p_paddr > UINT32_MAX - p->p_memsz)
			return fail(err, ERROR_CONFIG, name, "has a segment out of bounds: %zu", i);
	}
	return loaded ? 0 : fail(err, ERROR_CONFIG, name, "has nothing to load");
}

static size_t aligned(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

/* Look for the note in a segment of notes.
 * Returns  true and *ret_entry. */
static bool find_note(struct bytes notes, uint64_t *ret_entry)
{
	struct reader r = reader_of(notes.at, notes.length);
	Elf64_Nhdr note;

	for (;;) {
		const char *owner;
		struct reader value;

		read_into(&r, &note, sizeof(note));
		owner = read_bytes(&r, aligned(note.n_namesz));
		if (r.failed || r.left < note.n_descsz)
			return false;
		value = r;
		if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == sizeof("Xen") &&
		    memcmp(owner, "Xen", sizeof("Xen")) == 0) {
			*ret_entry = note.n_descsz == 8 ? read_u64(&value) : read_u32(&value);
			return note.n_descsz == 4 || note.n_descsz == 8;
		}
		/* the last one need not be filled up */
		if (aligned(note.n_descsz) >= r.left)
			return false;
		(void)read_bytes(&r, aligned(note.n_descsz));
	}
}

static bool has_address(const struct segments *segments, uint64_t address)
{
	for (size_t i = 0; i < segments->count; i++) {
		const Elf64_Phdr *p = &segments->list[i];

		if (p->p_type == PT_LOAD && address >= p->p_paddr &&
		    address - p->p_paddr < p->p_filesz)
			return true;
	}
	return false;
}

static int check_elf(const char *name, struct kernel *kernel, struct error *err)
{
	struct bytes elf = kernel->elf;
	struct segments segments;
	bool found = false;

	if (read_segments(name, elf, &segments, err) < 0 ||
	    check_segments(name, elf, &segments, err) < 0)
		return -1;
	for (size_t i = 0; i < segments.count && !found; i++) {
		const Elf64_Phdr *p = &segments.list[i];

		if (p->p_type == PT_NOTE)
			found = find_note((struct bytes){elf.at + p->p_offset, p->p_filesz},
			                  &kernel->entry);
	}
	if (!found)
		return fail(err, ERROR_UNSUPPORTED, name,
		            "can't be entered by PVH: it was built without CONFIG_PVH");
	if (!has_address(&segments, kernel->entry))
		return fail(err, ERROR_CONFIG, name, "has its PVH entry outside of what is loaded");
	return 0;
}

int kernel_unpack(const char *name, struct bytes file, size_t limit, struct kernel *ret,
                  struct error *err)
{
	struct bytes payload;

	*ret = (struct kernel){.elf = file, .packing = "none"};
	if (is_elf(file)) {
		if (file.length > limit)
			return fail(err, ERROR_CONFIG, name, "is larger than %zu bytes", limit);
		return check_elf(name, ret, err);
	}
	if (check_setup_header(name, file, err) < 0 ||
	    find_payload(name, file, &payload, err) < 0 ||
	    unpack_payload(name, payload, limit, ret, err) < 0)
		return -1;
	if (!is_elf(ret->elf))
		return fail(err, ERROR_CONFIG, name, "has no ELF file in it");
	return check_elf(name, ret, err);
}

/* --- its name --------------------------------------------------------------------------------- */

static const char *find_release(struct bytes file, size_t *ret_left)
{
	static const char banner[] = "Linux version ";
	const char *at;
	struct reader r;

	if (is_elf(file)) {
		at = memmem(file.at, file.length, banner, sizeof(banner) - 1);
		if (!at)
			return NULL;
		at += sizeof(banner) - 1;
		*ret_left = file.length - (size_t)((const uint8_t *)at - file.at);
		return at;
	}
	r = reader_at(file, number_at(file, AT_KERNEL_VERSION, 2) + SECTOR);
	*ret_left = r.left;
	return r.failed ? NULL : (const char *)r.at;
}

int kernel_release(const char *name, struct bytes file, char release[KERNEL_RELEASE_SIZE],
                   struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._+~-";
	const char *at;
	size_t left = 0, n = 0;

	if (!is_elf(file) && check_setup_header(name, file, err) < 0)
		return -1;
	at = find_release(file, &left);
	while (at && n < left && n < KERNEL_RELEASE_SIZE - 1 && at[n] && strchr(allowed, at[n]))
		n++;
	if (n == 0 || n == left || *at == '.' || (at[n] != ' ' && at[n] != '\0'))
		return fail(err, ERROR_CONFIG, name, "doesn't say which release of Linux it is");
	memcpy(release, at, n);
	release[n] = '\0';
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel by PVH: an ELF image whose Xen note 18 names a 32-bit entry, which finds in EBX the address of what it
 * is told. The image may be anybody's: whatever it says is checked before it is used.
 * Spec: the kernel's Documentation/arch/x86/boot.rst, xen/include/public/arch-x86/hvm/start_info.h. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

#include "parts.h"

enum {
	START_INFO_MAGIC = 0x336ec578,
	START_INFO_VERSION = 1,
	START_INFO_BYTES = 56,
	NOTE_PVH = 18,
	HEADERS_MOST = 64,
	NOTES_MOST = 64 << 10,
	EXPECTED_LEAST = 1 << 20,
	EXPECTED_TABLES = 2 << 20,
	MAP_RAM = 1,
	MAP_RESERVED = 2,
};

static const char kernel[] = "kernel";

static int read_at(int fd, void *to, size_t length, uint64_t offset, struct error *err)
{
	uint8_t *at = to;

	if (offset > INT64_MAX - length)
		return fail(err, ERROR_CONFIG, kernel, "an offset in it is beyond any file");
	while (length > 0) {
		ssize_t n = pread(fd, at, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, kernel, "read");
		if (n == 0)
			return fail(err, ERROR_CONFIG, kernel, "is cut off");
		at += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static int read_headers(int fd, Elf64_Ehdr *elf, Elf64_Phdr *headers, struct error *err)
{
	if (read_at(fd, elf, sizeof(*elf), 0, err) < 0)
		return -1;
	if (memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 || elf->e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf->e_ident[EI_DATA] != ELFDATA2LSB || elf->e_machine != EM_X86_64)
		return fail(err, ERROR_CONFIG, kernel, "is no ELF image for x86-64");
	if (elf->e_phentsize != sizeof(*headers) || elf->e_phnum == 0 ||
	    elf->e_phnum > HEADERS_MOST)
		return fail(err, ERROR_CONFIG, kernel, "has %u program headers of %u bytes",
		            elf->e_phnum, elf->e_phentsize);
	return read_at(fd, headers, elf->e_phnum * sizeof(*headers), elf->e_phoff, err);
}

static int load(int fd, const struct guest_memory *memory, uint64_t address, uint64_t offset,
                uint64_t length, struct error *err)
{
	if (length == 0 || memory_load(memory, address, fd, offset, length, err) == 0)
		return 0;
	return err->errnum ? -1 : fail(err, ERROR_CONFIG, kernel, "is cut off");
}

/* What lies below 1 MiB is ours. What a segment has beyond its bytes in the file is zero, as new memory is. */
static int load_segment(int fd, const Elf64_Phdr *h, const struct guest_memory *memory,
                        uint64_t *end, struct error *err)
{
	if (h->p_memsz == 0)
		return 0;
	if (h->p_paddr < HIGH_MEMORY || h->p_filesz > h->p_memsz ||
	    !memory_at(memory, h->p_paddr, h->p_memsz))
		return fail(err, ERROR_CONFIG, kernel,
		            "needs memory from %#llx on, %llu MiB, which this machine has not",
		            (unsigned long long)h->p_paddr, (unsigned long long)h->p_memsz >> 20);
	if (h->p_paddr + h->p_memsz > *end)
		*end = h->p_paddr + h->p_memsz;
	return load(fd, memory, h->p_paddr, h->p_offset, h->p_filesz, err);
}

static uint32_t aligned(uint32_t length)
{
	return (length + 3) & ~UINT32_C(3);
}

/* The note among those of a segment. Returns whether it was there. */
static bool find_entry(const uint8_t *notes, size_t length, uint64_t *ret_entry)
{
	struct reader r = reader_of(notes, length);

	while (!r.failed && r.left > 0) {
		uint32_t name_length = read_u32(&r), value_length = read_u32(&r);
		uint32_t type = read_u32(&r);
		const char *name;
		const uint8_t *value;

		if (r.failed || name_length > r.left || value_length > r.left)
			return false;
		name = read_bytes(&r, aligned(name_length));
		value = read_bytes(&r, aligned(value_length));
		if (!name || !value)
			return false;
		if (type == NOTE_PVH && name_length == 4 && memcmp(name, "Xen", 4) == 0 &&
		    value_length >= 4) {
			struct reader number = reader_of(value, value_length);

			*ret_entry = read_u32(&number);
			return true;
		}
	}
	return false;
}

static int read_entry(int fd, const Elf64_Phdr *h, uint64_t *ret_entry, bool *ret_found,
                      struct error *err)
{
	uint8_t notes[4096];
	size_t length = h->p_filesz < sizeof(notes) ? h->p_filesz : sizeof(notes);

	if (length == 0)
		return 0;
	if (read_at(fd, notes, length, h->p_offset, err) < 0)
		return -1;
	*ret_found = find_entry(notes, length, ret_entry);
	return 0;
}

/* The kernel touches all of itself, and begins to give out memory behind it: about as much until it runs a
 * container. */
static void expect_kernel(const Elf64_Phdr *headers, size_t count,
                          const struct guest_memory *memory)
{
	uint64_t from = UINT64_MAX, end = 0;

	for (size_t i = 0; i < count; i++) {
		const Elf64_Phdr *h = &headers[i];

		if (h->p_type != PT_LOAD || h->p_memsz == 0 || h->p_paddr > UINT64_MAX / 4 ||
		    h->p_memsz > UINT64_MAX / 4)
			continue;
		from = h->p_paddr < from ? h->p_paddr : from;
		end = h->p_paddr + h->p_memsz > end ? h->p_paddr + h->p_memsz : end;
	}
	if (end > from && end - from >= EXPECTED_LEAST)
		memory_huge(memory, from, end + (end - from));
}

static int load_kernel(int fd, const struct guest_memory *memory, uint64_t *ret_entry,
                       uint64_t *ret_end, struct error *err)
{
	Elf64_Phdr headers[HEADERS_MOST] = {0};
	Elf64_Ehdr elf;
	bool found = false;

	*ret_end = HIGH_MEMORY;
	if (read_headers(fd, &elf, headers, err) < 0)
		return -1;
	expect_kernel(headers, elf.e_phnum, memory);
	for (size_t i = 0; i < elf.e_phnum; i++) {
		if (headers[i].p_type == PT_LOAD &&
		    load_segment(fd, &headers[i], memory, ret_end, err) < 0)
			return -1;
		if (headers[i].p_type == PT_NOTE && !found &&
		    read_entry(fd, &headers[i], ret_entry, &found, err) < 0)
			return -1;
	}
	if (!found)
		return fail(err, ERROR_CONFIG, kernel,
		            "has no PVH entry: it needs CONFIG_PVH, which distributions' have");
	if (!memory_at(memory, *ret_entry, 1))
		return fail(err, ERROR_CONFIG, kernel, "its entry is not in memory");
	return 0;
}

/* At the end of the first region, behind the kernel.
 * Returns  0, or -1 and *err; *ret_at and *ret_length, both 0 without one. */
static int load_initramfs(int fd, const struct guest_memory *memory, uint64_t kernel_end,
                          uint64_t *ret_at, uint64_t *ret_length, struct error *err)
{
	struct stat st;
	uint64_t length, at, below;

	*ret_at = *ret_length = 0;
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return fail_errno(err, "initramfs", "stat");
	length = (uint64_t)st.st_size;
	if (st.st_size <= 0 || length > memory->region[0].length ||
	    (at = (memory->region[0].length - length) & ~UINT64_C(4095)) < kernel_end)
		return fail(err, ERROR_CONFIG, "memory",
		            "%llu MiB are not enough for the kernel and its initial file system",
		            (unsigned long long)memory->region[0].length >> 20);
	*ret_at = at;
	*ret_length = length;
	/* below it is what the kernel takes before it knows its memory: 64 bytes for each page, and more */
	below = EXPECTED_TABLES + memory->region[0].length / 64;
	if (length >= EXPECTED_LEAST)
		memory_huge(memory, at - (below < at ? below : at), memory->region[0].length);
	return load(fd, memory, at, 0, length, err);
}

static void map_entry(struct writer *w, uint64_t from, uint64_t end, uint32_t type)
{
	write_u64(w, from);
	write_u64(w, end - from);
	write_u32(w, type);
	write_u32(w, 0);
}

/* Returns  how many entries. */
static uint32_t write_map(const struct guest_memory *memory)
{
	struct writer w = writer_of(memory_at(memory, MEMORY_MAP, 4096), 4096);

	map_entry(&w, 0, LOW_END, MAP_RAM);
	map_entry(&w, LOW_END, HIGH_MEMORY, MAP_RESERVED);
	map_entry(&w, HIGH_MEMORY, memory->region[0].length, MAP_RAM);
	for (size_t i = 1; i < memory->count; i++)
		map_entry(&w, memory->region[i].guest,
		          memory->region[i].guest + memory->region[i].length, MAP_RAM);
	return (uint32_t)(w.written / 24);
}

static void write_start_info(const struct guest_memory *memory, uint64_t initramfs, uint64_t length)
{
	struct writer module = writer_of(memory_at(memory, MODULE_LIST, 32), 32);
	struct writer w =
		writer_of(memory_at(memory, START_INFO, START_INFO_BYTES), START_INFO_BYTES);

	write_u64(&module, initramfs);
	write_u64(&module, length);
	write_u32(&w, START_INFO_MAGIC);
	write_u32(&w, START_INFO_VERSION);
	write_u32(&w, 0);              /* flags */
	write_u32(&w, length ? 1 : 0); /* modules */
	write_u64(&w, MODULE_LIST);
	write_u64(&w, COMMAND_LINE);
	write_u64(&w, ACPI_TABLES);
	write_u64(&w, MEMORY_MAP);
	write_u32(&w, write_map(memory));
	write_u32(&w, 0);
}

int boot_load(const struct machine_config *config, const struct guest_memory *memory,
              uint64_t *ret_entry, struct error *err)
{
	size_t length = strlen(config->command_line) + 1;
	uint64_t end, initramfs, initramfs_length;

	if (length > COMMAND_LINE_BYTES)
		return fail(err, ERROR_CONFIG, "command line", "is longer than %d bytes",
		            COMMAND_LINE_BYTES - 1);
	if (!memory_at(memory, 0, HIGH_MEMORY + 4096))
		return fail(err, ERROR_CONFIG, "memory", "is less than 2 MiB");
	memcpy(memory_at(memory, COMMAND_LINE, length), config->command_line, length);
	if (load_kernel(config->kernel, memory, ret_entry, &end, err) < 0 ||
	    load_initramfs(config->initramfs, memory, end, &initramfs, &initramfs_length, err) < 0)
		return -1;
	write_start_info(memory, initramfs, initramfs_length);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/own.h"
#include "microvm/vmm/parts.h"

#include "must.h"

/* A tenant's own kernel (vm.kernel.path): an ELF image of any segments and notes, some of it wrong, or any bytes at
 * all. It is refused with a reason, or what it asks for is in memory, and what the monitor has below 1 MiB is its. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MEMORY = 2 << 20,
	SEGMENTS = 4,
	IMAGE = 8192,
	CONTENTS = 4096, /* of the image: from here on what segments have */
	NOTE_PVH = 18,
};

struct play {
	struct reader in;
	struct guest_memory memory;
	uint8_t image[IMAGE];
	size_t length;
	bool any; /* its bytes are anything */
	Elf64_Phdr segment[SEGMENTS];
	unsigned int segments;
	uint64_t initramfs;
};

/* A number that is often one at the edge of something. */
static uint64_t number(struct play *p, uint64_t usual)
{
	static const uint64_t edges[] = {
		0,      1,          4095,       HIGH_MEMORY - 1, HIGH_MEMORY,       MEMORY - 1,
		MEMORY, MEMORY + 1, UINT32_MAX, INT64_MAX,       UINT64_MAX - 4095, UINT64_MAX};
	uint8_t how = read_u8(&p->in);

	if (how < 160)
		return usual;
	if (how < 200)
		return usual + how - 180;
	if (how < 250)
		return edges[how % (sizeof(edges) / sizeof(edges[0]))];
	return read_u64(&p->in);
}

static void make_segment(struct play *p, Elf64_Phdr *h)
{
	uint8_t kind = read_u8(&p->in);
	uint64_t place = read_u16(&p->in);

	h->p_type = kind % 8 == 7 ? PT_DYNAMIC : kind % 4 == 3 ? PT_NOTE : PT_LOAD;
	h->p_offset = number(p, CONTENTS + place % (IMAGE - CONTENTS));
	h->p_paddr = number(p, HIGH_MEMORY + place * 16);
	h->p_filesz = number(p, read_u16(&p->in) % 3000);
	h->p_memsz = number(p, h->p_filesz + read_u16(&p->in));
}

/* A note as it should be, at the beginning of the contents, among others. */
static void write_notes(struct play *p)
{
	struct writer w = writer_of(p->image + CONTENTS, IMAGE - CONTENTS);

	for (uint8_t more = read_u8(&p->in) % 4; more > 0; more--) {
		uint8_t name = read_u8(&p->in), value = read_u8(&p->in);

		write_u32(&w, (uint32_t)number(p, name));
		write_u32(&w, (uint32_t)number(p, value));
		write_u32(&w, (uint32_t)number(p, 1));
		w.written += w.written < IMAGE - CONTENTS - 600
		                     ? ((name + 3U) & ~3U) + ((value + 3U) & ~3U)
		                     : 0;
	}
	write_u32(&w, (uint32_t)number(p, 4));
	write_u32(&w, (uint32_t)number(p, 4));
	write_u32(&w, (uint32_t)number(p, NOTE_PVH));
	write_u32(&w, 0x006e6558); /* "Xen" */
	write_u32(&w, (uint32_t)number(p, HIGH_MEMORY));
}

static void make_image(struct play *p)
{
	Elf64_Ehdr elf = {.e_machine = EM_X86_64, .e_phentsize = sizeof(Elf64_Phdr)};
	size_t headers;

	p->segments = read_u8(&p->in) % (SEGMENTS + 1);
	memcpy(elf.e_ident, ELFMAG, SELFMAG);
	elf.e_ident[EI_CLASS] = ELFCLASS64;
	elf.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.e_phnum = (uint16_t)number(p, p->segments);
	elf.e_phoff = number(p, sizeof(elf));
	p->any = elf.e_phnum != p->segments || elf.e_phoff != sizeof(elf);
	for (size_t i = 0; i < IMAGE; i++)
		p->image[i] = (uint8_t)(i * 7 + (i >> 8));
	for (unsigned int i = 0; i < p->segments; i++)
		make_segment(p, &p->segment[i]);
	write_notes(p);
	headers = p->segments * sizeof(p->segment[0]);
	memcpy(p->image, &elf, sizeof(elf));
	memcpy(p->image + sizeof(elf), p->segment, headers);
	p->length = IMAGE;
	if (read_u8(&p->in) == 0)
		p->length = read_u16(&p->in) % (IMAGE + 1);
}

static int file_of(const void *bytes, size_t length)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
	return fd;
}

static bool is_zero(const struct play *p, uint64_t from, uint64_t end)
{
	const uint8_t *at = memory_at(&p->memory, from, end - from);

	for (uint64_t i = 0; i < end - from; i++)
		if (at[i])
			return false;
	return true;
}

/* What the last segment has, nobody has written over; nor what is the monitor's. */
static void check(const struct play *p, uint64_t entry)
{
	const Elf64_Phdr *last = NULL;

	must(memory_at(&p->memory, entry, 1));
	must(is_zero(p, 0, START_INFO) && is_zero(p, MEMORY_MAP + 4096, COMMAND_LINE) &&
	     is_zero(p, COMMAND_LINE + COMMAND_LINE_BYTES, HIGH_MEMORY));
	for (unsigned int i = 0; !p->any && i < p->segments; i++)
		if (p->segment[i].p_type == PT_LOAD && p->segment[i].p_memsz > 0)
			last = &p->segment[i];
	if (!last)
		return;
	must(last->p_paddr >= HIGH_MEMORY && last->p_memsz <= MEMORY - last->p_paddr);
	must(last->p_filesz <= last->p_memsz);
	if (last->p_filesz == 0)
		return;
	must(last->p_offset + last->p_filesz <= p->length);
	must(memcmp(memory_at(&p->memory, last->p_paddr, last->p_filesz), p->image + last->p_offset,
	            last->p_filesz) == 0);
}

/* Where there is one, it is told of, at the end of memory and behind the kernel. */
static void check_initramfs(const struct play *p)
{
	struct reader list = reader_of(memory_at(&p->memory, MODULE_LIST, 16), 16);
	uint64_t at = read_u64(&list), length = read_u64(&list);

	must(length == p->initramfs && at % 4096 == 0);
	if (length == 0)
		return;
	must(at >= HIGH_MEMORY && at < MEMORY && length <= MEMORY - at);
	must(memcmp(memory_at(&p->memory, at, length < IMAGE ? length : IMAGE), p->image,
	            length < IMAGE ? length : IMAGE) == 0);
}

static void load(struct play *p)
{
	owned_fd kernel = file_of(p->image, p->length), first = -1;
	struct machine_config config = {.kernel = kernel, .initramfs = -1, .command_line = "quiet"};
	uint8_t how = read_u8(&p->in);
	struct error err = {0};
	uint64_t entry = 0;

	if (how % 4 == 0) {
		p->initramfs = how == 0 ? MEMORY - HIGH_MEMORY : how * 64U;
		first = file_of(p->image, IMAGE);
		must(ftruncate(first, (off_t)p->initramfs) == 0);
		config.initramfs = first;
	}
	if (boot_load(&config, &p->memory, &entry, &err) < 0) {
		must(err.object[0] && err.reason[0]);
		return;
	}
	check(p, entry);
	check_initramfs(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play p = {.in = reader_of(data, size)};
	struct error err;

	must(memory_new(MEMORY, &p.memory, &err) == 0);
	if (read_u8(&p.in) % 16 == 0) {
		p.any = true;
		p.length = p.in.left < IMAGE ? p.in.left : IMAGE;
		memcpy(p.image, data + (size - p.in.left), p.length);
	} else {
		make_image(&p);
	}
	load(&p);
	memory_release(&p.memory);
	return 0;
}

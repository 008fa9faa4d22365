/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_VMM_IMAGE_H
#define TESTS_VMM_IMAGE_H

/* A kernel of a few bytes: an ELF image with a PVH note, whose 32-bit code runs at IMAGE_ENTRY. */

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/cmocka.h"

#define IMAGE_ENTRY UINT64_C(0x100000)

struct test_image {
	Elf64_Ehdr elf;
	Elf64_Phdr load, note;
	struct {
		uint32_t name_length, value_length, type;
		char name[4];
		uint32_t entry, padding;
	} pvh;
	uint8_t code[256];
};

static inline struct test_image image_of(const uint8_t *code, size_t length)
{
	struct test_image i = {
		.elf = {.e_machine = EM_X86_64,
	                .e_phoff = offsetof(struct test_image,         load),
	                .e_phentsize = sizeof(Elf64_Phdr),
	                .e_phnum = 2					    },
		.load = {				  .p_type = PT_LOAD,
                        .p_offset = offsetof(struct test_image, code),
                        .p_paddr = IMAGE_ENTRY,
                        .p_filesz = sizeof(i.code),
                        .p_memsz = 4096},
		.note = {									   .p_type = PT_NOTE,
                        .p_offset = offsetof(struct test_image,  pvh),
                        .p_filesz = sizeof(i.pvh)                           },
		.pvh = { 4,				 4,                 18,                     "Xen", (uint32_t)IMAGE_ENTRY, 0},
	};

	memcpy(i.elf.e_ident, ELFMAG, SELFMAG);
	i.elf.e_ident[EI_CLASS] = ELFCLASS64;
	i.elf.e_ident[EI_DATA] = ELFDATA2LSB;
	i.note.p_filesz = 20;                 /* without the padding */
	memset(i.code, 0xf4, sizeof(i.code)); /* hlt */
	memcpy(i.code, code, length);
	return i;
}

/* The bytes as a file, the caller's. */
static inline int image_file(const void *bytes, size_t length)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	return fd;
}

#endif

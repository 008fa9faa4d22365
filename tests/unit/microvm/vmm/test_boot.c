/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/own.h"
#include "microvm/vmm/parts.h"
#include "tests/unit/cmocka.h"

#include "image.h"

static const uint8_t nothing[] = {0xf4};

struct place {
	struct guest_memory memory;
	uint64_t entry;
	struct error err;
};

static int load(struct place *p, const void *bytes, size_t length, const char *initramfs)
{
	owned_fd kernel = image_file(bytes, length);
	owned_fd first = initramfs ? image_file(initramfs, strlen(initramfs)) : -1;
	const struct machine_config config = {.kernel = kernel,
	                                      .initramfs = first,
	                                      .command_line = "quiet"};

	return boot_load(&config, &p->memory, &p->entry, &p->err);
}

static void begin(struct place *p)
{
	*p = (struct place){.memory.file = -1};
	assert_int_equal(memory_new(4 << 20, &p->memory, &p->err), 0);
}

static void a_kernel_is_put_where_it_wants_to_be(void **state)
{
	const struct test_image image = image_of(nothing, sizeof(nothing));
	struct place p;
	const uint32_t *info;

	(void)state;
	begin(&p);
	assert_int_equal(load(&p, &image, sizeof(image), "initial"), 0);
	assert_int_equal(p.entry, IMAGE_ENTRY);
	assert_memory_equal(memory_at(&p.memory, IMAGE_ENTRY, 1), nothing, 1);
	assert_string_equal(memory_at(&p.memory, COMMAND_LINE, 16), "quiet");
	info = memory_at(&p.memory, START_INFO, 56);
	assert_int_equal(info[0], 0x336ec578);
	assert_int_equal(info[3], 1); /* one module */
	memory_release(&p.memory);
}

/* One change each, and what it must not lead to. */
static void an_image_that_lies_is_refused(void **state)
{
	struct test_image all[12];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 12; i++)
		all[i] = image_of(nothing, sizeof(nothing));
	all[n++].elf.e_ident[0] = 'x';
	all[n++].elf.e_machine = EM_386;
	all[n++].elf.e_phnum = 0;
	all[n++].elf.e_phnum = 60000;
	all[n++].elf.e_phoff = UINT64_MAX - 8;
	all[n++].load.p_paddr = 4096;              /* ours */
	all[n++].load.p_paddr = UINT64_MAX - 4095; /* wraps */
	all[n++].load.p_memsz = UINT64_C(1) << 40;
	all[n++].load.p_filesz = 8192; /* more than it takes */
	all[n++].load.p_offset = UINT64_C(1) << 62;
	all[n++].pvh.type = 17;
	all[n++].pvh.name_length = UINT32_MAX;
	for (size_t i = 0; i < n; i++) {
		struct place p;

		begin(&p);
		assert_int_equal(load(&p, &all[i], sizeof(all[i]), NULL), -1);
		memory_release(&p.memory);
	}
}

static void a_file_that_is_cut_off_is_refused(void **state)
{
	const struct test_image image = image_of(nothing, sizeof(nothing));

	(void)state;
	for (size_t length = 0; length < sizeof(image); length += 7) {
		struct place p;

		begin(&p);
		assert_int_equal(load(&p, &image, length, NULL), -1);
		memory_release(&p.memory);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	const struct test_image image = image_of(nothing, sizeof(nothing));
	size_t size = 4 << 20;
	owned_str large = malloc(size + 1);
	struct place p;

	(void)state;
	memset(large, 'x', size);
	large[size] = '\0';
	begin(&p);
	assert_int_equal(load(&p, &image, sizeof(image), large), -1);
	assert_string_equal(p.err.object, "memory");
	memory_release(&p.memory);
}

/* ---- ACPI ---- */

static uint8_t sum(const uint8_t *bytes, size_t length)
{
	uint8_t total = 0;

	for (size_t i = 0; i < length; i++)
		total = (uint8_t)(total + bytes[i]);
	return total;
}

/* A table at an address: its sum is zero. */
static const uint8_t *table(const struct place *p, uint64_t at, const char *signature)
{
	const uint8_t *head = memory_at(&p->memory, at, 36);
	uint32_t length;

	assert_non_null(head);
	assert_memory_equal(head, signature, 4);
	memcpy(&length, head + 4, 4);
	assert_non_null(memory_at(&p->memory, at, length));
	assert_int_equal(sum(head, length), 0);
	return head;
}

static uint64_t number(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void the_tables_lead_to_each_other(void **state)
{
	struct place p;
	const uint8_t *rsdp, *xsdt, *fadt, *dsdt;

	(void)state;
	begin(&p);
	assert_int_equal(acpi_write(&p.memory, 64, MACHINE_DEVICES, &p.err), 0);
	rsdp = memory_at(&p.memory, ACPI_TABLES, 36);
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	xsdt = table(&p, number(rsdp + 24), "XSDT");
	fadt = table(&p, number(xsdt + 36), "FACP");
	(void)table(&p, number(xsdt + 44), "APIC");
	dsdt = table(&p, number(fadt + 140), "DSDT");
	assert_non_null(memmem(dsdt, 4096, "LNRO0005", 8));
	assert_non_null(memmem(dsdt, 4096, "VM0F", 4));
	memory_release(&p.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_is_put_where_it_wants_to_be),
		cmocka_unit_test(an_image_that_lies_is_refused),
		cmocka_unit_test(a_file_that_is_cut_off_is_refused),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(the_tables_lead_to_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

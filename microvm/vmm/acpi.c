/* SPDX-License-Identifier: Apache-2.0 */
/* A stock kernel learns of processors and virtio devices from ACPI alone: RSDP, XSDT, FADT of a machine without the
 * old hardware, MADT, and a DSDT with one device a window. Spec: ACPI 6.5, 5.2. */
#include <stdio.h>
#include <string.h>

#include "aml.h"
#include "parts.h"

enum {
	HEADER_BYTES = 36,
	RSDP_BYTES = 36,
	FADT_BYTES = 276,
	FADT_HW_REDUCED = 1 << 20,
	FADT_RESET = 1 << 10,
	FADT_NO_VGA = 1 << 2, /* of the boot architecture flags */
	FADT_NO_CMOS = 1 << 5,
	SPACE_IO = 1,
	ACCESS_BYTE = 1,
};

#define LOCAL_APIC UINT32_C(0xfee00000)
#define IO_APIC    UINT32_C(0xfec00000)

/* Tables, one behind the other. */
struct tables {
	struct writer w;
	uint8_t *start;
	uint64_t dsdt, fadt, madt, xsdt;
};

static uint8_t sum(const uint8_t *bytes, size_t length)
{
	uint8_t total = 0;

	while (length > 0)
		total = (uint8_t)(total + bytes[--length]);
	return total;
}

static void align(struct tables *t)
{
	write_zeros(&t->w, (16 - t->w.written % 16) % 16);
}

/* Begin a table. Returns where it is. */
static uint8_t *begin(struct tables *t, const char *signature, uint8_t revision, uint64_t *ret_at)
{
	uint8_t *at;

	align(t);
	at = t->w.at;
	*ret_at = ACPI_TABLES + t->w.written;
	write_bytes(&t->w, signature, 4);
	write_u32(&t->w, 0); /* its length, at the end */
	write_u8(&t->w, revision);
	write_u8(&t->w, 0); /* its checksum, likewise */
	write_bytes(&t->w, "CELLA ", 6);
	write_bytes(&t->w, "MICROVM ", 8);
	write_u32(&t->w, 1);
	write_bytes(&t->w, "CELL", 4);
	write_u32(&t->w, 1);
	return at;
}

static void finish(struct tables *t, uint8_t *at)
{
	struct writer length;

	if (t->w.failed)
		return;
	length = writer_of(at + 4, 4);
	write_u32(&length, (uint32_t)(t->w.at - at));
	at[9] = (uint8_t)-sum(at, (size_t)(t->w.at - at));
}

static void write_device(struct writer *w, size_t index)
{
	struct aml_open device, resources;
	uint8_t *size;
	char name[8];

	(void)snprintf(name, sizeof(name), "VM%02X", (unsigned int)(index & 0xff));
	device = aml_device(w, name);
	aml_name(w, "_HID");
	aml_text(w, "LNRO0005");
	aml_name(w, "_UID");
	aml_number(w, (uint32_t)index);
	aml_name(w, "_CCA");
	aml_number(w, 1);
	aml_name(w, "_CRS");
	resources = aml_resources(w, &size);
	aml_memory(w, (uint32_t)(DEVICES + index * DEVICE_SIZE), VIRTIO_MMIO_SIZE);
	aml_interrupt(w, FIRST_INTERRUPT + (uint32_t)index);
	aml_close_resources(w, &resources, size);
	aml_close(w, &device);
}

static void write_dsdt(struct tables *t, size_t devices)
{
	uint8_t *at = begin(t, "DSDT", 2, &t->dsdt);
	struct aml_open scope = aml_scope(&t->w, "\\_SB_"), package;

	for (size_t i = 0; i < devices; i++)
		write_device(&t->w, i);
	aml_close(&t->w, &scope);
	aml_name(&t->w, "_S5_"); /* off */
	package = aml_package(&t->w, 2);
	aml_number(&t->w, SLEEP_OFF);
	aml_number(&t->w, SLEEP_OFF);
	aml_close(&t->w, &package);
	finish(t, at);
}

/* A register at a port. Spec: 5.2.3.2, Generic Address Structure. */
static void write_register(uint8_t *table, size_t offset, uint64_t port)
{
	struct writer w = writer_of(table + offset, 12);

	write_u8(&w, SPACE_IO);
	write_u8(&w, 8);
	write_u8(&w, 0);
	write_u8(&w, ACCESS_BYTE);
	write_u64(&w, port);
}

static void put(uint8_t *table, size_t offset, size_t size, uint64_t value)
{
	struct writer w = writer_of(table + offset, size);

	if (size == 8)
		write_u64(&w, value);
	else if (size == 4)
		write_u32(&w, (uint32_t)value);
	else if (size == 2)
		write_u16(&w, (uint16_t)value);
	else
		write_u8(&w, (uint8_t)value);
}

/* Offsets are those of the specification's table 5.9. */
static void write_fadt(struct tables *t)
{
	uint8_t *at = begin(t, "FACP", 6, &t->fadt);

	write_zeros(&t->w, FADT_BYTES - HEADER_BYTES);
	if (t->w.failed)
		return;
	put(at, 109, 2, FADT_NO_VGA | FADT_NO_CMOS);
	put(at, 112, 4, FADT_HW_REDUCED | FADT_RESET);
	write_register(at, 116, PORT_RESET);
	put(at, 128, 1, RESET_VALUE);
	put(at, 131, 1, 5); /* minor version */
	put(at, 140, 8, t->dsdt);
	write_register(at, 244, PORT_SLEEP);
	write_register(at, 256, PORT_SLEEP_STATUS);
	finish(t, at);
}

static void write_madt(struct tables *t, unsigned int processors)
{
	uint8_t *at = begin(t, "APIC", 5, &t->madt);
	struct writer *w = &t->w;

	write_u32(w, LOCAL_APIC);
	write_u32(w, 0); /* no old interrupt controllers to switch off */
	for (unsigned int i = 0; i < processors; i++) {
		write_u8(w, 0); /* Processor Local APIC */
		write_u8(w, 8);
		write_u8(w, (uint8_t)i);
		write_u8(w, (uint8_t)i);
		write_u32(w, 1); /* there and usable */
	}
	write_u8(w, 1); /* I/O APIC */
	write_u8(w, 12);
	write_u8(w, 0);
	write_u8(w, 0);
	write_u32(w, IO_APIC);
	write_u32(w, 0); /* its first interrupt */
	finish(t, at);
}

static void write_xsdt(struct tables *t)
{
	uint8_t *at = begin(t, "XSDT", 1, &t->xsdt);

	write_u64(&t->w, t->fadt);
	write_u64(&t->w, t->madt);
	finish(t, at);
}

/* At the beginning: room was left for it. */
static void write_rsdp(const struct tables *t)
{
	struct writer w = writer_of(t->start, RSDP_BYTES);

	write_bytes(&w, "RSD PTR ", 8);
	write_u8(&w, 0);
	write_bytes(&w, "CELLA ", 6);
	write_u8(&w, 2);
	write_u32(&w, 0); /* no RSDT */
	write_u32(&w, RSDP_BYTES);
	write_u64(&w, t->xsdt);
	write_zeros(&w, 4);
	t->start[8] = (uint8_t)-sum(t->start, 20);
	t->start[32] = (uint8_t)-sum(t->start, RSDP_BYTES);
}

int acpi_write(const struct guest_memory *memory, unsigned int processors, size_t devices,
               struct error *err)
{
	struct tables t = {.start = memory_at(memory, ACPI_TABLES, ACPI_BYTES)};

	if (!t.start)
		return fail(err, ERROR_CONFIG, "memory", "is too small for ACPI's tables");
	t.w = writer_of(t.start, ACPI_BYTES);
	write_zeros(&t.w, RSDP_BYTES);
	write_dsdt(&t, devices);
	write_fadt(&t);
	write_madt(&t, processors);
	write_xsdt(&t);
	if (t.w.failed)
		return fail(err, ERROR_SYSTEM, "ACPI", "its tables do not fit");
	write_rsdp(&t);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "aml.h"

enum {
	OP_ZERO = 0x00,
	OP_ONE = 0x01,
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_EXTENDED = 0x5b,
	OP_DEVICE = 0x82,
	END_TAG = 0x79,
	/* lengths are always written in two bytes: up to 4095 */
	LENGTH_BYTES = 2,
};

static struct aml_open begin(struct writer *w)
{
	struct aml_open open = {.from = w->written, .length = w->at};

	write_zeros(w, LENGTH_BYTES);
	return open;
}

void aml_close(struct writer *w, const struct aml_open *open)
{
	size_t length = w->written - open->from;

	if (w->failed || length > 0xfff) {
		w->failed = true;
		return;
	}
	open->length[0] = (uint8_t)(0x40 | (length & 0xf));
	open->length[1] = (uint8_t)(length >> 4);
}

struct aml_open aml_scope(struct writer *w, const char *name)
{
	struct aml_open open;

	write_u8(w, OP_SCOPE);
	open = begin(w);
	write_bytes(w, name, strlen(name));
	return open;
}

struct aml_open aml_device(struct writer *w, const char *name)
{
	struct aml_open open;

	write_u8(w, OP_EXTENDED);
	write_u8(w, OP_DEVICE);
	open = begin(w);
	write_bytes(w, name, 4);
	return open;
}

struct aml_open aml_package(struct writer *w, uint8_t elements)
{
	struct aml_open open;

	write_u8(w, OP_PACKAGE);
	open = begin(w);
	write_u8(w, elements);
	return open;
}

struct aml_open aml_resources(struct writer *w, uint8_t **ret_size)
{
	struct aml_open open;

	write_u8(w, OP_BUFFER);
	open = begin(w);
	write_u8(w, OP_BYTE);
	*ret_size = w->at;
	write_u8(w, 0);
	return open;
}

void aml_close_resources(struct writer *w, const struct aml_open *open, uint8_t *size)
{
	write_u8(w, END_TAG);
	write_u8(w, 0); /* no checksum */
	if (!w->failed)
		*size = (uint8_t)(w->at - size - 1);
	aml_close(w, open);
}

void aml_name(struct writer *w, const char *name)
{
	write_u8(w, OP_NAME);
	write_bytes(w, name, 4);
}

void aml_text(struct writer *w, const char *text)
{
	write_u8(w, OP_STRING);
	write_bytes(w, text, strlen(text) + 1);
}

void aml_number(struct writer *w, uint32_t number)
{
	if (number <= 1) {
		write_u8(w, number ? OP_ONE : OP_ZERO);
	} else if (number <= UINT8_MAX) {
		write_u8(w, OP_BYTE);
		write_u8(w, (uint8_t)number);
	} else if (number <= UINT16_MAX) {
		write_u8(w, OP_WORD);
		write_u16(w, (uint16_t)number);
	} else {
		write_u8(w, OP_DWORD);
		write_u32(w, number);
	}
}

/* Spec: 6.4.3.4, 32-Bit Fixed Memory Range Descriptor. */
void aml_memory(struct writer *w, uint32_t base, uint32_t length)
{
	write_u8(w, 0x86);
	write_u16(w, 9);
	write_u8(w, 1); /* can be written */
	write_u32(w, base);
	write_u32(w, length);
}

/* Spec: 6.4.3.6, Extended Interrupt Descriptor. */
void aml_interrupt(struct writer *w, uint32_t number)
{
	enum { CONSUMER = 1, EDGE = 2 };

	write_u8(w, 0x89);
	write_u16(w, 6);
	write_u8(w, CONSUMER | EDGE);
	write_u8(w, 1);
	write_u32(w, number);
}

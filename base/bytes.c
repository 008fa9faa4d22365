/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <string.h>

#include "bytes.h"

const void *read_bytes(struct reader *r, size_t length)
{
	const uint8_t *at = r->at;

	if (r->failed || length > r->left) {
		r->failed = true;
		return NULL;
	}
	if (length > 0) /* from nowhere on there is nothing, not even that */
		r->at += length;
	r->left -= length;
	return at;
}

void read_into(struct reader *r, void *to, size_t length)
{
	const void *at = read_bytes(r, length);

	if (length == 0)
		return;
	if (at)
		memcpy(to, at, length);
	else
		memset(to, 0, length);
}

const char *read_text(struct reader *r)
{
	const uint8_t *end = r->left ? memchr(r->at, '\0', r->left) : NULL;

	if (!end)
		r->failed = true;
	return end ? read_bytes(r, (size_t)(end - r->at) + 1) : NULL;
}

uint8_t read_u8(struct reader *r)
{
	uint8_t value;

	read_into(r, &value, sizeof(value));
	return value;
}

uint16_t read_u16(struct reader *r)
{
	uint16_t value;

	read_into(r, &value, sizeof(value));
	return le16toh(value);
}

uint32_t read_u32(struct reader *r)
{
	uint32_t value;

	read_into(r, &value, sizeof(value));
	return le32toh(value);
}

uint64_t read_u64(struct reader *r)
{
	uint64_t value;

	read_into(r, &value, sizeof(value));
	return le64toh(value);
}

/* Room for length more bytes, or NULL. */
static void *claim(struct writer *w, size_t length)
{
	uint8_t *at = w->at;

	if (w->failed || length > w->left) {
		w->failed = true;
		return NULL;
	}
	w->at += length;
	w->left -= length;
	w->written += length;
	return at;
}

void write_bytes(struct writer *w, const void *bytes, size_t length)
{
	void *at = claim(w, length);

	if (at && length)
		memcpy(at, bytes, length);
}

void write_zeros(struct writer *w, size_t length)
{
	void *at = claim(w, length);

	if (at)
		memset(at, 0, length);
}

void write_u8(struct writer *w, uint8_t value)
{
	write_bytes(w, &value, sizeof(value));
}

void write_u16(struct writer *w, uint16_t value)
{
	value = htole16(value);
	write_bytes(w, &value, sizeof(value));
}

void write_u32(struct writer *w, uint32_t value)
{
	value = htole32(value);
	write_bytes(w, &value, sizeof(value));
}

void write_u64(struct writer *w, uint64_t value)
{
	value = htole64(value);
	write_bytes(w, &value, sizeof(value));
}

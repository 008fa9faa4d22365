/* SPDX-License-Identifier: Apache-2.0 */
/* A message: u32 bytes behind the head, u32 kind, then its numbers (u64) and its blobs (u32 length, bytes, one
 * zero), as many as its kind has. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/table.h"

#include "message.h"

static const struct {
	enum wire_kind kind;
	unsigned char numbers, blobs;
} forms[] = {
	{WIRE_NONE,      0, 0},
        {WIRE_MACHINE,   3, 3},
        {WIRE_MEMORY,    1, 0},
        {WIRE_NETWORK,   1, 1},
	{WIRE_CREATE,    1, 5},
        {WIRE_START,     0, 0},
        {WIRE_EXEC,      1, 2},
        {WIRE_ATTACH,    2, 0},
	{WIRE_WINDOW,    2, 0},
        {WIRE_SIGNAL,    3, 0},
        {WIRE_PROCESSES, 1, 0},
        {WIRE_STATS,     0, 0},
	{WIRE_WATCH,     0, 0},
        {WIRE_UPDATE,    0, 1},
        {WIRE_SYNC,      0, 0},
        {WIRE_DONE,      1, 1},
	{WIRE_FAILED,    2, 2},
        {WIRE_KILLED,    0, 0},
        {WIRE_EXITED,    3, 0},
};

_Static_assert(ARRAY_SIZE(forms) == WIRE_KINDS, "one row a kind");

void *wire_pack(const struct wire_message *m, size_t *ret_length, struct error *err)
{
	size_t numbers = forms[m->kind].numbers, blobs = forms[m->kind].blobs;
	size_t length = WIRE_HEAD + numbers * 8;
	struct writer w;
	void *bytes;

	for (size_t i = 0; i < blobs; i++) {
		if (m->blob[i].length > WIRE_LIMIT) {
			length = SIZE_MAX;
			break;
		}
		length += 4 + m->blob[i].length + 1;
	}
	if (length > WIRE_LIMIT) {
		(void)fail(err, ERROR_SYSTEM, "message", "larger than %d bytes", WIRE_LIMIT);
		return NULL;
	}
	bytes = malloc(length);
	if (!bytes) {
		(void)fail(err, ERROR_SYSTEM, "message", "out of memory");
		return NULL;
	}
	w = writer_of(bytes, length);
	write_u32(&w, (uint32_t)(length - WIRE_HEAD));
	write_u32(&w, m->kind);
	for (size_t i = 0; i < numbers; i++)
		write_u64(&w, m->number[i]);
	for (size_t i = 0; i < blobs; i++) {
		write_u32(&w, (uint32_t)m->blob[i].length);
		write_bytes(&w, m->blob[i].bytes, m->blob[i].length);
		write_u8(&w, 0);
	}
	*ret_length = length;
	return bytes;
}

int wire_head(const void *head, size_t limit, size_t *ret_length, struct error *err)
{
	struct reader r = reader_of(head, WIRE_HEAD);
	uint32_t length = read_u32(&r), kind = read_u32(&r);

	if (kind == WIRE_NONE || kind >= WIRE_KINDS)
		return fail(err, ERROR_SYSTEM, "message", "there is no kind %u", kind);
	if (length > limit)
		return fail(err, ERROR_SYSTEM, "message", "%u bytes are more than %zu", length,
		            limit);
	*ret_length = length;
	return 0;
}

/* length bytes and the zero behind them. */
static bool read_blob(struct reader *r, struct wire_blob *ret)
{
	uint32_t length = read_u32(r);
	const uint8_t *bytes = read_bytes(r, length);

	if (read_u8(r) != 0 || r->failed)
		return false;
	*ret = (struct wire_blob){bytes, length};
	return true;
}

int wire_unpack(void *bytes, size_t length, struct wire_message *ret, struct error *err)
{
	struct reader r = reader_of(bytes, length);
	struct wire_message m = {.kind = WIRE_NONE};
	size_t said;
	bool whole = true;

	if (length < WIRE_HEAD || wire_head(bytes, WIRE_LIMIT, &said, err) < 0)
		return length < WIRE_HEAD ? fail(err, ERROR_SYSTEM, "message", "is cut off") : -1;
	(void)read_u32(&r);
	m.kind = (enum wire_kind)read_u32(&r);
	for (size_t i = 0; i < forms[m.kind].numbers; i++)
		m.number[i] = read_u64(&r);
	for (size_t i = 0; whole && i < forms[m.kind].blobs; i++)
		whole = read_blob(&r, &m.blob[i]);
	if (!whole || r.failed || r.left > 0)
		return fail(err, ERROR_SYSTEM, "message", "of kind %d has not what it should have",
		            m.kind);
	*ret = m;
	return 0;
}

struct wire_message wire_failed(const struct error *why)
{
	return (struct wire_message){
		.kind = WIRE_FAILED,
		.number = {why->kind,              (uint64_t)why->errnum },
		.blob = {wire_text(why->object), wire_text(why->reason)},
	};
}

int wire_error(const struct wire_message *m, struct error *err)
{
	struct error told = {0};

	told.kind = m->number[0] < ERROR_KINDS ? (enum error_kind)m->number[0] : ERROR_SYSTEM;
	told.errnum = m->number[1] < 4096 ? (int)m->number[1] : 0;
	memcpy(told.object, m->blob[0].bytes,
	       m->blob[0].length < sizeof(told.object) ? m->blob[0].length : sizeof(told.object));
	memcpy(told.reason, m->blob[1].bytes,
	       m->blob[1].length < sizeof(told.reason) ? m->blob[1].length : sizeof(told.reason));
	error_import(err, &told, sizeof(told));
	return -1;
}

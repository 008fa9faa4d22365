/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

/* An arena is a list of chunks that the newest allocations are cut from. A chunk comes zeroed from
 * calloc() and each byte is handed out once, so nothing is cleared twice. An allocation of its own
 * size class gets a chunk to itself behind the first, so that the first one's rest isn't lost. */

enum { CHUNK_LEAST = 4000, CHUNK_MOST = 1 << 20, ALIGN_ANY = _Alignof(max_align_t) };

struct chunk {
	struct chunk *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) char bytes[];
};

struct arena {
	struct chunk *chunks;
	size_t limit_bytes;
	size_t handed_out;
	bool no_memory;
	bool over_limit;
};

struct arena *arena_new(size_t limit_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->limit_bytes = limit_bytes;
	return arena;
}

void arena_free(struct arena *arena)
{
	struct chunk *next;

	if (!arena)
		return;
	for (struct chunk *chunk = arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
}

/* A new chunk with room for size bytes, in the list. */
static struct chunk *add_chunk(struct arena *arena, size_t size)
{
	size_t usual = CHUNK_LEAST;
	struct chunk *chunk;

	if (arena->chunks)
		usual = arena->chunks->size < CHUNK_MOST / 2 ? arena->chunks->size * 2 : CHUNK_MOST;
	if (usual < size || size > CHUNK_MOST / 4)
		usual = size;
	if (usual > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + usual);
	if (!chunk)
		return NULL;
	chunk->size = usual;
	if (arena->chunks && usual == size) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	return chunk;
}

/* size zeroed bytes whose address is a multiple of align, a power of two. */
static void *cut(struct arena *arena, size_t size, size_t align)
{
	struct chunk *chunk = arena->chunks;
	size_t start = 0;

	if (arena->no_memory || arena->over_limit)
		return NULL;
	if (size > arena->limit_bytes - arena->handed_out) {
		arena->over_limit = true;
		return NULL;
	}
	if (chunk)
		start = (chunk->used + align - 1) & ~(align - 1);
	if (!chunk || start > chunk->size || size > chunk->size - start) {
		chunk = add_chunk(arena, size);
		start = 0;
	}
	if (!chunk) {
		arena->no_memory = true;
		return NULL;
	}
	chunk->used = start + size;
	arena->handed_out += size;
	return chunk->bytes + start;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total)) {
		arena->over_limit = true;
		return NULL;
	}
	return cut(arena, total, ALIGN_ANY);
}

/* A copy of length bytes and a NUL. */
static char *copy_text(struct arena *arena, const char *text, size_t length)
{
	char *copy = cut(arena, length + 1, 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *arena_text_n(struct arena *arena, const char *text, size_t length)
{
	return copy_text(arena, text, strnlen(text, length));
}

char *arena_text(struct arena *arena, const char *text)
{
	return copy_text(arena, text, strlen(text));
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0) {
		arena->no_memory = true;
		return NULL;
	}
	text = cut(arena, (size_t)n + 1, 1);
	if (!text)
		return NULL;
	va_start(args, format);
	(void)vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

int arena_check(const struct arena *arena, struct error *err)
{
	if (arena->no_memory)
		return fail(err, ERROR_SYSTEM, "memory", "out of memory");
	if (arena->over_limit)
		return fail(err, ERROR_CONFIG, "memory", "larger than %zu bytes in memory",
		            arena->limit_bytes);
	return 0;
}

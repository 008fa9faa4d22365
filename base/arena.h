/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "error.h"

/* Memory of a whole document, spec or plan: made piece by piece, freed whole, never beyond a limit.
 *
 * An allocation that can't be had ends in NULL; callers that build a tree check once at the end
 * with arena_check(), because after the first NULL every later allocation fails too. */
struct arena;

/* limit_bytes  most that this arena may hand out.
 * Returns      the arena, or NULL when there is no memory; free it with arena_free(). */
struct arena *arena_new(size_t limit_bytes);

/* Free the arena and everything made in it; NULL is fine. */
void arena_free(struct arena *arena);

/* cleanup attribute: `owned_arena struct arena *a = arena_new(…);` */
static inline void arena_release(struct arena **arena)
{
	arena_free(*arena);
}
#define owned_arena __attribute__((cleanup(arena_release)))

/* Zeroed memory, aligned for any type; NULL when the limit or memory is exhausted or count * size
 * overflows. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* A zeroed object of a type. */
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), 1, sizeof(type)))

/* Copies of a text; the second cuts after length bytes. NULL as arena_alloc(). */
char *arena_text(struct arena *arena, const char *text);
char *arena_text_n(struct arena *arena, const char *text, size_t length);

/* A text as printf would write it. NULL as arena_alloc(). */
char *arena_format(struct arena *arena, const char *format, ...) PRINTF(2, 3);

/* Whether every allocation so far succeeded.
 * Returns  0, or -1 and *err ("out of memory", "larger than N bytes in memory"). */
int arena_check(const struct arena *arena, struct error *err) FALLIBLE;

#endif

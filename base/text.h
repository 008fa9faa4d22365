/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Growing text on the heap, with a limit. Zero-initialised with a limit is an empty text:
 *
 *	owned_text struct text out = {.limit = 1 << 20};
 *
 * A text that could not grow stays failed: append freely, check once with text_check(). */
struct text {
	char *bytes;   /* NUL-terminated once anything was appended; NULL before */
	size_t length; /* without the NUL */
	size_t size;   /* allocated */
	size_t limit;  /* most bytes it may hold; 0 means 64 MiB */
	bool failed;
};

void text_free(struct text *text);
#define owned_text __attribute__((cleanup(text_free)))

void text_append(struct text *text, const char *more);
void text_append_n(struct text *text, const char *more, size_t length);
void text_format(struct text *text, const char *format, ...) PRINTF(2, 3);

/* Returns  0, or -1 and *err when something could not be appended. */
int text_check(const struct text *text, struct error *err) FALLIBLE;

/* Strict numbers: the whole text is the number, no sign where none can be, no white space, no
 * leading zeros but "0" itself, never a default.
 *
 * Returns  true and *ret; false leaves *ret alone.
 * Context  any, the child too. */
bool text_to_u64(const char *text, uint64_t *ret);
bool text_to_i64(const char *text, int64_t *ret);
bool text_to_u32(const char *text, uint32_t *ret);

/* Sizes as people write them on a command line: 4096, 64k, 16M, 2G (powers of 1024), as crun and
 * runc take them for memory flags. */
bool text_to_size(const char *text, uint64_t *ret_bytes);

/* Lengths of time as people write them: "5s", "500ms", "1m30s", "1.5h" (Go's way, which runc takes;
 * ns, us, ms, s, m and h), or "5": seconds. Of a fraction six digits count. */
bool text_to_duration(const char *text, uint64_t *ret_ns);

/* Whether text begins or ends with part. */
bool text_begins(const char *text, const char *part);
bool text_ends(const char *text, const char *part);

/* Whether these bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool text_is_utf8(const char *bytes, size_t length);

/* How much of so many bytes of UTF-8 is whole characters: one that is cut at their end is left out. */
size_t text_whole_characters(const char *text, size_t length);

/* How many bytes the well-formed UTF-8 character at the beginning of these bytes takes: 1 to 4, or
 * 0 where there is none. */
size_t text_utf8_step(const char *bytes, size_t length);

/* The same of a character that a terminal only shows: 0 too for a control character, of ASCII or of
 * U+0080 to U+009F, which some terminals obey like an escape. */
size_t text_printable_step(const char *bytes, size_t length);

/* The character at the beginning of these bytes (one at least) as it may stand between the quotes of a JSON string, and
 * on a terminal: what is none is U+FFFD, and control characters, as above, are escaped. Context: any, the child too. */
struct text_quoted {
	size_t step;         /* bytes that it takes */
	const char *instead; /* what stands there; NULL: these bytes */
	char buffer[8];      /* for that */
};
void text_quote(const char *bytes, size_t length, struct text_quoted *ret);

/* Put '?' in place of each byte that is in no such character: a line that may stand on a terminal. */
void text_make_printable(char *text);

#endif

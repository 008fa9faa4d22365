/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* The only writer of JSON: commas, escapes and indentation are done here. Keys are NULL inside
 * arrays and at the top.
 *
 *	owned_text struct text out = {0};
 *	struct json_writer w = {.out = &out, .indent = 2};
 *	json_open(&w, NULL, '{');
 *	json_text(&w, "id", id);
 *	json_close(&w);
 *	if (text_check(&out, err) < 0) … */
struct json_writer {
	struct text *out;
	int indent;       /* spaces a level; 0 writes one line */
	int depth;        /* private */
	bool comma;       /* private */
	char closing[64]; /* private */
};

/* bracket is '{' or '['. */
void json_open(struct json_writer *w, const char *key, char bracket);
void json_close(struct json_writer *w);

/* NULL writes null; bytes that are no UTF-8 become U+FFFD; control characters are escaped, also
 * U+007F to U+009F, which JSON would let a terminal obey. */
void json_text(struct json_writer *w, const char *key, const char *text);

void json_i64(struct json_writer *w, const char *key, int64_t number);
void json_u64(struct json_writer *w, const char *key, uint64_t number);
void json_bool(struct json_writer *w, const char *key, bool truth);
void json_texts(struct json_writer *w, const char *key, const char *const *texts, size_t count);

/* Already JSON: copied as it is. */
void json_raw(struct json_writer *w, const char *key, const char *json);

#endif

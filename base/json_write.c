/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_write.h"

static void write_string(struct text *out, const char *text)
{
	size_t left = strlen(text), plain = 0; /* bytes before `text` that stand for themselves */
	struct text_quoted next;

	text_append_n(out, "\"", 1);
	for (; left > 0; text += next.step, left -= next.step) {
		text_quote(text, left, &next);
		plain += next.instead ? 0 : next.step;
		if (!next.instead)
			continue;
		text_append_n(out, text - plain, plain);
		text_append(out, next.instead);
		plain = 0;
	}
	text_append_n(out, text - plain, plain);
	text_append_n(out, "\"", 1);
}

static void new_line(struct json_writer *w)
{
	if (w->indent > 0)
		text_format(w->out, "\n%*s", w->indent * w->depth, "");
}

/* All that stands in front of a value: comma, line, key. */
static void begin(struct json_writer *w, const char *key)
{
	if (w->comma)
		text_append_n(w->out, ",", 1);
	if (w->depth > 0)
		new_line(w);
	w->comma = true;
	if (!key)
		return;
	write_string(w->out, key);
	text_append(w->out, w->indent > 0 ? ": " : ":");
}

void json_open(struct json_writer *w, const char *key, char bracket)
{
	begin(w, key);
	if (w->depth >= (int)sizeof(w->closing)) {
		w->out->failed = true;
		return;
	}
	text_append_n(w->out, &bracket, 1);
	w->closing[w->depth++] = bracket == '{' ? '}' : ']';
	w->comma = false;
}

void json_close(struct json_writer *w)
{
	bool empty = !w->comma;

	if (w->depth == 0) {
		w->out->failed = true;
		return;
	}
	w->depth--;
	if (!empty)
		new_line(w);
	text_append_n(w->out, &w->closing[w->depth], 1);
	w->comma = true;
}

void json_text(struct json_writer *w, const char *key, const char *text)
{
	begin(w, key);
	if (text)
		write_string(w->out, text);
	else
		text_append(w->out, "null");
}

void json_i64(struct json_writer *w, const char *key, int64_t number)
{
	begin(w, key);
	text_format(w->out, "%" PRId64, number);
}

void json_u64(struct json_writer *w, const char *key, uint64_t number)
{
	begin(w, key);
	text_format(w->out, "%" PRIu64, number);
}

void json_bool(struct json_writer *w, const char *key, bool truth)
{
	begin(w, key);
	text_append(w->out, truth ? "true" : "false");
}

void json_texts(struct json_writer *w, const char *key, const char *const *texts, size_t count)
{
	json_open(w, key, '[');
	for (size_t i = 0; i < count; i++)
		json_text(w, NULL, texts[i]);
	json_close(w);
}

void json_raw(struct json_writer *w, const char *key, const char *json)
{
	begin(w, key);
	text_append(w->out, json);
}

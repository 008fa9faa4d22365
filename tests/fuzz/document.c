/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

struct json *document_next(const struct json *value)
{
	if (value->first)
		return value->first;
	while (value && !value->next)
		value = value->parent;
	return value ? value->next : NULL;
}

/* A value without its children; arrays and objects are opened. */
static void write_value(struct json_writer *w, const struct json *value)
{
	if (document_has_children(value))
		json_open(w, value->key, value->type == JSON_OBJECT ? '{' : '[');
	else if (value->type == JSON_BOOL)
		json_bool(w, value->key, value->truth);
	else if (value->type == JSON_NUMBER)
		json_raw(w, value->key, value->text);
	else
		json_text(w, value->key, value->text); /* NULL for null */
}

void document_write(struct json_writer *w, const struct json *top)
{
	const struct json *next;

	for (const struct json *value = top; value; value = next) {
		const struct json *up = value;

		write_value(w, value);
		next = document_next(value);
		for (; up && up != (next ? next->parent : NULL); up = up->parent)
			if (document_has_children(up))
				json_close(w);
	}
}

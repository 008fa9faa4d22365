/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"

#include "facts.h"
#include "image.h"

enum { INDENT = 2 };

static void write_part(struct json_writer *w, const char *key, const struct part *part,
                       const char *packing)
{
	json_open(w, key, '{');
	json_u64(w, "size", part->size);
	json_text(w, "sha256", part->sha256);
	if (packing)
		json_text(w, "packing", packing);
	json_close(w);
}

static void write_line(const struct modules *modules, size_t i, struct text *out)
{
	const struct module_line *line = &modules->lines[i];

	text_format(out, "%s %s", line->group, modules->list[line->module].file);
}

void facts_write_order(const struct modules *modules, struct text *out)
{
	for (size_t i = 0; i < modules->lines_count; i++) {
		write_line(modules, i, out);
		text_append(out, "\n");
	}
}

static void write_modules(struct json_writer *w, const struct modules *modules)
{
	json_open(w, "modules", '[');
	for (size_t i = 0; i < modules->lines_count; i++) {
		owned_text struct text line = {0};

		write_line(modules, i, &line);
		if (line.failed)
			w->out->failed = true;
		json_text(w, NULL, line.bytes);
	}
	json_close(w);
	json_texts(w, "missing", modules->missing, modules->missing_count);
}

void facts_write(const struct facts *facts, struct text *out)
{
	struct json_writer w = {.out = out, .indent = INDENT};

	json_open(&w, NULL, '{');
	json_i64(&w, "format", IMAGE_FORMAT);
	json_text(&w, "release", facts->release);
	json_u64(&w, "entry", facts->entry);
	write_part(&w, "kernel", &facts->kernel, facts->packing);
	write_part(&w, "initramfs", &facts->initramfs, NULL);
	json_open(&w, "sources", '{');
	json_text(&w, "kernel", facts->made_from.kernel);
	json_text(&w, "modules", facts->made_from.modules);
	json_text(&w, "agent", facts->made_from.agent);
	json_close(&w);
	write_modules(&w, facts->modules);
	json_close(&w);
	text_append(out, "\n");
}

static bool is_format(const struct json *top)
{
	const struct json *format = json_member(top, "format");
	int64_t number;

	return format && format->type == JSON_NUMBER && json_to_i64(format, &number) &&
	       number == IMAGE_FORMAT;
}

static bool member_i64(const struct json *object, const char *key, int64_t *ret)
{
	const struct json *member = json_member(object, key);

	return member && member->type == JSON_NUMBER && json_to_i64(member, ret);
}

static bool member_u64(const struct json *object, const char *key, uint64_t *ret)
{
	const struct json *member = json_member(object, key);

	return member && member->type == JSON_NUMBER && json_to_u64(member, ret);
}

bool facts_sizes(const struct json *top, uint64_t *ret_kernel, uint64_t *ret_initramfs)
{
	return is_format(top) && member_u64(json_member(top, "kernel"), "size", ret_kernel) &&
	       member_u64(json_member(top, "initramfs"), "size", ret_initramfs);
}

/* --- answers ---------------------------------------------------------------------------------- */

bool answer_name(const struct request *request, char *name, size_t size)
{
	int n;

	if (!request->kernel) {
		(void)snprintf(name, size, "auto.json");
		return true;
	}
	n = snprintf(name, size, "for%s.json", request->kernel);
	/* file_replace() adds to it */
	if (n < 0 || (size_t)n >= size || n > NAME_MAX - (int)sizeof(".new-00000000"))
		return false;
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '!';
	return true;
}

void answer_write(const struct request *request, const char *image, const struct sources *sources,
                  struct text *out)
{
	struct json_writer w = {.out = out, .indent = INDENT};

	json_open(&w, NULL, '{');
	json_i64(&w, "format", IMAGE_FORMAT);
	json_text(&w, "image", image);
	json_text(&w, "kernel", request->kernel);
	json_text(&w, "modules", request->modules);
	json_text(&w, "agent", request->agent);
	json_open(&w, "sources", '[');
	for (size_t i = 0; i < sources->count; i++) {
		const struct source_facts *source = &sources->list[i];

		json_open(&w, NULL, '{');
		json_text(&w, "path", source->path);
		json_i64(&w, "size", source->size);
		json_u64(&w, "inode", source->inode);
		json_i64(&w, "mtime", source->mtime);
		json_i64(&w, "mtime_nsec", source->mtime_nsec);
		json_close(&w);
	}
	json_close(&w);
	json_close(&w);
	text_append(out, "\n");
}

static bool same_text(const struct json *top, const char *key, const char *text)
{
	const struct json *member = json_member(top, key);

	if (!text)
		return member && member->type == JSON_NULL;
	return member && member->type == JSON_STRING && strcmp(member->text, text) == 0;
}

static bool holds(const struct json *source)
{
	struct source_facts facts = {.path = json_member_text(source, "path")};

	return facts.path && member_i64(source, "size", &facts.size) &&
	       member_u64(source, "inode", &facts.inode) &&
	       member_i64(source, "mtime", &facts.mtime) &&
	       member_i64(source, "mtime_nsec", &facts.mtime_nsec) && source_holds(&facts);
}

/* Whether a text is the name of an image: 64 small hexadecimal digits. */
static bool is_image_name(const char *text)
{
	return strlen(text) == DIGEST_SIZE - 1 &&
	       strspn(text, "0123456789abcdef") == DIGEST_SIZE - 1;
}

const char *answer_image(const struct json *top, const struct request *request)
{
	const struct json *sources = json_member(top, "sources");
	const char *image = json_member_text(top, "image");

	if (!is_format(top) || !sources || sources->count == 0 || !image || !is_image_name(image) ||
	    !same_text(top, "kernel", request->kernel) ||
	    !same_text(top, "modules", request->modules) ||
	    !same_text(top, "agent", request->agent))
		return NULL;
	for (const struct json *source = sources->first; source; source = source->next)
		if (!holds(source))
			return NULL;
	return image;
}

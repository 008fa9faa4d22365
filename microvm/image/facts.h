/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_FACTS_H
#define IMAGE_FACTS_H

#include "base/json_read.h"
#include "base/text.h"

#include "kernel.h"
#include "modules.h"

/* The two kinds of files that image.h describes, written and read. */

/* What was asked for; paths are absolute. */
struct request {
	const char *kernel;  /* NULL: the newest */
	const char *modules; /* NULL: those of the kernel */
	const char *agent;
};

/* A file of an image. */
struct part {
	uint64_t size;
	char sha256[DIGEST_SIZE];
};

/* What is in image.json. */
struct facts {
	const char *release;
	uint64_t entry;
	struct part kernel, initramfs;
	const char *packing;
	struct request made_from; /* modules may be NULL: none */
	const struct modules *modules;
};

/* Append image.json, or one line of /modules/order a line. */
void facts_write(const struct facts *facts, struct text *out);
void facts_write_order(const struct modules *modules, struct text *out);

/* The sizes in an image.json.
 * Returns  whether it is one of this format. */
bool facts_sizes(const struct json *top, uint64_t *ret_kernel, uint64_t *ret_initramfs);

/* The name of the file that answers a request, in the cache.
 * Returns  whether it has one: the path of the kernel may be too long. */
bool answer_name(const struct request *request, char *name, size_t size);

void answer_write(const struct request *request, const char *image, const struct sources *sources,
                  struct text *out);

/* Whether an answer holds: it is to this request, and nothing has changed since.
 * Returns  the image's name, in the document; NULL where it doesn't hold. */
const char *answer_image(const struct json *top, const struct request *request);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_CACHE_H
#define IMAGE_CACHE_H

#include "facts.h"

/* The directory of images; image.h says what is in it. */
struct cache {
	const char *path; /* borrowed */
	int dir;          /* owned: cache_close() */
};

void cache_close(struct cache *cache);
#define owned_cache __attribute__((cleanup(cache_close)))

/* Open the cache, made where it is missing.
 * Returns  0, or -1 and *err.
 * Errors   others may write to it: their kernels would be booted. */
int cache_open(const char *path, struct cache *ret, struct error *err) FALLIBLE;

/* Whether there is an image of this name with the sizes that it should have. */
bool cache_has(const struct cache *cache, const char *name, struct arena *arena);

/* The image that was made for a request, if nothing has changed since.
 * Returns  its name, in arena, or NULL. */
const char *cache_answer(const struct cache *cache, const struct request *request,
                         struct arena *arena);

/* Keep which image answers a request. A kernel whose path is too long for it has none. */
int cache_remember(const struct cache *cache, const struct request *request, const char *image,
                   const struct sources *sources, struct error *err) FALLIBLE;

/* An image that is being made, in a directory beside the others. It vanishes with the variable, until
 * it is kept. */
struct draft {
	const struct cache *cache;
	int dir;
	char name[32];
};

void draft_release(struct draft *draft);
#define owned_draft __attribute__((cleanup(draft_release)))

/* Remove what killed processes left, then begin. */
int draft_begin(const struct cache *cache, struct draft *ret, struct error *err) FALLIBLE;

/* Write a file of it, to the disk. */
int draft_write(const struct draft *draft, const char *file, struct bytes bytes,
                struct error *err) FALLIBLE;

/* Make it the image of this name. Where there is one already that is whole, that one stays, unless
 * force is set. */
int draft_keep(struct draft *draft, const char *name, bool force, struct error *err) FALLIBLE;

#endif

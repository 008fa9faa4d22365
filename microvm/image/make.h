/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_MAKE_H
#define IMAGE_MAKE_H

#include "cache.h"

/* What was come to. */
struct made {
	const char *name; /* of the image, in the arena */
	bool fresh;       /* it was not there before */
};

/* Make the image that answers a request, or find it in the cache, and remember it.
 *
 * force    make it in any case.
 * arena    keeps what *ret points to.
 * Returns  0, or -1 and *err. */
int image_make(const struct cache *cache, const struct request *request, bool force,
               struct arena *arena, struct made *ret, struct error *err) FALLIBLE;

/* A line on stderr, when what follows takes more than a second; NULL: nothing does. */
void progress(const char *what);

/* A line on stderr, now. */
void note(const char *format, ...) PRINTF(1, 2);

#endif

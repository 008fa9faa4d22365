/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_SOURCE_H
#define IMAGE_SOURCE_H

#include <stdbool.h>

#include "base/arena.h"

#include "unpack.h"

enum { DIGEST_SIZE = 65 }; /* of a SHA-256 in hexadecimal digits, and a NUL */

/* SHA-256 of some bytes, as text. */
void digest(struct bytes bytes, char text[DIGEST_SIZE]);

/* By what it is seen that a file or directory is the one that it was. */
struct source_facts {
	const char *path; /* in the arena of the list that it is in */
	int64_t size;     /* -1: nothing is there, and the rest is 0 */
	uint64_t inode;
	int64_t mtime, mtime_nsec;
};

/* Everything that an answer depends on. */
struct sources {
	struct arena *arena;
	struct source_facts *list;
	size_t count, size;
};

/* Look at a path and note it; that nothing is there is noted too.
 * Returns  0, or -1 and *err (no memory). */
int sources_note(struct sources *sources, const char *path, struct error *err) FALLIBLE;

/* Whether the path is still as noted. */
bool source_holds(const struct source_facts *facts);

/* A file's contents, mapped. */
struct source {
	const char *path; /* borrowed */
	struct bytes bytes;
};

void source_close(struct source *source);
#define owned_source __attribute__((cleanup(source_close)))

/* Map a regular file and note it among the sources.
 * path     borrowed for as long as *ret is used.
 * Returns  0, or -1 and *err. */
int source_open(struct sources *sources, const char *path, struct source *ret,
                struct error *err) FALLIBLE;

#endif

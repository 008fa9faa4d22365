/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

/* What the caller can do about a failure; main() turns it into the exit status. */
enum error_kind {
	ERROR_SYSTEM,      /* the kernel refused; errnum says how */
	ERROR_CONFIG,      /* the bundle is wrong; object is a JSON path */
	ERROR_USAGE,       /* the command line is wrong */
	ERROR_STATE,       /* not in this state of the container */
	ERROR_UNSUPPORTED, /* this executor, build or kernel can't */
	ERROR_KINDS
};

/* Why an operation failed: a plain value, no pointers, nothing to free, may cross a pipe.
 *
 * Two texts, so that a long path can never push the reason out. */
struct error {
	enum error_kind kind;
	int errnum;       /* errno, or 0 */
	char object[320]; /* what it was about, outermost first: "mounts[3].source" */
	char reason[192]; /* what is wrong with it */
};

#define FALLIBLE        __attribute__((warn_unused_result))
#define PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

/* Fail for a reason of our own.
 * Returns  always -1, to be returned. */
int fail(struct error *err, enum error_kind kind, const char *object, const char *why, ...)
	PRINTF(4, 5);

/* Fail because a system call did: "verb: strerror(errno)".
 * Returns  always -1; errno is kept.
 * Context  any, the child between clone and exec too. */
int fail_errno(struct error *err, const char *object, const char *verb);

/* Put what we were doing in front of the object, on the way up.
 * Returns  always -1. */
int error_within(struct error *err, const char *outer, ...) PRINTF(2, 3);

/* Take in an error that another process wrote: bounds, ends and unprintables are put right.
 * Context  host; the bytes may come from a hostile guest. */
void error_import(struct error *err, const void *bytes, size_t length);

#endif

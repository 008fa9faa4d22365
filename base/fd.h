/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "arena.h"
#include "error.h"

/* Read from fd to its end, at most limit_bytes.
 *
 * name       what fd is, for errors; borrowed.
 * ret_bytes  in arena, with a NUL behind them.
 * Returns    0, or -1 and *err (ERROR_CONFIG "larger than N bytes" when there is more). */
int fd_read_whole(int fd, const char *name, size_t limit_bytes, struct arena *arena,
                  char **ret_bytes, size_t *ret_length, struct error *err) FALLIBLE;

/* Open a file below dir (AT_FDCWD for the working directory), read it whole, close it. */
int fd_read_file(int dir, const char *path, size_t limit_bytes, struct arena *arena,
                 char **ret_bytes, size_t *ret_length, struct error *err) FALLIBLE;

/* Read a small file (procfs, cgroupfs) with one open and one read into a buffer of the caller; the
 * text is cut at size - 1 and NUL-terminated.
 * Returns  the length, or -1 and *err.
 * Context  any, the child too. */
ssize_t fd_read_small(int dir, const char *path, char *text, size_t size,
                      struct error *err) FALLIBLE;

/* The same, of one line: without its end. */
int fd_read_line(int dir, const char *path, char *line, size_t size, struct error *err) FALLIBLE;

/* Write all bytes, over short writes and EINTR.
 * Returns  0, or -1 and *err with `name` as the object. Context: any. */
int fd_write_whole(int fd, const char *name, const void *bytes, size_t length,
                   struct error *err) FALLIBLE;

/* Open an existing file below dir for writing, write the text with a single write(2) (as procfs and
 * cgroupfs want), close it.
 * Returns  0, or -1 and *err with path as the object. Context: any. */
int fd_write_file(int dir, const char *path, const char *text, struct error *err) FALLIBLE;

/* Open the file behind an O_PATH (or other) descriptor anew, through /proc/self/fd.
 * Returns  the descriptor, owned by the caller, or -1 and *err. Context: host; needs a mounted
 *          procfs. */
int fd_reopen(int fd, int flags, const char *name, struct error *err) FALLIBLE;

/* Make every descriptor from first on close-on-exec (close_range(2)).
 * Returns  0, or -1 and *err. Context: any. */
int fd_cloexec_from(unsigned int first, struct error *err) FALLIBLE;

/* Descriptors that are closed together: those whose numbers follow each other by one call. */
struct fd_heap {
	uint64_t below_64; /* a bit a number */
};
/* Take it; -1 is fine, and one that is too high for the heap is closed at once. Both: context any. */
void fd_heap_add(struct fd_heap *heap, int *fd);
void fd_heap_close(struct fd_heap *heap);

/* Close every descriptor from first on. Returns 0, or -1 and *err. Context: any. */
int fd_close_from(unsigned int first, struct error *err) FALLIBLE;

/* Read what a person names on a command line: a file, or "-" for stdin; otherwise as fd_read_whole(). */
int fd_read_input(const char *path, size_t limit_bytes, struct arena *arena, char **ret_bytes,
                  size_t *ret_length, struct error *err) FALLIBLE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <stdlib.h>
#include <unistd.h>

/* Ownership is written where the variable is declared.
 *
 * An owned variable releases what it holds when its scope ends, whichever way the
 * scope ends. Handing it on is a visible act: take_fd(&fd), take_ptr(p). A plain
 * `int fd` or `char *s` is borrowed: somebody else releases it. */
#define OWNED(release) __attribute__((cleanup(release)))

#define owned_fd       OWNED(fd_release) int
#define owned_str      OWNED(str_release) char *

static inline void fd_release(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void str_release(char **s)
{
	free(*s);
}

/* The descriptor in *fd, which is empty (-1) from now on. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The pointer p, which is NULL from now on. */
#define take_ptr(p)                                                                                \
	__extension__({                                                                            \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

#endif

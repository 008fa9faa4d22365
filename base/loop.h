/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* A small epoll loop. Sources are the caller's structs; the loop only borrows them. */
struct loop;

/* What to watch, and what to do. ready() gets the events of epoll(7); its -1 and *err end
 * loop_run(). */
struct loop_source {
	int fd; /* borrowed */
	int (*ready)(struct loop_source *self, uint32_t events, struct error *err) FALLIBLE;
	void *data;
};

struct loop *loop_new(struct error *err); /* NULL and *err */
void loop_free(struct loop *loop);        /* NULL is fine; closes no source */

/* Watch, change what is watched, or no longer watch a source; the source must live until
 * loop_remove() or loop_free(). A source may remove itself or others inside ready(); another thread
 * may while the loop waits, if it holds the guard. Either way the source is not told of anything
 * once loop_remove() has been called, and may be freed when it has returned. Returns 0, or -1 and
 * *err. */
int loop_add(struct loop *loop, struct loop_source *source, uint32_t events,
             struct error *err) FALLIBLE;
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events,
                struct error *err) FALLIBLE;
int loop_remove(struct loop *loop, struct loop_source *source, struct error *err) FALLIBLE;

/* Hold a mutex whenever a source is being run, for who has other threads, which hold it too when they call anything
 * here; borrowed. Before loop_run(). */
void loop_guard(struct loop *loop, pthread_mutex_t *mutex);

/* Run until loop_stop() or an error. Returns 0, or -1 and *err. */
int loop_run(struct loop *loop, struct error *err) FALLIBLE;
void loop_stop(struct loop *loop);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_STORE_H
#define RUNTIME_STORE_H

#include "runtime.h"

/* The state directory of all containers, made where missing (mode 0711 for root, 0700 else).
 * Returns its descriptor, owned by the caller, or -1 and *err. */
int store_open(const struct runtime *rt, struct error *err) FALLIBLE;

/* The same for who only looks: ret_root is -1 where there is none, and so no container. Returns 0, or -1 and *err. */
int store_find(const struct runtime *rt, int *ret_root, struct error *err) FALLIBLE;

/* Whether text may be the name of a container. Returns 0, or -1 and *err. */
int identifier_check(const char *id, struct error *err) FALLIBLE;

/* An empty container struct around an id; NULL and *err. */
struct container *store_new(const char *id, struct error *err);

/* Take the id: make its directory, locked, into c->dir, and its config.json, empty.
 * ret_config  for store_save_config(), the caller's.
 * Returns     0, or -1 and *err (ERROR_STATE when it is taken): nothing of ours is left then. */
int store_take(struct container *c, int *ret_config, struct error *err) FALLIBLE;

/* Open an existing one's directory, c->root being store_find()'s; with lock. errnum ENOENT when there is none. */
int store_enter(struct container *c, bool lock, struct error *err) FALLIBLE;

/* Give the lock back, and take it anew (errnum ENOENT when the container is gone since). */
void store_unlock(const struct container *c);
int store_lock(const struct container *c, struct error *err) FALLIBLE;

/* Read state.json into c->state. errnum ENOENT when it was not written yet. */
int store_load(struct container *c, struct error *err) FALLIBLE;

/* Write state.json of a container whose directory is new. */
int store_save_first(struct container *c, struct error *err) FALLIBLE;

/* Keep a copy of the config: store_take()'s file, which is closed. */
int store_save_config(const struct container *c, int *config, const char *bytes, size_t length,
                      struct error *err) FALLIBLE;

/* Remove the directory and all in it. */
int store_remove(struct container *c, struct error *err) FALLIBLE;

/* Which executor runs this bundle, first match wins. */
int choose_executor(const struct runtime *rt, const struct spec *spec,
                    const struct executor **ret_executor, struct error *err) FALLIBLE;

/* Fail because an executor has no such operation. Returns -1. */
int operation_missing(const char *id, const struct executor *executor, const char *name,
                      struct error *err);

/* Put an executor that logs each call around c->executor. */
int trace_executor(struct container *c, struct error *err) FALLIBLE;

/* The executor of this name, or NULL. */
const struct executor *choose_by_name(const struct runtime *rt, const char *name);

#endif

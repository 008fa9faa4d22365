/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STORED_H
#define TESTS_STORED_H

/* Containers in a store, as create would have left them. */

#include <string.h>

#include "base/own.h"
#include "runtime/store.h"
#include "tests/unit/cmocka.h"

/* One that the store has nothing of yet; the caller's. */
static inline struct container *stored_new(const struct runtime *rt, const char *id,
                                           const char *executor)
{
	struct error err;
	struct container *c = store_new(id, &err);

	assert_non_null(c);
	c->root = store_open(rt, &err);
	assert_true(c->root >= 0);
	c->state.bundle = "/bundle";
	c->state.rootfs = "/bundle/rootfs";
	c->state.created = "2026-01-02T03:04:05.000000006Z";
	c->state.executor = executor;
	return c;
}

/* Put a created one of the first executor there. config: NULL: without one. */
static inline void stored_put(const struct runtime *rt, const char *id, const char *config)
{
	struct error err;
	owned_container struct container *c = stored_new(rt, id, rt->executors[0]->name);
	owned_fd file = -1;

	c->state.status = STATUS_CREATED;
	c->state.pid = 1;
	c->state.start_time = 1;
	assert_int_equal(store_take(c, &file, &err), 0);
	if (config)
		assert_int_equal(store_save_config(c, &file, config, strlen(config), &err), 0);
	assert_int_equal(store_save(c, &err), 0);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PLANNING_H
#define TESTS_PLANNING_H

/* A spec, and what comes of its plan. */

#include <stdlib.h>
#include <sys/stat.h>

#include "base/table.h"
#include "rootfs/steps.h"
#include "tests/unit/cmocka.h"

static const struct host made_up = {.privileged = true, .made_up = true};
static const struct host real = {.privileged = true};

struct planning {
	struct spec spec; /* at first one that is planned without complaint */
	struct arena *arena;
	struct rootfs_plan *plan;
	struct error err;
};

static inline int planning_setup(void **state)
{
	struct planning *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	p->arena = arena_new(1 << 20);
	p->spec.root_path = "rootfs";
	p->spec.linux_.set = true;
	p->spec.linux_.namespaces[NAMESPACE_MOUNT].set = true;
	*state = p;
	return p->arena ? 0 : -1;
}

static inline int planning_teardown(void **state)
{
	struct planning *p = *state;

	arena_free(p->arena);
	free(p);
	return 0;
}

static inline int plan_on(struct planning *p, const struct host *host)
{
	struct rootfs_request request = {.spec = &p->spec, .host = host, .bundle = "/bundle"};

	return rootfs_plan(&request, p->arena, &p->plan, &p->err);
}

#define PLANNING_TEST(f) cmocka_unit_test_setup_teardown(f, planning_setup, planning_teardown)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ASKING_H
#define TESTS_ASKING_H

#include <stdlib.h>
#include <string.h>

#include "runtime/process/process.h"
#include "tests/unit/cmocka.h"

/* A process as spec/ would have read it, and a machine that a test makes up. */
struct asking {
	const char *args[8], *env[8];
	struct spec spec;
	struct host host;
	struct arena *arena;
	struct process_plan *plan;
	struct error err;
};

static inline int asking_setup(void **state)
{
	struct asking *a = calloc(1, sizeof(*a));

	if (!a)
		return -1;
	a->arena = arena_new(1 << 24);
	a->args[0] = "sh";
	a->host = (struct host){.capabilities = ~0ULL,
	                        .bounding = ~0ULL,
	                        .privileged = true,
	                        .filters = -1};
	a->spec.process.set = true;
	a->spec.process.cwd = "/";
	a->spec.process.args.item = a->args;
	a->spec.process.args.count = 1;
	a->spec.process.env.item = a->env;
	*state = a;
	return a->arena ? 0 : -1;
}

static inline int asking_teardown(void **state)
{
	struct asking *a = *state;

	arena_free(a->arena);
	free(a);
	return 0;
}

static inline int ask(struct asking *a)
{
	memset(&a->err, 0, sizeof(a->err));
	return process_plan(&a->spec, &a->spec.process, &a->host, a->arena, &a->plan, &a->err);
}

/* It is refused, at this path and with these words. */
static inline void refused(struct asking *a, const char *object, const char *words)
{
	assert_int_equal(ask(a), -1);
	assert_string_equal(a->err.object, object);
	if (!strstr(a->err.reason, words))
		assert_string_equal(a->err.reason, words);
}

#define ASKING_TEST(f) cmocka_unit_test_setup_teardown(f, asking_setup, asking_teardown)

#endif

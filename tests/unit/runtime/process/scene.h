/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROCESS_SCENE_H
#define TESTS_PROCESS_SCENE_H

/* What is asked for, and a child to try its plan on. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/process.h"
#include "base/table.h"
#include "runtime/process/parts.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

#include "asking.h"

/* A list of texts; it lives as long as the block. */
#define TEXTS(...)                                                                                 \
	((text_list){.item = (const char *[]){__VA_ARGS__},                                        \
	             .count = ARRAY_SIZE(((const char *[]){__VA_ARGS__}))})

struct scene {
	struct scratch *scratch;
	struct asking *a;
};

static inline int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	void *part;

	if (!s || scratch_setup(&part) < 0)
		return -1;
	s->scratch = part;
	if (asking_setup(&part) < 0)
		return -1;
	s->a = part;
	*state = s;
	return 0;
}

static inline int scene_teardown(void **state)
{
	struct scene *s = *state;
	void *scratch = s->scratch, *asking = s->a;

	free(s);
	return asking_teardown(&asking) < 0 ? -1 : scratch_teardown(&scratch);
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

static inline void scene_needs_root(void)
{
	if (geteuid() != 0) {
		print_message("needs root\n");
		skip();
	}
}

/* Plan what must be plannable. */
static inline struct process_plan *scene_plan(struct scene *s)
{
	if (ask(s->a) < 0) {
		print_error("%s: %s\n", s->a->err.object, s->a->err.reason);
		_fail(__FILE__, __LINE__);
	}
	return s->a->plan;
}

/* A step in the child that must succeed. */
#define WELL(s, call)                                                                              \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			(void)dprintf(2, "%s:%d: %s: %s\n", __FILE__, __LINE__,                    \
			              (s)->a->err.object, (s)->a->err.reason);                     \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* What a child that runs this ends with, as a shell has it; a child that returns is content. */
static inline int scene_status(struct scene *s, void (*run)(struct scene *s))
{
	pid_t pid = process_clone(0, -1, NULL, &s->a->err);
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		run(s);
		_exit(0);
	}
	status = process_wait(pid, &s->a->err);
	assert_true(status >= 0);
	return status;
}

static inline void scene_child(struct scene *s, void (*run)(struct scene *s))
{
	assert_int_equal(scene_status(s, run), 0);
}

#endif

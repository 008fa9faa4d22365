/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/store.h"
#include "tests/unit/cmocka.h"

static const struct executor first = {.name = "namespace"}, second = {.name = "microvm"};
static const struct executor *const both[] = {&first, &second, NULL};
static const struct executor *const only[] = {&first, NULL};

static const struct executor *choose_by(const struct executor *const *executors, const char *flag,
                                        const char *key, const char *annotation, bool vm,
                                        struct error *err)
{
	struct key_value note = {key, annotation};
	const struct runtime rt = {.executors = executors, .executor = flag};
	const struct executor *chosen = NULL;
	struct spec spec = {.vm = {.set = vm}};

	spec.annotations.item = &note;
	spec.annotations.count = annotation ? 1 : 0;
	return choose_executor(&rt, &spec, &chosen, err) == 0 ? chosen : NULL;
}

static const struct executor *choose(const struct executor *const *executors, const char *flag,
                                     const char *annotation, bool vm, struct error *err)
{
	return choose_by(executors, flag, "org.cella.executor", annotation, vm, err);
}

static void the_first_match_wins(void **state)
{
	struct error err;

	(void)state;
	assert_ptr_equal(choose(both, NULL, NULL, false, &err), &first);
	assert_ptr_equal(choose(both, NULL, NULL, true, &err), &second);
	assert_ptr_equal(choose(both, NULL, "namespace", true, &err), &first);
	assert_ptr_equal(choose(both, "microvm", "namespace", false, &err), &second);
}

static void what_is_not_built_in_is_refused_by_name(void **state)
{
	struct error err;

	(void)state;
	assert_null(choose(only, NULL, NULL, true, &err));
	assert_string_equal(err.object, "vm");
	assert_null(choose(only, NULL, "other", false, &err));
	assert_string_equal(err.object, "annotations[\"org.cella.executor\"]");
	assert_null(choose(only, "other", NULL, false, &err));
	assert_string_equal(err.object, "--executor");
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.reason, "other"));
}

static void a_handler_of_crun_is_a_machine_or_refused(void **state)
{
	static const char key[] = "run.oci.handler";
	struct error err;

	(void)state;
	assert_ptr_equal(choose_by(both, NULL, key, "krun", false, &err), &second);
	assert_ptr_equal(choose_by(both, "namespace", key, "krun", false, &err), &first);
	assert_null(choose_by(only, NULL, key, "krun", false, &err));
	assert_null(choose_by(both, NULL, key, "wasm", true, &err));
	assert_string_equal(err.object, "annotations[\"run.oci.handler\"]");
	assert_non_null(strstr(err.reason, "wasm"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_match_wins),
		cmocka_unit_test(what_is_not_built_in_is_refused_by_name),
		cmocka_unit_test(a_handler_of_crun_is_a_machine_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

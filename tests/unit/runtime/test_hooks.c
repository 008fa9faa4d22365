/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

/* The hooks of these tests are shell scripts given by -c. */
struct shell {
	const char *args[3];
	struct spec_hook hook;
	struct spec spec;
};

static const struct state web = {.id = "web", .status = STATUS_CREATED, .pid = 42, .bundle = "/b"};

static void make(struct shell *s, enum hook_point point, const char *script, int timeout)
{
	*s = (struct shell){
		.args = {"sh", "-c", script}
        };
	s->hook.path = "/bin/sh";
	s->hook.args.item = s->args;
	s->hook.args.count = 3;
	s->hook.timeout.set = timeout > 0;
	s->hook.timeout.value = timeout;
	s->spec.hooks[point].item = &s->hook;
	s->spec.hooks[point].count = 1;
}

static void no_hooks_is_nothing_to_do(void **state)
{
	static const struct spec none;
	struct error err;

	(void)state;
	for (int point = 0; point < HOOK_POINTS; point++)
		assert_int_equal(hooks_run(&none, (enum hook_point)point, &web, NULL, &err), 0);
}

static void a_hook_reads_the_state_on_stdin(void **state)
{
	const struct scratch *scratch = *state;
	char script[128], text[512];
	struct error err;
	struct shell s;

	(void)snprintf(script, sizeof(script), "cat > %s/out", scratch->path);
	make(&s, HOOK_PRESTART, script, 0);
	assert_int_equal(hooks_run(&s.spec, HOOK_PRESTART, &web, NULL, &err), 0);
	scratch_text(scratch, "out", text, sizeof(text));
	assert_non_null(strstr(text, "\"id\":\"web\""));
	assert_non_null(strstr(text, "\"status\":\"created\""));
	assert_non_null(strstr(text, "\"pid\":42"));
	assert_non_null(strstr(text, "\"bundle\":\"/b\""));
}

static void what_goes_wrong_is_told(void **state)
{
	static const struct {
		const char *script;
		int timeout;
		const char *reason;
	} cases[] = {
		{"exit 3",     0, "exit status 3"                  },
		{"kill -9 $$", 0, "ended by signal 9"              },
		{"sleep 30",   1, "still running after 1 s: killed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err;
		struct shell s;

		make(&s, HOOK_POSTSTART, cases[i].script, cases[i].timeout);
		assert_int_equal(hooks_run(&s.spec, HOOK_POSTSTART, &web, NULL, &err), -1);
		assert_string_equal(err.reason, cases[i].reason);
		assert_non_null(strstr(err.object, "hooks.poststart[0]"));
	}
}

static void a_program_that_is_not_there_is_named(void **state)
{
	struct error err;
	struct shell s;

	(void)state;
	make(&s, HOOK_POSTSTART, "", 0);
	s.hook.path = "/no/such/hook";
	assert_int_equal(hooks_run(&s.spec, HOOK_POSTSTART, &web, NULL, &err), -1);
	assert_non_null(strstr(err.object, "hooks.poststart[0]"));
	assert_non_null(strstr(err.object, "/no/such/hook"));
	assert_int_equal(err.errnum, ENOENT);
}

static int enter_fails(void *data, struct error *err)
{
	(void)data;
	return fail(err, ERROR_SYSTEM, "place", "no way in");
}

static void a_place_that_cannot_be_entered_is_a_failure(void **state)
{
	const struct hook_place place = {.enter = enter_fails};
	struct error err;
	struct shell s;

	(void)state;
	make(&s, HOOK_START_CONTAINER, "exit 0", 0);
	assert_int_equal(hooks_run(&s.spec, HOOK_START_CONTAINER, &web, &place, &err), -1);
	assert_string_equal(err.reason, "no way in");
}

static void hooks_get_no_descriptor_of_ours(void **state)
{
	const struct scratch *scratch = *state;
	char script[128], text[512];
	struct error err;
	struct shell s;

	/* ls has a descriptor of its own for the folder it lists: 3 */
	(void)snprintf(script, sizeof(script), "ls /proc/self/fd > %s/out", scratch->path);
	make(&s, HOOK_CREATE_RUNTIME, script, 0);
	assert_int_equal(dup2(0, 77), 77);
	assert_int_equal(hooks_run(&s.spec, HOOK_CREATE_RUNTIME, &web, NULL, &err), 0);
	(void)close(77);
	assert_string_equal(scratch_text(scratch, "out", text, sizeof(text)), "0\n1\n2\n3\n");
}

/* What a hook says of its environment or its place, on a line. */
static const char *told(const struct scratch *scratch, const struct shell *s,
                        const struct state *of, const struct hook_place *place, char *text)
{
	struct error err;

	assert_int_equal(hooks_run(&s->spec, HOOK_CREATE_CONTAINER, of, place, &err), 0);
	return scratch_text(scratch, "out", text, 512);
}

static int enter_nothing(void *data, struct error *err)
{
	(void)data;
	(void)err;
	return 0;
}

static void what_has_no_environment_gets_that_of_its_place(void **state)
{
	static const char *of_config[] = {"COLOR=red"};
	static char of_process_color[] = "COLOR=green";
	static char *const of_process[] = {of_process_color, NULL};
	const struct hook_place config = {.enter = enter_nothing};
	const struct hook_place process = {.enter = enter_nothing, .env = of_process};
	const struct scratch *scratch = *state;
	char script[128], text[512];
	struct shell s;

	(void)snprintf(script, sizeof(script), "echo $COLOR > %s/out", scratch->path);
	make(&s, HOOK_CREATE_CONTAINER, script, 0);
	s.spec.process.env.item = of_config;
	s.spec.process.env.count = 1;
	assert_int_equal(setenv("COLOR", "blue", 1), 0);
	assert_string_equal(told(scratch, &s, &web, NULL, text), "blue\n");
	assert_string_equal(told(scratch, &s, &web, &config, text), "red\n");
	assert_string_equal(told(scratch, &s, &web, &process, text), "green\n");
	s.hook.has_env = true;
	assert_string_equal(told(scratch, &s, &web, NULL, text), "\n");
	assert_string_equal(told(scratch, &s, &web, &process, text), "\n");
	assert_int_equal(unsetenv("COLOR"), 0);
}

static void it_is_in_the_bundle_or_where_that_is_gone_in_the_root(void **state)
{
	const struct scratch *scratch = *state;
	const struct state here = {.id = "web", .bundle = scratch->path};
	char script[128], text[512], wanted[512];
	struct shell s;

	(void)snprintf(script, sizeof(script), "pwd -P > %s/out", scratch->path);
	(void)snprintf(wanted, sizeof(wanted), "%s\n", scratch->path);
	make(&s, HOOK_CREATE_CONTAINER, script, 0);
	assert_string_equal(told(scratch, &s, &here, NULL, text), wanted);
	assert_string_equal(told(scratch, &s, &web, NULL, text), "/\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_hooks_is_nothing_to_do),
		SCRATCH_TEST(a_hook_reads_the_state_on_stdin),
		cmocka_unit_test(what_goes_wrong_is_told),
		cmocka_unit_test(a_program_that_is_not_there_is_named),
		cmocka_unit_test(a_place_that_cannot_be_entered_is_a_failure),
		SCRATCH_TEST(what_has_no_environment_gets_that_of_its_place),
		SCRATCH_TEST(it_is_in_the_bundle_or_where_that_is_gone_in_the_root),
		SCRATCH_TEST(hooks_get_no_descriptor_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

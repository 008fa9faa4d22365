/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/exec_process.h"
#include "tests/unit/cmocka.h"

struct exec {
	struct arena *arena;
	struct spec_process config, *process;
	struct exec_flags flags;
	struct error err;
};

static const char *config_env[] = {"PATH=/bin", "TERM=xterm"};
static const char *config_args[] = {"sleep", "60"};
static const char *config_capabilities[] = {"CAP_KILL"};
static const char *inheritable[] = {"CAP_CHOWN"};
static uint32_t config_gids[] = {7};
static char ls[] = "ls", dash_l[] = "-l";

static int set_up(void **state)
{
	static struct exec e;

	e = (struct exec){.arena = arena_new(1 << 20)};
	e.config = (struct spec_process){
		.set = true,
		.terminal = true,
		.cwd = "/",
		.env = {config_env,                           2},
		.args = {           config_args,                                   2 },
		.user = {    .uid = 1, .gid = 2,  .additional_gids = {config_gids, 1}},
		.capabilities = { .set = true,
                        .bounding = {config_capabilities, 1},
                        .inheritable = {inheritable, 1}},
	};
	*state = &e;
	return e.arena ? 0 : -1;
}

static int tear_down(void **state)
{
	arena_free(((struct exec *)*state)->arena);
	return 0;
}

static int make(struct exec *e, char **args)
{
	return exec_process(&e->config, &e->flags, args, e->arena, &e->process, &e->err);
}

#define ARGS ((char *[]){ls, dash_l, NULL})

static void a_process_is_like_the_first_but_for_its_program_and_terminal(void **state)
{
	struct exec *e = *state;

	assert_int_equal(make(e, ARGS), 0);
	assert_int_equal(e->process->args.count, 2);
	assert_string_equal(e->process->args.item[1], "-l");
	assert_false(e->process->terminal);
	assert_string_equal(e->process->cwd, "/");
	assert_int_equal(e->process->env.count, 2);
	assert_int_equal(e->process->user.uid, 1);
	assert_int_equal(e->process->user.additional_gids.count, 1);
	assert_int_equal(e->process->capabilities.bounding.count, 1);
	assert_int_equal(e->process->capabilities.effective.count, 0);
	assert_string_equal(e->config.args.item[0], "sleep");
}

static void flags_change_it_and_not_the_config(void **state)
{
	static const char *env[] = {"TERM=vt100", "A=", "A=2"};
	static const char *gids[] = {"8", "9"};
	struct exec *e = *state;

	e->flags = (struct exec_flags){
		.cwd = "/tmp",
		.user = "5:6",
		.env = {env,  3},
		.additional_gids = {gids, 2},
		.tty = true,
		.no_new_privs = true,
	};
	assert_int_equal(make(e, ARGS), 0);
	assert_string_equal(e->process->cwd, "/tmp");
	assert_true(e->process->terminal && e->process->no_new_privileges);
	assert_int_equal(e->process->user.uid, 5);
	assert_int_equal(e->process->user.gid, 6);
	assert_int_equal(e->process->user.additional_gids.count, 3);
	assert_int_equal(e->process->user.additional_gids.item[2], 9);
	assert_int_equal(e->process->env.count, 3);
	assert_string_equal(e->process->env.item[0], "PATH=/bin");
	assert_string_equal(e->process->env.item[1], "TERM=vt100");
	assert_string_equal(e->process->env.item[2], "A=2");
	assert_string_equal(config_env[1], "TERM=xterm");
}

static void a_user_alone_keeps_the_group(void **state)
{
	struct exec *e = *state;

	e->flags.user = "1000";
	assert_int_equal(make(e, ARGS), 0);
	assert_int_equal(e->process->user.uid, 1000);
	assert_int_equal(e->process->user.gid, 2);
}

static void a_user_that_is_no_number_is_refused(void **state)
{
	static const char *const cases[] = {
		"",    "root",  ":",          "1:",
		":1",  "1:2:3", "-1",         "+1",
		" 1",  "1 ",    "4294967296", "0x1",
		"1:x", "00",    "1.0",        "1000000000000000000000000000000"};
	struct exec *e = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		e->flags.user = cases[i];
		assert_int_equal(make(e, ARGS), -1);
		assert_string_equal(e->err.object, "--user");
	}
}

static void a_capability_is_added_where_a_program_of_root_has_it(void **state)
{
	static const char *caps[] = {"CAP_KILL", "CAP_CHOWN", "CAP_FOWNER"};
	struct exec *e = *state;

	e->flags.capabilities = (struct option_list){caps, 3};
	assert_int_equal(make(e, ARGS), 0);
	assert_int_equal(e->process->capabilities.bounding.count, 3);
	assert_int_equal(e->process->capabilities.effective.count, 3);
	assert_int_equal(e->process->capabilities.permitted.count, 3);
	assert_int_equal(e->process->capabilities.inheritable.count, 1);
	assert_int_equal(e->process->capabilities.ambient.count, 1);
	assert_string_equal(e->process->capabilities.ambient.item[0], "CAP_CHOWN");
	assert_int_equal(e->config.capabilities.bounding.count, 1);
	e->config.capabilities = (struct spec_capabilities){0};
	assert_int_equal(make(e, ARGS), 0);
	assert_true(e->process->capabilities.set);
	assert_int_equal(e->process->capabilities.bounding.count, 3);
	e->flags.capabilities = (struct option_list){0};
	assert_int_equal(make(e, ARGS), 0);
	assert_false(e->process->capabilities.set);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *no_value[] = {"A"}, *no_name[] = {"=x"}, *no_number[] = {"staff"};
	struct exec *e = *state;
	char *nothing[] = {NULL};

	assert_int_equal(make(e, nothing), -1);
	assert_string_equal(e->err.object, "exec");
	e->flags.env = (struct option_list){no_value, 1};
	assert_int_equal(make(e, ARGS), -1);
	assert_string_equal(e->err.object, "--env");
	e->flags.env = (struct option_list){no_name, 1};
	assert_int_equal(make(e, ARGS), -1);
	e->flags.env = (struct option_list){0};
	e->flags.additional_gids = (struct option_list){no_number, 1};
	assert_int_equal(make(e, ARGS), -1);
	assert_string_equal(e->err.object, "--additional-gids");
	e->flags = (struct exec_flags){.process = "/nonexistent/process.json"};
	assert_int_equal(make(e, nothing), -1);
	assert_non_null(strstr(e->err.object, "--process"));
}

static void words_of_cgroup_mean_one_place(void **state)
{
	static const struct {
		const char *words[2], *path; /* NULL: refused */
	} cases[] = {
		{{"/a/b"},             "/a/b"},
		{{"a"},                "/a"  },
		{{"cpu,memory:a"},     "/a"  },
		{{"cpu:a", "pids:/a"}, "/a"  },
		{{"/"},                "/"   },
		{{"cpu:a", "pids:b"},  NULL  },
		{{"a:b:c"},            NULL  },
		{{":a"},               NULL  },
	};
	struct exec *e = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *words[2] = {cases[i].words[0], cases[i].words[1]};
		const struct option_list list = {words, cases[i].words[1] ? 2 : 1};
		const char *path = NULL;
		int result = exec_cgroup(&list, e->arena, &path, &e->err);

		assert_int_equal(result, cases[i].path ? 0 : -1);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
	}
}

static void labels_are_the_process_objects(void **state)
{
	struct exec *e = *state;

	e->flags = (struct exec_flags){.process_label = "label", .apparmor = "profile"};
	assert_int_equal(make(e, ARGS), 0);
	assert_string_equal(e->process->apparmor_profile, "profile");
	assert_string_equal(e->process->selinux_label, "label");
}

static void what_a_flag_changed_is_said_of_the_flag(void **state)
{
	static const char *gids[] = {"8"};
	static const struct {
		const char *object, *blamed;
	} cases[] = {
		{"process.cwd: /x",             "--cwd: /x"              },
		{"process.user.uid",            "--user"                 },
		{"process.user.additionalGids", "--additional-gids"      },
		{"process.apparmorProfile",     "process.apparmorProfile"},
		{"c1",			  "c1"                     },
		{"",			    ""		       },
	};
	const struct exec_flags flags = {
		.cwd = "/x",
		.user = "1",
		.additional_gids = {gids, 1}
        };
	const struct exec_flags file = {
		.process = "file",
		.additional_gids = {gids, 1}
        };
	struct exec *e = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		e->err = (struct error){0};
		memcpy(e->err.object, cases[i].object, strlen(cases[i].object));
		exec_blame(&flags, &e->err);
		assert_string_equal(e->err.object, cases[i].blamed);
	}
	memcpy(e->err.object, cases[2].object, strlen(cases[2].object));
	exec_blame(&file, &e->err);
	assert_string_equal(e->err.object, cases[2].object);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_is_like_the_first_but_for_its_program_and_terminal),
		TEST(flags_change_it_and_not_the_config),
		TEST(a_user_alone_keeps_the_group),
		TEST(a_user_that_is_no_number_is_refused),
		TEST(a_capability_is_added_where_a_program_of_root_has_it),
		TEST(what_makes_no_sense_is_refused),
		TEST(words_of_cgroup_mean_one_place),
		TEST(labels_are_the_process_objects),
		TEST(what_a_flag_changed_is_said_of_the_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

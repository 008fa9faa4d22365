/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/table.h"
#include "base/text.h"
#include "tests/unit/cmocka.h"

#include "asking.h"

static void what_is_asked_is_planned(void **state)
{
	static uint32_t groups[] = {5, 6};
	static struct spec_rlimit limits[] = {
		{"RLIMIT_NOFILE", 10, 20        },
		{"RLIMIT_CORE",   0,  UINT64_MAX}
        };
	struct asking *a = *state;
	struct spec_process *p = &a->spec.process;

	a->env[0] = "A=b";
	p->env.count = 1;
	p->user.uid = 1000;
	p->user.gid = 1001;
	p->user.additional_gids.item = groups;
	p->user.additional_gids.count = 2;
	p->rlimits.item = limits;
	p->rlimits.count = 2;
	p->no_new_privileges = true;
	p->terminal = true;
	p->console_height = (struct maybe_u64){true, 24};
	p->console_width = (struct maybe_u64){true, 80};
	p->oom_score_adj = (struct maybe_i64){true, 100};
	assert_int_equal(ask(a), 0);
	assert_string_equal(a->plan->args[0], "sh");
	assert_null(a->plan->args[1]);
	assert_string_equal(a->plan->env[0], "A=b");
	assert_null(a->plan->env[1]);
	assert_null(a->plan->env[2]); /* room for HOME */
	assert_int_equal(a->plan->uid, 1000);
	assert_int_equal(a->plan->gid, 1001);
	assert_int_equal(a->plan->groups_count, 2);
	assert_int_equal(a->plan->groups[1], 6);
	assert_int_equal(a->plan->umask, 0022);
	assert_int_equal(a->plan->limits_count, 2);
	assert_int_equal(a->plan->limits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(a->plan->limits[0].limit.rlim_max, 20);
	assert_true(a->plan->no_new_privileges);
	assert_true(a->plan->terminal);
	assert_int_equal(a->plan->rows, 24);
	assert_int_equal(a->plan->columns, 80);
	assert_int_equal(a->plan->oom_score_adj.value, 100);
	assert_null(a->plan->filter);
}

static void of_a_variable_the_last_one_holds(void **state)
{
	static const char *const given[] = {"PATH=/a", "B=1",  "PATHS=x", "PATH=/b",
	                                    "=odd",    "B=22", "PATH=",   "=odd"};
	static const char *const kept[] = {"PATHS=x", "B=22", "PATH=", "=odd"};
	struct asking *a = *state;

	memcpy(a->env, given, sizeof(given));
	a->spec.process.env.count = ARRAY_SIZE(given);
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->env_count, ARRAY_SIZE(kept));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		assert_string_equal(a->plan->env[i], kept[i]);
	assert_null(a->plan->env[ARRAY_SIZE(kept)]);
}

/* A list of 100,000 in which each name is there twice: with a look back for each it would take minutes. */
static void a_long_environment_takes_no_time(void **state)
{
	enum { MANY = 100000 };
	struct asking *a = *state;
	const char **env = arena_alloc(a->arena, MANY, sizeof(*env));

	assert_non_null(env);
	for (int i = 0; i < MANY; i++)
		env[i] = arena_format(a->arena, "V%d=%d", i % (MANY / 2), i);
	a->spec.process.env.item = env;
	a->spec.process.env.count = MANY;
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->env_count, MANY / 2);
	assert_string_equal(a->plan->env[0], "V0=50000");
}

static void what_is_missing_is_named(void **state)
{
	struct asking *a = *state;

	a->spec.process.args.count = 0;
	refused(a, "process.args", "required");
	a->spec.process.args.count = 1;
	a->args[0] = "";
	refused(a, "process.args[0]", "empty");
	a->args[0] = "sh";
	a->spec.process.cwd = NULL;
	refused(a, "process.cwd", "required");
}

static void minus_one_is_no_id(void **state)
{
	static uint32_t groups[] = {UINT32_MAX};
	struct asking *a = *state;

	a->spec.process.user.uid = UINT32_MAX;
	refused(a, "process.user.uid", "no id");
	a->spec.process.user.uid = 0;
	a->spec.process.user.gid = UINT32_MAX;
	refused(a, "process.user.gid", "no id");
	a->spec.process.user.gid = 0;
	a->spec.process.user.additional_gids.item = groups;
	a->spec.process.user.additional_gids.count = 1;
	refused(a, "process.user.additionalGids", "no id");
}

static void ids_must_be_mapped(void **state)
{
	static struct spec_id_map maps[] = {
		{0, 100000, 1000}
        };
	static uint32_t groups[] = {3, 1000};
	struct asking *a = *state;

	a->spec.linux_.namespaces[NAMESPACE_USER].set = true;
	a->spec.linux_.uid_mappings.item = a->spec.linux_.gid_mappings.item = maps;
	a->spec.linux_.uid_mappings.count = a->spec.linux_.gid_mappings.count = 1;
	a->spec.process.user.uid = 999;
	assert_int_equal(ask(a), 0);
	assert_false(a->plan->keep_groups);
	a->spec.process.user.uid = 1000;
	refused(a, "process.user.uid", "1000 is not mapped");
	a->spec.process.user.uid = 0;
	a->spec.process.user.additional_gids.item = groups;
	a->spec.process.user.additional_gids.count = 2;
	refused(a, "process.user.additionalGids[1]", "1000 is not mapped");
}

static void a_plain_user_with_one_id_keeps_its_groups(void **state)
{
	static struct spec_id_map uid[] =
		{
			{0, 1000, 1}
        },
				  gid[] = {{0, 1001, 1}};
	static uint32_t groups[] = {0};
	struct asking *a = *state;

	a->host = (struct host){.uid = 1000, .gid = 1001, .bounding = ~0ULL};
	a->spec.linux_.namespaces[NAMESPACE_USER].set = true;
	a->spec.linux_.uid_mappings.item = uid;
	a->spec.linux_.gid_mappings.item = gid;
	a->spec.linux_.uid_mappings.count = a->spec.linux_.gid_mappings.count = 1;
	assert_int_equal(ask(a), 0);
	assert_true(a->plan->keep_groups);
	a->spec.process.user.additional_gids.item = groups;
	a->spec.process.user.additional_gids.count = 1;
	refused(a, "process.user.additionalGids", "plain user");
}

static void limits_have_names(void **state)
{
	static struct spec_rlimit limits[] = {
		{"RLIMIT_CORE", 0, 0},
		{"RLIMIT_BEER", 1, 2}
        };
	struct asking *a = *state;

	a->spec.process.rlimits.item = limits;
	a->spec.process.rlimits.count = 2;
	refused(a, "process.rlimits[1].type", "unknown limit 'RLIMIT_BEER'");
}

static void capabilities_become_bits(void **state)
{
	static const char *names[] = {"CAP_CHOWN", "CAP_KILL", "CAP_CHECKPOINT_RESTORE"};
	struct asking *a = *state;
	struct spec_capabilities *c = &a->spec.process.capabilities;

	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->bounding | a->plan->permitted | a->plan->effective, 0);
	c->set = true;
	c->bounding.item = c->permitted.item = c->effective.item = names;
	c->bounding.count = 3;
	c->permitted.count = 2;
	c->effective.count = 1;
	assert_int_equal(ask(a), 0);
	assert_true(a->plan->bounding == (1ULL << 0 | 1ULL << 5 | 1ULL << 40));
	assert_int_equal(a->plan->permitted, 1 << 0 | 1 << 5);
	assert_int_equal(a->plan->effective, 1 << 0);
	assert_int_equal(a->plan->ambient, 0);
}

static void sets_must_agree(void **state)
{
	static const char *names[] = {"CAP_KILL", "CAP_BEER"};
	struct asking *a = *state;
	struct spec_capabilities *c = &a->spec.process.capabilities;

	c->set = true;
	c->effective.item = names;
	c->effective.count = 1;
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->effective, 0); /* left out: not permitted */
	c->permitted.item = names;
	c->permitted.count = 1;
	assert_int_equal(ask(a), 0);
	c->ambient.item = names;
	c->ambient.count = 1;
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->ambient, 0); /* passed over: nobody inherits it */
	c->inheritable.item = names;
	c->inheritable.count = 1;
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->inheritable, 0); /* left out: not in bounding */
	assert_int_equal(a->plan->ambient, 0);
	c->bounding.item = names;
	c->bounding.count = 2;
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->inheritable, 1ULL << process_capability("CAP_KILL"));
	assert_int_equal(a->plan->ambient, 1ULL << process_capability("CAP_KILL"));
	assert_int_equal(a->plan->bounding, 1ULL << process_capability("CAP_KILL"));
}

static void what_the_host_lacks_is_left_out(void **state)
{
	static const char *names[] = {"CAP_SYS_RESOURCE"};
	struct asking *a = *state;

	a->host.bounding &= ~(1ULL << process_capability("CAP_SYS_RESOURCE"));
	a->spec.process.capabilities.bounding.item = names;
	a->spec.process.capabilities.bounding.count = 1;
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->bounding, 0);
	a->spec.linux_.namespaces[NAMESPACE_USER].set = true; /* there it is granted anew */
	a->spec.linux_.namespaces[NAMESPACE_USER].path = "/proc/1/ns/user";
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->bounding, 1ULL << process_capability("CAP_SYS_RESOURCE"));
}

static void every_capability_has_its_number(void **state)
{
	size_t count;
	const char *const *names = process_capability_names(&count);

	(void)state;
	assert_int_equal(count, 41);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(process_capability(names[i]), i);
	assert_int_equal(process_capability("CAP_SYS_ADMIN"), 21);
	assert_int_equal(process_capability("cap_kill"), -1);
}

static void a_plan_prints_as_json(void **state)
{
	struct asking *a = *state;
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	const struct json *top, *process;

	a->spec.process.user.umask = (struct maybe_u64){true, 077};
	assert_int_equal(ask(a), 0);
	json_open(&w, NULL, '{');
	process_print(a->plan, &w, "process");
	json_close(&w);
	assert_int_equal(json_read("plan", out.bytes, out.length, a->arena, &top, &a->err), 0);
	process = json_member(top, "process");
	assert_string_equal(json_member_text(process, "cwd"), "/");
	assert_string_equal(json_member_text(json_member(process, "user"), "umask"), "0077");
	assert_null(json_member(process, "seccomp"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASKING_TEST(what_is_asked_is_planned),
		ASKING_TEST(of_a_variable_the_last_one_holds),
		ASKING_TEST(a_long_environment_takes_no_time),
		ASKING_TEST(what_is_missing_is_named),
		ASKING_TEST(minus_one_is_no_id),
		ASKING_TEST(ids_must_be_mapped),
		ASKING_TEST(a_plain_user_with_one_id_keeps_its_groups),
		ASKING_TEST(limits_have_names),
		ASKING_TEST(capabilities_become_bits),
		ASKING_TEST(sets_must_agree),
		ASKING_TEST(what_the_host_lacks_is_left_out),
		ASKING_TEST(every_capability_has_its_number),
		ASKING_TEST(a_plan_prints_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

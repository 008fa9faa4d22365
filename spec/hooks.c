/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

/* hooks. Spec: runtime-spec 1.3 config.md, "POSIX-platform Hooks". */

const char *const hook_point_names[HOOK_POINTS] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
};

#define AT(member) offsetof(struct spec_hook, member)

static const struct field_type timeout = {.kind = FIELD_MAYBE_I64, .least = 1, .most = INT64_MAX};

static const struct field hook_members[] = {
	{"path",    &field_path,      AT(path),    REQUIRED},
	{"args",    &field_texts,     AT(args),    OPTIONAL},
	{"env",     &field_variables, AT(env),     OPTIONAL},
	{"timeout", &timeout,         AT(timeout), OPTIONAL},
};

/* No environment is not an empty one. */
static int look_for_env(const struct json *value, void *at, struct error *err)
{
	struct spec_hook *hook = at;

	(void)err;
	hook->has_env = field_given(value, "env");
	return 0;
}

static const struct field_type hook = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_hook),
	FIELD_MEMBERS(hook_members),
	.check = look_for_env,
};

static const struct field_type hooks = {.kind = FIELD_LIST, .element = &hook};

static const struct field points[] = {
	{"prestart",        &hooks, HOOK_PRESTART * sizeof(hook_list),         OPTIONAL},
	{"createRuntime",   &hooks, HOOK_CREATE_RUNTIME * sizeof(hook_list),   OPTIONAL},
	{"createContainer", &hooks, HOOK_CREATE_CONTAINER * sizeof(hook_list), OPTIONAL},
	{"startContainer",  &hooks, HOOK_START_CONTAINER * sizeof(hook_list),  OPTIONAL},
	{"poststart",       &hooks, HOOK_POSTSTART * sizeof(hook_list),        OPTIONAL},
	{"poststop",        &hooks, HOOK_POSTSTOP * sizeof(hook_list),         OPTIONAL},
};

_Static_assert(ARRAY_SIZE(points) == HOOK_POINTS, "one row a point");

const struct field_type part_hooks = {
	.kind = FIELD_OBJECT,
	.size = HOOK_POINTS * sizeof(hook_list),
	FIELD_MEMBERS(points),
};

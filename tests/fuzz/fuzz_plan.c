/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/json_read.h"
#include "base/text.h"
#include "cgroups/cgroups.h"
#include "cgroups/systemd.h"
#include "runtime/plan/plan.h"
#include "spec/parts.h"

#include "document.h"
#include "must.h"

/* Any bytes as a config, and what each room makes of it on a machine that is made up: mount options, limits and device
 * rules, systemd's properties, ids, capabilities, the seccomp filter. It is refused with a reason, or planned, and then
 * the plan can be printed. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
DOCUMENT_FUZZER(&part_config)
const char *__lsan_default_suppressions(void);

/* libseccomp 2.5 keeps nodes of a tree that it has thrown away, when the filter is released. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libseccomp.so";
}

/* The limits once more, as systemd is told of them. */
static void tell_systemd(const struct cgroup_plan *plan, struct arena *arena)
{
	struct systemd_scope *scope = plan->scope;
	struct error err;

	if (!scope || systemd_limits(&plan->writes, -1, arena, scope, &err) < 0)
		return;
	for (size_t i = 0; i < scope->count; i++)
		must(scope->property[i].name && *scope->property[i].type &&
		     scope->property[i].value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct host hosts[] = {
		{.capabilities = ~0ULL, .bounding = ~0ULL, .privileged = true, .made_up = true},
		{ .uid = 1000,          .gid = 1000, .bounding = ~0ULL,     .one_id = true, .made_up = true},
	};
	struct plan_request request = {.host = &hosts[size / 2 % 2],
	                               .id = "web",
	                               .bundle = "/bundle",
	                               .systemd = size % 2,
	                               .start_at_once = size / 4 % 2};
	owned_arena struct arena *arena = arena_new(64 << 20);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	struct plan *plan = NULL;
	const struct json *top;
	struct error err = {0};

	if (!arena)
		return 0;
	if (spec_read("fuzz", (const char *)data, size, arena, &request.spec, &err) < 0)
		return 0;
	if (plan_from_spec(&request, arena, &plan, &err) < 0) {
		if (plan || !err.reason[0])
			abort();
		return 0;
	}
	plan_print(plan, &w);
	tell_systemd(plan->cgroup, arena);
	plan_close(plan);
	if (text_check(&out, &err) < 0)
		return 0;
	if (json_read("plan", out.bytes, out.length, arena, &top, &err) < 0 &&
	    arena_check(arena, &err) == 0)
		abort();
	return 0;
}

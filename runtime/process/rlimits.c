/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

/* What we have more than we were given is not for the program. */
static void leave_open_files(const struct host *host, struct process_plan *plan)
{
	if (!host->more_open_files)
		return;
	for (size_t i = 0; i < plan->limits_count; i++)
		if (plan->limits[i].resource == RLIMIT_NOFILE)
			return;
	plan->limits[plan->limits_count++] = (struct process_limit){
		.resource = RLIMIT_NOFILE,
		.limit = {host->open_files.rlim_cur, host->open_files.rlim_max},
	};
}

int plan_rlimits(const struct spec_process *process, const struct host *host, struct arena *arena,
                 struct process_plan *plan, struct error *err)
{
	plan->limits = arena_alloc(arena, process->rlimits.count + 1, sizeof(*plan->limits));
	if (!plan->limits)
		return arena_check(arena, err);
	for (size_t i = 0; i < process->rlimits.count; i++) {
		const struct spec_rlimit *asked = &process->rlimits.item[i];
		int resource;

		if (!rlimit_number(asked->type, &resource)) {
			(void)fail(err, ERROR_CONFIG, "", "unknown limit '%s'", asked->type);
			return error_within(err, "process.rlimits[%zu].type", i);
		}
		plan->limits[plan->limits_count++] = (struct process_limit){
			.resource = resource,
			.limit = {.rlim_cur = asked->soft, .rlim_max = asked->hard},
		};
	}
	leave_open_files(host, plan);
	return 0;
}

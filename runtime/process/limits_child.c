/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/text.h"

#include "parts.h"

int process_apply_rlimits(const struct process_plan *plan, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < plan->limits_count; i++) {
		const struct process_limit *l = &plan->limits[i];

		if (prlimit64(pid, (__rlimit_resource_t)l->resource, &l->limit, NULL) < 0) {
			(void)fail_errno(err, rlimit_name(l->resource), "set the limit");
			return error_within(err, "process.rlimits");
		}
	}
	return 0;
}

/* Lowering the score needs CAP_SYS_RESOURCE, leaving it does not. */
static int set_oom_score(int64_t score, struct error *err)
{
	static const char file[] = "/proc/self/oom_score_adj";
	char now[16], wanted[16];
	ssize_t n = fd_read_small(AT_FDCWD, file, now, sizeof(now), err);
	int length = snprintf(wanted, sizeof(wanted), "%d\n", (int)score);

	if (n < 0)
		return error_within(err, "process.oomScoreAdj");
	if (n == length && text_begins(now, wanted))
		return 0;
	if (fd_write_file(AT_FDCWD, file, wanted, err) < 0)
		return error_within(err, "process.oomScoreAdj");
	return 0;
}

int process_apply_limits(const struct process_plan *plan, struct error *err)
{
	if (process_apply_rlimits(plan, 0, err) < 0)
		return -1;
	if (plan->oom_score_adj.set && set_oom_score(plan->oom_score_adj.value, err) < 0)
		return -1;
	return process_apply_labels(plan, err);
}

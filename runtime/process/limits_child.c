/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/text.h"

#include "parts.h"

enum { MANY_FILES = 1024 };

static int set_rlimit(pid_t pid, int resource, const struct rlimit64 *limit, struct error *err)
{
	if (prlimit64(pid, (__rlimit_resource_t)resource, limit, NULL) == 0)
		return 0;
	(void)fail_errno(err, rlimit_name(resource), "set the limit");
	return error_within(err, "process.rlimits");
}

/* A process that may open few files could not be made in any way: these are its limit in the end. */
static bool comes_last(const struct process_limit *l)
{
	return l->resource == RLIMIT_NOFILE && l->limit.rlim_cur < MANY_FILES;
}

/* But what takes a right comes now: to raise the hard limit. */
static int raise_files(const struct process_limit *l, pid_t pid, struct error *err)
{
	struct rlimit64 wanted = {l->limit.rlim_max, l->limit.rlim_max}, now;

	if (wanted.rlim_max < MANY_FILES && prlimit64(pid, RLIMIT_NOFILE, NULL, &now) == 0 &&
	    now.rlim_max >= wanted.rlim_max)
		return 0;
	return set_rlimit(pid, RLIMIT_NOFILE, &wanted, err);
}

static int set_rlimits(const struct process_plan *plan, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < plan->limits_count; i++) {
		const struct process_limit *l = &plan->limits[i];

		if ((comes_last(l) ? raise_files(l, pid, err)
		                   : set_rlimit(pid, l->resource, &l->limit, err)) < 0)
			return -1;
	}
	return 0;
}

/* Lowering the score needs CAP_SYS_RESOURCE, leaving it does not. */
static int set_oom_score(int64_t score, pid_t pid, struct error *err)
{
	char now[16], wanted[16],
		file[sizeof("/proc/-2147483648/oom_score_adj")] = "/proc/self/oom_score_adj";
	int length = snprintf(wanted, sizeof(wanted), "%d\n", (int)score);
	ssize_t n;

	if (pid != 0)
		(void)snprintf(file, sizeof(file), "/proc/%d/oom_score_adj", (int)pid);
	n = fd_read_small(AT_FDCWD, file, now, sizeof(now), err);
	if (n < 0)
		return error_within(err, "process.oomScoreAdj");
	if (n == length && text_begins(now, wanted))
		return 0;
	if (fd_write_file(AT_FDCWD, file, wanted, err) < 0)
		return error_within(err, "process.oomScoreAdj");
	return 0;
}

int process_apply_limits_to(const struct process_plan *plan, pid_t pid, struct error *err)
{
	if (set_rlimits(plan, pid, err) < 0)
		return -1;
	return plan->oom_score_adj.set ? set_oom_score(plan->oom_score_adj.value, pid, err) : 0;
}

int process_apply_limits(const struct process_plan *plan, struct error *err)
{
	return process_apply_limits_to(plan, 0, err) < 0 ? -1 : process_apply_labels(plan, err);
}

int process_apply_files(const struct process_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->limits_count; i++) {
		const struct process_limit *l = &plan->limits[i];

		if (comes_last(l) && set_rlimit(0, l->resource, &l->limit, err) < 0)
			return -1;
	}
	return 0;
}

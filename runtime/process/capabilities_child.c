/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/syscalls.h"

#include "parts.h"

struct sets {
	struct __user_cap_data_struct half[2];
};

static int set(const struct sets *sets, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	if (sys_capset(&header, sets->half) < 0)
		return fail_errno(err, "process.capabilities", "capset");
	return 0;
}

static int get(struct sets *ret, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	if (sys_capget(&header, ret->half) < 0)
		return fail_errno(err, "process.capabilities", "capget");
	return 0;
}

/* Whose bounding set has not got it any more needs no right to drop it. */
static bool is_dropped(int number)
{
	return prctl(PR_CAPBSET_READ, number) == 0;
}

int capabilities_bound(const struct process_plan *plan, struct error *err)
{
	for (int i = 0; i < 64; i++) {
		if (((plan->bounding | plan->absent) & (1ULL << i)) ||
		    prctl(PR_CAPBSET_DROP, i) == 0)
			continue;
		if (errno == EINVAL && i >= CAPABILITIES)
			break; /* the kernel's last was before */
		if (errno != EINVAL && !is_dropped(i)) {
			errno = EPERM;
			return fail_errno(err, "process.capabilities.bounding", "prctl");
		}
	}
	return 0;
}

int capabilities_raise(struct error *err)
{
	struct sets sets;

	if (get(&sets, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		sets.half[i].effective = sets.half[i].permitted;
	return set(&sets, err);
}

int capabilities_set(const struct process_plan *plan, struct error *err)
{
	struct sets sets;

	for (int i = 0; i < 2; i++) {
		sets.half[i].effective = (uint32_t)(plan->effective >> (32 * i));
		sets.half[i].permitted = (uint32_t)(plan->permitted >> (32 * i));
		sets.half[i].inheritable = (uint32_t)(plan->inheritable >> (32 * i));
	}
	if (!plan->no_ambient && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return fail_errno(err, "process.capabilities.ambient", "prctl");
	if (set(&sets, err) < 0)
		return -1;
	for (int i = 0; i < 64; i++)
		if ((plan->ambient & (1ULL << i)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return fail_errno(err, "process.capabilities.ambient", "prctl");
	return 0;
}

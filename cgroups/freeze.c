/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include "cgroups.h"
#include "events.h"

int cgroup_freeze(int dir, bool frozen, struct error *err)
{
	int said;

	if (fd_write_file(dir, "cgroup.freeze", frozen ? "1" : "0", err) < 0)
		return -1;
	said = events_wait(dir, "frozen", frozen, EVENTS_TIMEOUT_MS, err);
	if (said == 0)
		return fail(err, ERROR_STATE, "cgroup.freeze", "not %s after %d seconds",
		            frozen ? "frozen" : "thawed", EVENTS_TIMEOUT_MS / 1000);
	return said < 0 ? -1 : 0;
}

int cgroup_is_frozen(int dir, bool *ret_frozen, struct error *err)
{
	return events_read(dir, "frozen", ret_frozen, err);
}

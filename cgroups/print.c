/* SPDX-License-Identifier: Apache-2.0 */

#include "cgroups.h"

void cgroup_print(const struct cgroup_plan *plan, struct json_writer *w, const char *key)
{
	if (!plan) {
		json_text(w, key, NULL);
		return;
	}
	json_open(w, key, '{');
	json_text(w, "path", plan->path);
	json_text(w, "mount", plan->mount);
	json_close(w);
}

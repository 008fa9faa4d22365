/* SPDX-License-Identifier: Apache-2.0 */

#include "cgroups.h"
#include "devices.h"
#include "systemd.h"

void cgroup_print(const struct cgroup_plan *plan, struct json_writer *w, const char *key)
{
	if (!plan) {
		json_text(w, key, NULL);
		return;
	}
	json_open(w, key, '{');
	json_text(w, "path", plan->path);
	json_text(w, "mount", plan->mount);
	if (plan->scope)
		json_text(w, "systemdUnit", plan->scope->unit);
	if (plan->delegate)
		json_bool(w, "delegate", true);
	if (plan->below)
		json_text(w, "below", plan->below);
	if (plan->devices)
		json_u64(w, "devicesProgramInstructions", plan->devices->count);
	if (plan->writes.count > 0) {
		json_open(w, "writes", '[');
		for (size_t i = 0; i < plan->writes.count; i++) {
			json_open(w, NULL, '{');
			json_text(w, "file", plan->writes.item[i].file);
			json_text(w, "value", plan->writes.item[i].value);
			json_close(w);
		}
		json_close(w);
	}
	json_close(w);
}

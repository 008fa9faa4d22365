/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"
#include "cgroups/cgroups.h"
#include "rootfs/rootfs.h"
#include "runtime/process/process.h"

#include "plan.h"

static void print_namespaces(const struct plan *plan, struct json_writer *w)
{
	json_open(w, "namespaces", '[');
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		const struct spec_namespace *ns = &plan->spec->linux_.namespaces[i];

		if (!ns->set)
			continue;
		json_open(w, NULL, '{');
		json_text(w, "type", namespace_names[i]);
		if (ns->path)
			json_text(w, "join", ns->path);
		json_close(w);
	}
	json_close(w);
}

static void print_maps(struct json_writer *w, const char *key, const id_map_list *maps)
{
	if (maps->count > 0)
		spec_write_maps(w, key, maps);
}

static void print_net_devices(const struct spec *spec, struct json_writer *w)
{
	if (spec->linux_.net_devices.count == 0)
		return;
	json_open(w, "netDevices", '{');
	for (size_t i = 0; i < spec->linux_.net_devices.count; i++) {
		const struct spec_net_device *it = &spec->linux_.net_devices.item[i];

		json_text(w, it->host_name, it->name ? it->name : it->host_name);
	}
	json_close(w);
}

static void print_hooks(const struct spec *spec, struct json_writer *w)
{
	json_open(w, "hooks", '{');
	for (size_t i = 0; i < HOOK_POINTS; i++) {
		if (spec->hooks[i].count == 0)
			continue;
		json_open(w, hook_point_names[i], '[');
		for (size_t h = 0; h < spec->hooks[i].count; h++)
			json_text(w, NULL, spec->hooks[i].item[h].path);
		json_close(w);
	}
	json_close(w);
}

void plan_print(const struct plan *plan, struct json_writer *w)
{
	const struct spec *spec = plan->spec;

	json_open(w, NULL, '{');
	json_text(w, "id", plan->id);
	json_text(w, "bundle", plan->bundle);
	print_namespaces(plan, w);
	print_maps(w, "uidMappings", &spec->linux_.uid_mappings);
	print_maps(w, "gidMappings", &spec->linux_.gid_mappings);
	if (plan->time_offsets)
		json_text(w, "timeOffsets", plan->time_offsets);
	if (spec->hostname)
		json_text(w, "hostname", spec->hostname);
	if (spec->domainname)
		json_text(w, "domainname", spec->domainname);
	print_net_devices(spec, w);
	if (plan->returns_devices)
		json_bool(w, "netDevicesReturn", true);
	cgroup_print(plan->cgroup, w, "cgroup");
	rootfs_print(plan->rootfs, w, "rootfs");
	process_print(plan->process, w, "process");
	print_hooks(spec, w);
	json_text(w, "start", plan->start_at_once ? "at once" : "later");
	json_close(w);
}

void plan_features(struct features *ret_features)
{
	struct features *f = ret_features;

	/* of this program, whatever the kernel has */
	f->apparmor = f->selinux = f->net_devices = f->intel_rdt = true;
	f->hooks = hook_point_names;
	f->hooks_count = HOOK_POINTS;
	f->mount_options = rootfs_option_words(&f->mount_options_count);
	f->capabilities = process_capability_names(&f->capabilities_count);
	f->seccomp_actions = process_seccomp_actions(&f->seccomp_actions_count);
	f->seccomp_operators = process_seccomp_operators(&f->seccomp_operators_count);
	f->seccomp_archs = process_seccomp_archs(&f->seccomp_archs_count);
	f->seccomp_known_flags = process_seccomp_flags(&f->seccomp_known_flags_count);
	f->seccomp_supported_flags =
		process_seccomp_supported_flags(&f->seccomp_supported_flags_count);
	process_seccomp_library(f->seccomp_library, sizeof(f->seccomp_library));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two kernels share the work on one config. Each asks here which part is the guest's, so neither does what the other
 * does, and nothing falls between them. */
#include <string.h>

#include "base/table.h"
#include "base/text.h"

#include "plan.h"

/* Points of hooks that are run outside. */
static const enum hook_point hooks_outside[] = {
	HOOK_PRESTART, HOOK_CREATE_RUNTIME, HOOK_CREATE_CONTAINER, HOOK_POSTSTART, HOOK_POSTSTOP,
};

/* Files of a cgroup that the guest's kernel keeps. */
static const char *const files_inside[] = {"memory.", "pids.", "hugetlb.", "cgroup."};

static bool is_inside(const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(files_inside); i++)
		if (text_begins(file, files_inside[i]))
			return true;
	return false;
}

void plan_split_unified(struct spec_resources *r, bool inside, struct arena *arena)
{
	const struct spec_resources asked = *r;

	r->unified.item = arena_alloc(arena, asked.unified.count + 1, sizeof(*r->unified.item));
	r->unified.count = 0;
	for (size_t i = 0; r->unified.item && i < asked.unified.count; i++)
		if (is_inside(asked.unified.item[i].key) == inside)
			r->unified.item[r->unified.count++] = asked.unified.item[i];
}

/* The share shows the ids that an id-mapped mount was asked for. */
static void leave_ids(struct spec *spec, struct arena *arena)
{
	struct spec_mount *mounts = arena_alloc(arena, spec->mounts.count + 1, sizeof(*mounts));

	for (size_t i = 0; mounts && i < spec->mounts.count; i++) {
		const text_list asked = spec->mounts.item[i].options;
		struct spec_mount *mount = &mounts[i];

		*mount = spec->mounts.item[i];
		if (!spec_is_bind(mount))
			continue; /* it can't have any, which is for the plan to say */
		mount->uid_mappings.count = mount->gid_mappings.count = 0;
		mount->options.count = 0;
		mount->options.item = arena_alloc(arena, asked.count + 1, sizeof(*asked.item));
		for (size_t j = 0; mount->options.item && j < asked.count; j++) {
			const char *idmap = asked.item[j] + (*asked.item[j] == 'r');

			if (!text_begins(idmap, "idmap") || (idmap[5] != '=' && idmap[5] != '\0'))
				mount->options.item[mount->options.count++] = asked.item[j];
		}
	}
	spec->mounts.item = mounts;
}

struct spec *plan_guest(const struct spec *asked, struct arena *arena)
{
	struct spec *spec = ARENA_NEW(arena, struct spec);
	struct spec_linux *l;

	if (!spec)
		return NULL;
	*spec = *asked;
	l = &spec->linux_;
	for (size_t i = 0; i < ARRAY_SIZE(hooks_outside); i++)
		spec->hooks[hooks_outside[i]].count = 0;
	/* the file server shows files with the ids of the container, and the machine is its network namespace */
	l->namespaces[NAMESPACE_USER] = (struct spec_namespace){0};
	l->namespaces[NAMESPACE_NETWORK] = (struct spec_namespace){0};
	l->own_machine = true;
	/* profiles and labels are of the host's policy, which confines the machine as a whole */
	spec->process.apparmor_profile = spec->process.selinux_label = NULL;
	l->mount_label = NULL;
	l->uid_mappings.count = l->gid_mappings.count = 0;
	l->cgroups_path = "/container";
	l->net_devices.count = 0;
	l->intel_rdt.set = false;
	memset(&l->resources.cpu, 0, sizeof(l->resources.cpu));
	memset(&l->resources.block_io, 0, sizeof(l->resources.block_io));
	l->resources.rdma.count = 0;
	plan_split_unified(&l->resources, true, arena);
	leave_ids(spec, arena);
	spec->vm.set = false;
	return spec;
}

int plan_check_guest(const struct plan_request *request, struct arena *arena, struct error *err)
{
	const struct host machine = {.capabilities = UINT64_MAX,
	                             .bounding = UINT64_MAX,
	                             .privileged = true,
	                             .made_up = true};
	struct plan_request inside = *request;
	struct plan *plan;

	inside.spec = plan_guest(request->spec, arena);
	inside.host = &machine;
	inside.systemd = false;
	if (!inside.spec)
		return arena_check(arena, err);
	if (plan_from_spec(&inside, arena, &plan, err) < 0)
		return -1;
	plan_close(plan);
	return 0;
}

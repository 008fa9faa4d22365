/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "spec/parts.h"

#include "document.h"
#include "must.h"

/* Read any bytes through the four doors of the reader. What is taken must keep every promise that
 * the rooms behind rely on without asking again; what is refused must say why, and leave nothing. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
DOCUMENT_FUZZER(&part_config)

static void check_text(const char *text)
{
	must(text && text_is_utf8(text, strlen(text)));
}

static void check_path(const char *text)
{
	check_text(text);
	must(*text == '/');
}

/* Every text of a list; they may be empty. */
static void check_texts(const text_list *list)
{
	must(!list->item == !list->count);
	for (size_t i = 0; i < list->count; i++)
		check_text(list->item[i]);
}

static void check_variables(const text_list *list)
{
	check_texts(list);
	for (size_t i = 0; i < list->count; i++)
		must(strchr(list->item[i], '=') > list->item[i]);
}

static void check_process(const struct spec_process *process)
{
	check_path(process->cwd);
	check_texts(&process->args);
	must(process->args.count > 0 && *process->args.item[0]);
	check_variables(&process->env);
	check_texts(&process->capabilities.bounding);
	check_texts(&process->capabilities.ambient);
	must(process->user.umask.value <= 0777);
	must(process->oom_score_adj.value >= -1000 && process->oom_score_adj.value <= 1000);
	must(process->console_height.value <= UINT16_MAX);
	must(process->console_width.value <= UINT16_MAX);
	must(!process->scheduler.set == !process->scheduler.policy);
	for (size_t i = 0; i < process->rlimits.count; i++) {
		must(text_begins(process->rlimits.item[i].type, "RLIMIT_"));
		must(process->rlimits.item[i].soft <= process->rlimits.item[i].hard);
	}
}

static void write_out(const struct spec_process *process, struct text *out)
{
	struct json_writer w = {.out = out};
	struct error err;

	spec_write_process(&w, NULL, process);
	must(text_check(out, &err) == 0);
}

/* A process that is written, for a guest, is read there, and is the same. */
static void check_written(const struct spec_process *process, struct arena *arena)
{
	owned_text struct text first = {0}, second = {0};
	struct spec_process *again = NULL;
	struct error err = {0};

	write_out(process, &first);
	if (spec_read_process("again", first.bytes, first.length, arena, &again, &err) < 0) {
		(void)fprintf(stderr, "%s: %s in %s\n", err.object, err.reason, first.bytes);
		must(arena_check(arena, &err) < 0);
		return;
	}
	write_out(again, &second);
	must(first.length == second.length && memcmp(first.bytes, second.bytes, first.length) == 0);
}

static bool apart(uint32_t a, uint32_t b, const struct spec_id_map *x, const struct spec_id_map *y)
{
	return (uint64_t)a + x->size <= b || (uint64_t)b + y->size <= a;
}

static void check_maps(const id_map_list *maps)
{
	must(maps->count <= 340);
	for (size_t i = 0; i < maps->count; i++) {
		const struct spec_id_map *x = &maps->item[i];

		must(x->size > 0 && (uint64_t)x->container_id + x->size <= UINT32_MAX);
		must((uint64_t)x->host_id + x->size <= UINT32_MAX);
		for (size_t j = 0; j < i; j++) {
			const struct spec_id_map *y = &maps->item[j];

			must(apart(x->container_id, y->container_id, x, y));
			must(apart(x->host_id, y->host_id, x, y));
		}
	}
}

static void check_resources(const struct spec_resources *r)
{
	for (size_t i = 0; i < r->devices.count; i++) {
		must(strchr("abc", r->devices.item[i].type) && r->devices.item[i].type);
		must(r->devices.item[i].major.value >= -1 && r->devices.item[i].minor.value >= -1);
		if (r->devices.item[i].access)
			must(strspn(r->devices.item[i].access, "rwm") ==
			     strlen(r->devices.item[i].access));
	}
	must(r->memory.limit.value >= -1 && r->memory.swappiness.value <= 100);
	must(!r->block_io.weight.set ||
	     (r->block_io.weight.value >= 10 && r->block_io.weight.value <= 1000));
	for (size_t i = 0; i < r->unified.count; i++) {
		check_text(r->unified.item[i].value);
		must(*r->unified.item[i].key && !strchr(r->unified.item[i].key, '/'));
	}
	for (size_t i = 0; i < r->hugepage_limits.count; i++)
		must(text_ends(r->hugepage_limits.item[i].page_size, "B"));
	for (size_t i = 0; i < r->rdma.count; i++)
		must(r->rdma.item[i].handles.set || r->rdma.item[i].objects.set);
}

static void check_seccomp(const struct spec_seccomp *seccomp)
{
	if (!seccomp->set)
		return;
	must(text_begins(seccomp->default_action, "SCMP_ACT_"));
	check_texts(&seccomp->architectures);
	for (size_t i = 0; i < seccomp->syscalls.count; i++) {
		const struct spec_seccomp_rule *rule = &seccomp->syscalls.item[i];

		check_texts(&rule->names);
		must(rule->names.count > 0 && text_begins(rule->action, "SCMP_ACT_"));
		for (size_t j = 0; j < rule->args.count; j++)
			must(rule->args.item[j].index <= 5 &&
			     text_begins(rule->args.item[j].op, "SCMP_CMP_"));
	}
}

static void check_linux(const struct spec_linux *l)
{
	const struct spec_namespace *user = &l->namespaces[NAMESPACE_USER];

	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (l->namespaces[i].path)
			check_path(l->namespaces[i].path);
	check_maps(&l->uid_mappings);
	check_maps(&l->gid_mappings);
	/* a new namespace has maps, one that is joined may be said to have them */
	must(l->uid_mappings.count > 0 ? user->set : !user->set || user->path);
	must(l->gid_mappings.count > 0 ? user->set : !user->set || user->path);
	for (size_t i = 0; i < l->devices.count; i++) {
		check_path(l->devices.item[i].path);
		must(l->devices.item[i].type && strchr("cbup", l->devices.item[i].type));
		must(l->devices.item[i].major >= 0 && l->devices.item[i].mode.value <= 07777);
	}
	check_texts(&l->masked_paths);
	check_texts(&l->readonly_paths);
	check_resources(&l->resources);
	check_seccomp(&l->seccomp);
	must((!l->time_boottime.set && !l->time_monotonic.set) ||
	     (l->namespaces[NAMESPACE_TIME].set && !l->namespaces[NAMESPACE_TIME].path));
}

static void check_mounts(const mount_list *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		must(mounts->item[i].destination[0] != '\0');
		check_texts(&mounts->item[i].options);
		check_maps(&mounts->item[i].uid_mappings);
	}
}

static void check_spec(const struct spec *spec)
{
	must(text_begins(spec->oci_version, "1."));
	if (spec->process.set)
		check_process(&spec->process);
	check_mounts(&spec->mounts);
	for (size_t point = 0; point < HOOK_POINTS; point++)
		for (size_t i = 0; i < spec->hooks[point].count; i++) {
			const struct spec_hook *hook = &spec->hooks[point].item[i];

			check_path(hook->path);
			check_variables(&hook->env);
			must(!hook->timeout.set || hook->timeout.value >= 1);
		}
	for (size_t i = 0; i < spec->annotations.count; i++)
		must(spec_annotation(spec, spec->annotations.item[i].key) ==
		     spec->annotations.item[i].value);
	check_linux(&spec->linux_);
	if (spec->vm.set)
		check_path(spec->vm.kernel_path);
}

/* Whether a door did one of the two things that it may. */
static bool taken(int result, const void *read, const struct error *err)
{
	must(result == 0 || result == -1);
	must((result == 0) == (read != NULL));
	if (result == 0)
		return true;
	check_text(err->object);
	must(*err->object && *err->reason);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(8 << 20);
	const char *bytes = (const char *)data;
	struct spec_resources *resources = NULL;
	struct spec_process *process = NULL;
	const struct spec *spec = NULL;
	struct error err = {0};
	mount_list mounts = {0};
	int result;

	if (!arena)
		return 0;
	if (taken(spec_read("fuzz", bytes, size, arena, &spec, &err), spec, &err)) {
		check_spec(spec);
		if (spec->process.set)
			check_written(&spec->process, arena);
	}
	if (taken(spec_read_process("fuzz", bytes, size, arena, &process, &err), process, &err)) {
		check_process(process);
		check_written(process, arena);
	}
	result = spec_read_mounts("fuzz", bytes, size, arena, &mounts, &err);
	if (taken(result, result == 0 ? &mounts : NULL, &err))
		check_mounts(&mounts);
	if (taken(spec_read_resources("fuzz", bytes, size, arena, &resources, &err), resources,
	          &err))
		check_resources(resources);
	return 0;
}

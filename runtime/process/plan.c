/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

#include "parts.h"

enum { DEFAULT_UMASK = 0022 };

/* An array for execve(2), with room for `more` behind its end. */
static char **vector(const text_list *texts, size_t more, struct arena *arena)
{
	char **v = arena_alloc(arena, texts->count + more + 1, sizeof(*v));

	for (size_t i = 0; v && i < texts->count; i++)
		v[i] = (char *)(uintptr_t)texts->item[i]; /* execve(2) changes nothing */
	return v;
}

static int compare_names(const char *one, const char *other)
{
	size_t length = strcspn(one, "="), most = strcspn(other, "=");
	int order = memcmp(one, other, length < most ? length : most);

	return order ? order : (length > most) - (length < most);
}

/* Variables by their names; of one name in the order of the list. */
static int by_name(const void *a, const void *b)
{
	char *const *one = *(char *const *const *)a, *const *other = *(char *const *const *)b;
	int order = compare_names(*one, *other);

	return order ? order : (one > other) - (one < other);
}

/* Of a variable that is there more than once the last one stays, where it is, as runc has it: a program
 * would take whichever its C library finds. Sorted, as there may be thousands. */
static size_t keep_last(char **env, size_t count, struct arena *arena)
{
	char ***sorted = arena_alloc(arena, count + 1, sizeof(*sorted));
	size_t kept = 0;

	if (!sorted)
		return 0;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &env[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i + 1 < count; i++)
		if (compare_names(*sorted[i], *sorted[i + 1]) == 0)
			*sorted[i] = NULL;
	for (size_t i = 0; i < count; i++)
		if (env[i])
			env[kept++] = env[i];
	memset(env + kept, 0, (count - kept) * sizeof(*env));
	return kept;
}

static int plan_program(const struct spec_process *p, struct arena *arena,
                        struct process_plan *plan, struct error *err)
{
	if (p->args.count == 0)
		return fail(err, ERROR_CONFIG, "process.args", "required: the program to run");
	if (!p->args.item[0][0])
		return fail(err, ERROR_CONFIG, "process.args[0]", "the program's name is empty");
	if (!p->cwd)
		return fail(err, ERROR_CONFIG, "process.cwd", "required: an absolute path");
	plan->args = vector(&p->args, 0, arena);
	plan->env = vector(&p->env, PROCESS_ENV_MORE, arena);
	if (plan->env)
		plan->env_count = keep_last(plan->env, p->env.count, arena);
	plan->cwd = p->cwd;
	plan->terminal = p->terminal;
	plan->rows = (unsigned short)p->console_height.value;
	plan->columns = (unsigned short)p->console_width.value;
	return arena_check(arena, err);
}

static void set_variable(struct process_plan *plan, char *variable)
{
	size_t name = strcspn(variable, "=") + 1, at = 0;

	while (at < plan->env_count && strncmp(plan->env[at], variable, name) != 0)
		at++;
	plan->env[at] = variable;
	plan->env_count += at == plan->env_count;
}

int process_plan_sockets(struct process_plan *plan, unsigned int count, const char *names,
                         struct arena *arena, struct error *err)
{
	char *fds = arena_format(arena, "LISTEN_FDS=%u", count);
	char *fdnames = names ? arena_format(arena, "LISTEN_FDNAMES=%s", names) : NULL;

	plan->listen_pid = arena_format(arena, "LISTEN_PID=%10s", ""); /* the child knows it */
	if (arena_check(arena, err) < 0)
		return -1;
	set_variable(plan, fds);
	set_variable(plan, plan->listen_pid);
	if (fdnames)
		set_variable(plan, fdnames);
	return 0;
}

/* A namespace that is joined may have maps that nobody told us: the kernel will say. */
static bool is_mapped(const id_map_list *maps, uint32_t id)
{
	return maps->count == 0 || spec_map_id(maps, id, NULL);
}

static int check_mapped(const struct spec *spec, const struct process_plan *plan, struct error *err)
{
	const struct spec_linux *l = &spec->linux_;
	static const char why[] = "%u is not mapped into the user namespace";

	if (!l->namespaces[NAMESPACE_USER].set)
		return 0;
	if (!is_mapped(&l->uid_mappings, plan->uid))
		return fail(err, ERROR_CONFIG, "process.user.uid", why, plan->uid);
	if (!is_mapped(&l->gid_mappings, plan->gid))
		return fail(err, ERROR_CONFIG, "process.user.gid", why, plan->gid);
	for (size_t i = 0; i < plan->groups_count; i++)
		if (!is_mapped(&l->gid_mappings, plan->groups[i])) {
			(void)fail(err, ERROR_CONFIG, "", why, plan->groups[i]);
			return error_within(err, "process.user.additionalGids[%zu]", i);
		}
	return 0;
}

/* The kernel takes -1 for "leave it as it is": here that would be root. */
static int check_id(const char *path, uint32_t id, struct error *err)
{
	if (id == UINT32_MAX)
		return fail(err, ERROR_CONFIG, path, "%u is no id: the last is 4294967294", id);
	return 0;
}

static int plan_user(const struct spec *spec, const struct spec_process *p, const struct host *host,
                     struct arena *arena, struct process_plan *plan, struct error *err)
{
	const struct spec_linux *l = &spec->linux_;
	const struct spec_namespace *user = &l->namespaces[NAMESPACE_USER];

	plan->uid = p->user.uid;
	plan->gid = p->user.gid;
	if (check_id("process.user.uid", plan->uid, err) < 0 ||
	    check_id("process.user.gid", plan->gid, err) < 0)
		return -1;
	plan->umask = (mode_t)(p->user.umask.set ? p->user.umask.value : DEFAULT_UMASK);
	plan->groups_count = p->user.additional_gids.count;
	plan->groups = arena_alloc(arena, plan->groups_count + 1, sizeof(*plan->groups));
	if (!plan->groups)
		return arena_check(arena, err);
	for (size_t i = 0; i < plan->groups_count; i++)
		if (check_id("process.user.additionalGids",
		             plan->groups[i] = p->user.additional_gids.item[i], err) < 0)
			return -1;
	if (spec_annotation(spec,
	                    "run.oci.keep_original_groups")) { /* crun's: the caller's alone */
		plan->keep_groups = true;
		plan->groups_count = 0;
	} else {
		plan->keep_groups = host->groups_denied ||
		                    (user->set && !user->path &&
		                     id_maps_are_own(&l->uid_mappings, &l->gid_mappings, host));
	}
	if (plan->keep_groups && plan->groups_count)
		return fail(
			err, ERROR_UNSUPPORTED, "process.user.additionalGids", "%s",
			host->groups_denied
				? "no groups can be set in the user namespace that cella runs in"
				: "a plain user who maps only the own group can't set others");
	return check_mapped(spec, plan, err);
}

/* What it has from who starts it: from us, or from a user namespace, whose root begins with every right there. */
static void plan_beginning(const struct spec *spec, const struct host *host,
                           struct process_plan *plan)
{
	bool is_ours = !spec->linux_.namespaces[NAMESPACE_USER].set && !host->made_up;

	memcpy(plan->streams, host->streams, sizeof(plan->streams));

	if (!is_ours)
		return;
	plan->absent = ~host->bounding;
	plan->has_ids = host->one_id && plan->uid == host->uid && plan->gid == host->gid;
	plan->has_groups = host->no_groups && plan->groups_count == 0;
	plan->no_ambient = !host->ambient;
	plan->owner = host->uid;
}

int process_plan(const struct spec *spec, const struct spec_process *process,
                 const struct host *host, struct arena *arena, struct process_plan **ret_plan,
                 struct error *err)
{
	struct process_plan *plan = ARENA_NEW(arena, struct process_plan);

	if (!plan)
		return arena_check(arena, err);
	if (plan_program(process, arena, plan, err) < 0 ||
	    plan_user(spec, process, host, arena, plan, err) < 0 ||
	    plan_rlimits(process, host, arena, plan, err) < 0 ||
	    plan_policy(spec, process, arena, plan, err) < 0 ||
	    plan_labels(process, host, arena, plan, err) < 0 ||
	    plan_seccomp_strict(spec, err) < 0 || plan_seccomp(spec, host, arena, plan, err) < 0)
		return -1;
	plan_capabilities(spec, process, host, plan);
	plan->no_new_privileges = process->no_new_privileges;
	plan->oom_score_adj = process->oom_score_adj;
	plan->ignored_signals = host->ignored_signals;
	plan_beginning(spec, host, plan);
	*ret_plan = plan;
	return 0;
}

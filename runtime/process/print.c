/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "parts.h"

static void print_set(struct json_writer *w, const char *key, uint64_t set)
{
	size_t count;
	const char *const *names = process_capability_names(&count);

	json_open(w, key, '[');
	for (size_t i = 0; i < count; i++)
		if (set & (1ULL << i))
			json_text(w, NULL, names[i]);
	json_close(w);
}

static void print_user(const struct process_plan *p, struct json_writer *w)
{
	char mask[16];

	(void)snprintf(mask, sizeof(mask), "%04o", (unsigned int)p->umask);
	json_open(w, "user", '{');
	json_u64(w, "uid", p->uid);
	json_u64(w, "gid", p->gid);
	json_text(w, "umask", mask);
	if (p->keep_groups)
		json_text(w, "groups", "kept");
	else {
		json_open(w, "groups", '[');
		for (size_t i = 0; i < p->groups_count; i++)
			json_u64(w, NULL, p->groups[i]);
		json_close(w);
	}
	json_close(w);
}

static void print_limits(const struct process_plan *p, struct json_writer *w)
{
	json_open(w, "rlimits", '[');
	for (size_t i = 0; i < p->limits_count; i++) {
		json_open(w, NULL, '{');
		json_text(w, "type", rlimit_name(p->limits[i].resource));
		json_u64(w, "soft", p->limits[i].limit.rlim_cur);
		json_u64(w, "hard", p->limits[i].limit.rlim_max);
		json_close(w);
	}
	json_close(w);
	if (p->oom_score_adj.set)
		json_i64(w, "oomScoreAdj", p->oom_score_adj.value);
}

static void print_policy(const struct process_plan *p, struct json_writer *w)
{
	if (p->scheduler) {
		json_open(w, "scheduler", '{');
		json_u64(w, "policy", p->scheduler->policy);
		json_i64(w, "nice", p->scheduler->nice);
		json_u64(w, "priority", p->scheduler->priority);
		json_u64(w, "flags", p->scheduler->flags);
		json_u64(w, "runtime", p->scheduler->runtime);
		json_u64(w, "deadline", p->scheduler->deadline);
		json_u64(w, "period", p->scheduler->period);
		json_close(w);
	}
	if (p->io_priority.set)
		json_i64(w, "ioPriority", p->io_priority.value);
	if (p->memory)
		json_i64(w, "memoryPolicy", p->memory->mode);
	if (p->personality.set)
		json_u64(w, "personality", p->personality.value);
}

static void print_rights(const struct process_plan *p, struct json_writer *w)
{
	json_open(w, "capabilities", '{');
	print_set(w, "bounding", p->bounding);
	print_set(w, "effective", p->effective);
	print_set(w, "inheritable", p->inheritable);
	print_set(w, "permitted", p->permitted);
	print_set(w, "ambient", p->ambient);
	json_close(w);
	json_bool(w, "noNewPrivileges", p->no_new_privileges);
	if (p->apparmor_profile)
		json_text(w, "apparmorProfile", p->apparmor_profile);
	if (p->selinux_label)
		json_text(w, "selinuxLabel", p->selinux_label);
	if (!p->filter)
		return;
	json_open(w, "seccomp", '{');
	json_u64(w, "instructions", p->filter_length);
	json_u64(w, "flags", p->filter_flags);
	json_close(w);
}

void process_print(const struct process_plan *p, struct json_writer *w, const char *key)
{
	json_open(w, key, '{');
	json_open(w, "args", '[');
	for (char **a = p->args; *a; a++)
		json_text(w, NULL, *a);
	json_close(w);
	json_open(w, "env", '[');
	for (char **e = p->env; *e; e++)
		json_text(w, NULL, *e);
	json_close(w);
	json_text(w, "cwd", p->cwd);
	json_bool(w, "terminal", p->terminal);
	if (p->rows || p->columns) {
		json_open(w, "consoleSize", '{');
		json_u64(w, "height", p->rows);
		json_u64(w, "width", p->columns);
		json_close(w);
	}
	print_user(p, w);
	print_limits(p, w);
	print_policy(p, w);
	print_rights(p, w);
	json_bool(w, "newKeyring", p->keyring != NULL);
	json_u64(w, "preserveFds", p->preserve_fds);
	json_close(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "spec.h"

/* The members in the order of process.c's tables; what is absent is left out. */

static void write_list(struct json_writer *w, const char *key, const text_list *list)
{
	if (list->count > 0)
		json_texts(w, key, list->item, list->count);
}

static void write_text(struct json_writer *w, const char *key, const char *text)
{
	if (text)
		json_text(w, key, text);
}

static void write_user(struct json_writer *w, const struct spec_user *user)
{
	json_open(w, "user", '{');
	json_u64(w, "uid", user->uid);
	json_u64(w, "gid", user->gid);
	if (user->umask.set)
		json_u64(w, "umask", user->umask.value);
	json_open(w, "additionalGids", '[');
	for (size_t i = 0; i < user->additional_gids.count; i++)
		json_u64(w, NULL, user->additional_gids.item[i]);
	json_close(w);
	write_text(w, "username", user->username);
	json_close(w);
}

static void write_capabilities(struct json_writer *w, const struct spec_capabilities *sets)
{
	if (!sets->set)
		return;
	json_open(w, "capabilities", '{');
	json_texts(w, "bounding", sets->bounding.item, sets->bounding.count);
	json_texts(w, "effective", sets->effective.item, sets->effective.count);
	json_texts(w, "inheritable", sets->inheritable.item, sets->inheritable.count);
	json_texts(w, "permitted", sets->permitted.item, sets->permitted.count);
	json_texts(w, "ambient", sets->ambient.item, sets->ambient.count);
	json_close(w);
}

static void write_rlimits(struct json_writer *w, const struct spec_process *p)
{
	json_open(w, "rlimits", '[');
	for (size_t i = 0; i < p->rlimits.count; i++) {
		json_open(w, NULL, '{');
		json_text(w, "type", p->rlimits.item[i].type);
		json_u64(w, "soft", p->rlimits.item[i].soft);
		json_u64(w, "hard", p->rlimits.item[i].hard);
		json_close(w);
	}
	json_close(w);
}

static void write_console(struct json_writer *w, const struct spec_process *p)
{
	json_bool(w, "terminal", p->terminal);
	if (!p->console_height.set && !p->console_width.set)
		return;
	json_open(w, "consoleSize", '{');
	json_u64(w, "height", p->console_height.value);
	json_u64(w, "width", p->console_width.value);
	json_close(w);
}

static void write_scheduler(struct json_writer *w, const struct spec_scheduler *s)
{
	if (!s->set)
		return;
	json_open(w, "scheduler", '{');
	json_text(w, "policy", s->policy);
	json_i64(w, "nice", s->nice);
	json_i64(w, "priority", s->priority);
	write_list(w, "flags", &s->flags);
	json_u64(w, "runtime", s->runtime);
	json_u64(w, "deadline", s->deadline);
	json_u64(w, "period", s->period);
	json_close(w);
}

static void write_placement(struct json_writer *w, const struct spec_process *p)
{
	if (p->io_priority_class) {
		json_open(w, "ioPriority", '{');
		json_text(w, "class", p->io_priority_class);
		json_i64(w, "priority", p->io_priority);
		json_close(w);
	}
	write_scheduler(w, &p->scheduler);
	if (!p->affinity_initial && !p->affinity_final)
		return;
	json_open(w, "execCPUAffinity", '{');
	write_text(w, "initial", p->affinity_initial);
	write_text(w, "final", p->affinity_final);
	json_close(w);
}

void spec_write_process(struct json_writer *w, const char *key, const struct spec_process *p)
{
	json_open(w, key, '{');
	write_console(w, p);
	write_text(w, "cwd", p->cwd);
	json_texts(w, "env", p->env.item, p->env.count);
	json_texts(w, "args", p->args.item, p->args.count);
	write_user(w, &p->user);
	write_capabilities(w, &p->capabilities);
	write_rlimits(w, p);
	json_bool(w, "noNewPrivileges", p->no_new_privileges);
	if (p->oom_score_adj.set)
		json_i64(w, "oomScoreAdj", p->oom_score_adj.value);
	write_text(w, "apparmorProfile", p->apparmor_profile);
	write_text(w, "selinuxLabel", p->selinux_label);
	write_placement(w, p);
	json_close(w);
}

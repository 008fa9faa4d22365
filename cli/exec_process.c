/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "runtime/plan/plan.h"

#include "exec_process.h"

enum { USER_SIZE = 32 };

/* Room for a list and more; the old one may be the config's and stays. */
static int extend(text_list *list, size_t more, struct arena *arena, struct error *err)
{
	const char **item = arena_alloc(arena, list->count + more + 1, sizeof(*item));

	if (!item)
		return arena_check(arena, err);
	for (size_t i = 0; i < list->count; i++)
		item[i] = list->item[i];
	list->item = item;
	return 0;
}

static bool holds(const text_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->item[i], text) == 0)
			return true;
	return false;
}

/* In the place of the last of its name, which is the one that the program gets. */
static void set_variable(text_list *env, const char *variable, size_t name_length)
{
	for (size_t i = env->count; i > 0; i--)
		if (strncmp(env->item[i - 1], variable, name_length + 1) == 0) {
			env->item[i - 1] = variable;
			return;
		}
	env->item[env->count++] = variable;
}

static int change_env(struct spec_process *p, const struct option_list *more, struct arena *arena,
                      struct error *err)
{
	if (extend(&p->env, more->count, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < more->count; i++) {
		const char *equals = strchr(more->item[i], '=');

		if (!equals || equals == more->item[i])
			return fail(err, ERROR_USAGE, "--env", "'%.100s' is not NAME=VALUE",
			            more->item[i]);
		set_variable(&p->env, more->item[i], (size_t)(equals - more->item[i]));
	}
	return 0;
}

/* "UID" or "UID:GID", in numbers: names are those of an image that nobody has read. */
static int change_user(struct spec_process *p, const char *user, struct error *err)
{
	char text[USER_SIZE];
	size_t length = strlen(user);
	uint32_t uid, gid = p->user.gid;
	char *colon;

	if (length < sizeof(text)) {
		memcpy(text, user, length + 1);
		colon = strchr(text, ':');
		if (colon)
			*colon = '\0';
		if (text_to_u32(text, &uid) && (!colon || text_to_u32(colon + 1, &gid))) {
			p->user.uid = uid;
			p->user.gid = gid;
			p->user.username = NULL;
			return 0;
		}
	}
	return fail(err, ERROR_USAGE, "--user", "'%.60s' is not UID or UID:GID in numbers", user);
}

static int change_groups(struct spec_process *p, const struct option_list *more,
                         struct arena *arena, struct error *err)
{
	size_t count = p->user.additional_gids.count;
	uint32_t *gids = arena_alloc(arena, count + more->count + 1, sizeof(*gids));

	if (!gids)
		return arena_check(arena, err);
	if (count)
		memcpy(gids, p->user.additional_gids.item, count * sizeof(*gids));
	for (size_t i = 0; i < more->count; i++)
		if (!text_to_u32(more->item[i], &gids[count++]))
			return fail(err, ERROR_USAGE, "--additional-gids",
			            "'%.60s' is not a number", more->item[i]);
	p->user.additional_gids.item = gids;
	p->user.additional_gids.count = count;
	return 0;
}

/* What a config has may be written for another kernel; what is typed is a slip. */
static int check_capabilities(const struct option_list *names, struct error *err)
{
	struct features known = {0};

	if (names->count == 0)
		return 0;
	plan_features(&known);
	for (size_t i = 0; i < names->count; i++) {
		size_t at = 0;

		while (at < known.capabilities_count &&
		       strcmp(known.capabilities[at], names->item[i]) != 0)
			at++;
		if (at == known.capabilities_count)
			return fail(err, ERROR_USAGE, "--cap",
			            "unknown capability '%.60s': expected a name like CAP_KILL",
			            names->item[i]);
	}
	return 0;
}

/* Into the sets that a program of root gets; ambient only what is inheritable already, since the
 * kernel refuses others. */
static int change_capabilities(struct spec_process *p, const struct option_list *more,
                               struct arena *arena, struct error *err)
{
	struct spec_capabilities *sets = &p->capabilities;
	text_list *const all[] = {&sets->bounding, &sets->effective, &sets->permitted,
	                          &sets->ambient};

	if (check_capabilities(more, err) < 0)
		return -1;
	sets->set = sets->set || more->count > 0;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (extend(all[i], more->count, arena, err) < 0)
			return -1;
		for (size_t j = 0; j < more->count; j++)
			if (!holds(all[i], more->item[j]) &&
			    (all[i] != &sets->ambient || holds(&sets->inheritable, more->item[j])))
				all[i]->item[all[i]->count++] = more->item[j];
	}
	return 0;
}

static int change_args(struct spec_process *p, const struct exec_flags *flags, char **args,
                       struct arena *arena, struct error *err)
{
	size_t count = 0;

	while (args[count])
		count++;
	if (flags->process && count > 0)
		return fail(err, ERROR_USAGE, args[0],
		            "the program is given by --process already: leave one of them out");
	if (flags->process)
		return 0;
	if (count == 0)
		return fail(err, ERROR_USAGE, "exec",
		            "no program to run: name it behind the container or use --process");
	p->args.count = 0;
	if (extend(&p->args, count, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		p->args.item[p->args.count++] = args[i];
	return 0;
}

/* Where the flags start from. */
static int read_base(const struct spec_process *config, const char *file, struct arena *arena,
                     struct spec_process **ret_process, struct error *err)
{
	char *bytes;
	size_t length;

	if (file) {
		if (fd_read_file(AT_FDCWD, file, JSON_BYTES_LIMIT, arena, &bytes, &length, err) <
		            0 ||
		    spec_read_process(file, bytes, length, arena, ret_process, err) < 0)
			return error_within(err, "--process");
		return 0;
	}
	*ret_process = ARENA_NEW(arena, struct spec_process);
	if (!*ret_process)
		return arena_check(arena, err);
	**ret_process = *config;
	(*ret_process)->terminal = false; /* that of the first process is its own */
	(*ret_process)->set = true;
	return 0;
}

int exec_process(const struct spec_process *config, const struct exec_flags *flags, char **args,
                 struct arena *arena, struct spec_process **ret_process, struct error *err)
{
	struct spec_process *p = NULL;

	if (read_base(config, flags->process, arena, &p, err) < 0 ||
	    change_args(p, flags, args, arena, err) < 0 ||
	    change_env(p, &flags->env, arena, err) < 0 ||
	    (flags->user && change_user(p, flags->user, err) < 0) ||
	    change_groups(p, &flags->additional_gids, arena, err) < 0 ||
	    change_capabilities(p, &flags->capabilities, arena, err) < 0)
		return -1;
	if (flags->cwd)
		p->cwd = flags->cwd;
	if (flags->apparmor)
		p->apparmor_profile = flags->apparmor;
	if (flags->process_label)
		p->selinux_label = flags->process_label;
	if (flags->tty)
		p->terminal = true;
	if (flags->no_new_privs)
		p->no_new_privileges = true;
	*ret_process = p;
	return 0;
}

/* "[CONTROLLER[,CONTROLLER...]:]PATH": in v2 one tree has all controllers, so all words must mean one place. */
int exec_cgroup(const struct option_list *words, struct arena *arena, const char **ret_path,
                struct error *err)
{
	const char *path = NULL;

	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->item[i], *colon = strchr(word, ':');
		const char *this = colon ? colon + 1 : word;

		this += strspn(this, "/");
		if (strchr(this, ':') || colon == word)
			return fail(err, ERROR_USAGE, "--cgroup",
			            "'%.100s' is not PATH or CONTROLLER:PATH", word);
		if (path && strcmp(path, this) != 0)
			return fail(
				err, ERROR_USAGE, "--cgroup",
				"'/%.100s' and '/%.100s': in cgroup v2 a process is in one place",
				path, this);
		path = this;
	}
	*ret_path = path ? arena_format(arena, "/%s", path) : NULL;
	return path ? arena_check(arena, err) : 0;
}

void exec_blame(const struct exec_flags *flags, struct error *err)
{
	bool ours = !flags->process; /* else a list is the file's too */
	const struct {
		const char *member; /* never shorter than its flag */
		const char *flag;
		bool given;
	} changed[] = {
		{"process.user.additionalGids", "--additional-gids",
	         ours && flags->additional_gids.count > 0                                        },
		{"process.user",                "--user",            flags->user != NULL         },
		{"process.cwd",                 "--cwd",             flags->cwd != NULL          },
		{"process.apparmorProfile",     "--apparmor",        flags->apparmor != NULL     },
		{"process.selinuxLabel",        "--process-label",   flags->process_label != NULL},
	};
	const char *behind = strstr(err->object, ": ");

	for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
		size_t length = strlen(changed[i].flag);

		if (!text_begins(err->object, changed[i].member))
			continue;
		if (changed[i].given) {
			memmove(err->object + length, behind ? behind : "",
			        behind ? strlen(behind) + 1 : 1);
			memcpy(err->object, changed[i].flag, length);
		}
		return;
	}
}

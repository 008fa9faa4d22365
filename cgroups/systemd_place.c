/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "systemd.h"

static const char object[] = "linux.cgroupsPath";

bool systemd_is_form(const char *path)
{
	const char *colon = strchr(path, ':');

	return colon && strchr(colon + 1, ':') && !strchr(path, '/');
}

bool systemd_is_users(const char *path)
{
	return strstr(path, "/user@") != NULL;
}

size_t systemd_scope_length(const char *path, const char *unit)
{
	size_t length = strlen(unit);

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/'))
		if (strncmp(at + 1, unit, length) == 0 && at[1 + length] == '/')
			return (size_t)(at - path) + 1 + length;
	return strlen(path);
}

/* "a-b.slice" is in "a.slice": "/a.slice/a-b.slice"; "-.slice" is the top. */
static char *expand_slice(const char *slice, struct arena *arena, struct error *err)
{
	size_t length = strlen(slice);
	char *path = arena_text(arena, "");

	if (strcmp(slice, "-.slice") == 0)
		return path;
	if (!text_ends(slice, ".slice") || length == strlen(".slice") || strchr(slice, '/') ||
	    slice[0] == '-' || strstr(slice, "--") || strstr(slice, "-.slice")) {
		(void)fail(err, ERROR_CONFIG, object,
		           "'%.100s' is no slice: expected a name such as machine.slice", slice);
		return NULL;
	}
	length -= strlen(".slice");
	for (size_t i = 1; i < length && path; i++)
		if (slice[i] == '-')
			path = arena_format(arena, "%s/%.*s.slice", path, (int)i, slice);
	return path ? arena_format(arena, "%s/%s", path, slice) : NULL;
}

/* The cgroup of the user's manager: what we are in ourselves tells, else it has its usual name. */
static char *user_manager(const char *own, struct arena *arena)
{
	const char *at = strstr(own, "/user@");
	const char *end = at ? strstr(at, ".service") : NULL;

	if (end)
		return arena_text_n(arena, own, (size_t)(end - own) + strlen(".service"));
	return arena_format(arena, "/user.slice/user-%u.slice/user@%u.service",
	                    (unsigned int)geteuid(), (unsigned int)geteuid());
}

/* An id as a part of a unit's name: what has no place there ('+') is written as systemd-escape(1) has it. */
static char *escape(const char *id, struct arena *arena)
{
	char *escaped = arena_text(arena, "");

	for (size_t part; *id && escaped; id += part + (id[part] == '+')) {
		part = strcspn(id, "+");
		escaped = arena_format(arena, "%s%.*s%s", escaped, (int)part, id,
		                       id[part] ? "\\x2b" : "");
	}
	return escaped;
}

/* The three parts. Absent: as runc has it, with our own name. */
static int split(const char *wanted, const char *id, bool user, struct arena *arena,
                 struct systemd_scope *scope, struct error *err)
{
	const char *usual = user ? "user.slice" : "system.slice";
	const char *prefix, *name;

	if (!wanted || !*wanted) { /* an id may end as a slice does */
		scope->slice = usual;
		scope->unit = arena_format(arena, "cella-%s.scope", escape(id, arena));
		return 0;
	}
	if (!systemd_is_form(wanted))
		return fail(err, ERROR_CONFIG, object,
		            "'%.100s': the systemd manager expects SLICE:PREFIX:NAME", wanted);
	prefix = strchr(wanted, ':') + 1;
	name = strchr(prefix, ':') + 1;
	if (!*name || strchr(name, ':'))
		return fail(err, ERROR_CONFIG, object,
		            "'%.100s': expected SLICE:PREFIX:NAME with a name", wanted);
	scope->slice = prefix - wanted > 1
	                       ? arena_text_n(arena, wanted, (size_t)(prefix - wanted) - 1)
	                       : usual;
	if (text_ends(name, ".slice"))
		return fail(err, ERROR_UNSUPPORTED, object,
		            "'%.100s': a container in a slice of its own is not supported by this "
		            "version of cella; name a scope",
		            wanted);
	scope->unit = name - prefix > 1 ? arena_format(arena, "%.*s-%s.scope",
	                                               (int)(name - prefix - 1), prefix, name)
	                                : arena_format(arena, "%s.scope", name);
	return 0;
}

int systemd_place(const char *wanted, const char *id, bool user, const char *own,
                  struct arena *arena, struct systemd_scope *scope, char **ret_path,
                  struct error *err)
{
	char *slice;

	scope->user = user;
	scope->description = arena_format(arena, "cella container %s", id);
	if (split(wanted, id, user, arena, scope, err) < 0)
		return -1;
	if (arena_check(arena, err) < 0)
		return error_within(err, "%s", object);
	slice = expand_slice(scope->slice, arena, err);
	if (!slice)
		return arena_check(arena, err) < 0 ? error_within(err, "%s", object) : -1;
	*ret_path = arena_format(arena, "%s%s/%s", user ? user_manager(own, arena) : "", slice,
	                         scope->unit);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"

#include "parts.h"

/* state.json: one flat object, every member always written. Nobody but us writes it, so reading is
 * strict: what is odd was damaged or put there by somebody else, and a pid or a path of it would
 * be acted upon as root. */

enum {
	STATE_VERSION = 1, /* one more when a member changes its meaning */
	PID_MOST = 1 << 22 /* PID_MAX_LIMIT of the kernel */
};

const char *const container_status_names[STATUS_COUNT] = {"creating", "created", "running",
                                                          "paused", "stopped"};

/* ---- writing ---- */

static void write_annotations(struct json_writer *w, const struct state *state)
{
	json_open(w, "annotations", '{');
	for (size_t i = 0; i < state->annotations.count; i++)
		json_text(w, state->annotations.item[i].key, state->annotations.item[i].value);
	json_close(w);
}

static void write_namespaces(struct json_writer *w, unsigned int bits)
{
	json_open(w, "namespaces", '[');
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (bits & 1U << i)
			json_text(w, NULL, namespace_names[i]);
	json_close(w);
}

void state_write(struct json_writer *w, const struct state *state)
{
	json_open(w, NULL, '{');
	json_u64(w, "version", STATE_VERSION);
	json_text(w, "id", state->id);
	json_text(w, "status", container_status_names[state->status]);
	json_i64(w, "pid", state->pid);
	json_u64(w, "startTime", state->start_time);
	json_text(w, "bundle", state->bundle);
	json_text(w, "rootfs", state->rootfs);
	json_text(w, "created", state->created);
	json_text(w, "executor", state->executor);
	json_text(w, "cgroup", state->cgroup);
	json_text(w, "systemdUnit", state->systemd_unit);
	json_u64(w, "owner", state->owner);
	json_bool(w, "terminal", state->terminal);
	json_bool(w, "noNewKeyring", state->no_new_keyring);
	json_text(w, "seccompAgent", state->seccomp_agent);
	json_open(w, "stdio", '[');
	for (size_t i = 0; i < ARRAY_SIZE(state->stdio); i++)
		json_text(w, NULL, state->stdio[i]);
	json_close(w);
	write_namespaces(w, state->namespaces);
	spec_write_maps(w, "uidMappings", &state->uid_mappings);
	spec_write_maps(w, "gidMappings", &state->gid_mappings);
	write_annotations(w, state);
	json_close(w);
}

void state_write_oci(struct json_writer *w, const struct state *state)
{
	json_text(w, "ociVersion", "1.3.0");
	json_text(w, "id", state->id);
	json_text(w, "status", container_status_names[state->status]);
	json_i64(w, "pid", state->pid);
	json_text(w, "bundle", state->bundle);
	write_annotations(w, state);
}

/* ---- reading ---- */

static int read_version(const struct json *value, void *at, struct error *err)
{
	uint64_t version = 0;

	(void)at;
	if (!json_to_u64(value, &version) || version != STATE_VERSION)
		return json_fail(err, value, "must be %d: another version of cella wrote this",
		                 STATE_VERSION);
	return 0;
}

static int read_text(const struct json *value, void *at, struct error *err)
{
	if (value->type != JSON_STRING)
		return json_fail(err, value, "must be a string, is %s",
		                 json_type_name(value->type));
	if (!*value->text)
		return json_fail(err, value, "is empty");
	*(const char **)at = value->text;
	return 0;
}

static int read_id(const struct json *value, void *at, struct error *err)
{
	if (read_text(value, at, err) < 0)
		return -1;
	if (value->text[0] == '.' || strchr(value->text, '/'))
		return json_fail(err, value, "is no name of a container");
	return 0;
}

static int read_status(const struct json *value, void *at, struct error *err)
{
	const char *name = "";

	if (read_text(value, &name, err) < 0)
		return -1;
	for (size_t i = 0; i < STATUS_COUNT; i++)
		if (strcmp(container_status_names[i], name) == 0) {
			*(enum container_status *)at = (enum container_status)i;
			return 0;
		}
	return json_fail(err, value, "'%s' is no status", name);
}

static int read_pid(const struct json *value, void *at, struct error *err)
{
	uint64_t pid = 0;

	if (!json_to_u64(value, &pid) || pid > PID_MOST)
		return json_fail(err, value, "must be a number from 0 to %d", PID_MOST);
	*(pid_t *)at = (pid_t)pid;
	return 0;
}

static int read_number(const struct json *value, void *at, struct error *err)
{
	if (!json_to_u64(value, at))
		return json_fail(err, value, "must be a number from 0");
	return 0;
}

static int read_path(const struct json *value, void *at, struct error *err)
{
	if (read_text(value, at, err) < 0)
		return -1;
	if (*value->text != '/')
		return json_fail(err, value, "must be an absolute path");
	return 0;
}

static int read_agent(const struct json *value, void *at, struct error *err)
{
	return value->type == JSON_NULL ? 0 : read_path(value, at, err);
}

/* Whether a component of the path is "..". */
static bool climbs(const char *path)
{
	for (const char *at = strstr(path, "/.."); at; at = strstr(at + 1, "/.."))
		if (at[3] == '\0' || at[3] == '/')
			return true;
	return false;
}

static int read_systemd_unit(const struct json *value, void *at, struct error *err)
{
	if (value->type == JSON_NULL)
		return 0;
	if (read_text(value, at, err) < 0)
		return -1;
	if (strchr(value->text, '/') || !text_ends(value->text, ".scope"))
		return json_fail(err, value, "is no name of a scope");
	return 0;
}

static int read_cgroup(const struct json *value, void *at, struct error *err)
{
	if (value->type == JSON_NULL)
		return 0;
	if (read_path(value, at, err) < 0)
		return -1;
	if (climbs(value->text) || strspn(value->text, "/") == strlen(value->text))
		return json_fail(err, value, "is no path of a container's cgroup");
	return 0;
}

static int read_user(const struct json *value, void *at, struct error *err)
{
	uint64_t user = 0;

	if (!json_to_u64(value, &user) || user > UINT32_MAX)
		return json_fail(err, value, "must be a user id");
	*(uint32_t *)at = (uint32_t)user;
	return 0;
}

static int read_bool(const struct json *value, void *at, struct error *err)
{
	if (value->type != JSON_BOOL)
		return json_fail(err, value, "must be true or false");
	*(bool *)at = value->truth;
	return 0;
}

static int read_namespace(const struct json *value, unsigned int *bits, struct error *err)
{
	const char *name = "";

	if (read_text(value, &name, err) < 0)
		return -1;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (strcmp(namespace_names[i], name) == 0 && !(*bits & 1U << i)) {
			*bits |= 1U << i;
			return 0;
		}
	return json_fail(err, value, "'%s' is no namespace, or the second of its type", name);
}

static int read_array(const struct json *value, void *at, struct error *err)
{
	(void)at;
	if (value->type != JSON_ARRAY)
		return json_fail(err, value, "must be an array, is %s",
		                 json_type_name(value->type));
	return 0;
}

static int read_namespaces(const struct json *value, void *at, struct error *err)
{
	if (read_array(value, at, err) < 0)
		return -1;
	for (const struct json *item = value->first; item; item = item->next)
		if (read_namespace(item, at, err) < 0)
			return -1;
	return 0;
}

/* Names that the kernel gave, or nothing. */
static int read_stdio(const struct json *value, void *at, struct error *err)
{
	const char **names = at;
	const size_t count = ARRAY_SIZE(((struct state *)NULL)->stdio);

	if (value->type != JSON_ARRAY || value->count != count)
		return json_fail(err, value, "must be an array of %zu", count);
	for (const struct json *item = value->first; item; item = item->next)
		if (item->type != JSON_NULL && read_text(item, &names[item->index], err) < 0)
			return -1;
	return 0;
}

static int read_object(const struct json *value, void *at, struct error *err)
{
	(void)at;
	if (value->type != JSON_OBJECT)
		return json_fail(err, value, "must be an object, is %s",
		                 json_type_name(value->type));
	return 0;
}

/* Each is read into its place in a struct state that is zero. */
#define AT(member) offsetof(struct state, member)
static const struct member {
	const char *name;
	int (*read)(const struct json *value, void *at, struct error *err);
	size_t offset;
	bool later; /* than the first of this version: a container that lives may have been made without */
} members[] = {
	{"version",      read_version,      0,                  false}, /* first: another one may have other members */
	{"id",           read_id,           AT(id),             false},
	{"status",       read_status,       AT(status),         false},
	{"pid",          read_pid,          AT(pid),            false},
	{"startTime",    read_number,       AT(start_time),     false},
	{"bundle",       read_path,         AT(bundle),         false},
	{"rootfs",       read_path,         AT(rootfs),         false},
	{"created",      read_text,         AT(created),        false},
	{"executor",     read_text,         AT(executor),       false},
	{"cgroup",       read_cgroup,       AT(cgroup),         false},
	{"systemdUnit",  read_systemd_unit, AT(systemd_unit),   false},
	{"owner",        read_user,         AT(owner),          false},
	{"terminal",     read_bool,         AT(terminal),       false},
	{"stdio",        read_stdio,        AT(stdio),          false},
	{"noNewKeyring", read_bool,         AT(no_new_keyring), false},
	{"seccompAgent", read_agent,        AT(seccomp_agent),  true },
	{"namespaces",   read_namespaces,   AT(namespaces),     false},
	{"uidMappings",  read_array,        0,                  true }, /* by read_maps() */
	{"gidMappings",  read_array,        0,                  true },
	{"annotations",  read_object,       0,                  false}, /* by read_annotations() */
};

static bool is_member(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return true;
	return false;
}

static int read_members(const struct json *top, struct state *state, struct error *err)
{
	if (top->type != JSON_OBJECT)
		return fail(err, ERROR_CONFIG, "", "must be an object, is %s",
		            json_type_name(top->type));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct json *value = json_member(top, members[i].name);

		if (!value && members[i].later)
			continue;
		if (!value)
			return fail(err, ERROR_CONFIG, members[i].name, "is missing");
		if (members[i].read(value, (char *)state + members[i].offset, err) < 0)
			return -1;
	}
	for (const struct json *value = top->first; value; value = value->next)
		if (!is_member(value->key))
			return json_fail(err, value, "is unknown");
	return 0;
}

static int read_annotations(const struct json *object, struct arena *arena, struct state *state,
                            struct error *err)
{
	struct key_value *items = arena_alloc(arena, object->count + 1, sizeof(*items));
	size_t count = 0;

	if (!items)
		return arena_check(arena, err);
	for (const struct json *item = object->first; item; item = item->next) {
		if (item->type != JSON_STRING)
			return json_fail(err, item, "must be a string, is %s",
			                 json_type_name(item->type));
		items[count++] = (struct key_value){item->key, item->text};
	}
	state->annotations.item = items;
	state->annotations.count = count;
	return 0;
}

/* Both or neither, and only of a namespace that is the container's. */
static int read_maps(const struct json *top, struct arena *arena, struct state *state,
                     struct error *err)
{
	const struct json *uids = json_member(top, "uidMappings");
	const struct json *gids = json_member(top, "gidMappings");

	if (!uids && !gids)
		return 0;
	if (!uids || !gids)
		return fail(err, ERROR_CONFIG, uids ? "gidMappings" : "uidMappings", "is missing");
	if (field_read(&part_id_maps, uids, arena, &state->uid_mappings, err) < 0 ||
	    field_read(&part_id_maps, gids, arena, &state->gid_mappings, err) < 0)
		return -1;
	if ((uids->count > 0) != (gids->count > 0))
		return json_fail(err, gids, "must be there with uidMappings, and only then");
	if (uids->count > 0 && !(state->namespaces & 1U << NAMESPACE_USER))
		return json_fail(err, uids, "has no user namespace in namespaces");
	return 0;
}

int state_read(const char *bytes, size_t length, struct arena *arena, struct state *ret_state,
               struct error *err)
{
	static const char name[] = "state.json";
	const struct json *top = NULL;
	struct state state = {0};

	if (json_read(name, bytes, length, arena, &top, err) < 0)
		return -1;
	if (read_members(top, &state, err) < 0 || read_maps(top, arena, &state, err) < 0 ||
	    read_annotations(json_member(top, "annotations"), arena, &state, err) < 0)
		return error_within(err, name);
	if (arena_check(arena, err) < 0)
		return -1;
	*ret_state = state;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Each group is a list of modules by name; what they depend on comes before them, as modules.dep has
 * it. Its lines name all that a module depends on, but not every depmod orders them: so they are
 * followed from module to module. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/table.h"
#include "base/text.h"

#include "modules.h"

enum {
	FILE_LIMIT = 8 << 20,
	MODULES_MOST = 128, /* in an image */
	DEPTH_MOST = 32,
	NAME_SIZE = 64,
};

/* needed: no guest of ours runs without it. */
static const struct wanted {
	const char *group, *name;
	bool needed;
} wanted[] = {
	{"boot",     "virtio_mmio",                true },
	{"boot",     "virtiofs",                   true },
	{"boot",     "vmw_vsock_virtio_transport", true },
	{"console",  "virtio_console",             false},
	{"net",      "virtio_net",                 false},
	{"blk",      "virtio_blk",                 false},
	{"rng",      "virtio_rng",                 false},
	{"balloon",  "virtio_balloon",             false},
	{"overlay",  "overlay",                    false},
	{"ext4",     "ext4",                       false},
	{"squashfs", "squashfs",                   false},
	{"erofs",    "erofs",                      false},
};

static const char group_of_all[] = "boot";

/* A line of modules.dep. Texts stand in a copy of it. */
struct entry {
	const char *path;
	char *needs;   /* paths, blanks between them */
	size_t number; /* 1 and up: its place in the image */
	bool entered;  /* what it depends on is being followed */
};

struct resolver {
	struct arena *arena;
	struct entry *entries;
	size_t count;
	const char *builtin;
	struct modules *modules;
	const char *group;
};

/* '-' and '_' are the same in names of modules. */
static bool same_name(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((a[i] == '-' ? '_' : a[i]) != (b[i] == '-' ? '_' : b[i]))
			return false;
	return true;
}

/* Whether a path is of the module: "…/NAME.ko", whatever stands behind ".ko". */
static bool is_of(const char *path, size_t length, const char *name)
{
	size_t wants = strlen(name);
	const char *slash = memrchr(path, '/', length);
	const char *base = slash ? slash + 1 : path;
	size_t left = length - (size_t)(base - path);

	return left >= wants + 3 && same_name(base, name, wants) &&
	       memcmp(base + wants, ".ko", 3) == 0 && (left == wants + 3 || base[wants + 3] == '.');
}

static bool is_builtin(const char *builtin, const char *name)
{
	while (*builtin) {
		size_t length = strcspn(builtin, "\n");

		if (is_of(builtin, length, name))
			return true;
		builtin += length + (builtin[length] ? 1 : 0);
	}
	return false;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_line(char *line, size_t number, struct entry *ret, struct error *err)
{
	char *colon = strchr(line, ':');

	if (!colon || colon == line || *line == '/' || strstr(line, "../"))
		return fail(err, ERROR_CONFIG, "modules.dep", "line %zu isn't \"PATH: PATHS\"",
		            number);
	*colon = '\0';
	*ret = (struct entry){.path = line, .needs = colon + 1};
	return 0;
}

static int read_entries(const char *dep, struct resolver *r, struct error *err)
{
	char *at = arena_text(r->arena, dep);
	size_t lines = 0;

	for (const char *c = dep; *c; c++)
		lines += *c == '\n';
	r->entries = arena_alloc(r->arena, lines + 1, sizeof(*r->entries));
	if (!at || !r->entries)
		return arena_check(r->arena, err);
	while (at && *at) {
		char *line = strsep(&at, "\n");

		if (*line && read_line(line, r->count + 1, &r->entries[r->count], err) < 0)
			return -1;
		r->count += *line != '\0';
	}
	return 0;
}

static struct entry *find_path(struct resolver *r, const char *path)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->entries[i].path, path) == 0)
			return &r->entries[i];
	return NULL;
}

static struct entry *find_name(struct resolver *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (is_of(r->entries[i].path, strlen(r->entries[i].path), name))
			return &r->entries[i];
	return NULL;
}

/* --- order ------------------------------------------------------------------------------------ */

/* Give the entry a place in the image and the name that it has there. */
static int take(struct resolver *r, struct entry *entry, struct error *err)
{
	struct modules *m = r->modules;
	const char *slash = strrchr(entry->path, '/');
	const char *base = slash ? slash + 1 : entry->path;
	const char *end = strstr(base, ".ko");
	struct module *module = &m->list[m->count];

	if (!end || end == base || end - base > NAME_SIZE || base[strcspn(base, " \t")])
		return fail(err, ERROR_CONFIG, "modules.dep", "'%.60s' is no module", entry->path);
	if (m->count == MODULES_MOST)
		return fail(err, ERROR_CONFIG, "modules.dep", "the guest would need more than %d",
		            MODULES_MOST);
	module->path = entry->path;
	module->file = arena_format(r->arena, "%03zu-%.*s.ko", m->count, (int)(end - base), base);
	if (!module->file)
		return arena_check(r->arena, err);
	entry->number = ++m->count;
	return 0;
}

/* Whether the module is in this group or in the one that each machine loads. */
static bool has_line(const struct resolver *r, const struct entry *entry)
{
	for (size_t i = 0; i < r->modules->lines_count; i++) {
		const struct module_line *line = &r->modules->lines[i];

		if (line->module + 1 == entry->number &&
		    (strcmp(line->group, r->group) == 0 || strcmp(line->group, group_of_all) == 0))
			return true;
	}
	return false;
}

static int add(struct resolver *r, struct entry *entry, int depth, struct error *err);

static int add_needs(struct resolver *r, const struct entry *entry, int depth, struct error *err)
{
	char *needs = arena_text(r->arena, entry->needs);

	if (!needs)
		return arena_check(r->arena, err);
	while (needs) {
		const char *path = strsep(&needs, " \t");
		struct entry *other;

		if (!*path)
			continue;
		other = find_path(r, path);
		if (!other)
			return fail(err, ERROR_CONFIG, "modules.dep",
			            "has no line for '%.80s', which '%.60s' needs", path,
			            entry->path);
		if (add(r, other, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

/* Add a module behind all that it needs. */
static int add(struct resolver *r, struct entry *entry, int depth, struct error *err)
{
	struct modules *m = r->modules;

	if (entry->entered || depth > DEPTH_MOST)
		return fail(err, ERROR_CONFIG, "modules.dep", "'%.80s' needs itself", entry->path);
	if (entry->number && has_line(r, entry))
		return 0;
	entry->entered = true;
	if (add_needs(r, entry, depth, err) < 0)
		return -1;
	entry->entered = false;
	if (!entry->number && take(r, entry, err) < 0)
		return -1;
	m->lines[m->lines_count++] =
		(struct module_line){.group = r->group, .module = entry->number - 1};
	return 0;
}

static int add_wanted(struct resolver *r, const struct wanted *want, struct error *err)
{
	struct entry *entry = find_name(r, want->name);

	r->group = want->group;
	if (entry)
		return add(r, entry, 0, err);
	if (is_builtin(r->builtin, want->name))
		return 0;
	if (want->needed)
		return fail(err, ERROR_UNSUPPORTED, want->name,
		            "this kernel has no such module, and no guest does without");
	r->modules->missing[r->modules->missing_count++] = want->name;
	return 0;
}

int modules_resolve(const char *dep, const char *builtin, struct arena *arena, struct modules *ret,
                    struct error *err)
{
	struct resolver r = {.arena = arena, .builtin = builtin, .modules = ret};

	*ret = (struct modules){
		.list = arena_alloc(arena, MODULES_MOST, sizeof(*ret->list)),
		.lines = arena_alloc(arena, MODULES_MOST * ARRAY_SIZE(wanted), sizeof(*ret->lines)),
		.missing = arena_alloc(arena, ARRAY_SIZE(wanted) + 1, sizeof(*ret->missing)),
	};
	if (arena_check(arena, err) < 0 || read_entries(dep, &r, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (add_wanted(&r, &wanted[i], err) < 0)
			return -1;
	return 0;
}

/* Returns  the text, or NULL and *err. */
static const char *read_file(const char *directory, const char *name, struct sources *sources,
                             struct error *err)
{
	const char *path = arena_format(sources->arena, "%s/%s", directory, name);
	size_t length = 0;
	char *text = NULL;

	if (!path) {
		(void)fail(err, ERROR_SYSTEM, name, "out of memory");
		return NULL;
	}
	if (sources_note(sources, path, err) < 0 ||
	    fd_read_file(AT_FDCWD, path, FILE_LIMIT, sources->arena, &text, &length, err) < 0)
		return NULL;
	if (strlen(text) == length)
		return text;
	(void)fail(err, ERROR_CONFIG, path, "is no text");
	return NULL;
}

int modules_read(const char *directory, struct sources *sources, struct modules *ret,
                 struct error *err)
{
	const char *dep = read_file(directory, "modules.dep", sources, err);
	const char *builtin = dep ? read_file(directory, "modules.builtin", sources, err) : NULL;

	if (!builtin)
		return -1;
	if (modules_resolve(dep, builtin, sources->arena, ret, err) < 0)
		return error_within(err, "%s", directory);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "parts.h"

/* The top of config.json, and the doors of the reader. Spec: runtime-spec 1.3 config.md. */

/* ---- the version ---- */

static const char semver_letters[] =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";

/* One of the three numbers of a version: no leading zeros. */
static bool take_number(const char **text)
{
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || (digits > 1 && **text == '0'))
		return false;
	*text += digits;
	return true;
}

/* What follows '-' or '+': identifiers with dots between them. */
static bool take_identifiers(const char **text)
{
	do {
		size_t length = strspn(++*text, semver_letters);

		if (length == 0)
			return false;
		*text += length;
	} while (**text == '.');
	return true;
}

static bool is_semver(const char *text)
{
	for (int i = 0; i < 3; i++) {
		if (i > 0 && *text++ != '.')
			return false;
		if (!take_number(&text))
			return false;
	}
	if (*text == '-' && !take_identifiers(&text))
		return false;
	if (*text == '+' && !take_identifiers(&text))
		return false;
	return *text == '\0';
}

static const char *wrong_version(const char *text)
{
	if (!is_semver(text))
		return "a version such as 1.3.0";
	return strncmp(text, "1.", 2) == 0 ? NULL : "a version from 1.0.0, below 2.0.0";
}

/* ---- the table ---- */

/* A host's name in the kernel: __NEW_UTS_LEN. */
static const char *wrong_host_name(const char *text)
{
	return strlen(text) <= 64 ? NULL : "a name of at most 64 bytes";
}

#define AT(member) offsetof(struct spec, member)

static const struct field root_members[] = {
	{"path",     &field_filled_text, AT(root_path),     REQUIRED},
	{"readonly", &field_bool,        AT(root_readonly), OPTIONAL},
};

static const struct field_type root = {.kind = FIELD_OBJECT, FIELD_MEMBERS(root_members)};
static const struct field_type version = {.kind = FIELD_TEXT, .wrong = wrong_version};
/* "" takes no name away, least of all the host's. */
static const struct field_type host_name = {.kind = FIELD_TEXT,
                                            .wrong = wrong_host_name,
                                            .empty_is_none = true};

static const struct field members[] = {
	{"ociVersion",  &version,        AT(oci_version), REQUIRED},
	{"root",        &root,           0,               OPTIONAL},
	{"process",     &part_process,   AT(process),     OPTIONAL},
	{"hostname",    &host_name,      AT(hostname),    OPTIONAL},
	{"domainname",  &host_name,      AT(domainname),  OPTIONAL},
	{"mounts",      &part_mounts,    AT(mounts),      OPTIONAL},
	{"hooks",       &part_hooks,     AT(hooks),       OPTIONAL},
	{"annotations", &field_text_map, AT(annotations), OPTIONAL},
	{"linux",       &part_linux,     AT(linux_),      OPTIONAL},
	{"vm",          &part_vm,        AT(vm),          OPTIONAL},
};

static int check_config(const struct json *value, void *at, struct error *err)
{
	struct spec *spec = at;

	spec->linux_.seccomp.program = spec_annotation(spec, "run.oci.seccomp_bpf_data");
	if (spec->linux_.seccomp.program)
		spec->linux_.seccomp.set = true;
	return spec_check(value, spec, err);
}

const struct field_type part_config = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec),
	FIELD_MEMBERS(members),
	.check = check_config,
};

/* ---- doors ---- */

struct document {
	const char *name;
	const char *bytes;
	size_t length;
};

/* Read a document into a struct of its own.
 * Returns  the struct, in arena, or NULL and *err. */
static void *read_document(const struct document *document, const struct field_type *type,
                           struct arena *arena, struct error *err)
{
	const struct json *top = NULL;

	if (json_read(document->name, document->bytes, document->length, arena, &top, err) < 0)
		return NULL;
	return field_read_document(document->name, type, top, arena, err);
}

int spec_read(const char *name, const char *bytes, size_t length, struct arena *arena,
              const struct spec **ret_spec, struct error *err)
{
	const struct document document = {name, bytes, length};
	const struct spec *spec = read_document(&document, &part_config, arena, err);

	if (!spec)
		return -1;
	*ret_spec = spec;
	return 0;
}

int spec_read_process(const char *name, const char *bytes, size_t length, struct arena *arena,
                      struct spec_process **ret_process, struct error *err)
{
	const struct document document = {name, bytes, length};
	struct spec_process *process = read_document(&document, &part_process, arena, err);

	if (!process)
		return -1;
	*ret_process = process;
	return 0;
}

int spec_read_resources(const char *name, const char *bytes, size_t length, struct arena *arena,
                        struct spec_resources **ret_resources, struct error *err)
{
	const struct document document = {name, bytes, length};
	struct spec_resources *resources = read_document(&document, &part_resources, arena, err);

	if (!resources)
		return -1;
	*ret_resources = resources;
	return 0;
}

static const struct field mounts_members[] = {
	{"mounts", &part_mounts, 0, REQUIRED},
};

static const struct field_type mounts_object = {
	.kind = FIELD_OBJECT,
	.size = sizeof(mount_list),
	FIELD_MEMBERS(mounts_members),
};

int spec_read_mounts(const char *name, const char *bytes, size_t length, struct arena *arena,
                     mount_list *ret_mounts, struct error *err)
{
	const struct field_type *type = &mounts_object;
	const struct json *top = NULL;
	const mount_list *mounts;

	if (json_read(name, bytes, length, arena, &top, err) < 0)
		return -1;
	if (top->type == JSON_ARRAY)
		type = &part_mounts;
	mounts = field_read_document(name, type, top, arena, err);
	if (!mounts)
		return -1;
	*ret_mounts = *mounts;
	return 0;
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->annotations.count; i++)
		if (strcmp(spec->annotations.item[i].key, key) == 0)
			return spec->annotations.item[i].value;
	return NULL;
}

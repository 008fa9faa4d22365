/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "parts.h"

/* mounts. Spec: runtime-spec 1.3 config.md, "Mounts". */

/* An id-mapped mount needs both maps: one alone would leave the other kind of owner as it is. */
static int check_mount(const struct json *value, void *at, struct error *err)
{
	const struct spec_mount *mount = at;

	if (mount->uid_mappings.count > 0 && mount->gid_mappings.count == 0)
		return field_fail(err, value, "gidMappings",
		                  "is required where uidMappings are given");
	if (mount->gid_mappings.count > 0 && mount->uid_mappings.count == 0)
		return field_fail(err, value, "uidMappings",
		                  "is required where gidMappings are given");
	return 0;
}

#define AT(member) offsetof(struct spec_mount, member)

static const struct field members[] = {
	{"destination", &field_filled_text, AT(destination),  REQUIRED}, /* relative: from "/" */
	{"type",        &field_text,        AT(type),         OPTIONAL},
	{"source",      &field_text,        AT(source),       OPTIONAL},
	{"options",     &field_texts,       AT(options),      OPTIONAL},
	{"uidMappings", &part_id_maps,      AT(uid_mappings), OPTIONAL},
	{"gidMappings", &part_id_maps,      AT(gid_mappings), OPTIONAL},
};

static const struct field_type mount = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_mount),
	FIELD_MEMBERS(members),
	.check = check_mount,
};

const struct field_type part_mounts = {.kind = FIELD_LIST, .element = &mount};

bool spec_mount_has(const struct spec_mount *m, const char *word)
{
	for (size_t i = 0; i < m->options.count; i++)
		if (strcmp(m->options.item[i], word) == 0)
			return true;
	return false;
}

bool spec_is_bind(const struct spec_mount *m)
{
	if (spec_mount_has(m, "remount"))
		return false;
	return (m->type && strcmp(m->type, "bind") == 0) || spec_mount_has(m, "bind") ||
	       spec_mount_has(m, "rbind");
}

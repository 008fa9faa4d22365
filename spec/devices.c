/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "parts.h"

/* linux.devices and linux.netDevices. Spec: runtime-spec 1.3 config-linux.md, "Devices", "Network
 * Devices". */

#define AT(member) offsetof(struct spec_device, member)

/* 'u' is an unbuffered character device; mknod(2) knows no such thing, mknod(1) does. */
static const struct word device_types[] = {
	{"c", 'c'},
	{"b", 'b'},
	{"u", 'u'},
	{"p", 'p'},
};

static const struct field_type device_type = {.kind = FIELD_LETTER, FIELD_WORDS(device_types)};
/* dev_t of the kernel: 12 and 20 bits */
static const struct field_type device_major = {.kind = FIELD_I64, .most = (1 << 12) - 1};
static const struct field_type device_minor = {.kind = FIELD_I64, .most = (1 << 20) - 1};
/* with room for a file type: engines copy st_mode as it is */
static const struct field_type file_mode = {.kind = FIELD_MAYBE_U64, .most = S_IFMT | 07777};

static const struct field device_members[] = {
	{"path",     &field_path,      AT(path),  REQUIRED},
	{"type",     &device_type,     AT(type),  REQUIRED},
	{"major",    &device_major,    AT(major), OPTIONAL},
	{"minor",    &device_minor,    AT(minor), OPTIONAL},
	{"fileMode", &file_mode,       AT(mode),  OPTIONAL},
	{"uid",      &field_maybe_u32, AT(uid),   OPTIONAL},
	{"gid",      &field_maybe_u32, AT(gid),   OPTIONAL},
};

static const struct word mode_types[] = {
	{"c", S_IFCHR},
	{"b", S_IFBLK},
	{"u", S_IFCHR},
	{"p", S_IFIFO},
};

static int check_device(const struct json *value, void *at, struct error *err)
{
	struct spec_device *device = at;
	const char *type = json_member_text(value, "type");
	uint64_t mode_type = device->mode.value & S_IFMT;
	int64_t right = 0;

	if (device->type != 'p' && !field_given(value, "major"))
		return field_missing(err, value, "major");
	if (device->type != 'p' && !field_given(value, "minor"))
		return field_missing(err, value, "minor");
	if (mode_type && table_value(mode_types, ARRAY_SIZE(mode_types), type, &right) &&
	    mode_type != (uint64_t)right)
		return field_fail(err, value, "fileMode",
		                  "has the bits of another type than '%s': expected at most %d",
		                  type, 07777);
	device->mode.value &= 07777;
	return 0;
}

static const struct field_type device = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_device),
	FIELD_MEMBERS(device_members),
	.check = check_device,
};

const struct field_type part_devices = {.kind = FIELD_LIST, .element = &device};

/* ---- network devices ---- */

/* What the kernel takes as an interface's name: IFNAMSIZ - 1 bytes, no slash, colon or space, to which it counts
 * \xa0. */
static const char *wrong_interface(const char *text)
{
	size_t length = strlen(text);

	if (length > 0 && length < 16 && strcspn(text, "/: \t\n\v\f\r\xa0") == length &&
	    strcmp(text, ".") != 0 && strcmp(text, "..") != 0)
		return NULL;
	return "an interface's name of 1 to 15 characters";
}

static const char *wrong_host_interface(const char *text)
{
	return strchr(text, '%') ? "the name of an interface that is there, without '%'"
	                         : wrong_interface(text);
}

/* One '%d' stands for a number that makes it a name which no interface has. */
static const char *wrong_new_interface(const char *text)
{
	const char *number = strchr(text, '%');

	if (number && (number[1] != 'd' || strchr(number + 1, '%')))
		return "an interface's name, with '%' only in one '%d', for a number";
	return wrong_interface(text);
}

static const struct field_type interface_name = {.kind = FIELD_TEXT,
                                                 .wrong = wrong_new_interface,
                                                 .empty_is_none = true};

static const struct field net_device_members[] = {
	{"name", &interface_name, offsetof(struct spec_net_device, name), OPTIONAL},
};

static const struct field_type net_device = {.kind = FIELD_OBJECT,
                                             FIELD_MEMBERS(net_device_members)};

_Static_assert(offsetof(struct spec_net_device, host_name) == 0, "the key comes first");

const struct field_type part_net_devices = {
	.kind = FIELD_MAP,
	.element = &net_device,
	.size = sizeof(struct spec_net_device),
	.wrong_key = wrong_host_interface,
};

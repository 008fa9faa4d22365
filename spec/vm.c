/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

/* vm. Spec: runtime-spec 1.3 config-vm.md. */

#define AT(member) offsetof(struct spec_vm, member)

static const struct field hypervisor_members[] = {
	{"path",       &field_path,  AT(hypervisor_path),       REQUIRED},
	{"parameters", &field_texts, AT(hypervisor_parameters), OPTIONAL},
};

static const struct field kernel_members[] = {
	{"path",       &field_path,  AT(kernel_path),       REQUIRED},
	{"parameters", &field_texts, AT(kernel_parameters), OPTIONAL},
	{"initrd",     &field_path,  AT(kernel_initrd),     OPTIONAL},
};

static const struct word image_formats[] = {
	{"raw",   0},
        {"qcow2", 0},
        {"vdi",   0},
        {"vmdk",  0},
        {"vhd",   0},
};

static const struct field_type image_format = {.kind = FIELD_TEXT, FIELD_WORDS(image_formats)};

static const struct field image_members[] = {
	{"path",   &field_path,   AT(image_path),   REQUIRED},
	{"format", &image_format, AT(image_format), REQUIRED},
};

/* The specification's Go types can't leave hypervisor and image out: who means none writes all texts empty. */
static bool is_blank(const struct json *value)
{
	const struct json *child = value->type == JSON_OBJECT ? value->first : NULL;
	bool blank = child != NULL;

	for (; child; child = child->next)
		blank = blank && child->type == JSON_STRING && !*child->text;
	return blank;
}

static int read_hypervisor(const struct json *value, struct arena *arena, void *at,
                           struct error *err)
{
	static const struct field_type asked = {.kind = FIELD_OBJECT,
	                                        FIELD_MEMBERS(hypervisor_members)};

	return is_blank(value) ? 0 : field_read(&asked, value, arena, at, err);
}

static int read_image(const struct json *value, struct arena *arena, void *at, struct error *err)
{
	static const struct field_type asked = {.kind = FIELD_OBJECT, FIELD_MEMBERS(image_members)};

	return is_blank(value) ? 0 : field_read(&asked, value, arena, at, err);
}

static const struct field_type hypervisor = {.kind = FIELD_OTHER, .read = read_hypervisor};
static const struct field_type kernel = {.kind = FIELD_OBJECT, FIELD_MEMBERS(kernel_members)};
static const struct field_type image = {.kind = FIELD_OTHER, .read = read_image};

/* ---- hardware ---- */

struct io_memory {
	uint64_t guest_frame, machine_frame, frames;
};

static const struct field io_memory_members[] = {
	{"firstGFN", &field_u64, offsetof(struct io_memory, guest_frame),   OPTIONAL},
	{"firstMFN", &field_u64, offsetof(struct io_memory, machine_frame), REQUIRED},
	{"nrMFNs",   &field_u64, offsetof(struct io_memory, frames),        REQUIRED},
};

static const struct field_type io_memory = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct io_memory),
	FIELD_MEMBERS(io_memory_members),
};

/* Read a list that is only checked and marked as there. */
static int mark_list(const struct field_type *list, const struct json *value, struct arena *arena,
                     void *at, struct error *err)
{
	LIST(char) read = {0};

	if (field_read(list, value, arena, &read, err) < 0)
		return -1;
	*(bool *)at = read.count > 0;
	return 0;
}

static int read_iomems(const struct json *value, struct arena *arena, void *at, struct error *err)
{
	static const struct field_type list = {.kind = FIELD_LIST, .element = &io_memory};

	return mark_list(&list, value, arena, at, err);
}

static int read_irqs(const struct json *value, struct arena *arena, void *at, struct error *err)
{
	return mark_list(&field_u32s, value, arena, at, err);
}

static const struct field_type iomems = {.kind = FIELD_OTHER, .read = read_iomems};
static const struct field_type irqs = {.kind = FIELD_OTHER, .read = read_irqs};
static const struct field_type vcpus = {.kind = FIELD_MAYBE_U64, .least = 1, .most = UINT32_MAX};
static const struct field_type bytes = {.kind = FIELD_MAYBE_U64, .least = 1, .most = UINT64_MAX};

static const struct field hardware_members[] = {
	{"deviceTree", &field_path,  AT(device_tree),  OPTIONAL},
	{"vcpus",      &vcpus,       AT(vcpus),        OPTIONAL},
	{"memory",     &bytes,       AT(memory_bytes), OPTIONAL},
	{"dtdevs",     &field_texts, AT(dtdevs),       OPTIONAL},
	{"iomems",     &iomems,      AT(iomems),       OPTIONAL},
	{"irqs",       &irqs,        AT(irqs),         OPTIONAL},
};

static const struct field_type hardware = {.kind = FIELD_OBJECT, FIELD_MEMBERS(hardware_members)};

/* ---- the whole ---- */

/* The specification's text and schema say hwConfig, its Go types hwconfig: both are found. */
static const struct field members[] = {
	{"hypervisor", &hypervisor, 0, OPTIONAL},
        {"kernel",     &kernel,     0, REQUIRED},
	{"image",      &image,      0, OPTIONAL},
        {"hwConfig",   &hardware,   0, OPTIONAL},
	{"hwconfig",   &hardware,   0, OPTIONAL},
};

static int check_vm(const struct json *value, void *at, struct error *err)
{
	(void)at;
	if (field_given(value, "hwConfig") && field_given(value, "hwconfig"))
		return field_fail(err, value, "hwconfig", "is there twice: as hwConfig too");
	return 0;
}

const struct field_type part_vm = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct spec_vm),
	.marks = true,
	FIELD_MEMBERS(members),
	.check = check_vm,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fdpass.h"
#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "parts.h"

#define MIB (UINT64_C(1) << 20)

enum { PROCESSORS_MOST = 64, WORDS_LIMIT = 2048 };

/* A guest's kernel and agent take this much; what a config limits is the container's. */
static const uint64_t guests_own = 96 * MIB;
static const uint64_t usual_memory = 1024 * MIB;
static const uint64_t least_memory = 64 * MIB, most_memory = 16 * MIB * MIB;

uint64_t machine_memory(uint64_t limit)
{
	return limit + guests_own;
}

/* What the config says of the machine itself: a member of its vm object, else an annotation that crun has for libkrun,
 * in units. */
struct wish {
	const char *member, *annotation;
	uint64_t unit;
	uint64_t value; /* 0: neither is there */
	bool annotated; /* it is the annotation's */
};

/* After fail(): in front of the reason goes what was written. */
static int refuse(const struct wish *wish, struct error *err)
{
	return wish->annotated ? error_within(err, "annotations[\"%s\"]", wish->annotation)
	                       : error_within(err, "%s", wish->member);
}

static int read_wish(const struct spec *spec, const struct maybe_u64 *member, struct wish *wish,
                     struct error *err)
{
	const char *text = spec_annotation(spec, wish->annotation);

	wish->value = member->set ? member->value : 0;
	if (wish->value > 0 || !text || !*text)
		return 0;
	wish->annotated = true;
	if (text_to_u64(text, &wish->value) && wish->value > 0 && wish->value <= UINT32_MAX) {
		wish->value *= wish->unit;
		return 0;
	}
	(void)fail(err, ERROR_CONFIG, "", "'%.100s': expected a number from 1 to %" PRIu32, text,
	           UINT32_MAX);
	return refuse(wish, err);
}

static int plan_memory(const struct spec *spec, struct machine *machine, struct error *err)
{
	const struct maybe_i64 *limit = &spec->linux_.resources.memory.limit;
	struct wish asked = {"vm.hwConfig.memory", "krun.ram_mib", MIB, 0, false};
	uint64_t bytes = usual_memory;

	if (read_wish(spec, &spec->vm.memory_bytes, &asked, err) < 0)
		return -1;
	if (asked.value > 0)
		bytes = asked.value;
	else if (limit->set && limit->value > 0) {
		bytes = machine_memory((uint64_t)limit->value);
		asked.member = "linux.resources.memory.limit";
	}
	if (bytes >= least_memory && bytes <= most_memory) {
		machine->memory_bytes = (bytes + MIB - 1) / MIB * MIB;
		return 0;
	}
	(void)fail(err, ERROR_CONFIG, "",
	           "a virtual machine has at least %" PRIu64 " MiB, and at most %" PRIu64 " TiB",
	           least_memory / MIB, most_memory / MIB / MIB);
	return refuse(&asked, err);
}

static int plan_processors(const struct spec *spec, struct machine *machine, struct error *err)
{
	const struct spec_resources *r = &spec->linux_.resources;
	uint64_t period = r->cpu.period.set && r->cpu.period.value ? r->cpu.period.value : 100000;
	struct wish asked = {"vm.hwConfig.vcpus", "krun.cpus", 1, 0, false};
	uint64_t count = 1;

	if (read_wish(spec, &spec->vm.vcpus, &asked, err) < 0)
		return -1;
	if (asked.value > 0)
		count = asked.value;
	else if (r->cpu.quota.set && r->cpu.quota.value > 0)
		count = ((uint64_t)r->cpu.quota.value + period - 1) / period;
	if (count > PROCESSORS_MOST && asked.value > 0) {
		(void)fail(err, ERROR_CONFIG, "", "a virtual machine has at most %d",
		           PROCESSORS_MOST);
		return refuse(&asked, err);
	}
	machine->processors = count > PROCESSORS_MOST ? PROCESSORS_MOST : (unsigned int)count;
	return 0;
}

int machine_plan(const struct spec *spec, struct machine *ret, struct error *err)
{
	if (plan_memory(spec, ret, err) < 0)
		return -1;
	return plan_processors(spec, ret, err);
}

/* Parameters of the kernel that the config adds. */
static int add_parameters(const struct spec_vm *vm, struct text *out, struct error *err)
{
	for (size_t i = 0; i < vm->kernel_parameters.count; i++)
		text_format(out, "%s%s", out->length ? " " : "", vm->kernel_parameters.item[i]);
	if (out->length > WORDS_LIMIT)
		return fail(err, ERROR_CONFIG, "vm.kernel.parameters", "are more than %d bytes",
		            WORDS_LIMIT);
	return text_check(out, err);
}

/* What goes with it, one descriptor a message, in this order; without those that there are none of. */
static int send_descriptors(int channel, const int *fds, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0 && fdpass_send(channel, "", 1, fds[i], err) < 0)
			return -1;
	return 0;
}

static struct wire_blob describe_cards(const struct network *network, uint8_t *bytes)
{
	size_t count = network->links ? network->links->interface_count : 0;
	struct writer w = writer_of(bytes, (size_t)WIRE_CARDS_MOST * WIRE_CARD);

	for (size_t i = 0; i < count; i++) {
		write_bytes(&w, network->links->interfaces[i].mac, WIRE_CARD_MAC);
		write_u16(&w, (uint16_t)network->links->interfaces[i].mtu);
	}
	return (struct wire_blob){bytes, count * WIRE_CARD};
}

int machine_open(const struct spec *spec, struct arena *arena, struct machine_parts *ret,
                 struct error *err)
{
	owned_text struct text words = {0};
	struct image image = {-1, -1};

	ret->kvm = kvm_open(err);
	if (ret->kvm < 0 || machine_plan(spec, &ret->machine, err) < 0 ||
	    add_parameters(&spec->vm, &words, err) < 0 || disk_open(spec, &ret->disk, err) < 0 ||
	    image_open(spec, arena, &image, err) < 0)
		return -1;
	ret->image = image;
	ret->words = arena_text(arena, words.bytes ? words.bytes : "");
	return arena_check(arena, err);
}

void machine_close(struct machine_parts *parts)
{
	fd_release(&parts->kvm);
	disk_close(&parts->disk);
	fd_release(&parts->image.kernel);
	fd_release(&parts->image.initramfs);
}

int machine_send(const struct container *c, const struct machine_parts *parts,
                 const struct machine_ends *ends, const struct network *network, struct error *err)
{
	const int fds[] = {parts->kvm,    parts->image.kernel, parts->image.initramfs, ends->guest,
	                   ends->control, parts->disk.image,   parts->disk.overlay};
	uint8_t cards[WIRE_CARDS_MOST * WIRE_CARD];
	struct wire_message m = {.kind = WIRE_MACHINE};

	m.number[0] = parts->machine.memory_bytes;
	m.number[1] = parts->machine.processors;
	m.number[2] = (c->guest_log ? WIRE_DEBUG : 0) |
	              (parts->disk.image >= 0 ? WIRE_HAS_DISK : 0) |
	              (parts->disk.overlay >= 0 ? WIRE_DISK_OVERLAY : 0);
	m.blob[0] = wire_text(parts->words);
	m.blob[1] = wire_text(c->state.id);
	m.blob[2] = describe_cards(network, cards);
	if (wire_send(ends->channel, &m, err) < 0 ||
	    send_descriptors(ends->channel, fds, ARRAY_SIZE(fds), err) < 0)
		return -1;
	return send_descriptors(ends->channel, network->tap, m.blob[2].length / WIRE_CARD, err);
}

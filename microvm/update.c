/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of memory and processes, and rules for devices, are the guest's kernel's to keep, those of processors and
 * block devices the host's; of memory the host keeps one of its own, around the machine as a whole. All is changed or
 * nothing: what the guest has is written down, and given back to it where the host then refuses its part. So is the
 * machine's memory, which nobody waits for then. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/table.h"
#include "base/text.h"
#include "runtime/namespace/namespace.h"

#include "parts.h"

enum { ANSWER_MS = 20000, FILE_LIMIT = 64 << 10 };

#define MIB   (UINT64_C(1) << 20)
#define AT(m) offsetof(struct spec_resources, m)

/* What the guest's kernel keeps, each a struct maybe_i64. */
static const struct {
	const char *object, *name;
	size_t at;
} guests[] = {
	{"memory", "limit",       AT(memory.limit)      },
	{"memory", "reservation", AT(memory.reservation)},
	{"memory", "swap",        AT(memory.swap)       },
	{"pids",   "limit",       AT(pids_limit)        },
};

static struct maybe_i64 *number_of(const struct spec_resources *r, size_t i)
{
	return (struct maybe_i64 *)((uintptr_t)r + guests[i].at);
}

static bool concerns_guest(const struct spec_resources *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		if (number_of(r, i)->set)
			return true;
	return r->devices.count > 0;
}

/* all: no rules allow what a container without any may. */
static void write_devices(struct json_writer *w, const struct spec_resources *r, bool all)
{
	static const struct spec_device_rule any = {.allow = true, .type = 'a', .access = "rwm"};
	const struct spec_device_rule *rules = r->devices.count > 0 ? r->devices.item : &any;
	size_t count = r->devices.count > 0 ? r->devices.count : all;

	if (count == 0)
		return;
	json_open(w, "devices", '[');
	for (size_t i = 0; i < count; i++) {
		const char type[] = {rules[i].type, '\0'};

		json_open(w, NULL, '{');
		json_bool(w, "allow", rules[i].allow);
		json_text(w, "type", type);
		if (rules[i].major.set)
			json_i64(w, "major", rules[i].major.value);
		if (rules[i].minor.set)
			json_i64(w, "minor", rules[i].minor.value);
		json_text(w, "access", rules[i].access ? rules[i].access : "rwm");
		json_close(w);
	}
	json_close(w);
}

/* As an object linux.resources. all: what is not set has no limit. */
static int write_object(const struct spec_resources *r, bool all, struct text *out,
                        struct error *err)
{
	struct json_writer w = {.out = out};
	const char *open = NULL;

	json_open(&w, NULL, '{');
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		const struct maybe_i64 *number = number_of(r, i);

		if (!number->set && !all)
			continue;
		if (!open || strcmp(open, guests[i].object) != 0) {
			if (open)
				json_close(&w);
			open = guests[i].object;
			json_open(&w, open, '{');
			if (r->memory.check_before_update.set && strcmp(open, "memory") == 0)
				json_bool(&w, "checkBeforeUpdate",
				          r->memory.check_before_update.value);
		}
		json_i64(&w, guests[i].name, number->set ? number->value : -1);
	}
	if (open)
		json_close(&w);
	write_devices(&w, r, all);
	json_close(&w);
	return text_check(out, err);
}

static int ask_guest(const struct container *c, const struct spec_resources *r, bool all,
                     struct error *err)
{
	owned_text struct text object = {0};
	struct wire_message m = {.kind = WIRE_UPDATE};

	if (write_object(r, all, &object, err) < 0)
		return -1;
	m.blob[0] = wire_text(object.bytes);
	return guest_ask(c, &m, ANSWER_MS, NULL, NULL, err);
}

/* ---- what the guest has ---- */

static int recall(struct container *c, struct spec_resources *ret, struct error *err)
{
	struct spec_resources *written;
	size_t length;
	char *bytes;

	if (fd_read_file(c->dir, VM_LIMITS, FILE_LIMIT, c->arena, &bytes, &length, err) < 0) {
		*ret = c->spec->linux_.resources;
		return err->errnum == ENOENT ? 0 : -1;
	}
	if (spec_read_resources(VM_LIMITS, bytes, length, c->arena, &written, err) < 0)
		return -1;
	*ret = *written;
	return 0;
}

static int write_down(const struct container *c, const struct spec_resources *r, struct error *err)
{
	owned_text struct text object = {0};
	owned_fd fd =
		openat(c->dir, VM_LIMITS ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail_errno(err, VM_LIMITS, "create");
	if (write_object(r, true, &object, err) < 0 ||
	    fd_write_whole(fd, VM_LIMITS, object.bytes, object.length, err) < 0)
		return -1;
	return renameat(c->dir, VM_LIMITS ".new", c->dir, VM_LIMITS) < 0
	               ? fail_errno(err, VM_LIMITS, "rename")
	               : 0;
}

static void merge(struct spec_resources *all, const struct spec_resources *changes)
{
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		if (number_of(changes, i)->set)
			*number_of(all, i) = *number_of(changes, i);
	if (changes->devices.count > 0)
		all->devices = changes->devices;
}

/* ---- the host's part ---- */

/* How much the machine shall have. Returns 0, or -1 and *err: more than it was made with. */
static int plan_memory(const struct container *c, const struct spec_resources *all,
                       uint64_t *ret_bytes, struct error *err)
{
	const struct maybe_i64 *limit = &all->memory.limit;
	struct machine machine;

	if (machine_plan(c->spec, &machine, err) < 0)
		return -1;
	*ret_bytes = machine.memory_bytes;
	if (!limit->set || limit->value <= 0)
		return 0;
	if (machine_memory((uint64_t)limit->value) > machine.memory_bytes &&
	    !c->spec->vm.memory_bytes.set)
		return fail(err, ERROR_UNSUPPORTED, "memory.limit",
		            "the virtual machine was made with %" PRIu64
		            " MiB, of which the container can have %" PRIu64,
		            machine.memory_bytes / MIB,
		            (machine.memory_bytes - machine_memory(0)) / MIB);
	if (machine_memory((uint64_t)limit->value) < machine.memory_bytes)
		*ret_bytes = machine_memory((uint64_t)limit->value);
	return 0;
}

static struct spec_resources of_host(const struct spec_resources *changes,
                                     const struct spec_resources *all, uint64_t bytes)
{
	struct spec_resources host = *changes;
	int64_t limit = all->memory.limit.value, swap = all->memory.swap.value;

	memset(&host.memory, 0, sizeof(host.memory));
	host.pids_limit.set = false;
	host.devices.count = 0; /* the monitor opens none */
	if (!changes->memory.limit.set && !changes->memory.swap.set)
		return host;
	host.memory.limit = (struct maybe_i64){true, limit > 0 ? room_memory(bytes) : -1};
	if (all->memory.swap.set)
		host.memory.swap = (struct maybe_i64){
			true,
			limit > 0 && swap >= limit ? host.memory.limit.value + (swap - limit) : -1};
	return host;
}

static int check(const struct container *c, const struct spec_resources *changes, struct error *err)
{
	const struct {
		bool asked;
		const char *path;
	} never[] = {
		{changes->hugepage_limits.count > 0, "hugepageLimits"},
		{changes->rdma.count > 0,            "rdma"          },
		{changes->unified.count > 0,         "unified"       },
	};

	if (c->state.status == STATUS_PAUSED)
		return fail(err, ERROR_STATE, c->state.id,
		            "a virtual machine that is paused can't change its limits");
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (never[i].asked)
			return fail(err, ERROR_UNSUPPORTED, never[i].path,
			            "can't be changed in a virtual machine");
	return 0;
}

static int change_host(struct container *c, const struct spec_resources *changes,
                       const struct spec_resources *all, uint64_t bytes, struct error *err)
{
	const struct spec_resources host = of_host(changes, all, bytes);

	if (changes->memory.limit.set && memory_fit(c, bytes, err) < 0)
		return -1;
	return namespace_executor.update(c, &host, err);
}

/* The guest's limits, and the machine's memory, as they were before. */
static void put_back(struct container *c, const struct spec_resources *changes,
                     const struct spec_resources *before)
{
	struct error ignored;
	uint64_t bytes;

	if (changes->memory.limit.set &&
	    (plan_memory(c, before, &bytes, &ignored) < 0 || memory_aim(c, bytes, &ignored) < 0))
		log_dropped("the machine's memory as it was", &ignored);
	if (concerns_guest(changes) && ask_guest(c, before, true, &ignored) < 0)
		log_dropped("the guest's limits as they were", &ignored);
}

int microvm_update(struct container *c, const struct spec_resources *changes, struct error *err)
{
	struct spec_resources before, all;
	bool guest = concerns_guest(changes);
	uint64_t bytes;

	if (check(c, changes, err) < 0 || container_config(c, err) < 0 ||
	    recall(c, &before, err) < 0)
		return -1;
	all = before;
	merge(&all, changes);
	if (plan_memory(c, &all, &bytes, err) < 0 ||
	    (guest && ask_guest(c, changes, false, err) < 0))
		return -1;
	if (change_host(c, changes, &all, bytes, err) < 0) {
		put_back(c, changes, &before);
		return -1;
	}
	return guest ? write_down(c, &all, err) : 0;
}

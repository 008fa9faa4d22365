/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_DEVICES_H
#define CGROUPS_DEVICES_H

/* Device rules as an eBPF program of the cgroup: asked for each open(2) and mknod(2) of a device. */

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

struct bpf_insn;

struct device_program {
	struct bpf_insn *insns; /* NULL: everything is allowed, which wants no program */
	size_t count;
};

/* Turn linux.resources.devices into a program: nothing is allowed at first; of the rules that fit a device the last
 * one decides, for each of r, w and m by itself. As crun and runc have it, on top of the rules any node may be
 * made, and the default devices used.
 *
 * ret_program  in arena; NULL when there are no rules.
 * Returns      0, or -1 and *err. Changes nothing. Spec: config-linux.md "Allowed Device list". */
int devices_plan(const struct spec_resources *resources, struct arena *arena,
                 struct device_program **ret_program, struct error *err) FALLIBLE;

/* Load it and attach it to a cgroup, beside those of others (systemd). It goes when the cgroup goes.
 * Returns  0, or -1 and *err. dir is borrowed. Spec: bpf(2) */
int devices_attach(int dir, const struct device_program *program, struct error *err) FALLIBLE;

/* Another one in the place of what devices_attach() attached: all that is likely to fail comes before anything is
 * changed, here and by whoever has more to change. */
struct device_change {
	int old, loaded; /* -1: none */
};

/* Look for the one that is there, and load the other one.
 * ret      is {-1, -1}; for device_change_release(), either way.
 * Returns  0, or -1 and *err. dir is borrowed. */
int devices_load(int dir, const struct device_program *program, struct device_change *ret,
                 struct error *err) FALLIBLE;

/* Put it there, with no moment in between. Returns 0, or -1 and *err. */
int devices_change(int dir, const struct device_change *change, struct error *err) FALLIBLE;

void device_change_release(struct device_change *change);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPEC_PARTS_H
#define SPEC_PARTS_H

/* The parts of a config.json that have files of their own, and the rules between them. */

#include "field.h"

extern const struct field_type part_config;      /* struct spec: the whole */
extern const struct field_type part_process;     /* struct spec_process */
extern const struct field_type part_mounts;      /* LIST(struct spec_mount) */
extern const struct field_type part_hooks;       /* hook_list[HOOK_POINTS] */
extern const struct field_type part_linux;       /* struct spec_linux */
extern const struct field_type part_id_maps;     /* id_map_list */
extern const struct field_type part_devices;     /* LIST(struct spec_device) */
extern const struct field_type part_net_devices; /* LIST(struct spec_net_device) */
extern const struct field_type part_resources;   /* struct spec_resources */
extern const struct field_type part_seccomp;     /* struct spec_seccomp */
extern const struct field_type part_vm;          /* struct spec_vm */

/* Rules between members that stand far from each other; what one object decides alone is checked
 * where it is read.
 *
 * top      the document that spec was read from.
 * Returns  0, or -1 and *err with the path of the member that has to go or to change. */
int spec_check(const struct json *top, const struct spec *spec, struct error *err) FALLIBLE;

#endif

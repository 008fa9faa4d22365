/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_SYSTEMD_SYSTEMD_H
#define CGROUPS_SYSTEMD_SYSTEMD_H

/* cgroups/systemd: the program cella-systemd, which talks to systemd for cella.
 *
 * PROMISE: one call, one answer on stdout, one line on stderr and status 1 when it fails (2: there is
 * no manager). A scope that was started
 * has this program in it, which stays until it is killed.
 *
 *	cella-systemd start system|user UNIT SLICE DESCRIPTION [NAME TYPE VALUE]…
 *	cella-systemd set   system|user UNIT [NAME TYPE VALUE]…
 *	cella-systemd stop  system|user UNIT */

#include <systemd/sd-bus.h>

#include "base/error.h"

enum { EXIT_UNREACHABLE = 2 };

/* Append an element of a(sv): a property as base text. Types: s b i u x t as ay ast.
 * Returns  0, or -1 and *err. */
int property_append(sd_bus_message *m, const char *name, const char *type, const char *value,
                    struct error *err) FALLIBLE;

/* The scope's life. count properties are 3 * count words. Each: 0, or -1 and *err. */
int scope_start(sd_bus *bus, char *const *words, char **properties, int count,
                struct error *err) FALLIBLE;
int scope_set(sd_bus *bus, const char *unit, char **properties, int count,
              struct error *err) FALLIBLE;
int scope_stop(sd_bus *bus, const char *unit, struct error *err) FALLIBLE;

#endif

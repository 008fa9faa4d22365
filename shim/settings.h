/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SETTINGS_H
#define SHIM_SETTINGS_H

#include <stdbool.h>
#include <task.pb-c.h>

#include "base/error.h"

/* What the options of a Create want. */
struct settings {
	bool no_pivot, no_new_keyring, systemd;
};

/* options: as in a Create; NULL: none. Returns 0, or -1 and *err: what can't be done is refused by name. */
int settings_read(const Pb__Any *options, struct settings *ret, struct error *err) FALLIBLE;

#endif

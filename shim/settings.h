/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SETTINGS_H
#define SHIM_SETTINGS_H

#include <stdbool.h>
#include <task.pb-c.h>

#include "base/error.h"
#include "runtime/runtime.h"

/* What the options of a Create want. */
struct settings {
	bool no_pivot, no_new_keyring, systemd;
};

/* What the options of a Checkpoint want. */
struct checkpoint_settings {
	struct checkpoint_options options; /* but for its folders */
	/* Freed by checkpoint_settings_release(). */
	char *image_path; /* for the images; NULL: where the request says */
	char *work_path;  /* for CRIU's log; NULL: beside the images */
};

/* options: as in a Create; NULL: none. Returns 0, or -1 and *err: what can't be done is refused by name. */
int settings_read(const Pb__Any *options, struct settings *ret, struct error *err) FALLIBLE;

void checkpoint_settings_release(struct checkpoint_settings *settings);

/* The same of a Checkpoint. */
int settings_read_checkpoint(const Pb__Any *options, struct checkpoint_settings *ret,
                             struct error *err) FALLIBLE;

#endif

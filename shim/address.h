/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_ADDRESS_H
#define SHIM_ADDRESS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

/* Where servers listen and containers are kept: below /run/cella-shim, or $XDG_RUNTIME_DIR/cella-shim for a plain
 * user, which only we may enter. */

/* Append the directory of all that is ours (made where missing), and that of sockets.
 * Returns  0, or -1 and *err: it is somebody else's, or others may enter. */
int shim_directory(struct text *path, struct error *err) FALLIBLE;
int address_directory(struct text *path, struct error *err) FALLIBLE;

/* The address that a bundle has; false: none. */
bool address_read(const char *bundle, struct text *ret);

/* Whether somebody listens there. */
bool address_is_served(const char *address);

/* Remove a socket of ours that nobody listens at. */
void address_remove_stale(const char *address);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SERVE_H
#define SHIM_SERVE_H

#include "shim.h"

/* Serve a listening socket until told to shut down; path is removed at the end. */
int serve(const struct shim_options *options, int listener, const char *path,
          struct error *err) FALLIBLE;

/* End the server as soon as all answers and events are sent. */
void serve_no_more(struct shim *shim);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_PUBLISH_H
#define SHIM_PUBLISH_H

#include "base/text.h"

#include "shim.h"

/* Tell an event by containerd's own program, which it names with -publish-binary. Waits for it: in a worker.
 * forward  the bytes of a ForwardRequest. Returns 0, or -1 and *err. */
int publish(const struct shim_options *options, const struct text *forward,
            struct error *err) FALLIBLE;

#endif

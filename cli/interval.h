/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_INTERVAL_H
#define CLI_INTERVAL_H

#include <stdint.h>

#include "base/error.h"

/* The value of --interval in milliseconds, at least 1; otherwise_ms where typed is NULL.
 * Returns  0, or -1 and *err. */
int interval_read(const char *typed, int otherwise_ms, int *ret_ms, struct error *err) FALLIBLE;

/* How long to wait until a moment of clock_ms(), for poll(2): 0 when it has passed. */
int interval_until(int64_t moment);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, in nanoseconds or milliseconds: to measure by and to wait for. Context: any, the child too. */
int64_t clock_ns(void);
int64_t clock_ms(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* "9", "KILL", "SIGKILL", "kill", "RTMIN+3", "SIGRTMAX-1" to a number from 1 to SIGRTMAX.
 * Returns  true and *ret_signum; false leaves it alone. */
bool signal_from_text(const char *text, int *ret_signum);

/* Put every signal back to its default and unblock all: what a new program expects. Context: any,
 * the child too. */
void signals_reset(void);

/* The same where it is known which ones are ignored (struct host has them): execve(2) itself puts back what is
 * handled. Context: any, the child too. */
void signals_reset_those(uint64_t ignored);

/* Block these signals (0 ends the list) and read them from a descriptor instead.
 * Returns  a signalfd(2), close-on-exec and non-blocking, owned by the caller, or -1 and *err. */
int signals_open(const int *signums, struct error *err) FALLIBLE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OPEN_FILES_H
#define BASE_OPEN_FILES_H

#include <stdbool.h>
#include <sys/resource.h>

/* How many descriptors a process may have: RLIMIT_NOFILE. Who starts us may have left us fewer than we need, which is
 * for the programs that we start and not for us. */

enum { OPEN_FILES_ENOUGH = 64 }; /* for us */

/* Let us have what we may, and at least enough where we have the right; remembers what there was. One per process:
 * called by main() before anything else runs. Spec: getrlimit(2). */
void open_files_raise(void);

/* What there was. Returns  false: it is as it was. Context: any, the child too. */
bool open_files_before(struct rlimit *ret);

/* For a program that we start: as it was. Context: any, the child too. */
void open_files_restore(void);

#endif

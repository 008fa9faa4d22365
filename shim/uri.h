/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_URI_H
#define SHIM_URI_H

#include <stdbool.h>

/* What containerd writes behind "file://" and "binary://", taken apart in place. Spec: RFC 3986. */

/* %41, and + where it stands for a blank. */
void uri_decode(char *text, bool plus);

/* Cut a path from its query and fragment, and decode it.
 * Returns  the query, still encoded; NULL: there is none. */
char *uri_split(char *uri);

#endif

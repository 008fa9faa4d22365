/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

/* In the order of enum namespace_type. */
const char *const namespace_names[NAMESPACE_TYPES] = {
	"user", "cgroup", "ipc", "uts", "network", "pid", "mount", "time",
};
const char *const namespace_files[NAMESPACE_TYPES] = {
	"user", "cgroup", "ipc", "uts", "net", "pid", "mnt", "time",
};

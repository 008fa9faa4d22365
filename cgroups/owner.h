/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_OWNER_H
#define CGROUPS_OWNER_H

/* Write down that a cgroup is of this container, for cgroup_is_anothers(). dir is borrowed; owner NULL: not told. Where
 * the kernel doesn't allow it, to a plain user, nothing is written. Spec: xattr(7), "trusted". */
void owner_mark(int dir, const char *owner);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup of a fixed path outlives its container until that is deleted, and the next container of the path may have it
 * meanwhile: who finds it there writes down that it is his now. What is in a container can't change that. */
#include <string.h>
#include <sys/xattr.h>

#include "cgroups.h"
#include "owner.h"

enum { OWNER_LIMIT = 512 };

static const char name[] = "trusted.cella.owner";

void owner_mark(int dir, const char *owner)
{
	if (owner)
		(void)fsetxattr(dir, name, owner, strlen(owner), 0);
}

bool cgroup_is_anothers(int dir, const char *owner)
{
	char there[OWNER_LIMIT];
	ssize_t length = owner ? fgetxattr(dir, name, there, sizeof(there)) : 0;

	return length > 0 &&
	       ((size_t)length != strlen(owner) || memcmp(there, owner, (size_t)length) != 0);
}

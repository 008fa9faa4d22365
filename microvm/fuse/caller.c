/* SPDX-License-Identifier: Apache-2.0 */
/* Whose permissions a request is done with.
 *
 * The guest's kernel checks permissions itself (default_permissions), so most requests are done as the server. What
 * makes a file is done with the fsuid and fsgid of who asks, of this thread only: the file has its owner from its
 * first moment on, and the rules of set-group-ID directories are the host kernel's. That takes away, with the last
 * fsuid 0, the capabilities to do it in a directory that lets the caller in only by a supplementary group, which we
 * don't know: CAP_DAC_OVERRIDE is put back for that long. The guest is no more powerful by it, it may say who it
 * wants to be.
 *
 * CAP_FSETID decides whether writing to a set-user-ID file clears that bit. The guest says when it must be cleared
 * (FUSE_HANDLE_KILLPRIV_V2); the thread goes without the capability then, until it is needed again. */
#include <errno.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "base/syscalls.h"

#include "server.h"

#define BIT(capability) (UINT64_C(1) << (capability))

/* What fsuid 0 stands for, capabilities(7). */
static const uint64_t of_root = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |
                                BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) |
                                BIT(CAP_MAC_OVERRIDE) | BIT(CAP_MKNOD);
/* What is left of it to make a file. */
static const uint64_t to_create = BIT(CAP_DAC_OVERRIDE) | BIT(CAP_MKNOD);

static uint64_t effective(const struct caller *c)
{
	return c->capabilities[0].effective | (uint64_t)c->capabilities[1].effective << 32;
}

static int set_effective(const struct caller *c, uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	memcpy(data, c->capabilities, sizeof(data));
	data[0].effective = (uint32_t)wanted;
	data[1].effective = (uint32_t)(wanted >> 32);
	return sys_capset(&header, data) < 0 ? -errno : 0;
}

int caller_learn(struct caller *c)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	*c = (struct caller){.uid = geteuid(), .gid = getegid(), .fsetid = true};
	return sys_capget(&header, c->capabilities) < 0 ? -errno : 0;
}

int caller_become(struct caller *c, const struct fuse_in_header *header, bool create)
{
	uint64_t left = (effective(c) & ~of_root) | (create ? effective(c) & to_create : 0);
	int result = 0;

	caller_fsetid(c, true);
	if (header->uid == c->uid && header->gid == c->gid)
		return 0;
	c->changed = true;
	(void)setfsgid(header->gid);
	(void)setfsuid(header->uid);
	/* they tell nobody whether they worked, but for what was there before */
	if ((uid_t)setfsuid((uid_t)-1) != header->uid || (gid_t)setfsgid((gid_t)-1) != header->gid)
		result = -EPERM;
	else if (header->uid != c->uid)
		result = set_effective(c, left);
	if (result < 0)
		caller_return(c);
	return result;
}

void caller_return(struct caller *c)
{
	if (!c->changed)
		return;
	c->changed = false;
	(void)setfsuid(c->uid);
	(void)setfsgid(c->gid);
	/* what was in effect can be again; else what comes next is refused, which harms nobody */
	c->fsetid = set_effective(c, effective(c)) == 0;
}

void caller_fsetid(struct caller *c, bool keep)
{
	if (c->fsetid == keep || !(effective(c) & BIT(CAP_FSETID)))
		return;
	if (set_effective(c, keep ? effective(c) : effective(c) & ~BIT(CAP_FSETID)) == 0)
		c->fsetid = keep;
}

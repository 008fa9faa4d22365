/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host.h"
#include "syscalls.h"

/* Capabilities that a uint64_t can say; the kernel has CAP_LAST_CAP of them, 40 in Linux 6.1. */
enum { CAPABILITIES_MOST = 64 };

static uint64_t look_at_bounding(void)
{
	uint64_t bounding = 0;

	for (unsigned int number = 0; number < CAPABILITIES_MOST; number++) {
		int held = prctl(PR_CAPBSET_READ, number, 0, 0, 0);

		if (held < 0)
			break; /* EINVAL: this kernel has no more */
		if (held)
			bounding |= UINT64_C(1) << number;
	}
	return bounding;
}

int host_look(struct host *ret_host, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	struct host host = {.uid = geteuid(), .gid = getegid()};

	if (sys_capget(&header, data) < 0)
		return fail_errno(err, "capabilities", "capget");
	host.capabilities = data[0].effective | (uint64_t)data[1].effective << 32;
	host.bounding = look_at_bounding();
	host.privileged = (host.capabilities >> CAP_SYS_ADMIN) & 1;
	*ret_host = host;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/own.h"

#include "netns.h"

int netns_loopback_up(struct error *err)
{
	owned_fd any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (any < 0)
		return fail_errno(err, "lo", "socket");
	if (ioctl(any, SIOCSIFFLAGS, &lo) < 0)
		return fail_errno(err, "lo", "SIOCSIFFLAGS");
	return 0;
}

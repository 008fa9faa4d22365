/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"

#include "link.h"
#include "netns.h"

/* The queue of a new tap with this name. */
static int attach(int tun, const char *name, struct error *err)
{
	struct ifreq request = {.ifr_flags =
	                                (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL)};
	size_t length = strlen(name);
	owned_fd queue = -1;

	/* a name with a % is a pattern to the kernel */
	if (length == 0 || length >= sizeof(request.ifr_name) || strchr(name, '%'))
		return fail(err, ERROR_SYSTEM, name, "not the name of an interface");
	memcpy(request.ifr_name, name, length);
	queue = fd_reopen(tun, O_RDWR | O_NONBLOCK, "/dev/net/tun", err);
	if (queue < 0)
		return -1;
	if (ioctl(queue, TUNSETIFF, &request) < 0)
		return fail_errno(err, name, "TUNSETIFF");
	return take_fd(&queue);
}

int netns_tap(int tun, const char *name, uint32_t mtu, struct error *err)
{
	owned_fd queue = attach(tun, name, err);
	owned_netlink nl = {0};
	int index;

	if (queue < 0)
		return -1;
	index = link_find(name, err);
	/* silent before it is up: then it would be too late */
	if (index < 0 || netlink_open(&nl, err) < 0 ||
	    link_set_mtu(&nl, index, name, mtu, err) < 0 ||
	    link_silence_v6(&nl, index, name, err) < 0 || link_up(&nl, index, name, err) < 0)
		return -1;
	return take_fd(&queue);
}

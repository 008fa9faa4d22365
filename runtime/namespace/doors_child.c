/* SPDX-License-Identifier: Apache-2.0 */
/* The doors of a container whose first process is hidden: the child's side. */
#include <fcntl.h>
#include <stdio.h>

#include "doors.h"

void doors_open(unsigned int namespaces, int ret_fds[NAMESPACE_TYPES])
{
	char path[sizeof("/proc/self/ns/cgroup")];

	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		ret_fds[i] = -1;
		if (!(namespaces & (1U << i)))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace_files[i]);
		ret_fds[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
}

int doors_hand_out(int socket, unsigned int namespaces, const int fds[NAMESPACE_TYPES],
                   struct error *err)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (namespaces & (1U << i) &&
		    handshake_send(socket, MESSAGE_DOORS, fds[i], err) < 0)
			return -1;
	return 0;
}

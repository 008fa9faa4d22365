/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "host.h"

enum { STATUS_BYTES = 4096 };

/* A mask of /proc/self/status: "CapBnd:\t000001ffffffffff". */
static bool mask_of(const char *status, const char *key, uint64_t *ret)
{
	const char *at = strstr(status, key);
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	errno = 0;
	*ret = strtoull(at, &end, 16);
	return end != at && errno == 0 && *end == '\n';
}

/* One file says what would take a call for each capability and each signal to ask. */
static int look_at_status(struct host *host, struct error *err)
{
	char status[STATUS_BYTES];

	if (fd_read_small(AT_FDCWD, "/proc/self/status", status, sizeof(status), err) < 0)
		return -1;
	if (!mask_of(status, "\nSigIgn:\t", &host->ignored_signals) ||
	    !mask_of(status, "\nCapEff:\t", &host->capabilities) ||
	    !mask_of(status, "\nCapBnd:\t", &host->bounding))
		return fail(err, ERROR_SYSTEM, "/proc/self/status",
		            "says not what proc(5) has it say");
	return 0;
}

bool host_in_user_namespace(void)
{
	static const char all[] = "         0          0 4294967295\n"; /* "%10u %10u %10u\n" */
	struct error ignored;
	char map[128];

	if (fd_read_small(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map), &ignored) < 0)
		return false;
	return strcmp(map, all) != 0;
}

int host_look(struct host *ret_host, struct error *err)
{
	struct host host = {.uid = geteuid(), .gid = getegid(), .filters = -1};

	if (look_at_status(&host, err) < 0)
		return -1;
	host.privileged = (host.capabilities >> CAP_SYS_ADMIN) & 1;
	*ret_host = host;
	return 0;
}

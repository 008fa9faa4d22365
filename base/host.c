/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "host.h"

enum {
	STATUS_BYTES = 4096,
};

/* The inode of the very first one: USER_NS_INIT_INO of linux/nsfs.h. */
static const ino_t first_user_namespace = 0xEFFFFFFD;

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

/* The effective one of "Uid:\t0\t0\t0\t0": the second. */
static bool id_of(const char *status, const char *key, uint32_t *ret)
{
	const char *at = strstr(status, key);
	char *end;

	if (!at)
		return false;
	(void)strtoul(at + strlen(key), &end, 10);
	if (*end != '\t')
		return false;
	at = end;
	*ret = (uint32_t)strtoul(at, &end, 10);
	return end != at && *end == '\t';
}

/* One file says what would take a call for each capability and each signal to ask. */
static int look_at_status(struct host *host, struct error *err)
{
	char status[STATUS_BYTES];

	if (fd_read_small(AT_FDCWD, "/proc/self/status", status, sizeof(status), err) < 0)
		return -1;
	if (!id_of(status, "\nUid:\t", &host->uid) || !id_of(status, "\nGid:\t", &host->gid) ||
	    !mask_of(status, "\nSigIgn:\t", &host->ignored_signals) ||
	    !mask_of(status, "\nCapEff:\t", &host->capabilities) ||
	    !mask_of(status, "\nCapBnd:\t", &host->bounding))
		return fail(err, ERROR_SYSTEM, "/proc/self/status",
		            "says not what proc(5) has it say");
	return 0;
}

bool host_in_user_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != first_user_namespace;
}

int host_look(struct host *ret_host, struct error *err)
{
	struct host host = {.filters = -1};

	if (look_at_status(&host, err) < 0)
		return -1;
	host.privileged = (host.capabilities >> CAP_SYS_ADMIN) & 1;
	*ret_host = host;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "host.h"
#include "open_files.h"
#include "own.h"
#include "table.h"

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

/* "Uid:\t0\t0\t0\t0": real, effective, saved, the file system's.
 * ret_one  is left alone where they are the same. */
static bool id_of(const char *status, const char *key, uint32_t *ret, bool *ret_one)
{
	const char *at = strstr(status, key);
	unsigned long ids[4];

	if (!at)
		return false;
	at += strlen(key);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		char *end;

		ids[i] = strtoul(at, &end, 10);
		if (end == at || *end != (i + 1 < ARRAY_SIZE(ids) ? '\t' : '\n'))
			return false;
		*ret_one = *ret_one && ids[i] == ids[0];
		at = end + 1;
	}
	*ret = (uint32_t)ids[1];
	return true;
}

static bool has_no_groups(const char *status)
{
	static const char key[] = "\nGroups:\t";
	const char *at = strstr(status, key);

	if (!at)
		return false;
	at += strlen(key);
	return at[strspn(at, " ")] == '\n';
}

static void look_at_streams(struct host *host)
{
	struct stat st;

	for (int fd = 0; fd < HOST_STREAMS; fd++)
		if (fstat(fd, &st) == 0)
			host->streams[fd] = (struct host_stream){st.st_mode, st.st_rdev, st.st_uid};
}

/* One file says what would take a call for each capability and each signal to ask. */
static int look_at_status(struct host *host, struct error *err)
{
	char status[STATUS_BYTES];

	if (fd_read_small(AT_FDCWD, "/proc/self/status", status, sizeof(status), err) < 0)
		return -1;
	host->one_id = true;
	host->no_groups = has_no_groups(status);
	if (!id_of(status, "\nUid:\t", &host->uid, &host->one_id) ||
	    !id_of(status, "\nGid:\t", &host->gid, &host->one_id) ||
	    !mask_of(status, "\nSigIgn:\t", &host->ignored_signals) ||
	    !mask_of(status, "\nCapEff:\t", &host->capabilities) ||
	    !mask_of(status, "\nCapBnd:\t", &host->bounding) ||
	    !mask_of(status, "\nCapAmb:\t", &host->ambient))
		return fail(err, ERROR_SYSTEM, "/proc/self/status",
		            "says not what proc(5) has it say");
	return 0;
}

bool host_in_user_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != first_user_namespace;
}

/* One of a plain user who may map his own group alone. */
static bool denies_groups(void)
{
	owned_fd fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
	char word[8] = "";

	return fd >= 0 && read(fd, word, sizeof(word) - 1) > 0 && strncmp(word, "deny", 4) == 0;
}

int host_look(struct host *ret_host, struct error *err)
{
	struct host host = {.filters = -1};

	if (look_at_status(&host, err) < 0)
		return -1;
	look_at_streams(&host);
	host.nested = host_in_user_namespace();
	host.groups_denied = host.nested && denies_groups();
	host.more_open_files = open_files_before(&host.open_files);
	host.privileged = (host.capabilities >> CAP_SYS_ADMIN) & 1;
	*ret_host = host;
	return 0;
}

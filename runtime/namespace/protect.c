/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody inside writes to our binary.
 *
 * Theory of operation: whatever has a process of ours in sight, or makes us execute /proc/self/exe,
 * can open the file that we were started from, and as root write to it once we have ended. So what
 * enters a container was started from a copy of the mount that the file is on, read-only and
 * attached nowhere; or, where mounts are not allowed, from a sealed copy of the file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/open_files.h"
#include "base/own.h"
#include "base/syscalls.h"
#include "rootfs/rootfs.h"

#include "launch.h"

static const char self[] = "/proc/self/exe";

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static bool is_readonly(void)
{
	struct statvfs where;

	return statvfs(self, &where) == 0 && (where.f_flag & ST_RDONLY);
}

static bool is_sealed(int exe)
{
	int seals = fcntl(exe, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int be_protected(void)
{
	(void)prctl(PR_SET_NAME, "cella"); /* not the number of the descriptor */
	return 0;
}

static int sealed_copy(int exe, struct error *err)
{
	owned_fd copy = memfd_create("cella", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	off_t done = 0;

	if (copy < 0 || fstat(exe, &st) < 0)
		return fail_errno(err, self, "copy");
	while (done < st.st_size)
		if (sendfile(copy, exe, &done, (size_t)(st.st_size - done)) <= 0)
			return fail_errno(err, self, "copy");
	if (fchmod(copy, 0755) < 0 || fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return fail_errno(err, self, "seal a copy");
	return take_fd(&copy);
}

int namespace_protect(char *const *argv, struct error *err)
{
	owned_fd exe = -1, safe = -1;

	if (is_readonly())
		return be_protected();
	exe = open(self, O_RDONLY | O_CLOEXEC);
	if (exe < 0)
		return fail_errno(err, self, "open");
	if (is_sealed(exe))
		return be_protected();
	safe = rootfs_readonly_view(self);
	if (safe < 0)
		safe = sealed_copy(exe, err);
	if (safe < 0)
		return -1;
	open_files_restore(); /* the next one finds it out again */
	(void)sys_execveat(safe, "", argv, environ, AT_EMPTY_PATH);
	return fail_errno(err, self, "execute a protected copy");
}

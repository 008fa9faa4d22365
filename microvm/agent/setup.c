/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/table.h"
#include "netns/netns.h"

#include "agent.h"

static const char new_root[] = "/newroot";

/* In order. The root is one of our own: pivot_root(2) does not work on the kernel's first one. */
static const struct {
	const char *target, *type, *data;
	unsigned long flags;
	bool optional;
} mounts[] = {
	{"/newroot",               "tmpfs",    "mode=755",                           0,                                false},
	{"/newroot/dev",           "devtmpfs", "mode=755",                           MS_NOSUID,                        false},
	{"/newroot/proc",          "proc",     NULL,                                 MS_NOSUID | MS_NODEV | MS_NOEXEC, false},
	{"/newroot/sys",           "sysfs",    NULL,                                 MS_NOSUID | MS_NODEV | MS_NOEXEC, false},
	{"/newroot/run",           "tmpfs",    "mode=755",                           MS_NOSUID | MS_NODEV,             false},
	{"/newroot/dev/pts",       "devpts",   "newinstance,ptmxmode=0666,mode=620", MS_NOSUID | MS_NOEXEC,
         true													       },
	{"/newroot/sys/fs/cgroup", "cgroup2",  NULL,                                 MS_NOSUID | MS_NODEV | MS_NOEXEC, false},
};

static int make_mounts(struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		const char *target = mounts[i].target;

		if (mkdir(target, 0755) < 0 && errno != EEXIST && !mounts[i].optional)
			return fail_errno(err, target, "mkdir");
		if (mount(mounts[i].type, target, mounts[i].type, mounts[i].flags, mounts[i].data) <
		            0 &&
		    !mounts[i].optional)
			return fail_errno(err, target, "mount");
	}
	return 0;
}

/* The kernel's first root, and in it our own program, can be written by nobody any more; then it is covered. */
static int switch_root(struct error *err)
{
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return fail_errno(err, "/", "mount read-only");
	if (chdir(new_root) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return fail_errno(err, new_root, "make it the root");
	return 0;
}

static int make_shares(struct error *err)
{
	if (mkdir(AGENT_SHARES, 0700) < 0 || mount("shares", AGENT_SHARES, "virtiofs", 0, NULL) < 0)
		return fail_errno(err, AGENT_SHARES, "mount");
	if (mkdir(AGENT_BUNDLE, 0700) < 0 || mkdir(AGENT_STATE, 0700) < 0)
		return fail_errno(err, "/run", "mkdir");
	return 0;
}

/* What stdio is before anybody says otherwise. */
static int open_stdio(struct error *err)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "/dev/null", "open");
	for (int i = 0; i < 3; i++)
		if (fd != i && dup2(fd, i) < 0)
			return fail_errno(err, "/dev/console", "dup");
	if (fd > 2)
		(void)close(fd);
	return 0;
}

int setup_layer(const char **root, struct error *err)
{
	static const char *const dirs[] = {"/run/layer", "/run/layer/up", "/run/layer/work",
	                                   "/run/root"};
	char data[256];

	(void)snprintf(data, sizeof(data),
	               "lowerdir=%s/.,upperdir=/run/layer/up,workdir=/run/layer/work", *root);
	if (modules_load("overlay", err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdir(dirs[i], 0755) < 0 && errno != EEXIST)
			return fail_errno(err, dirs[i], "mkdir");
	if (mount("overlay", "/run/root", "overlay", 0, data) < 0)
		return fail_errno(err, "root.readonly", "mount an overlay");
	*root = "/run/root";
	return 0;
}

int setup_machine(struct error *err)
{
	/* what goes wrong is in the kernel's log, which the host sees when it asks for that */
	if (mknodat(AT_FDCWD, "/dev/kmsg", S_IFCHR | 0600, makedev(1, 11)) < 0 && errno != EEXIST)
		return fail_errno(err, "/dev/kmsg", "mknod");
	if (log_open("/dev/kmsg", LOG_TEXT, LOG_DEBUG, err) < 0 || modules_open(err) < 0 ||
	    modules_load("boot", err) < 0 || make_mounts(err) < 0 ||
	    modules_load_devices(err) < 0 || switch_root(err) < 0 || open_stdio(err) < 0)
		return -1;
	return netns_loopback_up(err) < 0 ? -1 : make_shares(err);
}

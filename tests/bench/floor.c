/* SPDX-License-Identifier: Apache-2.0 */
/* The floor: what the kernel alone takes for a container of the default config. Everything is known beforehand, so
 * nothing is read, planned, checked, remembered or told: one clone into all namespaces and the cgroup, the mounts,
 * nodes and masks, pivot_root, rights away, execve, wait, rmdir. No runtime can be below it; how far above
 * it is what a runtime costs.
 *
 * usage: floor ROOTFS PROGRAM */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			err(1, "floor: %s", #call);                                                \
	} while (0)

enum { PLAIN = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static const struct {
	const char *source, *target, *type, *data;
	unsigned long flags;
} mounts[] = {
	{"proc",   "proc",          "proc",    NULL,					PLAIN                     },
	{"tmpfs",  "dev",           "tmpfs",   "mode=755,size=65536k",                      MS_NOSUID | MS_STRICTATIME},
	{"devpts", "dev/pts",       "devpts",  "newinstance,ptmxmode=0666,mode=0620,gid=5",
         MS_NOSUID | MS_NOEXEC											},
	{"shm",    "dev/shm",       "tmpfs",   "mode=1777,size=65536k",                     PLAIN                     },
	{"mqueue", "dev/mqueue",    "mqueue",  NULL,                                        PLAIN                     },
	{"sysfs",  "sys",           "sysfs",   NULL,					PLAIN | MS_RDONLY         },
	{"cgroup", "sys/fs/cgroup", "cgroup2", NULL,                                        PLAIN | MS_RDONLY         },
};

static const struct {
	const char *path;
	unsigned int major, minor;
} nodes[] = {
	{"dev/null",    1, 3},
        {"dev/zero",    1, 5},
        {"dev/full",    1, 7},
	{"dev/random",  1, 8},
        {"dev/urandom", 1, 9},
        {"dev/tty",     5, 0},
};

static const char *const links[][2] = {
	{"/proc/self/fd",   "dev/fd"    },
        {"/proc/self/fd/0", "dev/stdin" },
	{"/proc/self/fd/1", "dev/stdout"},
        {"/proc/self/fd/2", "dev/stderr"},
	{"pts/ptmx",        "dev/ptmx"  },
};

/* As far as this kernel has them; the config names more. */
static const char *const masked_files[] = {"proc/interrupts", "proc/keys", "proc/timer_list"};
static const char *const masked_folders[] = {"proc/acpi", "sys/firmware"};
static const char *const readonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys"};

static void make_dev(void)
{
	for (size_t i = 0; i < COUNT(nodes); i++)
		MUST(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
	for (size_t i = 0; i < COUNT(links); i++)
		MUST(symlink(links[i][0], links[i][1]));
}

static void hide(void)
{
	for (size_t i = 0; i < COUNT(masked_files); i++)
		if (access(masked_files[i], F_OK) == 0)
			MUST(mount("/dev/null", masked_files[i], NULL, MS_BIND, NULL));
	for (size_t i = 0; i < COUNT(masked_folders); i++)
		if (access(masked_folders[i], F_OK) == 0)
			MUST(mount("tmpfs", masked_folders[i], "tmpfs", MS_RDONLY, "size=0"));
	for (size_t i = 0; i < COUNT(readonly); i++) {
		MUST(mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL));
		MUST(mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | PLAIN,
		           NULL));
	}
}

static void make_root(const char *rootfs)
{
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
	MUST(chdir(rootfs));
	for (size_t i = 0; i < COUNT(mounts); i++) {
		if (strncmp(mounts[i].target, "dev/", 4) == 0)
			MUST(mkdir(mounts[i].target, 0755));
		MUST(mount(mounts[i].source, mounts[i].target, mounts[i].type, mounts[i].flags,
		           mounts[i].data));
	}
	make_dev();
	hide();
	MUST(mount(NULL, rootfs, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(chdir("/"));
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	MUST(fd);
	MUST(ioctl(fd, SIOCSIFFLAGS, &request));
	(void)close(fd);
}

/* The three capabilities of the default config. */
static void give_up_rights(void)
{
	const unsigned int kept =
		1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE | 1U << CAP_AUDIT_WRITE;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = kept, .permitted = kept}
        };

	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if (i > 31 || !(kept >> i & 1))
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	MUST(setgroups(0, NULL));
	MUST(syscall(SYS_capset, &header, data));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static _Noreturn void child(const char *rootfs, char *program)
{
	char *args[] = {program, NULL}, *env[] = {NULL};

	MUST(unshare(CLONE_NEWCGROUP));
	loopback_up();
	MUST(sethostname("cella", 5));
	make_root(rootfs);
	give_up_rights();
	(void)execve(program, args, env);
	err(127, "floor: %s", program);
}

int main(int argc, char **argv)
{
	struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
	                                   CLONE_NEWPID | CLONE_NEWNET | CLONE_INTO_CGROUP,
	                          .exit_signal = SIGCHLD};
	char cgroup[64];
	int status = 0, dir;
	long pid;

	if (argc != 3)
		errx(2, "usage: floor ROOTFS PROGRAM");
	(void)snprintf(cgroup, sizeof(cgroup), "/sys/fs/cgroup/floor-%d", (int)getpid());
	MUST(mkdir(cgroup, 0755));
	dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(dir);
	args.cgroup = (unsigned long long)dir;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	MUST(pid);
	if (pid == 0)
		child(argv[1], argv[2]);
	MUST(waitpid((pid_t)pid, &status, 0));
	MUST(rmdir(cgroup));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Whose files are, and who may do what with them. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

static bool owned(const char *name, uid_t user, gid_t group)
{
	struct stat st;

	MUST(lstat(name, &st) == 0);
	return st.st_uid == user && st.st_gid == group;
}

static void makers(void)
{
	MUST(chmod(".", 0777) == 0);
	become(SAILOR, CREW);
	put("file", "his", 0644);
	MUST(mkdir("directory", 0755) == 0 && symlink("x", "link") == 0);
	MUST(mkfifo("fifo", 0600) == 0 && link("file", "second") == 0);
	MUST(owned("file", SAILOR, SAILOR) && owned("directory", SAILOR, SAILOR));
	MUST(owned("link", SAILOR, SAILOR) && owned("fifo", SAILOR, SAILOR));
	back();
	put("roots", "", 0644);
	MUST(owned("roots", 0, 0));
	MUST(chown("file", 12, 34) == 0 && owned("second", 12, 34));
	MUST(lchown("link", 56, 78) == 0 && owned("link", 56, 78));
	MUST(chown("file", (uid_t)-1, 35) == 0 && owned("file", 12, 35));
}

static void group_directories(void)
{
	MUST(mkdir("d", 0777) == 0 && chown("d", 0, CREW) == 0 && chmod("d", 02777) == 0);
	become(SAILOR, SAILOR);
	put("d/file", "", 0644);
	MUST(mkdir("d/e", 0755) == 0);
	MUST(owned("d/file", SAILOR, CREW) && owned("d/e", SAILOR, CREW));
	MUST(mode_of("d/e") == 02755);
	back();
}

static void more_groups(void)
{
	MUST(mkdir("crew", 0770) == 0 && chown("crew", 0, CREW) == 0);
	put("letters", "for the crew", 0640);
	MUST(chown("letters", 0, CREW) == 0);
	become(SAILOR, CREW);
	MUST(has("letters", "for the crew"));
	put("crew/by-sailor", "x", 0644);
	MUST(owned("crew/by-sailor", SAILOR, SAILOR));
	MUST(chown("crew/by-sailor", (uid_t)-1, CREW) == 0);
	FAILS(EPERM, chown("crew/by-sailor", (uid_t)-1, OTHER));
	FAILS(EPERM, chown("crew/by-sailor", OTHER, (gid_t)-1));
	back();
	become(OTHER, OTHER);
	FAILS(EACCES, open("letters", O_RDONLY | O_CLOEXEC));
	FAILS(EACCES, open("crew/by-sailor", O_RDONLY | O_CLOEXEC));
	FAILS(EACCES, open("crew/by-other", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	back();
}

static void permissions(void)
{
	put("secret", "x", 0600);
	MUST(chmod(".", 0755) == 0);
	become(SAILOR, SAILOR);
	FAILS(EACCES, open("secret", O_RDONLY | O_CLOEXEC));
	FAILS(EACCES, open("new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	FAILS(EACCES, unlink("secret"));
	FAILS(EPERM, chmod("secret", 0666));
	FAILS(EACCES, truncate("secret", 0));
	FAILS(EACCES, mkdir("d", 0755));
	FAILS(EACCES, rename("secret", "known"));
	FAILS(EACCES, eaccess("secret", R_OK));
	MUST(eaccess("secret", F_OK) == 0);
	FAILS(EPERM, utimensat(AT_FDCWD, "secret",
	                       (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}, 0));
	back();
	MUST(has("secret", "x") && mode_of("secret") == 0600);
}

static void sticky(void)
{
	MUST(mkdir("tmp", 0777) == 0 && chmod("tmp", 01777) == 0 && mode_of("tmp") == 01777);
	become(SAILOR, SAILOR);
	put("tmp/his", "x", 0666);
	back();
	become(OTHER, OTHER);
	MUST(has("tmp/his", "x"));
	put("tmp/others", "y", 0666);
	errno = 0;
	MUST(unlink("tmp/his") < 0 && (errno == EPERM || errno == EACCES));
	errno = 0;
	MUST(rename("tmp/his", "tmp/mine") < 0 && (errno == EPERM || errno == EACCES));
	errno = 0;
	MUST(rename("tmp/others", "tmp/his") < 0 && (errno == EPERM || errno == EACCES));
	MUST(unlink("tmp/others") == 0);
	back();
	MUST(unlink("tmp/his") == 0);
}

/* A program that runs as its owner, whom somebody else changes. */
static void program(const char *name)
{
	put(name, "program", 0777);
	MUST(chmod(name, 06777) == 0 && mode_of(name) == 06777);
}

static void write_to(const char *name)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);

	MUST(fd >= 0 && write(fd, "P", 1) == 1 && close(fd) == 0);
}

static void set_id_bits(void)
{
	static const char *const all[] = {"written", "cut", "opened", "allocated", "copied"};
	int fd, from;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		program(all[i]);
	program("kept");
	become(SAILOR, SAILOR);
	write_to("written");
	MUST(truncate("cut", 1) == 0);
	fd = open("opened", O_WRONLY | O_TRUNC | O_CLOEXEC);
	MUST(fd >= 0 && close(fd) == 0);
	fd = open("allocated", O_WRONLY | O_CLOEXEC);
	MUST(fd >= 0 && (fallocate(fd, 0, 0, 100) == 0 || write(fd, "x", 1) == 1));
	MUST(close(fd) == 0);
	fd = open("copied", O_WRONLY | O_CLOEXEC);
	from = open("kept", O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && from >= 0 && copy_file_range(from, NULL, fd, NULL, 3, 0) == 3);
	MUST(close(fd) == 0 && close(from) == 0);
	back();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		MUST((mode_of(all[i]) & 06000) == 0);
	program("given");
	MUST(chown("given", SAILOR, SAILOR) == 0 && (mode_of("given") & 06000) == 0);
	/* who may keep them, does */
	write_to("kept");
	MUST(mode_of("kept") == 06777);
	/* a member of no such group sets no such bit */
	put("his", "", 0644);
	MUST(chown("his", SAILOR, CREW) == 0);
	become(SAILOR, SAILOR);
	MUST(chmod("his", 02755) == 0 && mode_of("his") == 0755);
	back();
}

static void masks(void)
{
	(void)umask(027);
	MUST(close(open("f", O_CREAT | O_WRONLY | O_CLOEXEC, 0666)) == 0 && mode_of("f") == 0640);
	MUST(mkdir("d", 0777) == 0 && mode_of("d") == 0750);
	MUST(mknod("n", S_IFREG | 0666, 0) == 0 && mode_of("n") == 0640);
	(void)umask(0);
	MUST(chmod("f", 07777) == 0 && mode_of("f") == 07777);
}

static void attributes(void)
{
	char text[64] = "";

	put("f", "", 0644);
	if (setxattr("f", "user.colour", "blue", 4, 0) < 0 && errno == EOPNOTSUPP)
		skip("no user attributes here");
	FAILS(EEXIST, setxattr("f", "user.colour", "red", 3, XATTR_CREATE));
	FAILS(ENODATA, setxattr("f", "user.none", "red", 3, XATTR_REPLACE));
	MUST(getxattr("f", "user.colour", NULL, 0) == 4);
	FAILS(ERANGE, getxattr("f", "user.colour", text, 2));
	MUST(getxattr("f", "user.colour", text, sizeof(text)) == 4 && !strcmp(text, "blue"));
	MUST(setxattr("f", "user.empty", "", 0, 0) == 0 &&
	     getxattr("f", "user.empty", text, 9) == 0);
	MUST(listxattr("f", NULL, 0) == 23 && listxattr("f", text, sizeof(text)) == 23);
	MUST(!strcmp(text, "user.colour") || !strcmp(text, "user.empty"));
	MUST(removexattr("f", "user.empty") == 0);
	FAILS(ENODATA, getxattr("f", "user.empty", text, 9));
	FAILS(ENODATA, removexattr("f", "user.empty"));
	MUST(mkdir("d", 0755) == 0 && setxattr("d", "user.d", "x", 1, 0) == 0);
	become(SAILOR, SAILOR);
	FAILS(EACCES, setxattr("f", "user.his", "x", 1, 0));
	FAILS(EPERM, setxattr("f", "trusted.his", "x", 1, 0));
	MUST(getxattr("f", "user.colour", text, sizeof(text)) == 4);
	back();
}

static bool moment_is(const struct timespec *t, time_t seconds, long nanoseconds)
{
	return t->tv_sec == seconds && t->tv_nsec == nanoseconds;
}

static void times(void)
{
	struct timespec t[2] = {
		{.tv_sec = 1000000001, .tv_nsec = 123456789},
		{.tv_sec = 2000000002, .tv_nsec = 987654321}
        };
	struct stat st, later;

	put("f", "x", 0644);
	MUST(utimensat(AT_FDCWD, "f", t, 0) == 0 && stat("f", &st) == 0);
	MUST(moment_is(&st.st_atim, 1000000001, 123456789));
	MUST(moment_is(&st.st_mtim, 2000000002, 987654321));
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	MUST(utimensat(AT_FDCWD, "f", t, 0) == 0 && stat("f", &st) == 0);
	MUST(moment_is(&st.st_atim, 1000000001, 123456789) && st.st_mtim.tv_sec != 2000000002);
	(void)usleep(20000);
	put("f", "y", 0644);
	MUST(stat("f", &later) == 0);
	MUST(later.st_mtim.tv_sec > st.st_mtim.tv_sec ||
	     later.st_mtim.tv_nsec > st.st_mtim.tv_nsec);
	t[0] = t[1] = (struct timespec){.tv_sec = 5};
	MUST(symlink("f", "l") == 0 && utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW) == 0);
	MUST(lstat("l", &st) == 0 && st.st_mtim.tv_sec == 5);
	MUST(stat("f", &st) == 0 && st.st_mtim.tv_sec != 5);
}

static void space(void)
{
	struct statvfs st;

	MUST(statvfs(".", &st) == 0 && st.f_bsize >= 512 && st.f_namemax == 255);
	MUST(st.f_blocks >= st.f_bfree && st.f_bfree >= st.f_bavail && st.f_blocks > 0);
}

const struct check owner_checks[] = {
	{"what somebody makes is his",                          makers           },
	{"a set-group-ID directory hands its group down",       group_directories},
	{"further groups count",                                more_groups      },
	{"permissions hold",				    permissions      },
	{"a sticky directory keeps what is others'",            sticky           },
	{"who changes a program takes its set-user-ID bit off", set_id_bits      },
	{"the umask is taken off a new file's mode",            masks            },
	{"extended attributes",				 attributes       },
	{"times to the nanosecond, and of links",               times            },
	{"how much room there is",                              space            },
	{NULL,						  NULL             }
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Names: what they lead to, what takes them away, what they may be. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "files.h"

static nlink_t links_of(const char *name)
{
	struct stat st;

	MUST(lstat(name, &st) == 0);
	return st.st_nlink;
}

static void hard_links(void)
{
	struct stat a, b;

	put("a", "text", 0644);
	MUST(link("a", "b") == 0 && links_of("a") == 2);
	MUST(stat("a", &a) == 0 && stat("b", &b) == 0 && a.st_ino == b.st_ino);
	put("b", "other", 0644);
	MUST(has("a", "other"));
	FAILS(EEXIST, link("a", "b"));
	MUST(unlink("a") == 0 && links_of("b") == 1 && has("b", "other"));
	FAILS(ENOENT, link("a", "c"));
	MUST(mkdir("directory", 0755) == 0);
	FAILS(EPERM, link("directory", "c"));
	/* of a link itself */
	MUST(symlink("nowhere", "link") == 0 && link("link", "link2") == 0);
	MUST(links_of("link2") == 2 && readlink("link2", (char[16]){0}, 16) == 7);
}

static void symlinks(void)
{
	static char longest[PATH_MAX], text[PATH_MAX];

	MUST(symlink("file", "link") == 0);
	FAILS(ENOENT, open("link", O_RDONLY | O_CLOEXEC));
	put("file", "text", 0644);
	MUST(has("link", "text"));
	FAILS(ELOOP, open("link", O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
	FAILS(EEXIST, open("link", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
	FAILS(EINVAL, readlink("file", text, sizeof(text)));
	MUST(symlink("around", "around") == 0);
	FAILS(ELOOP, open("around", O_RDONLY | O_CLOEXEC));
	memset(longest, 'x', PATH_MAX - 1);
	MUST(symlink(longest, "longest") == 0 || errno == ENAMETOOLONG);
	memset(longest, 'x', 4000);
	longest[4000] = '\0';
	MUST(symlink(longest, "long") == 0 && readlink("long", text, sizeof(text)) == 4000);
	MUST(memcmp(text, longest, 4000) == 0);
	/* one that dangles makes its target */
	MUST(symlink("new", "dangling") == 0);
	put("dangling", "made", 0644);
	MUST(has("new", "made"));
}

static void renames(void)
{
	MUST(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0 && mkdir("empty", 0755) == 0);
	put("a", "a", 0644);
	put("b", "b", 0644);
	MUST(rename("a", "b") == 0 && has("b", "a") && !there("a"));
	MUST(rename("b", "d/e/b") == 0 && has("d/e/b", "a"));
	FAILS(EINVAL, rename("d", "d/e/d"));
	FAILS(ENOTEMPTY, rename("empty", "d"));
	FAILS(EISDIR, rename("d/e/b", "empty"));
	FAILS(ENOTDIR, rename("empty", "d/e/b"));
	MUST(rename("d/e", "empty") == 0 && has("empty/b", "a") && !there("d/e"));
	FAILS(ENOENT, rename("nothing", "else"));
	/* two names of one file stay two names */
	put("x", "x", 0644);
	MUST(link("x", "y") == 0 && rename("x", "y") == 0 && there("x") && there("y"));
}

static void rename_flags(void)
{
	MUST(mkdir("d", 0755) == 0);
	put("d/in", "inside", 0644);
	put("a", "a", 0644);
	put("b", "b", 0644);
	FAILS(EEXIST, renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
	MUST(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE) == 0 && has("c", "a"));
	MUST(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE) == 0);
	MUST(has("b", "a") && has("c", "b"));
	MUST(renameat2(AT_FDCWD, "d", AT_FDCWD, "c", RENAME_EXCHANGE) == 0);
	MUST(has("c/in", "inside") && has("d", "b"));
	FAILS(ENOENT, renameat2(AT_FDCWD, "d", AT_FDCWD, "none", RENAME_EXCHANGE));
	FAILS(EINVAL, renameat2(AT_FDCWD, "d", AT_FDCWD, "b", RENAME_EXCHANGE | RENAME_NOREPLACE));
}

static void removal(void)
{
	MUST(mkdir("d", 0755) == 0 && links_of(".") == 3);
	put("d/f", "", 0644);
	FAILS(ENOTEMPTY, rmdir("d"));
	FAILS(EISDIR, unlink("d"));
	FAILS(ENOTDIR, rmdir("d/f"));
	MUST(unlink("d/f") == 0 && rmdir("d") == 0 && links_of(".") == 2);
	FAILS(ENOENT, unlink("d"));
	FAILS(EINVAL, rmdir("."));
}

static void after_removal(void)
{
	char path[32], text[8] = "";
	int fd = open("f", O_CREAT | O_RDWR | O_CLOEXEC, 0644), again, directory;
	struct stat st;

	MUST(fd >= 0 && write(fd, "text", 4) == 4 && unlink("f") == 0);
	MUST(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 4);
	MUST(pread(fd, text, 4, 0) == 4 && strcmp(text, "text") == 0);
	MUST(ftruncate(fd, 2) == 0 && fchmod(fd, 0600) == 0 && pread(fd, text, 4, 0) == 2);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	MUST(again >= 0 && pwrite(again, "X", 1, 0) == 1);
	MUST(pread(fd, text, 4, 0) == 2 && text[0] == 'X');
	/* another file of that name is another file */
	put("f", "new", 0644);
	MUST(pread(fd, text, 4, 0) == 2 && has("f", "new"));
	/* a directory that is gone is empty and takes nothing */
	MUST(mkdir("d", 0755) == 0);
	directory = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(directory >= 0 && rmdir("d") == 0);
	FAILS(ENOENT, openat(directory, "x", O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	MUST(mkdir("d", 0755) == 0);
	FAILS(ENOENT, openat(directory, "x", O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	MUST(close(fd) == 0 && close(again) == 0 && close(directory) == 0);
}

static void lengths(void)
{
	static char name[300], path[PATH_MAX + 10];
	static const char *const odd[] = {"\xff\xfe", "new\nline", " ", "...", "-", "\\", "%s"};

	memset(name, 'n', 255);
	put(name, "long", 0644);
	MUST(has(name, "long"));
	memset(name, 'n', 256);
	FAILS(ENAMETOOLONG, open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	FAILS(ENAMETOOLONG, mkdir(name, 0755));
	memset(path, '/', PATH_MAX);
	FAILS(ENAMETOOLONG, open(path, O_RDONLY | O_CLOEXEC));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		put(odd[i], odd[i], 0644);
		MUST(has(odd[i], odd[i]) && unlink(odd[i]) == 0);
	}
	FAILS(ENOENT, open("", O_RDONLY | O_CLOEXEC));
}

static void opening(void)
{
	int fd;

	put("f", "text", 0644);
	MUST(mkdir("d", 0755) == 0);
	FAILS(EEXIST, open("f", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644));
	FAILS(ENOTDIR, open("f", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	FAILS(ENOTDIR, open("f/x", O_RDONLY | O_CLOEXEC));
	FAILS(EISDIR, open("d", O_WRONLY | O_CLOEXEC));
	FAILS(EISDIR, open("d", O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	fd = open("f", O_RDONLY | O_TRUNC | O_CLOEXEC);
	MUST(fd >= 0 && close(fd) == 0 && has("f", ""));
	fd = open("readonly", O_CREAT | O_RDWR | O_CLOEXEC, 0400);
	/* the mode is for those who come later */
	MUST(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0 && mode_of("readonly") == 0400);
	fd = open("f", O_RDONLY | O_CLOEXEC);
	FAILS(EBADF, write(fd, "x", 1));
	MUST(close(fd) == 0);
}

static void nameless(void)
{
	char path[32];
	struct stat st;
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);

	if (fd < 0 && errno == EOPNOTSUPP)
		skip("O_TMPFILE: this kernel's file system has none");
	MUST(fd >= 0 && write(fd, "late", 4) == 4 && fstat(fd, &st) == 0 && st.st_nlink == 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0);
	MUST(has("named", "late") && mode_of("named") == 0640 && close(fd) == 0);
	fd = open(".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0640);
	MUST(fd >= 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FAILS(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
	MUST(close(fd) == 0);
}

static void write_to_fifo(void)
{
	int fd = open("fifo", O_WRONLY | O_CLOEXEC);

	MUST(fd >= 0 && write(fd, "through", 7) == 7 && close(fd) == 0);
}

static void other_kinds(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[16] = "";
	struct stat st;
	pid_t pid;
	int fd;

	MUST(mkfifo("fifo", 0600) == 0 && lstat("fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	pid = begin(write_to_fifo);
	fd = open("fifo", O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && read(fd, text, sizeof(text)) == 7 && strcmp(text, "through") == 0);
	MUST(close(fd) == 0);
	end(pid);
	MUST(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(listen(listener, 1) == 0 && lstat("socket", &st) == 0 && S_ISSOCK(st.st_mode));
	MUST(connect(client, (const struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(close(client) == 0 && close(listener) == 0);
	FAILS(ENXIO, open("socket", O_RDWR | O_CLOEXEC));
	MUST(mknod("regular", S_IFREG | 0640, 0) == 0 && mode_of("regular") == 0640);
	/* a whiteout of overlayfs is no device */
	MUST(mknod("whiteout", S_IFCHR, makedev(0, 0)) == 0 || errno == EPERM);
}

const struct check name_checks[] = {
	{"a file has as many names as it was given",               hard_links   },
	{"a symbolic link is followed, or not",                    symlinks     },
	{"a rename moves and replaces what it may",                renames      },
	{"a rename exchanges, or replaces nothing",                rename_flags },
	{"what is removed is gone, what is not empty stays",       removal      },
	{"a file without a name is there while it is open",        after_removal},
	{"names have 1 to 255 bytes of any kind",                  lengths      },
	{"opening makes, truncates and refuses as asked",          opening      },
	{"a file can be made without a name and get one later",    nameless     },
	{"fifos, sockets and nodes are made, and are the guest's", other_kinds  },
	{NULL,						     NULL         }
};

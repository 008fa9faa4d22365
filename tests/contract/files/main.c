/* SPDX-License-Identifier: Apache-2.0 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"

enum { SKIPPED = 77, LIMIT_SECONDS = 300 };

void must(bool right, const char *file, int line, const char *what)
{
	int number = errno;

	if (right)
		return;
	printf("# %s:%d: %s (%s)\n", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line, what,
	       strerror(number));
	(void)fflush(stdout);
	_exit(1);
}

void skip(const char *why)
{
	printf("# %s\n", why);
	(void)fflush(stdout);
	_exit(SKIPPED);
}

void become(uid_t user, gid_t more)
{
	MUST(setgroups(1, &more) == 0 && setegid(user) == 0 && seteuid(user) == 0);
}

void back(void)
{
	MUST(seteuid(0) == 0 && setegid(0) == 0 && setgroups(0, NULL) == 0);
}

void put(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	MUST(fchmod(fd, mode) == 0 && close(fd) == 0);
}

bool has(const char *name, const char *text)
{
	char bytes[256] = "";
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes) - 1);

	if (fd >= 0)
		(void)close(fd);
	return n == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)n) == 0;
}

mode_t mode_of(const char *name)
{
	struct stat st;

	MUST(lstat(name, &st) == 0);
	return st.st_mode & 07777;
}

bool there(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

pid_t begin(void (*work)(void))
{
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid > 0)
		return pid;
	(void)alarm(LIMIT_SECONDS);
	work();
	(void)fflush(stdout);
	_exit(0);
}

void end(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* One check in a directory of its own. Returns whether it failed. */
static bool one(const struct check *check, unsigned int number)
{
	char directory[32];
	int status;
	pid_t pid;

	(void)snprintf(directory, sizeof(directory), "check-%u", number);
	if (mkdir(directory, 0777) < 0 || chdir(directory) < 0) {
		printf("not ok %u %s: %s\n", number, check->name, strerror(errno));
		return true;
	}
	pid = begin(check->run);
	if (waitpid(pid, &status, 0) != pid || chdir("..") < 0)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		printf("ok %u %s # skip\n", number, check->name);
	else if (status)
		printf("not ok %u %s: status %#x\n", number, check->name, (unsigned int)status);
	else
		printf("ok %u %s\n", number, check->name);
	(void)fflush(stdout);
	return status && !(WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED);
}

/* Take both kinds of lock of a whole file: at once or not at all. */
static int lock_file(const char *name)
{
	struct flock all = {.l_type = F_WRLCK};
	int fd = open(name, O_RDWR | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fcntl(fd, F_SETLK, &all) < 0) {
		perror(name);
		return 1;
	}
	return 0;
}

/* Two names change places, until this is killed. */
static int swap(const char *one, const char *other)
{
	for (;;)
		if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0)
			return 1;
}

int main(int argc, char **argv)
{
	static const struct check *const all[] = {name_checks, owner_checks, listing_checks,
	                                          data_checks, lock_checks};
	unsigned int number = 0;
	bool failed = false;

	if (argc == 3 && strcmp(argv[1], "lock") == 0)
		return lock_file(argv[2]);
	if (argc == 3 && strcmp(argv[1], "hold") == 0) {
		if (lock_file(argv[2]))
			return 1;
		puts("held");
		(void)fflush(stdout);
		return pause();
	}
	if (argc == 4 && strcmp(argv[1], "swap") == 0)
		return swap(argv[2], argv[3]);
	if (argc < 2 || chdir(argv[1]) < 0) {
		(void)fprintf(stderr, "usage: files DIRECTORY [SEED OPERATIONS] | files lock|hold "
		                      "FILE | files swap A B\n");
		return 2;
	}
	if (argc == 4)
		return fsx(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	(void)umask(0);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct check *check = all[i]; check->name; check++)
			failed |= one(check, ++number);
	printf("1..%u\n", number);
	return failed;
}

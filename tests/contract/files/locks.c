/* SPDX-License-Identifier: Apache-2.0 */
/* Locks: of a process, of an open file, of a whole file. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

static int file = -1;
static pid_t parent;

static struct flock range(short type, off_t start, off_t length)
{
	return (struct flock){.l_type = type, .l_start = start, .l_len = length};
}

static int lock(int fd, int how, short type, off_t start, off_t length)
{
	struct flock l = range(type, start, length);

	return fcntl(fd, how, &l);
}

static void open_file(void)
{
	file = open("f", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	MUST(file >= 0);
	parent = getpid();
}

static void refused(int result)
{
	MUST(result < 0 && (errno == EAGAIN || errno == EACCES));
}

static void meet_locks(void)
{
	struct flock l = range(F_WRLCK, 0, 0);

	refused(lock(file, F_SETLK, F_WRLCK, 5, 1));
	refused(lock(file, F_SETLK, F_RDLCK, 0, 0));
	MUST(lock(file, F_SETLK, F_WRLCK, 20, 5) == 0);
	MUST(lock(file, F_SETLK, F_RDLCK, 100, 1) == 0);
	refused(lock(file, F_SETLK, F_WRLCK, 100, 1));
	MUST(fcntl(file, F_GETLK, &l) == 0 && l.l_type == F_WRLCK);
	MUST(l.l_start == 0 && l.l_len == 10 && l.l_pid == parent);
	l = range(F_RDLCK, 50, 10);
	MUST(fcntl(file, F_GETLK, &l) == 0 && l.l_type == F_UNLCK);
}

static void of_processes(void)
{
	open_file();
	MUST(lock(file, F_SETLK, F_WRLCK, 0, 10) == 0);
	MUST(lock(file, F_SETLK, F_RDLCK, 100, 10) == 0);
	end(begin(meet_locks));
	/* what the other had is free again */
	MUST(lock(file, F_SETLK, F_WRLCK, 20, 5) == 0);
	MUST(lock(file, F_SETLK, F_UNLCK, 0, 0) == 0);
}

static void want_all(void)
{
	MUST(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
}

static void split(void)
{
	struct flock l = range(F_WRLCK, 0, 0);

	open_file();
	MUST(lock(file, F_SETLK, F_WRLCK, 0, 100) == 0);
	MUST(lock(file, F_SETLK, F_UNLCK, 40, 20) == 0);
	MUST(lock(file, F_SETLK, F_RDLCK, 0, 10) == 0);
	MUST(fcntl(file, F_GETLK, &l) == 0 &&
	     l.l_type == F_UNLCK); /* its own are in nobody's way */
	MUST(lock(file, F_SETLK, F_UNLCK, 0, 0) == 0);
	end(begin(want_all));
}

static void closes_another(void)
{
	int again = open("f", O_RDWR | O_CLOEXEC);

	/* a process that closes any descriptor of a file has no lock on it any more */
	MUST(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0 && again >= 0 && close(again) == 0);
	end(begin(want_all));
}

static void given_back(void)
{
	open_file();
	end(begin(closes_another));
	end(begin(want_all));
	MUST(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
}

static void wait_and_write(void)
{
	MUST(lock(file, F_SETLKW, F_WRLCK, 0, 0) == 0);
	MUST(pwrite(file, "second", 6, 0) == 6);
}

static void waited_for(void)
{
	char text[8] = "";
	pid_t pid;

	open_file();
	MUST(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
	pid = begin(wait_and_write);
	(void)usleep(200000);
	MUST(pread(file, text, 8, 0) == 0 && pwrite(file, "first", 5, 0) == 5);
	MUST(lock(file, F_SETLK, F_UNLCK, 0, 0) == 0);
	end(pid);
	MUST(pread(file, text, 8, 0) == 6 && memcmp(text, "second", 6) == 0);
}

static void woken(int signal)
{
	(void)signal;
}

static void wait_in_vain(void)
{
	const struct sigaction action = {.sa_handler = woken}; /* without SA_RESTART */

	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	(void)alarm(1);
	FAILS(EINTR, lock(file, F_SETLKW, F_WRLCK, 0, 0));
	FAILS(EAGAIN, lock(file, F_SETLK, F_WRLCK, 0, 0));
}

/* Its driver tells no server of signals (virtio_fs_send_interrupt() of Linux): who waits there can only be killed. */
static bool on_virtiofs(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[4096];
	bool found = false;

	while (mounts && fgets(line, sizeof(line), mounts))
		found = found || strstr(line, " virtiofs ");
	if (mounts)
		(void)fclose(mounts);
	return found;
}

static void interrupted(void)
{
	if (on_virtiofs())
		skip("virtio-fs has no interrupts");
	open_file();
	MUST(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
	end(begin(wait_in_vain));
	MUST(lock(file, F_SETLK, F_UNLCK, 0, 0) == 0);
	end(begin(want_all));
}

static void of_open_files(void)
{
	int again;

	open_file();
	again = open("f", O_RDWR | O_CLOEXEC);
	MUST(again >= 0 && lock(file, F_OFD_SETLK, F_WRLCK, 0, 10) == 0);
	refused(lock(again, F_OFD_SETLK, F_WRLCK, 5, 1));
	refused(lock(again, F_SETLK, F_WRLCK, 5, 1));
	MUST(lock(again, F_OFD_SETLK, F_WRLCK, 10, 1) == 0 && close(again) == 0);
	/* FUSE hears of the last close() of an open file only after the call has returned: so wait for what it held */
	(void)alarm(20);
	MUST(lock(file, F_OFD_SETLKW, F_WRLCK, 10, 1) == 0 && close(file) == 0);
	again = open("f", O_RDWR | O_CLOEXEC);
	MUST(again >= 0 && lock(again, F_OFD_SETLKW, F_WRLCK, 0, 0) == 0);
	(void)alarm(0);
}

static void hold_whole(void)
{
	int own = open("f", O_RDONLY | O_CLOEXEC);

	MUST(own >= 0 && flock(own, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	MUST(flock(own, LOCK_EX) == 0);
}

static void of_files(void)
{
	int again, copy;
	pid_t pid;

	open_file();
	again = open("f", O_RDONLY | O_CLOEXEC);
	MUST(again >= 0 && flock(file, LOCK_SH) == 0 && flock(again, LOCK_SH) == 0);
	MUST(flock(again, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	MUST(flock(file, LOCK_UN) == 0 && flock(again, LOCK_EX | LOCK_NB) == 0);
	MUST(flock(file, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	/* it is the open file's: a copy of the descriptor has it too */
	copy = fcntl(again, F_DUPFD_CLOEXEC, 0);
	MUST(copy >= 0 && close(again) == 0);
	MUST(flock(file, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	pid = begin(hold_whole);
	(void)usleep(200000);
	MUST(flock(copy, LOCK_UN) == 0);
	end(pid);
	MUST(flock(file, LOCK_EX | LOCK_NB) == 0 && close(copy) == 0);
}

/* For the host's process that holds a lock on a file meanwhile: see files.bats. */
static void of_the_host(void)
{
	int fd = open("../held", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		skip("nobody holds a lock out there");
	refused(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	MUST(flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
}

const struct check lock_checks[] = {
	{"locks of a process are in others' way",                of_processes },
	{"a part of a lock can be given back, or made weaker",   split        },
	{"who closes a file, or ends, gives his locks back",     given_back   },
	{"who waits for a lock gets it when it is free",         waited_for   },
	{"who waits for a lock can be interrupted",              interrupted  },
	{"locks of an open file are that file's",                of_open_files},
	{"a lock of a whole file, shared or not",                of_files     },
	{"locks that others have outside are in the way inside", of_the_host  },
	{NULL,						   NULL         }
};

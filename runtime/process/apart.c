/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/own.h"
#include "base/process.h"

#include "parts.h"

static _Noreturn void be_apart(int (*work)(const void *data, int file, struct error *err),
                               const void *data, int file, int reason, unsigned int seconds)
{
	const struct rlimit time = {seconds, seconds + 1};
	struct error why = {0};
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGXCPU);
	if (signal(SIGXCPU, SIG_DFL) == SIG_ERR || sigprocmask(SIG_UNBLOCK, &ends, NULL) < 0 ||
	    setrlimit(RLIMIT_CPU, &time) < 0)
		(void)fail_errno(&why, "process", "limit the time");
	else if (work(data, file, &why) == 0)
		_exit(0);
	_exit(write(reason, &why, sizeof(why)) < 0 ? 2 : 1);
}

/* What the child says before it ends: nothing, when all went well.
 * Returns  whether there was something. */
static bool hear(int reason, struct error *err)
{
	ssize_t n;

	do
		n = read(reason, err, sizeof(*err));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*err);
}

int apart(int (*work)(const void *data, int file, struct error *err), const void *data,
          unsigned int seconds, int *ret_file, struct error *err)
{
	owned_fd file = memfd_create("apart", MFD_CLOEXEC), ours = -1, theirs = -1;
	int ends[2], status;
	bool failed;
	pid_t pid;

	if (file < 0)
		return fail_errno(err, "process", "memfd_create");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, "process", "pipe");
	ours = ends[0];
	theirs = ends[1];
	pid = process_clone(0, -1, NULL, err);
	if (pid < 0)
		return -1;
	if (pid == 0)
		be_apart(work, data, file, theirs, seconds);
	(void)close(take_fd(&theirs));
	failed = hear(ours, err);
	status = process_wait(pid, failed ? &(struct error){0} : err);
	if (failed || status < 0)
		return -1;
	if (status != 0) {
		(void)fail(err, ERROR_SYSTEM, "", "was ended by signal %d", status - 128);
		err->errnum = status == 128 + SIGXCPU ? ETIME : 0;
		return -1;
	}
	*ret_file = take_fd(&file);
	return 0;
}

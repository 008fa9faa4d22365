/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fd.h"
#include "helper.h"
#include "own.h"
#include "process.h"
#include "signals.h"

enum { NOT_PREPARED = 126 };

struct ends {
	int answer, said;
	pid_t parent;
};

__attribute__((noreturn)) static void child(char *const *args, const struct helper_options *options,
                                            const struct ends *ends)
{
	struct error ignored;

	if ((options->input != STDIN_FILENO && dup2(options->input, STDIN_FILENO) < 0) ||
	    dup2(ends->answer, STDOUT_FILENO) < 0 || dup2(ends->said, STDERR_FILENO) < 0)
		_exit(NOT_PREPARED);
	/* one whose caller has ended before the signal was asked for would stay */
	if (options->ends_with_caller &&
	    (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != ends->parent))
		_exit(NOT_PREPARED);
	if (fd_cloexec_from(3, &ignored) < 0)
		_exit(NOT_PREPARED);
	signals_reset();
	if (options->path)
		(void)execve(options->path, args, environ);
	else
		(void)execvp(args[0], args);
	_exit(HELPER_NOT_RUN);
}

int helper_start(char *const *args, const struct helper_options *options, struct helper *ret,
                 struct error *err)
{
	owned_fd answer = -1, answer_end = -1, said = -1, said_end = -1;
	struct ends ends = {.parent = getpid()};
	int both[2];

	if (pipe2(both, O_CLOEXEC) < 0)
		return fail_errno(err, args[0], "pipe");
	answer = both[0];
	answer_end = both[1];
	if (options->errors_apart) {
		if (pipe2(both, O_CLOEXEC) < 0)
			return fail_errno(err, args[0], "pipe");
		said = both[0];
		said_end = both[1];
	}
	ends.answer = answer_end;
	ends.said = options->errors_apart ? said_end : answer_end;
	ret->pid = process_clone(0, -1, NULL, err);
	if (ret->pid < 0)
		return -1;
	if (ret->pid == 0)
		child(args, options, &ends);
	ret->answer = take_fd(&answer);
	ret->said = take_fd(&said);
	return 0;
}

bool helper_line(int fd, char *line, size_t size)
{
	size_t length = 0;
	char c = '\0';
	ssize_t n;

	while ((n = read(fd, &c, 1)) != 0 && c != '\n') {
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && length < size - 1)
			line[length++] = c;
	}
	line[length] = '\0';
	return length > 0 || n > 0;
}

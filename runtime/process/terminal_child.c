/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "parts.h"

int process_apply_terminal(const struct process_plan *plan, int slave, struct error *err)
{
	struct winsize size = {.ws_row = plan->rows, .ws_col = plan->columns};

	if (setsid() < 0)
		return fail_errno(err, "process", "setsid");
	if (slave < 0)
		return 0;
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return fail_errno(err, "process.terminal", "TIOCSCTTY");
	if ((plan->rows || plan->columns) && ioctl(slave, TIOCSWINSZ, &size) < 0)
		return fail_errno(err, "process.consoleSize", "TIOCSWINSZ");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(slave, fd) < 0)
			return fail_errno(err, "process.terminal", "dup2");
	if (slave > STDERR_FILENO)
		(void)close(slave);
	return 0;
}

static bool is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

bool process_has_null(void)
{
	return is_null(STDIN_FILENO) || is_null(STDOUT_FILENO) || is_null(STDERR_FILENO);
}

int process_apply_null(int null, struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (is_null(fd) && dup2(null, fd) < 0)
			return fail_errno(err, "process", "dup2");
	return 0;
}

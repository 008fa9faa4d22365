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

void stream_look(const struct process_plan *plan, int fd, struct host_stream *ret)
{
	struct stat st;

	*ret = plan->streams[fd];
	if (ret->mode && !plan->terminal) /* which takes the place of all that was known */
		return;
	*ret = (struct host_stream){0};
	if (fstat(fd, &st) == 0)
		*ret = (struct host_stream){st.st_mode, st.st_rdev, st.st_uid};
}

static bool is_null(const struct process_plan *plan, int fd)
{
	struct host_stream is;

	stream_look(plan, fd, &is);
	return S_ISCHR(is.mode) && is.device == makedev(1, 3);
}

bool process_has_null(const struct process_plan *plan)
{
	return is_null(plan, STDIN_FILENO) || is_null(plan, STDOUT_FILENO) ||
	       is_null(plan, STDERR_FILENO);
}

int process_apply_null(const struct process_plan *plan, int null, struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (is_null(plan, fd) && dup2(null, fd) < 0)
			return fail_errno(err, "process", "dup2");
	return 0;
}

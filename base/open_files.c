/* SPDX-License-Identifier: Apache-2.0 */
#include "open_files.h"

static struct rlimit before;
static bool raised;

void open_files_raise(void)
{
	struct rlimit more;

	if (getrlimit(RLIMIT_NOFILE, &before) < 0)
		return;
	more = before;
	if (more.rlim_max < OPEN_FILES_ENOUGH)
		more.rlim_max = OPEN_FILES_ENOUGH;
	more.rlim_cur = more.rlim_max;
	raised = setrlimit(RLIMIT_NOFILE, &more) == 0;
	if (raised)
		return;
	more.rlim_cur = more.rlim_max = before.rlim_max; /* without the right to more */
	raised = setrlimit(RLIMIT_NOFILE, &more) == 0;
}

bool open_files_before(struct rlimit *ret)
{
	if (raised)
		*ret = before;
	return raised;
}

void open_files_restore(void)
{
	if (raised)
		(void)setrlimit(RLIMIT_NOFILE,
		                &before); /* lower than it is: nothing can forbid that */
}

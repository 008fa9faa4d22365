/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "base/text.h"

#include "parts.h"

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static const char *search_path(const struct process_plan *plan)
{
	for (char **v = plan->env; *v; v++)
		if (text_begins(*v, "PATH="))
			return *v + strlen("PATH=");
	return default_path;
}

/* 0, or an errno as execve(2) would give it. */
static int try(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return sys_faccessat2(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* Why it may not be executed, as far as a look tells. */
static const char *hint(const char *path)
{
	struct stat st;
	struct statvfs where;

	if (stat(path, &st) < 0)
		return "";
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? ": it is a directory" : ": it is no regular file";
	if (!(st.st_mode & 0111))
		return ": no x is set in its mode";
	if (statvfs(path, &where) == 0 && (where.f_flag & ST_NOEXEC))
		return ": what it is on is mounted noexec";
	return "";
}

/* The engines know these by their words. */
static int refuse(const char *program, int errnum, struct error *err)
{
	static const struct {
		int errnum;
		const char *words;
	} known[] = {
		{ENOENT, "no such file or directory"},
		{EACCES, "permission denied"        },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].errnum == errnum) {
			(void)fail(err, ERROR_CONFIG, program, "exec: %s%s", known[i].words,
			           errnum == EACCES && strchr(program, '/') ? hint(program) : "");
			err->errnum = errnum;
			return -1;
		}
	errno = errnum;
	return fail_errno(err, program, "exec");
}

static int search(const struct process_plan *plan, char *found, size_t size, struct error *err)
{
	const char *program = plan->args[0];
	bool denied = false;

	for (const char *dir = search_path(plan), *end; dir; dir = *end ? end + 1 : NULL) {
		int length, n, errnum;

		end = strchrnul(dir, ':');
		length = (int)(end - dir);
		/* an empty part is the working directory, as execvp(3) has it */
		n = snprintf(found, size, "%.*s%s%s", length, dir, length ? "/" : "./", program);
		if (n < 0 || (size_t)n >= size)
			continue;
		errnum = try(found);
		if (errnum == 0)
			return 0;
		denied = denied || errnum == EACCES;
	}
	if (denied)
		return refuse(program, EACCES, err);
	(void)fail(err, ERROR_CONFIG, program, "executable file not found in $PATH");
	err->errnum = ENOENT;
	return -1;
}

int process_find(const struct process_plan *plan, char *found, size_t size, struct error *err)
{
	const char *program = plan->args[0];
	int errnum;

	if (!strchr(program, '/'))
		return search(plan, found, size, err);
	if (strlen(program) >= size)
		return refuse(program, ENAMETOOLONG, err);
	errnum = try(program);
	if (errnum)
		return refuse(program, errnum, err);
	memcpy(found, program, strlen(program) + 1);
	return 0;
}

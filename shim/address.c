/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/own.h"

#include "address.h"

enum { ADDRESS_MOST = 256 };

static const char scheme[] = "unix://";

static int make(const char *path, struct error *err)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail_errno(err, path, "mkdir");
	if (lstat(path, &st) < 0)
		return fail_errno(err, path, "stat");
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return fail(err, ERROR_STATE, path,
		            "expected a directory of our own that nobody else may enter");
	return 0;
}

int shim_directory(struct text *path, struct error *err)
{
	const char *runtime_dir = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");

	if (!runtime_dir || runtime_dir[0] != '/')
		return fail(err, ERROR_USAGE, "XDG_RUNTIME_DIR", "is needed by a plain user");
	text_format(path, "%s/cella-shim", runtime_dir);
	return text_check(path, err) < 0 ? -1 : make(path->bytes, err);
}

int address_directory(struct text *path, struct error *err)
{
	if (shim_directory(path, err) < 0)
		return -1;
	text_append(path, "/sockets");
	return text_check(path, err) < 0 ? -1 : make(path->bytes, err);
}

bool address_read(const char *bundle, struct text *ret)
{
	owned_text struct text path = {0};
	char line[ADDRESS_MOST];
	struct error ignored;

	text_format(&path, "%s/address", bundle);
	if (text_check(&path, &ignored) < 0 ||
	    fd_read_line(AT_FDCWD, path.bytes, line, sizeof(line), &ignored) < 0 ||
	    !text_begins(line, scheme))
		return false;
	text_append(ret, line);
	return text_check(ret, &ignored) == 0;
}

bool address_is_served(const char *address)
{
	struct error ignored;
	owned_fd fd = fdpass_connect(address + strlen(scheme), &ignored);

	return fd >= 0;
}

void address_remove_stale(const char *address)
{
	owned_text struct text directory = {0};
	struct error ignored;
	const char *path = address + strlen(scheme);

	if (address_directory(&directory, &ignored) == 0 && text_begins(path, directory.bytes) &&
	    !address_is_served(address))
		(void)unlink(path);
}

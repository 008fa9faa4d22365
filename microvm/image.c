/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine boots with comes from cella-image, which makes it once and keeps it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "base/program.h"
#include "base/text.h"

#include "parts.h"

enum { WORDS = 8, ANSWER_BYTES = PATH_MAX + 512, COPY_BYTES = 1 << 20 };

static const char program[] = "cella-image";

/* What it says of its progress is for whoever waits; its last line otherwise is why it failed. */
static void hear(int said, char *why, size_t size)
{
	static const char going_on[] = "\xe2\x80\xa6"; /* an ellipsis */
	static const char name[] = "cella-image: ";
	char line[ANSWER_BYTES];

	while (helper_line(said, line, sizeof(line))) {
		if (text_ends(line, going_on))
			log_warning("%s", line);
		else if (text_begins(line, name))
			(void)snprintf(why, size, "%.*s", (int)size - 1, line + strlen(name));
	}
}

static int run(char *const *args, char *line, size_t size, struct error *err)
{
	char why[sizeof(err->reason)] = "cella-image could not be run", path[PATH_MAX];
	const struct helper_options options = {.path = path, .errors_apart = true};
	owned_fd answer = -1, said = -1;
	struct helper helper;
	int status;

	if (program_helper(program, path, sizeof(path), err) < 0 ||
	    helper_start(args, &options, &helper, err) < 0)
		return -1;
	answer = helper.answer;
	said = helper.said;
	hear(said, why, sizeof(why));
	(void)helper_line(answer, line, size);
	status = process_wait(helper.pid, err);
	if (status < 0)
		return -1;
	if (status > 0 || *line != '/')
		return fail(err, ERROR_SYSTEM, "vm.kernel", "%s", why);
	return 0;
}

static int open_part(const char *folder, const char *name, int *ret, struct error *err)
{
	owned_fd dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	owned_fd fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)fail_errno(err, name, "open");
		return error_within(err, "%s", folder);
	}
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return fail(err, ERROR_SYSTEM, folder, "others can write to its %s: not used",
		            name);
	*ret = take_fd(&fd);
	return 0;
}

/* ---- what the config adds ---- */

/* Append a file, and zeros up to a multiple of four: where the next archive may begin. */
static int append(int to, int from, const char *name, struct error *err)
{
	static const char zeros[4];
	off_t at = 0;
	ssize_t n;

	while ((n = sendfile(to, from, &at, COPY_BYTES)) != 0)
		if (n < 0 && errno != EINTR)
			return fail_errno(err, name, "read");
	if (write(to, zeros, (size_t)(-at & 3)) < 0)
		return fail_errno(err, name, "copy");
	return 0;
}

/* The kernel unpacks one archive after the other; so the agent of the last one is what it runs. Spec: the kernel's
 * initramfs buffer format. */
static int put_in_front(const char *path, int *initramfs, struct error *err)
{
	static const char name[] = "vm.kernel.initrd";
	owned_fd first = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), both = -1;
	struct stat st;

	if (first < 0 || fstat(first, &st) < 0)
		return fail(err, ERROR_CONFIG, name, "'%s': %s", path, strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode))
		return fail(err, ERROR_CONFIG, name, "'%s' is no file", path);
	both = memfd_create("initramfs", MFD_CLOEXEC);
	if (both < 0)
		return fail_errno(err, name, "memfd_create");
	if (append(both, first, name, err) < 0 || append(both, *initramfs, name, err) < 0)
		return -1;
	(void)close(*initramfs);
	*initramfs = take_fd(&both);
	return 0;
}

int image_open(const struct spec *spec, struct arena *arena, struct image *ret, struct error *err)
{
	char *args[WORDS], answer[ANSWER_BYTES];
	size_t n = 0;

	args[n++] = arena_text(arena, program);
	if (spec->vm.kernel_path) {
		args[n++] = arena_text(arena, "--kernel");
		args[n++] = arena_text(arena, spec->vm.kernel_path);
	}
	args[n] = NULL;
	if (arena_check(arena, err) < 0 || run(args, answer, sizeof(answer), err) < 0 ||
	    open_part(answer, "kernel", &ret->kernel, err) < 0)
		return -1;
	if (open_part(answer, "initramfs", &ret->initramfs, err) == 0 &&
	    (!spec->vm.kernel_initrd ||
	     put_in_front(spec->vm.kernel_initrd, &ret->initramfs, err) == 0))
		return 0;
	fd_release(&ret->initramfs);
	fd_release(&ret->kernel);
	return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An image takes the place of root.path. That one must then be an empty directory: what were in it would be asked for
 * and not be there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "parts.h"

static const char object[] = "vm.image";

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static int check_empty(const char *path, struct error *err)
{
	OWNED(close_dir) DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return fail(err, ERROR_CONFIG, "root.path", "'%s': %s", path,
		            strerrordesc_np(errno));
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return fail(err, ERROR_UNSUPPORTED, object,
			            "holds the container's root file system: root.path must be an "
			            "empty directory, but it has '%s' in it",
			            entry->d_name);
	return 0;
}

int disk_check(const struct spec *spec, struct error *err)
{
	if (!spec->vm.image_path)
		return 0;
	if (strcmp(spec->vm.image_format, "raw") != 0)
		return fail(err, ERROR_UNSUPPORTED, "vm.image.format",
		            "must be 'raw': 'qemu-img convert -O raw' makes such an image of a %s",
		            spec->vm.image_format);
	return check_empty(spec->root_path, err);
}

void disk_close(struct disk *disk)
{
	fd_release(&disk->image);
	fd_release(&disk->overlay);
}

/* A file without a name beside the image; where there can't be one, memory, which counts for the container. */
static int make_overlay(const char *image, struct error *err)
{
	const char *slash = strrchr(image, '/');
	char folder[PATH_MAX];
	int fd;

	(void)snprintf(folder, sizeof(folder), "%.*s", slash > image ? (int)(slash - image) : 1,
	               image);
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	log_debug("%s: nothing can be kept in '%s' (%s): what is written is kept in memory", object,
	          folder, strerrordesc_np(errno));
	fd = memfd_create("cella-disk", MFD_CLOEXEC);
	return fd < 0 ? fail_errno(err, object, "memfd_create") : fd;
}

int disk_open(const struct spec *spec, struct disk *ret, struct error *err)
{
	const char *path = spec->vm.image_path;
	owned_fd image = -1;
	struct stat st;

	if (!path)
		return 0;
	image = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (image < 0 || fstat(image, &st) < 0)
		return fail(err, ERROR_CONFIG, "vm.image.path", "'%s': %s", path,
		            strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return fail(err, ERROR_CONFIG, "vm.image.path",
		            "'%s' is neither a file nor a block device", path);
	if (!spec->root_readonly) {
		ret->overlay = make_overlay(path, err);
		if (ret->overlay < 0)
			return -1;
	}
	ret->image = take_fd(&image);
	return 0;
}

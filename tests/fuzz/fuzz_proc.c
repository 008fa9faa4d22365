/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc, and passwd(5) of an image, whose readers are no door of their room: so the files themselves stand
 * here. The first byte says which one. */
#include <sys/mman.h>

#include "base/process.c"
#include "cgroups/tree.c"
#include "runtime/process/environment_child.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_status(char *line)
{
	uint64_t flags;
	const char *end = line + strlen(line), *state = stat_field(line, STAT_STATE);

	if (state && (state <= line || state >= end))
		abort();
	(void)stat_number(line, STAT_FLAGS, &flags);
}

static void read_mountinfo(char *line)
{
	char *end = line + strlen(line);
	const char *point = mount_point(line);

	if (point && (point < line || point > end))
		abort();
}

/* What is read in a small window is what a line of its own says. */
static void read_passwd(const uint8_t *data, size_t size)
{
	static int file = -1;
	struct window w = {0};
	char *line;

	if (file < 0)
		file = memfd_create("passwd", MFD_CLOEXEC);
	if (ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size ||
	    lseek(file, 0, SEEK_SET) < 0)
		return;
	w.file = file;
	while ((line = next_line(&w))) {
		const char *home = home_in_line(line, 1000);

		if (home && (*home != '/' || strlen(home) > LINE_SIZE))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[2048];

	if (size < 1)
		return 0;
	if (data[0] % 3 == 2) {
		read_passwd(data + 1, size - 1);
		return 0;
	}
	if (size > sizeof(line))
		return 0;
	memcpy(line, data + 1, size - 1);
	line[size - 1] = '\0';
	if (data[0] % 3 == 0)
		read_status(line);
	else
		read_mountinfo(line);
	return 0;
}

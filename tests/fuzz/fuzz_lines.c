/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json_read.h"
#include "cgroups/lines.h"

/* Read any bytes as each kind of file of a cgroup. What is accepted must be JSON when it is written. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_json(const struct stats *stats, struct arena *arena)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	const struct json *top;
	struct error err;

	stats_write(&w, NULL, stats);
	if (text_check(&out, &err) < 0)
		abort();
	/* two counters of one name are what json_read() refuses and no kernel writes */
	if (json_read("stats", out.bytes, out.length, arena, &top, &err) < 0 &&
	    !strstr(err.reason, "twice"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[32];
	static int file = -1;
	owned_arena struct arena *arena = arena_new(64 << 20);
	struct stats stats = {.cpu.set = true,
	                      .memory.set = true,
	                      .pids.set = true,
	                      .io.set = true};
	struct error err;

	if (file < 0) {
		file = memfd_create("lines", MFD_CLOEXEC);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	if (!arena || ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size)
		return 0;
	if (lines_number(AT_FDCWD, path, arena, &stats.pids.current, &err) == 0 ||
	    lines_counters(AT_FDCWD, path, arena, &stats.memory.raw, &err) <= 0 ||
	    lines_pressure(AT_FDCWD, path, arena, &stats.cpu.pressure, &err) == 0)
		abort();
	if (lines_io(AT_FDCWD, path, arena, &stats.io.bytes, &stats.io.requests, &err) < 0)
		stats.io.bytes.count = stats.io.requests.count = 0;
	must_be_json(&stats, arena);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "limits.h"

enum { VALUE_SIZE = 4096, UNDO_LIMIT = 16 << 20 };

/* A value whose first word is to be kept gets the one that the file has. */
static int complete(int dir, const struct cgroup_write *write, char *value, struct error *err)
{
	size_t length = 0;
	int filled;

	if (text_begins(write->value, CGROUP_KEEP)) {
		if (fd_read_small(dir, write->file, value, VALUE_SIZE, err) < 0)
			return -1;
		length = strcspn(value, " \n");
	}
	filled = snprintf(value + length, VALUE_SIZE - length, "%s",
	                  write->value + (length ? strlen(CGROUP_KEEP) : 0));
	if (filled < 0 || (size_t)filled >= VALUE_SIZE - length)
		return fail(err, ERROR_CONFIG, write->file, "a value has at most %d bytes",
		            VALUE_SIZE - 1);
	return 0;
}

/* A file that is not there: most often nobody handed its controller down to this cgroup. */
static int explain_missing(int dir, const struct cgroup_write *write, struct error *err)
{
	size_t length = strcspn(write->file, ".");
	char have[256];
	struct error ignored;

	if (fd_read_small(dir, "cgroup.controllers", have, sizeof(have), &ignored) < 0 ||
	    limits_has_word(have, write->file, length) || text_begins(write->file, "cgroup."))
		return error_within(err, "%s", write->member);
	return fail(err, ERROR_UNSUPPORTED, write->member,
	            "the %.*s controller is not handed down to this cgroup", (int)length,
	            write->file);
}

/* With BFQ's default the kernel forgets the weights of devices: they are said again. */
static int write_default(int dir, const char *file, const char *value, struct error *err)
{
	char before[VALUE_SIZE] = "";
	char *save = NULL;
	struct error ignored;

	if (fd_read_small(dir, file, before, sizeof(before), &ignored) < 0)
		before[0] = '\0'; /* the write will say it */
	if (fd_write_file(dir, file, value, err) < 0)
		return -1;
	for (char *line = strtok_r(before, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strchr(line, ':') && fd_write_file(dir, file, line, err) < 0)
			return -1;
	return 0;
}

static int write_value(int dir, const char *file, const char *value, struct error *err)
{
	if (strcmp(file, "io.bfq.weight") == 0 && !strchr(value, ':'))
		return write_default(dir, file, value, err);
	return fd_write_file(dir, file, *value ? value : "\n", err);
}

/* Returns  1 when it is written, 0 when the file is not there and need not be, -1 and *err. */
static int write_one(int dir, const struct cgroup_write *write, struct error *err)
{
	char value[VALUE_SIZE];

	if (complete(dir, write, value, err) == 0 && write_value(dir, write->file, value, err) == 0)
		return 1;
	if (err->errnum != ENOENT)
		return error_within(err, "%s", write->member);
	if (write->kind == CGROUP_WRITE_IF_THERE)
		return 0;
	return explain_missing(dir, write, err);
}

int limits_write(int dir, const struct cgroup_writes *writes, struct error *err)
{
	int written = 0;

	for (size_t i = 0; i < writes->count; i++) {
		const struct cgroup_write *write = &writes->item[i];

		if (write->kind == CGROUP_WRITE_ELSE && written)
			continue;
		written = write_one(dir, write, err);
		if (written < 0)
			return -1;
	}
	return 0;
}

/* ---- all or none ---- */

/* Files with a line for each device, and the line of a device that is not limited. */
static const struct {
	const char *file, *unlimited;
} keyed[] = {
	{"io.max",        "rbps=max wbps=max riops=max wiops=max"},
	{"io.weight",     "default"                              },
	{"io.bfq.weight", "default"                              },
	{"rdma.max",      "hca_handle=max hca_object=max"        },
};

static const char *unlimited_of(const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(keyed); i++)
		if (strcmp(keyed[i].file, file) == 0)
			return keyed[i].unlimited;
	return NULL;
}

/* What brings back what a file says now about the thing that is to be written. */
static const char *former(int dir, const struct cgroup_write *write, struct arena *arena)
{
	const char *unlimited = unlimited_of(write->file);
	const char *value = write->value + strspn(write->value, " \t\n");
	size_t key = strcspn(value, " \t");
	char now[VALUE_SIZE];
	struct error ignored;

	if (fd_read_small(dir, write->file, now, sizeof(now), &ignored) < 0)
		return NULL; /* the write will say it */
	if (!unlimited) {
		now[strcspn(now, "\n")] = '\0';
		return arena_text(arena, now);
	}
	for (const char *line = now; *line; line += strspn(line, "\n")) {
		size_t length = strcspn(line, "\n");

		if (length > key && memcmp(line, value, key) == 0 && line[key] == ' ')
			return arena_text_n(arena, line, length);
		line += length;
	}
	return arena_format(arena, "%.*s %s", (int)key, value, unlimited);
}

static void bring_back(int dir, const struct cgroup_writes *writes, const char *const *values,
                       size_t count)
{
	for (size_t i = count; i-- > 0;) {
		const char *value = values[i];
		struct error dropped;

		if (value && write_value(dir, writes->item[i].file, value, &dropped) < 0 &&
		    dropped.errnum != ENOENT && dropped.errnum != ENODEV) /* the cgroup is gone */
			log_dropped("after an update that failed", &dropped);
	}
}

/* memory.max below what is in use ends processes: some want to be asked. */
static int check_memory(int dir, const struct cgroup_writes *writes, struct error *err)
{
	char now[32];
	uint64_t limit, used;

	for (size_t i = 0; i < writes->count; i++) {
		if (strcmp(writes->item[i].file, "memory.max") != 0 ||
		    !text_to_u64(writes->item[i].value, &limit))
			continue;
		if (fd_read_line(dir, "memory.current", now, sizeof(now), err) < 0)
			return -1;
		if (text_to_u64(now, &used) && limit < used)
			return fail(
				err, ERROR_STATE, writes->item[i].member,
				"%s is less than the %s bytes in use, and checkBeforeUpdate is set",
				writes->item[i].value, now);
	}
	return 0;
}

int limits_replace(int dir, const struct cgroup_writes *writes, bool memory_check,
                   const struct limits_last *last, struct error *err)
{
	owned_arena struct arena *arena = arena_new(UNDO_LIMIT);
	const char **values = arena ? arena_alloc(arena, writes->count + 1, sizeof(*values)) : NULL;
	int written = 0;

	if (memory_check && check_memory(dir, writes, err) < 0)
		return -1;
	if (!values)
		return fail(err, ERROR_SYSTEM, "linux.resources", "out of memory");
	for (size_t i = 0; i < writes->count; i++) {
		const struct cgroup_write *write = &writes->item[i];

		if (write->kind == CGROUP_WRITE_ELSE && written)
			continue;
		values[i] = former(dir, write, arena);
		written = write_one(dir, write, err);
		if (written < 0) {
			bring_back(dir, writes, values, i); /* what the kernel refuses it leaves */
			return -1;
		}
	}
	if (!last || last->run(last->data, err) == 0)
		return 0;
	bring_back(dir, writes, values, writes->count);
	return -1;
}

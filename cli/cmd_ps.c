/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"

#include "command.h"
#include "report.h"

struct ps_flags {
	int format;
};

static const struct option_row rows[] = {
	{"format", 'f', "FORMAT", "table or json",
         WORD_AT(struct ps_flags, format, output_formats)},
};

static const char *const heading[] = {"PID", "PPID", "USER", "COMMAND"};

enum { PATH_SIZE = 64, STATUS_SIZE = 2048, COMMAND_SIZE = 1024 };

/* The first word behind "\nKEY:\t" of /proc/PID/status; "?" where it is missing. */
static void copy_field(const char *status, const char *key, char *value, size_t size)
{
	const char *found = strstr(status, key);
	size_t length = 0;

	if (found) {
		found += strlen(key);
		found += strspn(found, " \t");
		length = strcspn(found, " \t\n");
	}
	if (length == 0 || length >= size) {
		found = "?";
		length = 1;
	}
	memcpy(value, found, length);
	value[length] = '\0';
}

/* The command line with blanks between its words; "[name]" for what has none.
 * Returns  false when the process has gone. */
static bool read_command(pid_t pid, const char *name, char *command, size_t size)
{
	char path[PATH_SIZE];
	struct error gone;
	ssize_t length;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	length = fd_read_small(AT_FDCWD, path, command, size, &gone);
	if (length < 0)
		return false;
	while (length > 0 && !command[length - 1])
		length--;
	for (ssize_t i = 0; i < length; i++)
		if (!command[i])
			command[i] = ' ';
	if (length == 0)
		(void)snprintf(command, size, "[%s]", name);
	return true;
}

/* A process that has ended meanwhile is left out. */
static void add_process(struct report *report, pid_t pid)
{
	char path[PATH_SIZE], number[16], parent[16], user[16], name[64];
	char status[STATUS_SIZE], command[COMMAND_SIZE];
	struct error gone;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	if (fd_read_small(AT_FDCWD, path, status, sizeof(status), &gone) < 0)
		return;
	copy_field(status, "Name:", name, sizeof(name));
	copy_field(status, "\nPPid:", parent, sizeof(parent));
	copy_field(status, "\nUid:", user, sizeof(user));
	if (!read_command(pid, name, command, sizeof(command)))
		return;
	report_add(report, number);
	report_add(report, parent);
	report_add(report, user);
	report_add(report, command);
}

static int print_table(const pid_t *pids, size_t count, struct arena *arena, struct text *out,
                       struct error *err)
{
	struct report report = {.arena = arena, .columns = ARRAY_SIZE(heading)};

	for (size_t i = 0; i < report.columns; i++)
		report_add(&report, heading[i]);
	for (size_t i = 0; i < count; i++)
		add_process(&report, pids[i]);
	return report_print(&report, out, err);
}

static void print_json(const pid_t *pids, size_t count, struct text *out)
{
	struct json_writer w = {.out = out};

	json_open(&w, NULL, '[');
	for (size_t i = 0; i < count; i++)
		json_i64(&w, NULL, pids[i]);
	json_close(&w);
	text_append(out, "\n");
}

static int run(struct call *call, struct error *err)
{
	const struct ps_flags *f = call->flags;
	owned_container struct container *c = NULL;
	owned_text struct text out = {0};
	pid_t *pids = NULL;
	size_t count = 0;

	if (container_open(call->rt, call->operands[0], false, &c, err) < 0 ||
	    container_processes(c, &pids, &count, err) < 0)
		return -1;
	if (f->format == FORMAT_JSON)
		print_json(pids, count, &out);
	else if (print_table(pids, count, call->arena, &out, err) < 0)
		return -1;
	return report_write(&out, err);
}

const struct command ps_command = {
	.name = "ps",
	.operands = "CONTAINER",
	.summary = "Print the processes of a container by their pids on the host",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella ps web\n"
		    "cella ps --format json web  # pids only\n",
	.operands_least = 1,
	.operands_most = 1,
	.flags_size = sizeof(struct ps_flags),
	.run = run,
};

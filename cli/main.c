/* SPDX-License-Identifier: Apache-2.0 */
/* Options in front, the command, its own options; the one place that prints an error and that ends
 * the program. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/open_files.h"
#include "base/own.h"
#include "base/program.h"
#include "base/table.h"
#include "base/text.h"
#include "base/version.h"

#include "command.h"
#include "help.h"
#include "options.h"
#include "report.h"

enum { ARENA_LIMIT = 64 << 20 };

/* As crun and runc print theirs: engines read it. */
static const char version[] = "cella version " CELLA_VERSION "\n"
			      "commit: " CELLA_COMMIT "\n"
			      "spec: 1.3.0\n"
			      "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +YAJL\n";

/* A descriptor below 3 that is closed would be given to the next file we open. The same call refuses to look at more
 * descriptors than we may have: so it costs nothing to ask whether these are too few. */
static int open_stdio(struct error *err)
{
	struct pollfd all[OPEN_FILES_ENOUGH];

	for (int i = 0; i < OPEN_FILES_ENOUGH; i++)
		all[i] = (struct pollfd){.fd = i <= STDERR_FILENO ? i : -1};
	/* asks nothing but which of them are not open */
	if (poll(all, ARRAY_SIZE(all), 0) < 0 && errno == EINVAL) {
		open_files_raise();
		(void)poll(all, STDERR_FILENO + 1, 0);
	}
	for (int i = 0; i <= STDERR_FILENO; i++)
		if ((all[i].revents & POLLNVAL) && open("/dev/null", O_RDWR) < 0)
			return fail_errno(err, "/dev/null", "open");
	return 0;
}

static int print_text(const char *bytes, struct error *err)
{
	return fd_write_whole(STDOUT_FILENO, "stdout", bytes, strlen(bytes), err);
}

static int print_help(const struct command *command, struct error *err)
{
	owned_text struct text out = {0};

	if (command)
		help_command(command, &out);
	else
		help_program(global_options, global_options_count, commands, &out);
	return report_write(&out, err);
}

static int open_log(const struct global_flags *g, struct error *err)
{
	enum log_level level = g->log_level ? (enum log_level)(g->log_level - 1) : LOG_WARNING;

	if (log_open(g->log, (enum log_format)g->log_format, g->debug ? LOG_DEBUG : level, err) < 0)
		return error_within(err, "--log");
	return 0;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* A word as errors name it. */
static const char *shown(const char *word)
{
	return *word ? word : "''";
}

static int fail_unknown_command(const char *word, struct arena *arena, struct error *err)
{
	const char **names;
	const char *nearest;
	size_t count = 0;

	while (commands[count])
		count++;
	names = arena_alloc(arena, count, sizeof(*names));
	if (!names)
		return arena_check(arena, err);
	for (size_t i = 0; i < count; i++)
		names[i] = commands[i]->name;
	nearest = options_nearest(word, names, count);
	if (nearest)
		return fail(err, ERROR_USAGE, shown(word),
		            "unknown command; did you mean %s? try 'cella --help'", nearest);
	return fail(err, ERROR_USAGE, shown(word), "unknown command; try 'cella --help'");
}

static int check_operands(const struct command *command, const struct option_output *line,
                          struct error *err)
{
	if (line->operands_count < command->operands_least)
		return fail(err, ERROR_USAGE, command->name, "expected %s; try 'cella %s --help'",
		            command->operands, command->name);
	if (line->operands_count > command->operands_most)
		return fail(err, ERROR_USAGE, shown(line->operands[command->operands_most]),
		            "one word too many; try 'cella %s --help'", command->name);
	/* An empty one is a variable that nobody has set, and as a pattern all there is. */
	for (size_t i = 0; i < line->operands_count && command->operands_most < OPERANDS_ANY; i++)
		if (!*line->operands[i])
			return fail(err, ERROR_USAGE, shown(""),
			            "is empty: expected %s; try 'cella %s --help'",
			            command->operands, command->name);
	return 0;
}

/* The program that is executed anew can't look up where its file is: it is told. */
static const char self_variable[] = "CELLA_PROGRAM";

static int protect(const struct call *call, struct error *err)
{
	const char *told = getenv(self_variable);
	char path[PATH_MAX];

	if (told)
		program_remember(arena_text(call->arena, told));
	else if (program_path(path, sizeof(path), err) < 0 || setenv(self_variable, path, 1) < 0)
		return fail_errno(err, self_variable, "set");
	if (runtime_protect(call->rt, call->argv, err) < 0)
		return -1;
	(void)unsetenv(self_variable);
	return 0;
}

/* Returns the exit status, or -1 and *err and the exit status of that in call->failure. */
static int run_command_line(const struct command *command, char **words, struct call *call,
                            struct error *err)
{
	struct option_input in = {command->options,
	                          command->options_count,
	                          command->in_order,
	                          arena_format(call->arena, "cella %s", command->name),
	                          words,
	                          call->arena};
	void *flags = arena_alloc(call->arena, 1, command->flags_size + 1);
	struct option_output line;

	if (arena_check(call->arena, err) < 0 || options_read(&in, flags, &line, err) < 0)
		return -1;
	if (line.help)
		return print_help(command, err);
	if (check_operands(command, &line, err) < 0)
		return -1;
	if (command->enters && protect(call, err) < 0)
		return -1;
	call->flags = flags;
	call->operands = line.operands;
	call->operands_count = line.operands_count;
	return command->run(call, err);
}

/* Under the name cella-NAME it is about that executor: engines take a path, and no words with it. NULL: any. */
static const char *executor_of_name(const char *program)
{
	static const char prefix[] = "cella-";
	const char *name = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;

	for (size_t i = 0; text_begins(name, prefix) && executors[i]; i++)
		if (strcmp(name + strlen(prefix), executors[i]->name) == 0)
			return executors[i]->name;
	return NULL;
}

static int check_executor(const char *name, struct error *err)
{
	for (size_t i = 0; executors[i]; i++)
		if (strcmp(executors[i]->name, name) == 0)
			return 0;
	return fail(err, ERROR_USAGE, "--executor",
	            "there is no executor '%.100s' in this build of cella", name);
}

/* Everything but the last word. Returns as run_command_line() does. */
static int run_program(char **words, struct runtime *rt, struct call *call, struct error *err)
{
	struct option_input in = {global_options, global_options_count, true, "cella",
	                          words,          call->arena};
	struct global_flags g = {0};
	struct option_output line;
	const struct command *command;

	if (open_stdio(err) < 0 || options_read(&in, &g, &line, err) < 0)
		return -1;
	if (line.help)
		return print_help(NULL, err);
	if (g.version)
		return print_text(version, err);
	if (open_log(&g, err) < 0 || (g.executor && check_executor(g.executor, err) < 0))
		return -1;
	if (line.operands_count == 0)
		return fail(err, ERROR_USAGE, "", "no command; try 'cella --help'");
	command = find_command(line.operands[0]);
	if (!command)
		return fail_unknown_command(line.operands[0], call->arena, err);
	rt->root = g.root;
	rt->executor =
		g.executor ? g.executor : executor_of_name(call->argv[0] ? call->argv[0] : "");
	rt->systemd = g.systemd_cgroup || g.cgroup_manager == MANAGER_SYSTEMD;
	rt->no_cgroup = !rt->systemd && g.cgroup_manager == MANAGER_DISABLED;
	rt->rootless = (enum rootless)g.rootless;
	rt->criu = g.criu;
	rt->trace = log_is_debug();
	return run_command_line(command, line.operands + 1, call, err);
}

/* To the log, and to stderr where that is somewhere else: engines read the one, people the other. */
static void print_error(const struct error *err)
{
	owned_text struct text line = {0};
	const char *between = err->object[0] ? ": " : "";
	struct error ignored;

	log_error("%s%s%s", err->object, between, err->reason);
	if (log_file() < 0)
		return;
	text_format(&line, "cella: %s%s%s\n", err->object, between, err->reason);
	if (text_check(&line, &ignored) < 0 ||
	    fd_write_whole(STDERR_FILENO, "stderr", line.bytes, line.length, &ignored) < 0)
		log_debug("stderr: %s", ignored.reason); /* the log has it */
}

int main(int argc, char **argv)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	struct runtime rt = {.executors = executors};
	struct call call = {.rt = &rt, .arena = arena, .argv = argv, .failure = EXIT_FAILURE};
	struct error err = {.reason = "out of memory"};
	int status = -1;

	if (arena)
		status = run_program(argv + (argc > 0), &rt, &call, &err);
	if (status < 0) {
		print_error(&err);
		status = call.failure;
	}
	return status;
}

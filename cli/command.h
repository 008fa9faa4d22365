/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/* cli: what a person types and sees.
 *
 * PROMISE: every option and command is one row of a table; parsing, --help and completion are made
 * out of the same rows. Only main() prints an error and decides the exit status.
 *
 * How to add a command:
 *  1. cli/cmd_word.c: a struct of its flags, its rows, `const struct command word_command`, and
 *     what it does with the verbs of runtime/runtime.h;
 *  2. its name below and its row in cli/commands.c;
 *  3. its subsection in man/cella.1 and a test in tests/contract: tests/lint/man.sh fails without;
 *  4. `build/cella completion bash > contrib/completion/cella.bash`: tests/unit/cli/test_complete.c
 *     fails without. */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/table.h"
#include "runtime/runtime.h"

enum option_kind {
	OPTION_SWITCH, /* bool */
	OPTION_TEXT,   /* const char *: the last one counts */
	OPTION_NUMBER, /* unsigned int */
	OPTION_LIST,   /* struct option_list: may be repeated */
	OPTION_WORD,   /* int: the value of one of the words */
	OPTION_REFUSED, /* of crun or runc, and not here: neither in help nor in completion; help says why */
	OPTION_KINDS
};

struct option_list {
	const char **item;
	size_t count;
};

/* One option. Write the last members with the macros below: they check the type of the member that
 * the value goes to. */
struct option_row {
	const char *name;     /* without "--" */
	char letter;          /* 0: none */
	const char *argument; /* "DIR": what its value is; NULL: it has none */
	const char *help;     /* one clause */
	enum option_kind kind;
	size_t offset;            /* where its value goes in the struct of flags */
	const struct word *words; /* OPTION_WORD */
	size_t words_count;
};

#define OPTION_OFFSET(type, member, wanted)                                                        \
	(offsetof(type, member) + 0 * sizeof(char[_Generic(((type *)NULL)->member, wanted : 1)]))
#define SWITCH_AT(type, member) OPTION_SWITCH, OPTION_OFFSET(type, member, bool), NULL, 0
#define TEXT_AT(type, member)   OPTION_TEXT, OPTION_OFFSET(type, member, const char *), NULL, 0
#define NUMBER_AT(type, member) OPTION_NUMBER, OPTION_OFFSET(type, member, unsigned int), NULL, 0
#define LIST_AT(type, member)   OPTION_LIST, OPTION_OFFSET(type, member, struct option_list), NULL, 0
#define WORD_AT(type, member, table)                                                               \
	OPTION_WORD, OPTION_OFFSET(type, member, int), table, ARRAY_SIZE(table)
#define REFUSED OPTION_REFUSED, 0, NULL, 0

/* One use of a command. */
struct call {
	const struct runtime *rt;
	struct arena *arena; /* lives as long as the call */
	char **argv;         /* the whole command line */
	const void *flags;   /* the command's own struct, filled */
	char **operands;     /* NULL-terminated */
	size_t operands_count;
	int failure; /* exit status should run() fail; 1 unless it says otherwise */
};

struct command {
	const char *name;
	const char *operands; /* "CONTAINER [SIGNAL]", "" */
	const char *summary;  /* one sentence, no full stop */
	const char *about;    /* more than that, or NULL */
	const struct option_row *options;
	size_t options_count;
	const char *examples; /* lines, each ends with a newline */
	size_t operands_least, operands_most;
	bool enters;       /* has a process go where others are: see runtime_protect() */
	bool in_order;     /* options end at the first operand: what follows belongs to others */
	size_t flags_size; /* of the struct of flags; 0: none */
	/* Returns the exit status, or -1 and *err. */
	int (*run)(struct call *call, struct error *err) FALLIBLE;
};

enum { OPERANDS_ANY = 1 << 20 };

/* commands.c: the order is that of help; ends with NULL. */
extern const struct command *const commands[];

extern const struct command create_command, start_command, run_command, exec_command, kill_command,
	delete_command, state_command, list_command, ps_command, top_command, events_command,
	pause_command, resume_command, update_command, mounts_command, checkpoint_command,
	restore_command, spec_command, features_command, completion_command;

/* executors.c: ends with NULL. */
extern const struct executor *const executors[];

enum cgroup_manager { MANAGER_CGROUPFS, MANAGER_SYSTEMD, MANAGER_DISABLED };

/* globals.c: what stands in front of the command. */
struct global_flags {
	const char *root, *log, *executor, *criu;
	int log_format; /* enum log_format */
	int log_level;  /* enum log_level + 1; 0: not given */
	int cgroup_manager;
	int rootless; /* enum rootless */
	bool systemd_cgroup, debug, version;
};
extern const struct option_row global_options[];
extern const size_t global_options_count;

/* "--format table|json" */
enum output_format { FORMAT_TABLE, FORMAT_JSON, FORMATS };
extern const struct word output_formats[FORMATS];

#endif

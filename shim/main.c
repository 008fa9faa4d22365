/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, as containerd writes it: Go's flags, then one word. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/program.h"
#include "base/table.h"
#include "base/text.h"
#include "base/version.h"

#include "address.h"
#include "shim.h"

static const char self_variable[] = "CELLA_PROGRAM";

static const char help[] =
	"usage: containerd-shim-cella-v2 -namespace NS -id ID [OPTIONS] start|delete\n"
	"\n"
	"Serve the containers of cella to containerd, which executes this program.\n"
	"\n"
	"  -namespace NS         containerd's namespace\n"
	"  -id ID                the container\n"
	"  -address PATH         containerd's socket\n"
	"  -publish-binary PATH  what tells events where TTRPC_ADDRESS is not set\n"
	"  -bundle DIR           the container's bundle, instead of the current directory\n"
	"  -debug                say more in the log\n"
	"  -v                    print the version\n"
	"  -h                    show this help\n";

struct flags {
	const char *namespace, *id, *address, *publisher, *bundle, *socket;
	bool debug, version, help;
};

#define FLAG_TEXT(member)   offsetof(struct flags, member), false
#define FLAG_SWITCH(member) offsetof(struct flags, member), true

static const struct {
	const char *name;
	size_t offset;
	bool is_switch;
} rows[] = {
	{"address",        FLAG_TEXT(address)  },
        {"bundle",         FLAG_TEXT(bundle)   },
	{"debug",          FLAG_SWITCH(debug)  },
        {"h",              FLAG_SWITCH(help)   },
	{"help",           FLAG_SWITCH(help)   },
        {"id",             FLAG_TEXT(id)       },
	{"namespace",      FLAG_TEXT(namespace)},
        {"publish-binary", FLAG_TEXT(publisher)},
	{"socket",         FLAG_TEXT(socket)   },
        {"v",              FLAG_SWITCH(version)},
};

/* One flag and its value. Returns how many words it takes, or -1 and *err. */
static int read_flag(char *const *words, struct flags *flags, struct error *err)
{
	const char *name = words[0] + 1 + (words[0][1] == '-');
	size_t length = strcspn(name, "=");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char **text = (const char **)((char *)flags + rows[i].offset);

		if (strlen(rows[i].name) != length || strncmp(rows[i].name, name, length) != 0)
			continue;
		if (rows[i].is_switch) {
			*(bool *)((char *)flags + rows[i].offset) = strcmp(name + length, "=false");
			return 1;
		}
		*text = name[length] ? name + length + 1 : words[1];
		return *text ? 1 + !name[length]
		             : fail(err, ERROR_USAGE, words[0], "needs a value");
	}
	return fail(err, ERROR_USAGE, words[0],
	            "unknown option; try 'containerd-shim-cella-v2 -h'");
}

static int read_flags(char *const *words, struct flags *flags, const char **ret_action,
                      struct error *err)
{
	*ret_action = NULL;
	while (*words && (*words)[0] == '-') {
		int taken = read_flag(words, flags, err);

		if (taken < 0)
			return -1;
		words += taken;
	}
	*ret_action = *words;
	return 0;
}

static int open_stdio(struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return fail_errno(err, "/dev/null", "open");
	return 0;
}

/* A name of its own for what stands in a path. */
static int check_name(const char *name, const char *flag, struct error *err)
{
	if (!name || !name[0] || name[0] == '.' || strchr(name, '/'))
		return fail(err, ERROR_USAGE, flag, "expected a name");
	return 0;
}

static int run(const char *action, const struct flags *f, char *const *argv, struct error *err)
{
	owned_text struct text root = {0};
	struct runtime runtime;
	char bundle[PATH_MAX];
	struct shim_options o = {
		.namespace = f->namespace,
		.id = f->id,
		.bundle = bundle,
		.containerd = f->address,
		.publisher = f->publisher,
		.events_address = getenv("TTRPC_ADDRESS"),
		.program = argv[0],
		.debug = f->debug,
	};

	if (check_name(o.namespace, "-namespace", err) < 0 || check_name(o.id, "-id", err) < 0)
		return -1;
	if (!realpath(f->bundle ? f->bundle : ".", bundle))
		return fail_errno(err, "-bundle", "open");
	if (shim_directory(&root, err) < 0)
		return -1;
	text_format(&root, "/containers/%s", o.namespace);
	if (text_check(&root, err) < 0)
		return -1;
	o.root = root.bytes;
	if (strcmp(action, "delete") == 0)
		return shim_delete(&o, err);
	if (strcmp(action, "start") != 0)
		return fail(err, ERROR_USAGE, action, "expected start or delete");
	shim_runtime(&o, &runtime);
	if (runtime_protect(&runtime, argv, err) < 0)
		return -1;
	(void)unsetenv(self_variable);
	return shim_start(&o, err);
}

/* A copy that is executed by its descriptor can't look up where its file is: it is told. */
static int remember_program(char *path, size_t size, struct error *err)
{
	const char *told = getenv(self_variable);

	if (!told) {
		if (program_path(path, size, err) < 0)
			return -1;
		return setenv(self_variable, path, 1) < 0 ? fail_errno(err, self_variable, "set")
		                                          : 0;
	}
	if (strlen(told) >= size)
		return fail(err, ERROR_USAGE, self_variable, "is too long");
	memcpy(path, told, strlen(told) + 1);
	program_remember(path);
	return 0;
}

static int run_program(char **argv, char *path, struct error *err)
{
	struct flags flags = {0};
	const char *action;

	if (open_stdio(err) < 0 || remember_program(path, PATH_MAX, err) < 0 ||
	    read_flags(argv + 1, &flags, &action, err) < 0 ||
	    log_open(NULL, LOG_TEXT, LOG_ERROR, err) < 0) /* what start says is an address */
		return -1;
	if (flags.help)
		return fd_write_whole(STDOUT_FILENO, "stdout", help, strlen(help), err);
	if (flags.version)
		return fd_write_whole(STDOUT_FILENO, "stdout", CELLA_VERSION "\n",
		                      strlen(CELLA_VERSION "\n"), err);
	if (!action)
		return fail(err, ERROR_USAGE, "", "no action; try 'containerd-shim-cella-v2 -h'");
	return run(action, &flags, argv, err);
}

int main(int argc, char **argv)
{
	static char path[PATH_MAX];
	struct error err = {.reason = "no arguments"};

	if (argc > 0 && run_program(argv, path, &err) == 0)
		return EXIT_SUCCESS;
	log_error("%s%s%s", err.object, err.object[0] ? ": " : "", err.reason);
	return EXIT_FAILURE;
}

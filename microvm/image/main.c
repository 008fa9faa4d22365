/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json_write.h"
#include "base/own.h"
#include "base/program.h"
#include "base/table.h"

#include "image.h"
#include "make.h"

enum { ARENA_LIMIT = 64 << 20, FACTS_LIMIT = 1 << 20 };

struct flags {
	const char *kernel, *modules, *agent, *cache;
	bool force, json, help;
};

/* argument: NULL for a switch; then where is a bool, else a text */
static const struct option_row {
	const char *name, *argument, *help;
	size_t where;
} rows[] = {
#define AT(member) offsetof(struct flags, member)
	{"kernel",  "FILE", "take this kernel (default: the newest that is installed)",      AT(kernel) },
	{"modules", "DIR",  "take its modules from here (default: by its release)",          AT(modules)},
	{"agent",   "FILE", "take this as the guest's first program (default: cella-agent)",
                                                         AT(agent)										      },
	{"cache",   "DIR",  "keep images here (default for root: " IMAGE_CACHE_DEFAULT ")",  AT(cache)  },
	{"force",   NULL,   "make it anew, whether it is there or not",                      AT(force)  },
	{"json",    NULL,   "print the facts as JSON, not only the path",                    AT(json)   },
	{"help",    NULL,   "show this help",						AT(help)   },
#undef AT
};

static const char usage[] = "usage: cella-image [OPTIONS]\n";
static const char about[] =
	"\nMake of an installed kernel and its modules what a micro-VM boots, once, and\n"
	"print where it is. cella does it by itself when it needs one.\n"
	"\noptions:\n";
static const char examples[] =
	"\nexamples:\n"
	"  cella-image                          # prepares the newest kernel, prints its folder\n"
	"  cella-image --json                   # what it was made of, too\n"
	"  cella-image --kernel ./vmlinux --cache ./images\n";

static int print(const struct text *out, struct error *err)
{
	if (text_check(out, err) < 0)
		return -1;
	return fd_write_whole(STDOUT_FILENO, "stdout", out->bytes, out->length, err);
}

static int print_help(struct error *err)
{
	owned_text struct text out = {0};

	text_append(&out, usage);
	text_append(&out, about);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char left[32];

		(void)snprintf(left, sizeof(left), "--%s%s%s", rows[i].name,
		               rows[i].argument ? " " : "",
		               rows[i].argument ? rows[i].argument : "");
		text_format(&out, "      %-14s  %s\n", left, rows[i].help);
	}
	text_append(&out, examples);
	return print(&out, err);
}

/* --- options ---------------------------------------------------------------------------------- */

static const struct option_row *find_row(const char *word, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strlen(rows[i].name) == length && strncmp(rows[i].name, word, length) == 0)
			return &rows[i];
	return NULL;
}

/* Read the option at *at, and its value, which may be the next word. */
static int read_option(char ***at, struct flags *flags, struct error *err)
{
	const char *word = **at;
	const char *name = strcmp(word, "-h") == 0 ? "--help" : word;
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	const struct option_row *row =
		text_begins(name, "--") ? find_row(name + 2, length - 2) : NULL;

	if (!row)
		return fail(err, ERROR_USAGE, word, "unknown word; try 'cella-image --help'");
	++*at;
	if (!row->argument) {
		*(bool *)((char *)flags + row->where) = true;
		return value ? fail(err, ERROR_USAGE, word, "takes no value") : 0;
	}
	if (!value && **at)
		value = *(*at)++;
	if (!value || !*value)
		return fail(err, ERROR_USAGE, word, "expected %s", row->argument);
	*(const char **)((char *)flags + row->where) = value;
	return 0;
}

/* A path from the root directory on, as it was typed otherwise: links in it may change. */
static int make_absolute(const char **path, struct arena *arena, struct error *err)
{
	char here[PATH_MAX];

	if (!*path || **path == '/')
		return 0;
	if (!getcwd(here, sizeof(here)))
		return fail_errno(err, *path, "look for the working directory");
	*path = arena_format(arena, "%s/%s", strcmp(here, "/") == 0 ? "" : here,
	                     text_begins(*path, "./") ? *path + 2 : *path);
	return *path ? 0 : arena_check(arena, err);
}

static int complete(struct flags *flags, struct arena *arena, struct error *err)
{
	const char **const paths[] = {&flags->kernel, &flags->modules, &flags->agent,
	                              &flags->cache};
	char *agent = arena_alloc(arena, PATH_MAX, 1);

	if (!agent)
		return arena_check(arena, err);
	if (!flags->agent) {
		if (program_helper(IMAGE_AGENT, agent, PATH_MAX, err) < 0)
			return -1;
		flags->agent = agent;
	}
	if (!flags->cache && geteuid() != 0)
		return fail(err, ERROR_USAGE, "--cache",
		            "expected a directory: only root has one by default");
	if (!flags->cache)
		flags->cache = IMAGE_CACHE_DEFAULT;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (make_absolute(paths[i], arena, err) < 0)
			return -1;
	return 0;
}

/* --- what is said ----------------------------------------------------------------------------- */

static int print_made(const struct cache *cache, const struct made *made, bool json,
                      struct arena *arena, struct error *err)
{
	const char *path = arena_format(arena, "%s/%s", cache->path, made->name);
	const char *of_facts = arena_format(arena, "%s/image.json", made->name);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out, .indent = 2};
	char *facts;

	if (!path || !of_facts)
		return arena_check(arena, err);
	if (!json) {
		text_format(&out, "%s\n", path);
		return print(&out, err);
	}
	if (fd_read_file(cache->dir, of_facts, FACTS_LIMIT, arena, &facts, NULL, err) < 0)
		return error_within(err, "%s", cache->path);
	json_open(&w, NULL, '{');
	json_text(&w, "path", path);
	json_bool(&w, "made", made->fresh);
	json_raw(&w, "image", facts);
	json_close(&w);
	text_append(&out, "\n");
	return print(&out, err);
}

static int run(char **words, struct error *err)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	owned_cache struct cache cache = {.dir = -1};
	struct flags flags = {0};
	struct request request;
	struct made made;

	if (!arena)
		return fail(err, ERROR_SYSTEM, "cella-image", "out of memory");
	while (*words && !flags.help)
		if (read_option(&words, &flags, err) < 0)
			return -1;
	if (flags.help)
		return print_help(err);
	if (complete(&flags, arena, err) < 0)
		return -1;
	request = (struct request){flags.kernel, flags.modules, flags.agent};
	if (cache_open(flags.cache, &cache, err) < 0 ||
	    image_make(&cache, &request, flags.force, arena, &made, err) < 0)
		return -1;
	return print_made(&cache, &made, flags.json, arena, err);
}

int main(int argc, char **argv)
{
	struct error err;

	/* a descriptor below 3 that is closed would be given to the next file that is opened */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return 1;
	if (run(argv + (argc > 0), &err) == 0)
		return 0;
	note("%s: %s", err.object, err.reason);
	return 1;
}

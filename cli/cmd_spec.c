/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/text.h"

#include "command.h"

struct spec_flags {
	const char *bundle, *file;
	bool rootless;
};

static const struct option_row rows[] = {
	{"bundle",   'b', "DIR",  "directory to write to, instead of the current one",
         TEXT_AT(struct spec_flags,										 bundle)  },
	{"file",     'f', "FILE", "name to write to, instead of config.json",
         TEXT_AT(struct spec_flags,										 file)    },
	{"rootless", 0,   NULL,   "for a user without rights",                         SWITCH_AT(struct spec_flags, rootless)},
};

static int write_new(int dir, const char *name, const struct text *out, struct error *err)
{
	owned_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST)
		return fail(err, ERROR_USAGE, name, "exists; remove it first");
	if (fd < 0)
		return fail_errno(err, name, "create");
	if (fd_write_whole(fd, name, out->bytes, out->length, err) == 0)
		return 0;
	(void)unlinkat(dir, name, 0);
	return -1;
}

static int run(struct call *call, struct error *err)
{
	const struct spec_flags *f = call->flags;
	const char *bundle = f->bundle ? f->bundle : ".";
	owned_fd dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out, .indent = 4};

	if (dir < 0) {
		(void)fail_errno(err, bundle, "open");
		return error_within(err, "--bundle");
	}
	spec_write_template(&w, f->rootless ? (int64_t)geteuid() : -1,
	                    f->rootless ? (int64_t)getegid() : -1);
	text_append(&out, "\n");
	if (text_check(&out, err) < 0)
		return -1;
	return write_new(dir, f->file ? f->file : "config.json", &out, err);
}

const struct command spec_command = {
	.name = "spec",
	.operands = "",
	.summary = "Write a configuration to start from: a shell in rootfs",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella spec                       # ./config.json\n"
		    "cella spec --rootless -b bundle  # bundle/config.json\n",
	.flags_size = sizeof(struct spec_flags),
	.run = run,
};

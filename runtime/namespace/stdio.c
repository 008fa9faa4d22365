/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and files that the container was started with are not its own: what is at their other end, or where they lie,
 * is not dumped. So each is an external resource of its images, by a name that descriptors.json keeps (as crun and runc
 * have it, for pipes): a restore puts ours in their place. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/own.h"
#include "base/text.h"

#include "criu.h"

static const char descriptors[] = "descriptors.json";

enum { FDINFO_SIZE = 1024, DESCRIPTORS_LIMIT = 64 << 10, MOUNTINFO_LIMIT = 64 << 20 };

/* ---- dump ---- */

/* The number behind a word at the beginning of a line. */
static bool find_number(const char *text, const char *word, uint64_t *ret)
{
	const char *at = strstr(text, word);
	char *end;

	if (!at)
		return false;
	at += strlen(word);
	*ret = strtoull(at, &end, 10);
	return end != at;
}

/* Whether a mount is one of the process's namespace: mountinfo's lines begin with their numbers. */
static bool is_mounted(const struct order *order, int proc, uint64_t id)
{
	char *start = arena_format(order->arena, "\n%" PRIu64 " ", id);
	struct error ignored;
	char *bytes;
	size_t length;

	if (!start || fd_read_file(proc, "mountinfo", MOUNTINFO_LIMIT, order->arena, &bytes,
	                           &length, &ignored) < 0)
		return true;
	return text_begins(bytes, start + 1) || strstr(bytes, start);
}

/* The name that CRIU has for a file that lies outside; NULL: it lies inside, or is no file. */
static const char *name_file(struct order *order, int proc, int fd)
{
	char path[32], info[FDINFO_SIZE];
	struct error ignored;
	struct stat st;
	uint64_t id;

	(void)snprintf(path, sizeof(path), "fd/%d", fd);
	if (fstatat(proc, path, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	(void)snprintf(path, sizeof(path), "fdinfo/%d", fd);
	if (fd_read_small(proc, path, info, sizeof(info), &ignored) < 0 ||
	    !find_number(info, "mnt_id:", &id) || is_mounted(order, proc, id))
		return NULL;
	return arena_format(order->arena, "file[%" PRIx64 ":%jx]", id, (uintmax_t)st.st_ino);
}

int stdio_dump(const struct container *c, int images, struct order *order, struct error *err)
{
	char *path = arena_format(order->arena, "/proc/%d", (int)c->state.pid);
	owned_fd proc = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};

	if (proc < 0)
		return fail_errno(err, "/proc", "open");
	json_open(&w, NULL, '[');
	for (int fd = 0; fd < STDIO; fd++) {
		const char *file = name_file(order, proc, fd);
		const char *began = c->state.stdio[fd] ? c->state.stdio[fd] : "";

		if (file)
			order_add(order, "external", file);
		json_text(&w, NULL, file ? file : began);
	}
	json_close(&w);
	if (text_check(&out, err) < 0 || arena_check(order->arena, err) < 0)
		return -1;
	return file_replace(images, descriptors, out.bytes, out.length, 0600, err);
}

/* ---- restore ---- */

int stdio_restore(int images, struct order *order, struct error *err)
{
	static const char *const keys[] = {"key", "fd"};
	const struct json *top, *one;
	char *bytes;
	size_t length;

	if (fd_read_file(images, descriptors, DESCRIPTORS_LIMIT, order->arena, &bytes, &length,
	                 err) < 0 ||
	    json_read(descriptors, bytes, length, order->arena, &top, err) < 0)
		return error_within(err, "--image-path");
	for (one = top->type == JSON_ARRAY ? top->first : NULL; one && one->index < STDIO;
	     one = one->next)
		if (one->type == JSON_STRING &&
		    (text_begins(one->text, "pipe:") || text_begins(one->text, "file[")))
			order_pair(order, "inherit_fd", keys, one->text,
			           arena_format(order->arena, "%zu", one->index));
	return arena_check(order->arena, err);
}

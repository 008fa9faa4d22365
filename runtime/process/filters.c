/* SPDX-License-Identifier: Apache-2.0 */
/* Filters made before, by content: making one costs more than all the rest of a short `run`.
 *
 * A file a filter, below the state directory, in a folder that nobody else may enter. Its name is a hash of
 * the key, which is all that the filter was made of (libseccomp's version, the machine's architecture, the
 * profile); the file has the key whole, and it is compared whole: a hash that two profiles share costs a
 * compilation, never another's filter. Written beside and renamed, so that a hundred may write at once; what
 * can't be read, or isn't what was written, is made anew. The least lately used go when there are too many. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/text.h"

#include "parts.h"

#define DIRECTORY ".seccomp"

enum {
	FILTERS_MOST = 64,
	FILTERS_BYTES = 8 << 20,
	FILE_BYTES = 1 << 20,
	NAME_SIZE = 33,
	USED_SECONDS = 60, /* how exactly it is known when a filter was used last */
};

static const char magic[16] = "cella filter 4\n";

struct head {
	char magic[sizeof(magic)];
	uint64_t key_length,
		filter_length; /* bytes; the key is filled up to the filter's alignment */
	uint64_t check;        /* of key and filter */
};

static uint64_t padded(uint64_t length)
{
	return (length + 7) & ~UINT64_C(7);
}

/* FNV-1a: tells what chance has changed; against intent are the folder's rights and the key. */
static uint64_t hash(const char *bytes, size_t length, uint64_t value)
{
	for (size_t i = 0; i < length; i++)
		value = (value ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return value;
}

static const uint64_t seeds[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)};

static void name_of(const struct process_plan *plan, char name[NAME_SIZE])
{
	uint64_t first = hash(plan->filter_key, plan->filter_key_length, seeds[0]);
	uint64_t second = hash(plan->filter_key, plan->filter_key_length, seeds[1]);

	(void)snprintf(name, NAME_SIZE, "%016llx%016llx", (unsigned long long)first,
	               (unsigned long long)second);
}

/* ---- the key ---- */

static void put_number(struct text *key, uint64_t number)
{
	text_append_n(key, (const char *)&number, sizeof(number));
}

static void put_word(struct text *key, const char *word)
{
	text_append_n(key, word, strlen(word) + 1);
}

static void put_words(struct text *key, const text_list *words)
{
	put_number(key, words->count);
	for (size_t i = 0; i < words->count; i++)
		put_word(key, words->item[i]);
}

static void put_maybe(struct text *key, const struct maybe_u64 *number)
{
	put_number(key, number->set);
	put_number(key, number->value);
}

static void put_rule(struct text *key, const struct spec_seccomp_rule *rule)
{
	put_words(key, &rule->names);
	put_word(key, rule->action);
	put_maybe(key, &rule->errno_ret);
	put_number(key, rule->args.count);
	for (size_t i = 0; i < rule->args.count; i++) {
		const struct spec_seccomp_argument *a = &rule->args.item[i];

		put_number(key, a->index);
		put_number(key, a->value);
		put_number(key, a->value_two);
		put_word(key, a->op);
	}
}

static int make_key(const struct spec_seccomp *asked, struct arena *arena,
                    struct process_plan *plan, struct error *err)
{
	const struct scmp_version *version = seccomp_version();
	owned_text struct text key = {.limit = FILE_BYTES / 2};
	char *copy;

	put_number(&key, version ? version->major : 0);
	put_number(&key, version ? version->minor : 0);
	put_number(&key, version ? version->micro : 0);
	put_number(&key, seccomp_arch_native());
	put_word(&key, asked->default_action);
	put_maybe(&key, &asked->default_errno_ret);
	put_words(&key, &asked->architectures);
	put_words(&key, &asked->flags);
	put_number(&key, asked->syscalls.count);
	for (size_t i = 0; i < asked->syscalls.count; i++)
		put_rule(&key, &asked->syscalls.item[i]);
	if (key.failed) /* larger than any that is worth it: made anew each time */
		return 0;
	copy = arena_alloc(arena, 1, key.length);
	if (!copy)
		return arena_check(arena, err);
	memcpy(copy, key.bytes, key.length);
	plan->filter_key = copy;
	plan->filter_key_length = key.length;
	return 0;
}

/* ---- reading ---- */

bool process_read_filter(const char *bytes, size_t length, const char *key, size_t key_length,
                         struct sock_filter **ret_filter, unsigned short *ret_length)
{
	const uint64_t one = sizeof(struct sock_filter);
	struct head head;
	size_t rest;

	if (length < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	rest = length - sizeof(head);
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.key_length != key_length ||
	    padded(key_length) > rest || head.filter_length != rest - padded(key_length))
		return false;
	if (head.filter_length == 0 || head.filter_length % one != 0 ||
	    head.filter_length / one > BPF_MAXINSNS)
		return false;
	if (memcmp(bytes + sizeof(head), key, key_length) != 0 ||
	    hash(bytes + sizeof(head), rest, seeds[0]) != head.check)
		return false;
	*ret_filter = (struct sock_filter *)(uintptr_t)(bytes + length - head.filter_length);
	*ret_length = (unsigned short)(head.filter_length / one);
	return true;
}

static bool is_ours_alone(int fd, mode_t type, struct stat *ret)
{
	return fstat(fd, ret) == 0 && (ret->st_mode & S_IFMT) == type && ret->st_uid == geteuid() &&
	       (ret->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static void mark_used(int fd, const struct stat *is)
{
	if (is->st_mtime + USED_SECONDS < time(NULL) && futimens(fd, NULL) < 0)
		log_debug("linux.seccomp: a filter's time: %s", strerrordesc_np(errno));
}

int filters_find(const struct spec_seccomp *asked, int dir, struct arena *arena,
                 struct process_plan *plan, struct error *err)
{
	char name[NAME_SIZE];
	struct error ignored;
	owned_fd fd = -1;
	struct stat is;
	size_t length;
	char *bytes;

	if (make_key(asked, arena, plan, err) < 0)
		return -1;
	if (dir < 0 || plan->filter_key_length == 0)
		return 0;
	name_of(plan, name);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || !is_ours_alone(fd, S_IFREG, &is) ||
	    fd_read_whole(fd, name, FILE_BYTES, arena, &bytes, &length, &ignored) < 0)
		return arena_check(arena, err);
	if (!process_read_filter(bytes, length, plan->filter_key, plan->filter_key_length,
	                         &plan->filter, &plan->filter_length)) {
		log_debug("linux.seccomp: " DIRECTORY "/%s is not what was written: made anew",
		          name);
		return 0;
	}
	plan->filter_key_length = 0; /* it is kept */
	mark_used(fd, &is);
	return 0;
}

int process_open_filters(int root)
{
	owned_fd fd = openat(root, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat ignored;

	if (fd < 0 || !is_ours_alone(fd, S_IFDIR, &ignored))
		return -1;
	return take_fd(&fd);
}

/* ---- writing ---- */

struct census {
	size_t count;
	uint64_t bytes;
	struct timespec oldest;
	char name[256]; /* of the one least lately used */
};

static void dir_release(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static bool before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static int take_census(int filters, struct census *ret)
{
	int fd = openat(filters, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OWNED(dir_release) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat is;

	*ret = (struct census){0};
	if (!dir)
		return fd < 0 ? -1 : close(fd);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    fstatat(filters, entry->d_name, &is, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		ret->bytes += (uint64_t)is.st_size;
		if (ret->count++ > 0 && !before(&is.st_mtim, &ret->oldest))
			continue;
		ret->oldest = is.st_mtim;
		(void)snprintf(ret->name, sizeof(ret->name), "%s", entry->d_name);
	}
	return 0;
}

static void make_room(int filters, size_t bytes)
{
	struct census now;

	for (int i = 0; i < 2 * FILTERS_MOST && take_census(filters, &now) == 0; i++) {
		if (now.count < FILTERS_MOST && now.bytes + bytes <= FILTERS_BYTES)
			return;
		if (unlinkat(filters, now.name, 0) < 0 && errno != ENOENT)
			return;
	}
}

static int keep(const struct process_plan *plan, int filters, struct error *err)
{
	owned_text struct text file = {.limit = FILE_BYTES};
	struct head head = {
		.key_length = plan->filter_key_length,
		.filter_length = plan->filter_length * sizeof(struct sock_filter),
	};
	static const char zeros[8];
	char name[NAME_SIZE];

	memcpy(head.magic, magic, sizeof(magic));
	text_append_n(&file, (const char *)&head, sizeof(head));
	text_append_n(&file, plan->filter_key, plan->filter_key_length);
	text_append_n(&file, zeros, padded(head.key_length) - head.key_length);
	text_append_n(&file, (const char *)plan->filter, head.filter_length);
	if (text_check(&file, err) < 0)
		return -1;
	head.check = hash(file.bytes + sizeof(head), file.length - sizeof(head), seeds[0]);
	memcpy(file.bytes, &head, sizeof(head));
	make_room(filters, file.length);
	name_of(plan, name);
	return file_replace(filters, name, file.bytes, file.length, 0600, err);
}

void process_keep_filter(const struct process_plan *plan, int root)
{
	owned_fd filters = -1;
	struct error err;

	if (!plan->filter || plan->filter_key_length == 0)
		return;
	if (mkdirat(root, DIRECTORY, 0700) < 0 && errno != EEXIST)
		return log_debug("linux.seccomp: " DIRECTORY ": %s", strerrordesc_np(errno));
	filters = process_open_filters(root);
	if (filters < 0)
		return log_debug("linux.seccomp: " DIRECTORY ": not ours alone: no filter is kept");
	if (keep(plan, filters, &err) < 0)
		log_debug("linux.seccomp: %s: %s: the filter is not kept", err.object, err.reason);
}

void process_seccomp_library(char *ret, size_t size)
{
	const struct scmp_version *version = seccomp_version();

	(void)snprintf(ret, size, "%u.%u.%u", version ? version->major : 0,
	               version ? version->minor : 0, version ? version->micro : 0);
}

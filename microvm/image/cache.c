/* SPDX-License-Identifier: Apache-2.0 */
/* Who changes what the cache has holds its lock for that moment, not while it makes an image: two that
 * make one at once both come to their end, and the second finds the image there. A draft is locked
 * by its maker as long as it lives, so the drafts of the dead are those that nobody has locked. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/own.h"
#include "base/path.h"

#include "cache.h"

enum { JSON_LIMIT = 1 << 20, ARENA_LIMIT = 8 << 20, DRAFTS_MOST = 1000 };

static const char draft_prefix[] = ".new-", lock_name[] = ".lock";

void cache_close(struct cache *cache)
{
	fd_release(&cache->dir);
	cache->dir = -1;
}

int cache_open(const char *path, struct cache *ret, struct error *err)
{
	owned_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	owned_fd place = -1;
	struct stat st;

	*ret = (struct cache){.path = path, .dir = -1};
	if (root < 0)
		return fail_errno(err, "/", "open");
	place = path_make_directory(root, path, 0755, err);
	if (place < 0)
		return -1;
	ret->dir = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->dir < 0 || fstat(ret->dir, &st) < 0)
		return fail_errno(err, path, "open");
	if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & (S_IWGRP | S_IWOTH))
		return fail(err, ERROR_UNSUPPORTED, path,
		            "others may write to it: what is booted would be theirs");
	return 0;
}

/* Returns the lock, released when it is closed, or -1 and *err. */
static int lock(const struct cache *cache, struct error *err)
{
	owned_fd fd =
		openat(cache->dir, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		(void)fail_errno(err, lock_name, "open");
		return error_within(err, "%s", cache->path);
	}
	if (file_lock(fd, lock_name, true, err) < 0)
		return error_within(err, "%s", cache->path);
	return take_fd(&fd);
}

/* Read a JSON document of ours; NULL for whatever reason there is none. */
static const struct json *read_json(const struct cache *cache, const char *path,
                                    struct arena *arena)
{
	const struct json *top;
	struct error unread;
	char *bytes;
	size_t length;

	if (fd_read_file(cache->dir, path, JSON_LIMIT, arena, &bytes, &length, &unread) < 0 ||
	    json_read(path, bytes, length, arena, &top, &unread) < 0)
		return NULL;
	return top;
}

static bool has_size(const struct cache *cache, const char *name, const char *file, uint64_t size)
{
	char path[NAME_MAX + 1];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", name, file);
	return fstatat(cache->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == size;
}

bool cache_has(const struct cache *cache, const char *name, struct arena *arena)
{
	uint64_t kernel, initramfs;
	char path[NAME_MAX + 1];

	(void)snprintf(path, sizeof(path), "%s/image.json", name);
	return facts_sizes(read_json(cache, path, arena), &kernel, &initramfs) &&
	       has_size(cache, name, "kernel", kernel) &&
	       has_size(cache, name, "initramfs", initramfs);
}

const char *cache_answer(const struct cache *cache, const struct request *request,
                         struct arena *arena)
{
	char name[NAME_MAX + 1];
	const char *image;

	if (!answer_name(request, name, sizeof(name)))
		return NULL;
	image = answer_image(read_json(cache, name, arena), request);
	return image && cache_has(cache, image, arena) ? image : NULL;
}

int cache_remember(const struct cache *cache, const struct request *request, const char *image,
                   const struct sources *sources, struct error *err)
{
	owned_text struct text out = {.limit = JSON_LIMIT};
	char name[NAME_MAX + 1];
	owned_fd locked = -1;

	if (!answer_name(request, name, sizeof(name)))
		return 0;
	answer_write(request, image, sources, &out);
	if (text_check(&out, err) < 0)
		return -1;
	locked = lock(cache, err);
	if (locked < 0)
		return -1;
	if (file_replace(cache->dir, name, out.bytes, out.length, 0644, err) < 0)
		return error_within(err, "%s", cache->path);
	return 0;
}

/* --- drafts ----------------------------------------------------------------------------------- */

void draft_release(struct draft *draft)
{
	struct error dropped;

	/* locked until it is gone; what stays is the next one's to remove */
	if (draft->name[0] && file_remove_tree(draft->cache->dir, draft->name, &dropped) == 0)
		draft->name[0] = '\0';
	fd_release(&draft->dir);
	draft->dir = -1;
}

/* Remove a draft, or a file that file_replace() had not renamed, of a process that is gone. */
static int remove_left(const struct cache *cache, const char *name, struct error *err)
{
	owned_fd fd = openat(cache->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct error taken;

	if (fd >= 0 && file_lock(fd, name, false, &taken) < 0)
		return 0;
	if (fd >= 0)
		return file_remove_tree(cache->dir, name, err);
	if (unlinkat(cache->dir, name, 0) < 0 && errno != ENOENT)
		return fail_errno(err, name, "remove");
	return 0;
}

static void entries_release(DIR **entries)
{
	if (*entries)
		(void)closedir(*entries);
}

static int remove_all_left(const struct cache *cache, struct error *err)
{
	__attribute__((cleanup(entries_release))) DIR *entries = NULL;
	owned_fd dir = openat(cache->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;

	if (dir >= 0)
		entries = fdopendir(dir);
	if (!entries)
		return fail_errno(err, cache->path, "open");
	(void)take_fd(&dir);
	/* under the lock no file_replace() is on its way */
	while ((entry = readdir(entries)))
		if (strstr(entry->d_name, draft_prefix) &&
		    remove_left(cache, entry->d_name, err) < 0)
			return error_within(err, "%s", cache->path);
	return 0;
}

/* A directory by a name that nobody has; under the lock. */
static int make_directory(struct draft *draft, struct error *err)
{
	int made = -1;

	for (unsigned int i = 0; i < DRAFTS_MOST && made < 0; i++) {
		(void)snprintf(draft->name, sizeof(draft->name), "%s%u", draft_prefix, i);
		made = mkdirat(draft->cache->dir, draft->name, 0755);
		if (made < 0 && errno != EEXIST)
			break;
	}
	if (made < 0) {
		draft->name[0] = '\0';
		return fail_errno(err, draft->cache->path, "make a directory");
	}
	draft->dir = openat(draft->cache->dir, draft->name,
	                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (draft->dir < 0 || fchmod(draft->dir, 0755) < 0)
		return fail_errno(err, draft->name, "open");
	return file_lock(draft->dir, draft->name, false, err);
}

int draft_begin(const struct cache *cache, struct draft *ret, struct error *err)
{
	owned_fd locked = lock(cache, err);

	*ret = (struct draft){.cache = cache, .dir = -1};
	if (locked < 0 || remove_all_left(cache, err) < 0)
		return -1;
	return make_directory(ret, err);
}

int draft_write(const struct draft *draft, const char *file, struct bytes bytes, struct error *err)
{
	owned_fd fd = openat(draft->dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	                     0644);

	if (fd < 0 || fchmod(fd, 0644) < 0)
		(void)fail_errno(err, file, "create");
	else if (fd_write_whole(fd, file, bytes.at, bytes.length, err) == 0) {
		if (fdatasync(fd) == 0 && close(take_fd(&fd)) == 0)
			return 0;
		(void)fail_errno(err, file, "write");
	}
	return error_within(err, "%s", draft->cache->path);
}

/* The name is free from now on: the next draft may have it, and draft_release() must not take it for
 * ours. */
static int remove_replaced(struct draft *draft, struct error *err)
{
	int removed = file_remove_tree(draft->cache->dir, draft->name, err);

	draft->name[0] = '\0';
	return removed;
}

static int put_in_place(struct draft *draft, const char *name, bool force, struct error *err)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	int dir = draft->cache->dir;

	if (!arena)
		return fail(err, ERROR_SYSTEM, name, "out of memory");
	if (renameat(dir, draft->name, dir, name) == 0) {
		draft->name[0] = '\0';
		return 0;
	}
	if (errno != ENOTEMPTY && errno != EEXIST)
		return fail_errno(err, name, "rename");
	/* what is there stays, and the draft goes; or the other way round, and now, under the lock,
	 * for nobody has locked what was there */
	if (!force && cache_has(draft->cache, name, arena))
		return 0;
	if (renameat2(dir, draft->name, dir, name, RENAME_EXCHANGE) < 0)
		return fail_errno(err, name, "exchange");
	return remove_replaced(draft, err);
}

int draft_keep(struct draft *draft, const char *name, bool force, struct error *err)
{
	owned_fd locked = lock(draft->cache, err);

	if (locked < 0)
		return -1;
	if (fsync(draft->dir) < 0)
		return fail_errno(err, draft->cache->path, "write");
	if (put_in_place(draft, name, force, err) < 0)
		return error_within(err, "%s", draft->cache->path);
	return fsync(draft->cache->dir) < 0 ? fail_errno(err, draft->cache->path, "write") : 0;
}

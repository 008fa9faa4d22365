/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/host.h"
#include "base/log.h"
#include "base/own.h"
#include "base/table.h"

#include "store.h"

enum { STATE_BYTES_LIMIT = 1 << 20, CONTAINER_BYTES_LIMIT = 256 << 20, ATTEMPTS = 100 };

static const char config_name[] = "config.json";

static int root_path(const struct runtime *rt, char *path, size_t size, struct error *err)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	bool root = !rt->root && geteuid() == 0;
	int n;

	if (runtime_dir && runtime_dir[0] != '/')
		runtime_dir = NULL;
	/* root of a user namespace, which engines make for a plain user, is no more than that user */
	if (root && runtime_dir)
		root = !host_in_user_namespace();
	if (rt->root)
		n = snprintf(path, size, "%s", rt->root);
	else if (root || (geteuid() == 0 && !runtime_dir))
		n = snprintf(path, size, "/run/cella");
	else if (runtime_dir)
		n = snprintf(path, size, "%s/cella", runtime_dir);
	else
		return fail(err, ERROR_USAGE, "--root",
		            "no state directory: neither --root nor XDG_RUNTIME_DIR is given");
	if (n < 0 || (size_t)n >= size)
		return fail(err, ERROR_USAGE, "--root", "longer than %zu bytes", size - 1);
	return 0;
}

/* mkdir -p on the host's own path: most often but the last one is missing. */
static int make_directories(char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	for (char *slash = path + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return fail_errno(err, path, "mkdir");
		*slash = '/';
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return fail_errno(err, path, "mkdir");
	return 0;
}

int store_find(const struct runtime *rt, int *ret_root, struct error *err)
{
	char path[4096];

	*ret_root = -1;
	if (root_path(rt, path, sizeof(path), err) < 0)
		return -1;
	*ret_root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_root < 0 && errno != ENOENT ? fail_errno(err, path, "open") : 0;
}

int store_open(const struct runtime *rt, struct error *err)
{
	char path[4096];
	int fd;

	if (store_find(rt, &fd, err) < 0)
		return -1;
	if (fd >= 0)
		return fd;
	if (root_path(rt, path, sizeof(path), err) < 0 ||
	    make_directories(path, geteuid() == 0 ? 0711 : 0700, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

struct container *store_new(const char *id, struct error *err)
{
	struct container *c = calloc(1, sizeof(*c));

	if (!c) {
		(void)fail(err, ERROR_SYSTEM, id, "out of memory");
		return NULL;
	}
	c->root = c->dir = c->cgroups = c->born_in = c->control = c->init = c->console = -1;
	c->watch = (struct container_watch)WATCH_NONE;
	c->arena = arena_new(CONTAINER_BYTES_LIMIT);
	c->state.id = c->arena ? arena_text(c->arena, id) : NULL;
	if (!c->state.id) {
		(void)fail(err, ERROR_SYSTEM, id, "out of memory");
		container_free(c);
		return NULL;
	}
	return c;
}

void container_free(struct container *c)
{
	if (!c)
		return;

	int *const fds[] = {&c->root,         &c->cgroups,     &c->born_in,    &c->dir,
	                    &c->control,      &c->init,        &c->console,    &c->watch.population,
	                    &c->watch.memory, &c->watch.above, &c->watch.other};
	struct fd_heap open = {0};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fd_heap_add(&open, fds[i]);
	fd_heap_close(&open);
	arena_free(c->arena);
	free(c);
}

/* A delete may have removed the directory between our open and our lock: then it has no name any more. */
static bool still_there(const struct container *c)
{
	struct stat st;

	return fstat(c->dir, &st) == 0 && st.st_nlink > 0;
}

static int open_directory(struct container *c, struct error *err)
{
	errno = ENOENT;
	if (c->root >= 0)
		c->dir = openat(c->root, c->state.id,
		                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir >= 0)
		return 0;
	if (errno == ENOENT) {
		(void)fail(err, ERROR_STATE, c->state.id, "container does not exist");
		err->errnum = ENOENT;
		return -1;
	}
	return fail_errno(err, c->state.id, "open");
}

static int fail_taken(const struct container *c, struct error *err)
{
	return fail(err, ERROR_STATE, c->state.id, "container with given ID already exists");
}

/* Between mkdir and lock a delete may come, which finds nothing there and removes the directory, and another create,
 * which makes it anew: whose config.json it is, whose it is.
 * Returns 1, or 0 when somebody has removed it, or -1 and *err. */
static int take_once(struct container *c, int *ret_config, struct error *err)
{
	if (mkdirat(c->root, c->state.id, 0700) < 0)
		return errno == EEXIST ? fail_taken(c, err) : fail_errno(err, c->state.id, "mkdir");
	if (open_directory(c, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (file_lock(c->dir, c->state.id, true, err) < 0)
		return -1;
	*ret_config = openat(c->dir, config_name,
	                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*ret_config >= 0)
		return 1;
	(void)fail_errno(err, config_name, "create");
	if (err->errnum == EEXIST)
		return fail_taken(c, err);
	if (err->errnum != ENOENT && unlinkat(c->root, c->state.id, AT_REMOVEDIR) < 0)
		log_debug("%s: rmdir: %s", c->state.id, strerrordesc_np(errno));
	(void)close(take_fd(&c->dir));
	return err->errnum == ENOENT ? 0 : error_within(err, "%s", c->state.id);
}

int store_take(struct container *c, int *ret_config, struct error *err)
{
	int taken = 0;

	for (int i = 0; i < ATTEMPTS && taken == 0; i++)
		taken = take_once(c, ret_config, err);
	if (taken == 0)
		return fail(err, ERROR_STATE, c->state.id, "was deleted while it was created");
	return taken < 0 ? -1 : 0;
}

void store_unlock(const struct container *c)
{
	(void)flock(c->dir, LOCK_UN); /* an open descriptor of ours: cannot fail */
}

int store_lock(const struct container *c, struct error *err)
{
	if (file_lock(c->dir, c->state.id, true, err) < 0)
		return -1;
	if (still_there(c))
		return 0;
	(void)fail(err, ERROR_STATE, c->state.id, "container does not exist");
	err->errnum = ENOENT;
	return -1;
}

int store_enter(struct container *c, bool lock, struct error *err)
{
	if (open_directory(c, err) < 0)
		return -1;
	return lock ? store_lock(c, err) : 0;
}

/* The first one is made where it is, and written at once: empty, it is not there yet. */
static int read_state(struct container *c, const char *bytes, size_t length, struct error *err)
{
	errno = ENOENT;
	if (length == 0)
		return fail_errno(err, "state.json", "read");
	return state_read(bytes, length, c->arena, &c->state, err);
}

int store_load(struct container *c, struct error *err)
{
	char *bytes;
	size_t length;

	if (faccessat(c->dir, "state.json", F_OK, 0) < 0)
		return fail_errno(err, c->state.id, "state.json");
	if (fd_read_file(c->dir, "state.json", STATE_BYTES_LIMIT, c->arena, &bytes, &length, err) <
	            0 ||
	    read_state(c, bytes, length, err) < 0)
		return error_within(err, "%s", c->state.id);
	return 0;
}

static int save(struct container *c,
                int (*write)(int dir, const char *name, const void *bytes, size_t length,
                             mode_t mode, struct error *err),
                struct error *err)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};

	state_write(&w, &c->state);
	if (text_check(&out, err) < 0 ||
	    write(c->dir, "state.json", out.bytes, out.length, 0600, err) < 0)
		return error_within(err, "%s", c->state.id);
	return 0;
}

int store_save(struct container *c, struct error *err)
{
	return save(c, file_replace, err);
}

int store_save_first(struct container *c, struct error *err)
{
	return save(c, file_create, err);
}

int store_save_config(const struct container *c, int *config, const char *bytes, size_t length,
                      struct error *err)
{
	/* nobody reads it before state.json, which comes after it, says that the container is there */
	if (fd_write_whole(*config, config_name, bytes, length, err) < 0)
		return error_within(err, "%s", c->state.id);
	if (close(take_fd(config)) == 0)
		return 0;
	(void)fail_errno(err, config_name, "close");
	return error_within(err, "%s", c->state.id);
}

int store_remove(struct container *c, struct error *err)
{
	/* what is always there; what else is, is looked for only when there is something */
	if (unlinkat(c->dir, config_name, 0) == 0 && unlinkat(c->dir, "state.json", 0) == 0 &&
	    unlinkat(c->root, c->state.id, AT_REMOVEDIR) == 0)
		return 0;
	return file_remove_tree(c->root, c->state.id, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/text.h"

#include "cgroups.h"
#include "events.h"
#include "systemd.h"
#include "tree.h"

enum { ATTEMPTS = 100, SLICE_MS = 100, DEPTH_LIMIT = 128 };

static bool is_gone(const struct error *err)
{
	return err->errnum == ENOENT || err->errnum == ENODEV;
}

/* Kill until nothing is left, again in each slice of the time: without cgroup.kill a process may
 * have been born behind our back. */
static int empty(int dir, struct error *err)
{
	for (int left_ms = EVENTS_TIMEOUT_MS; left_ms > 0; left_ms -= SLICE_MS) {
		int done;

		if (cgroup_signal(dir, SIGKILL, err) < 0)
			return -1;
		done = events_wait(dir, "populated", false, SLICE_MS, err);
		if (done != 0)
			return done < 0 ? -1 : 0;
	}
	return fail(err, ERROR_STATE, "cgroup.events",
	            "killed processes are still there after %d seconds", EVENTS_TIMEOUT_MS / 1000);
}

/* Remove all cgroups below dir, the deepest first. */
static int remove_below(int dir, int depth, struct error *err)
{
	owned_list list = tree_list(dir);
	const char *name;

	if (!list)
		return fail_errno(err, "cgroup", "open");
	if (depth > DEPTH_LIMIT)
		return fail(err, ERROR_UNSUPPORTED, "cgroup", "more than %d levels", DEPTH_LIMIT);
	while ((name = tree_next(list))) {
		owned_fd below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (below < 0 && errno != ENOENT)
			return fail_errno(err, name, "open");
		if (below >= 0 && remove_below(below, depth + 1, err) < 0 && !is_gone(err))
			return error_within(err, "%s", name);
		if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return fail_errno(err, name, "rmdir");
	}
	return 0;
}

/* Kill all in name below parent. */
static int empty_whole(int parent, const char *name, struct error *err)
{
	owned_fd dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0 : fail_errno(err, name, "open");
	return empty(dir, err) == 0 || is_gone(err) ? 0 : error_within(err, "%s", name);
}

static int remove_once(int parent, const char *name, struct error *err)
{
	owned_fd dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return fail_errno(err, name, "open");
	if (empty(dir, err) < 0 || remove_below(dir, 0, err) < 0)
		return error_within(err, "%s", name);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
		return fail_errno(err, name, "rmdir");
	return 0;
}

/* Remove name below parent with all in it; EBUSY means that somebody came in meanwhile. */
static int remove_whole(int parent, const char *name, struct error *err)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		if (remove_once(parent, name, err) == 0 || is_gone(err))
			return 0;
		if (err->errnum != EBUSY)
			return -1;
	}
	return -1;
}

/* Remove "/…/cella" when the last container has left it; others may be in it or come back. */
static void remove_shared(int top, char *parent)
{
	char *slash = strrchr(parent, '/');
	struct error ignored;
	owned_fd below_top = -1;
	int above;

	if (!slash || strcmp(slash + 1, "cella") != 0)
		return;
	*slash = '\0';
	if (*parent)
		below_top = tree_descend(top, parent, &ignored);
	above = *parent ? below_top : top;
	if (above >= 0 && unlinkat(above, "cella", AT_REMOVEDIR) < 0 && errno != EBUSY &&
	    errno != ENOTEMPTY && errno != ENOENT)
		log_debug("%s/cella: rmdir: %s", parent, strerrordesc_np(errno));
}

/* Where all have ended, as nearly always, and nothing is below it: by its path, as no link can be in a cgroup tree.
 * Returns  whether it has gone. */
static bool remove_at_once(int top, const char *path)
{
	char parent[PATH_MAX];

	if (unlinkat(top, path + strspn(path, "/"), AT_REMOVEDIR) < 0)
		return false;
	memcpy(parent, path, strlen(path) + 1);
	*strrchr(parent, '/') = '\0';
	remove_shared(top, parent);
	return true;
}

static bool is_anothers(int top, const char *path, const char *owner)
{
	struct error ignored;
	owned_fd dir = tree_descend(top, path, &ignored);

	return dir >= 0 && cgroup_is_anothers(dir, owner);
}

/* Do it to the cgroup of a path.
 * Returns  0, also when it is not there; 1 when it is another's; -1 and *err. */
static int at_path(int top, const char *path, const char *owner,
                   int (*deed)(int parent, const char *name, struct error *err), struct error *err)
{
	char parent[PATH_MAX];
	owned_fd found = top < 0 ? tree_open(NULL, err) : -1;
	owned_fd dir = -1;
	char *slash;

	if (!tree_is_below(path) || text_ends(path, "/") || strlen(path) >= sizeof(parent))
		return fail(err, ERROR_STATE, path, "not the path of a cgroup");
	top = top < 0 ? found : top;
	if (top < 0)
		return -1;
	if (deed == remove_whole && remove_at_once(top, path))
		return 0;
	if (is_anothers(top, path, owner))
		return 1;
	memcpy(parent, path, strlen(path) + 1);
	slash = strrchr(parent, '/');
	*slash = '\0';
	dir = tree_descend(top, parent, err);
	if (dir < 0)
		return is_gone(err) ? 0 : -1;
	if (deed(dir, slash + 1, err) < 0)
		return error_within(err, "%s", path);
	remove_shared(top, parent);
	return 0;
}

/* systemd ends a scope when it sees that its cgroup is empty: that must still be there then, or a stop that has
 * begun waits for its time-out. A manager that can't be reached, as a user's is after he has left, sees it by
 * itself, or has gone with all its units. */
static int undo_unit(int top, const char *path, const char *unit, const char *owner,
                     struct error *err)
{
	const struct systemd_scope scope = {.unit = unit, .user = systemd_is_users(path)};
	int emptied = at_path(top, path, owner, empty_whole, err);

	if (emptied != 0)
		return emptied;
	if (systemd_stop(&scope, err) == 0)
		return 0;
	if (err->errnum != ENOTCONN)
		return -1;
	log_dropped("its cgroup is removed", err);
	return 0;
}

int cgroup_undo(int top, const char *path, const char *unit, const char *owner, struct error *err)
{
	char whole[PATH_MAX];
	int undone = 0;

	if (path && unit && strlen(path) < sizeof(whole)) {
		(void)snprintf(whole, sizeof(whole), "%.*s", (int)systemd_scope_length(path, unit),
		               path);
		path = whole;
		undone = undo_unit(top, path, unit, owner, err);
	}
	if (!path || undone != 0)
		return undone < 0 ? -1 : 0;
	return at_path(top, path, owner, remove_whole, err) < 0 ? -1 : 0;
}

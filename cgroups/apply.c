/* SPDX-License-Identifier: Apache-2.0 */

/* Theory of operation. Each component is made or entered, the next one below it, by recursion: when
 * anything fails, each level removes what it made itself, the innermost first.
 *
 * Parents are shared ("/cella"), and a delete beside us removes them when they seem empty: between
 * our mkdir and our open, or before our mkdir inside it. Both end in ENOENT or ENODEV, and we begin
 * again from the top. Once our own directory stands in it, nobody can remove the parent. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/text.h"

#include "cgroups.h"
#include "controllers.h"
#include "events.h"
#include "furnish.h"
#include "tree.h"

enum { ATTEMPTS = 1000 };

static const char object[] = "linux.cgroupsPath";

/* A container begins alone and awake. A new cgroup is frozen when one above it is. */
static int check_vacant(int dir, const char *path, struct error *err)
{
	bool populated = false;
	bool frozen = false;

	if (events_read_both(dir, &populated, &frozen, err) < 0)
		return -1;
	if (populated)
		return fail(err, ERROR_STATE, object, "'%s' has processes already", path);
	if (frozen)
		return fail(err, ERROR_STATE, object, "'%s' is frozen", path);
	return 0;
}

/* A directory on the way, from the top of the tree on. */
struct level {
	const struct level *above; /* NULL: this is the top */
	int dir;
	bool fresh; /* we have made it, and all on the way to it: nothing above it is frozen, or we would be */
};

/* Whether our cgroup namespace begins at this cgroup, we are in it, and it is none of the host's: the
 * very first has no cgroup.type. */
static bool is_our_own_top(const struct cgroup_plan *plan, const struct level *l)
{
	return !l->above && strcmp(plan->own, "/") == 0 &&
	       faccessat(l->dir, "cgroup.type", F_OK, 0) == 0;
}

static void enable_from_top(const struct cgroup_plan *plan, const struct level *l)
{
	if (l->above)
		enable_from_top(plan, l->above);
	controllers_enable(l->dir, is_our_own_top(plan, l));
}

static int enter(const struct cgroup_plan *plan, const struct level *parent, const char *rest,
                 struct error *err);

/* Open the component that is there now, and go on below it. */
static int enter_open(const struct cgroup_plan *plan, struct level *l, const char *name,
                      const char *rest, struct error *err)
{
	owned_fd dir = openat(l->above->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return fail_errno(err, plan->path, "open");
	l->dir = dir;
	rest += strspn(rest, "/");
	if (*rest)
		return enter(plan, l, rest, err);
	if ((!l->fresh && check_vacant(dir, plan->path, err) < 0) || furnish(plan, dir, err) < 0)
		return -1;
	return take_fd(&dir);
}

static int enter(const struct cgroup_plan *plan, const struct level *parent, const char *rest,
                 struct error *err)
{
	size_t length = strcspn(rest, "/");
	struct level level = {.above = parent, .dir = -1};
	bool is_last = !rest[length + strspn(rest + length, "/")];
	const char *path = plan->path;
	char name[NAME_MAX + 1];
	bool made;
	int dir;

	if (length >= sizeof(name))
		return fail(err, ERROR_CONFIG, object, "'%s': a name longer than %d bytes", path,
		            NAME_MAX);
	memcpy(name, rest, length);
	name[length] = '\0';
	/* what is on here is on above too */
	if (is_last && plan->controllers &&
	    !controllers_are_on(parent->dir, plan->controllers, parent->fresh && parent->above))
		enable_from_top(plan, parent);
	made = mkdirat(parent->dir, name, 0755) == 0;
	if (!made && errno != EEXIST)
		return fail_errno(err, path, "mkdir");
	level.fresh = made && parent->fresh;
	dir = enter_open(plan, &level, name, rest + length, err);
	if (dir < 0 && made && unlinkat(parent->dir, name, AT_REMOVEDIR) < 0)
		log_debug("after a failed mkdir of %s: rmdir %s: %s", path, name,
		          strerrordesc_np(errno));
	return dir;
}

/* What is wrong is in the config, and will be at the next attempt. */
static bool names_a_member(const struct error *err)
{
	return text_begins(err->object, "linux.");
}

static int make(const struct cgroup_plan *plan, struct error *err)
{
	owned_fd again = plan->top < 0 ? tree_open(plan->mount, err) : -1;
	const struct level level = {.dir = plan->top < 0 ? again : plan->top, .fresh = true};
	int dir = -1;

	if (level.dir < 0)
		return -1;
	for (int i = 0; dir < 0 && i < ATTEMPTS; i++) {
		dir = enter(plan, &level, plan->path + strspn(plan->path, "/"), err);
		if (dir < 0 &&
		    (names_a_member(err) || (err->errnum != ENOENT && err->errnum != ENODEV)))
			break;
	}
	return dir;
}

int cgroup_apply(struct cgroup_plan *plan, struct error *err)
{
	int dir;

	if (!plan->path || !tree_is_below(plan->path))
		return fail(err, ERROR_STATE, object, "no cgroup is planned");
	dir = plan->scope ? systemd_apply(plan, err) : make(plan, err);
	if (dir < 0 && !names_a_member(err))
		return error_within(err, "%s", object);
	return dir;
}

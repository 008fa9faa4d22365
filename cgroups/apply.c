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
#include "owner.h"
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

/* The way from the top of the tree. A directory on it is named by its path from there on, as no link can be in a
 * cgroup tree: the first bytes of the plan's. */
struct way {
	int top;
	const char *whole;
	char part[PATH_MAX]; /* of the level that was named last */
};

struct level {
	const struct level *above; /* NULL: this is the top */
	struct way *way;
	size_t length; /* of its path; 0 is the top's */
	bool made;     /* we have made it */
	bool fresh;    /* and all on the way to it: nothing above it is frozen, or we would be */
};

/* Valid until the next level is named. */
static const char *path_of(const struct level *l)
{
	memcpy(l->way->part, l->way->whole, l->length);
	l->way->part[l->length] = '\0';
	return l->way->part;
}

/* Whether our cgroup namespace begins at this cgroup, we are in it, and it is none of the host's: the
 * very first has no cgroup.type. */
static bool is_our_own_top(const struct cgroup_plan *plan, const struct level *l)
{
	return !l->above && strcmp(plan->own, "/") == 0 &&
	       faccessat(l->way->top, "cgroup.type", F_OK, 0) == 0;
}

static void enable_from_top(const struct cgroup_plan *plan, const struct level *l)
{
	owned_fd dir = -1;
	struct error ignored;

	if (l->above)
		enable_from_top(plan, l->above);
	dir = tree_descend(l->way->top, path_of(l), &ignored);
	if (dir >= 0)
		controllers_enable(dir, is_our_own_top(plan, l));
}

static int enter(const struct cgroup_plan *plan, const struct level *parent, const char *rest,
                 struct error *err);

/* Go on below it, or open what is the container's own. */
static int enter_on(const struct cgroup_plan *plan, const struct level *l, const char *rest,
                    struct error *err)
{
	owned_fd dir = -1;

	rest += strspn(rest, "/");
	if (*rest)
		return enter(plan, l, rest, err);
	dir = openat(l->way->top, path_of(l), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return fail_errno(err, plan->path, "open");
	if ((!l->fresh && check_vacant(dir, plan->path, err) < 0) || furnish(plan, dir, err) < 0)
		return -1;
	if (!l->made)
		owner_mark(dir, plan->owner);
	return take_fd(&dir);
}

static int enter(const struct cgroup_plan *plan, const struct level *parent, const char *rest,
                 struct error *err)
{
	size_t length = strcspn(rest, "/");
	struct way *way = parent->way;
	struct level level = {.above = parent,
	                      .way = way,
	                      .length = (size_t)(rest - way->whole) + length};
	bool is_last = !rest[length + strspn(rest + length, "/")];
	int dir;

	if (length > NAME_MAX)
		return fail(err, ERROR_CONFIG, object, "'%s': a name longer than %d bytes",
		            plan->path, NAME_MAX);
	/* what is on here is on above too */
	if (is_last && plan->controllers &&
	    !controllers_are_on(way->top, path_of(parent), plan->controllers,
	                        parent->fresh && parent->above))
		enable_from_top(plan, parent);
	level.made = mkdirat(way->top, path_of(&level), 0755) == 0;
	if (!level.made && errno != EEXIST)
		return fail_errno(err, plan->path, "mkdir");
	level.fresh = level.made && parent->fresh;
	dir = enter_on(plan, &level, rest + length, err);
	if (dir < 0 && level.made && unlinkat(way->top, path_of(&level), AT_REMOVEDIR) < 0)
		log_debug("after a failed mkdir of %s: rmdir %s: %s", plan->path, way->part,
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
	struct way way = {.top = plan->top < 0 ? again : plan->top,
	                  .whole = plan->path + strspn(plan->path, "/")};
	const struct level top = {.way = &way, .fresh = true};
	int dir = -1;

	if (way.top < 0)
		return -1;
	errno = ENAMETOOLONG;
	if (strlen(way.whole) >= sizeof(way.part))
		return fail_errno(err, plan->path, "mkdir");
	for (int i = 0; dir < 0 && i < ATTEMPTS; i++) {
		dir = enter(plan, &top, way.whole, err);
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
	if (dir >= 0 && plan->scope) /* systemd removes it when it is empty: always a new one */
		owner_mark(dir, plan->owner);
	return dir;
}

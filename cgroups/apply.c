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

static int enter(const struct cgroup_plan *plan, int parent, const char *rest, struct error *err);

/* Open the component that is there now, and go on below it. */
static int enter_open(const struct cgroup_plan *plan, int parent, const char *name,
                      const char *rest, struct error *err)
{
	owned_fd dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return fail_errno(err, plan->path, "open");
	rest += strspn(rest, "/");
	if (*rest)
		return enter(plan, dir, rest, err);
	if (check_vacant(dir, plan->path, err) < 0 || furnish(plan, dir, err) < 0)
		return -1;
	return take_fd(&dir);
}

/* Whether our cgroup namespace begins at this cgroup, we are in it, and it is none of the host's: the
 * very first has no cgroup.type. */
static bool is_our_own_top(const struct cgroup_plan *plan, int parent, const char *rest)
{
	return rest == plan->path + strspn(plan->path, "/") && strcmp(plan->own, "/") == 0 &&
	       faccessat(parent, "cgroup.type", F_OK, 0) == 0;
}

static int enter(const struct cgroup_plan *plan, int parent, const char *rest, struct error *err)
{
	size_t length = strcspn(rest, "/");
	const char *path = plan->path;
	char name[NAME_MAX + 1];
	bool made;
	int dir;

	if (length >= sizeof(name))
		return fail(err, ERROR_CONFIG, object, "'%s': a name longer than %d bytes", path,
		            NAME_MAX);
	memcpy(name, rest, length);
	name[length] = '\0';
	if (plan->controllers)
		controllers_enable(parent, is_our_own_top(plan, parent, rest));
	made = mkdirat(parent, name, 0755) == 0;
	if (!made && errno != EEXIST)
		return fail_errno(err, path, "mkdir");
	dir = enter_open(plan, parent, name, rest + length, err);
	if (dir < 0 && made && unlinkat(parent, name, AT_REMOVEDIR) < 0)
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
	owned_fd top = tree_open(plan->mount, err);
	int dir = -1;

	if (top < 0)
		return -1;
	for (int i = 0; dir < 0 && i < ATTEMPTS; i++) {
		dir = enter(plan, top, plan->path + strspn(plan->path, "/"), err);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/process.h"
#include "cgroups/cgroups.h"

#include "explain.h"

static bool was_killed(const struct container *c)
{
	enum { SOON_MS = 1000 };
	struct error ignored;

	return c->init >= 0 && process_wait_pidfd(c->init, SOON_MS, &ignored) > 0 &&
	       process_peek(c->init, &ignored) == 128 + SIGKILL;
}

int explain_memory(const struct container *c, const struct plan *plan, struct error *err)
{
	struct error ignored;
	owned_fd cgroup = plan->cgroup->path ? cgroup_open(plan->cgroup->path, &ignored) : -1;
	const uint64_t *kills, *hits;
	struct stats stats = {0};

	if (cgroup < 0 || cgroup_stats(cgroup, c->arena, &stats, &ignored) < 0)
		return err->errnum == ENOMEM || was_killed(c)
		               ? cgroup_suspect_memory(plan->cgroup, err)
		               : -1;
	if (!stats.memory.set)
		return -1;
	kills = counters_find(&stats.memory.events, "oom_kill");
	hits = counters_find(&stats.memory.events, "max");
	if (!(kills && *kills > 0) && !(err->errnum == ENOMEM && hits && *hits > 0))
		return -1;
	if (stats.memory.limit == STATS_NO_LIMIT)
		return fail(err, ERROR_SYSTEM, "container",
		            "its process was killed for want of memory in a cgroup above its own");
	return fail(err, ERROR_CONFIG, "linux.resources.memory.limit",
	            "too low to start in: limit %" PRIu64 ", usage %" PRIu64
	            " at most, and %" PRIu64 " processes killed for want of memory",
	            stats.memory.limit, stats.memory.peak ? stats.memory.peak : stats.memory.usage,
	            kills ? *kills : 0);
}

static uint32_t host_id(const id_map_list *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->item[i].container_id == 0)
			return maps->item[i].host_id;
	return UINT32_MAX;
}

/* By its mode alone. */
static bool is_closed(const char *path, uint32_t uid, uint32_t gid)
{
	struct stat st;
	mode_t search;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	search = st.st_uid == uid ? S_IXUSR : st.st_gid == gid ? S_IXGRP : S_IXOTH;
	return !(st.st_mode & search);
}

int explain_access(const struct spec_linux *l, struct error *err)
{
	const char *from = strstr(err->object, ": /");
	uint32_t uid = host_id(&l->uid_mappings), gid = host_id(&l->gid_mappings);
	const struct error before = *err;
	char path[PATH_MAX];

	if (err->errnum != EACCES || !l->namespaces[NAMESPACE_USER].set || uid == UINT32_MAX ||
	    !from || (size_t)snprintf(path, sizeof(path), "%s/", from + 2) >= sizeof(path))
		return -1;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (is_closed(path, uid, gid)) {
			(void)fail(err, before.kind, before.object,
			           "%s (the container's root is user %u of the host, and %s is "
			           "closed to him)",
			           before.reason, uid, path);
			err->errnum = EACCES;
			return -1;
		}
		*slash = '/';
	}
	return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "resctrl/resctrl.h"

#include "launch.h"

#define NOTE "resctrl"

enum { NOTE_BYTES = 1 << 14 };

int group_make(const struct container *c, const struct plan *plan, struct error *err)
{
	const char *makes;
	owned_fd root = -1;

	if (!plan->resctrl)
		return 0;
	makes = resctrl_makes(plan->resctrl, c->arena);
	if (!makes)
		return arena_check(c->arena, err);
	root = resctrl_open(err);
	if (root < 0 || file_replace(c->dir, NOTE, makes, strlen(makes), 0600, err) < 0)
		return -1;
	return resctrl_apply(plan->resctrl, root, c->state.pid, err);
}

int group_join(const struct container *c, pid_t pid, struct error *err)
{
	owned_fd root = -1;

	if (!c->spec->linux_.intel_rdt.set)
		return 0;
	root = resctrl_open(err);
	return root < 0 ? -1 : resctrl_join(c->spec, c->state.id, root, pid, err);
}

int group_remove(const struct container *c, struct error *err)
{
	owned_fd note = -1, root = -1;
	size_t length;
	char *makes;

	if (c->spec && !c->spec->linux_.intel_rdt.set)
		return 0;
	note = openat(c->dir, NOTE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (note < 0)
		return errno == ENOENT ? 0 : fail_errno(err, NOTE, "open");
	if (fd_read_whole(note, NOTE, NOTE_BYTES, c->arena, &makes, &length, err) < 0)
		return -1;
	root = resctrl_open(err);
	if (root < 0) { /* unmounted: with it the groups have gone */
		log_dropped("at delete", err);
		return 0;
	}
	return resctrl_undo(makes, root, err);
}

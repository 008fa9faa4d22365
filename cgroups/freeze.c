/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing what is in a cgroup, and knowing that it is.
 *
 * Theory of operation: "frozen" of cgroup.events counts all threads, yet those of the kernel can't be frozen. KVM has
 * one for each machine in the cgroup of whoever made it (before Linux 6.13), so the kernel never says it of a virtual
 * machine. Then the threads themselves are looked at: whoever is to be frozen is woken, and sleeps again only when he
 * is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"

#include "cgroups.h"
#include "events.h"

enum {
	STEP_MS = 50,
	THREADS_LIMIT = 1 << 20,
};

static const char freeze_file[] = "cgroup.freeze";

/* Whether a thread can't go on, or can't be made to stop. */
static bool is_still(long thread, bool *ret_kernels)
{
	struct error why;
	char state;

	if (process_look_at_thread((pid_t)thread, &state, ret_kernels, &why) < 0)
		return why.errnum == ESRCH; /* it has ended */
	return *ret_kernels || strchr("StTZX", state);
}

/* Whether a thread of the kernel is all that keeps the kernel from saying so. */
static bool stands_still(int dir)
{
	owned_arena struct arena *arena = arena_new(THREADS_LIMIT);
	bool has_kernels = false;
	char *text = NULL, *end;
	struct error ignored;

	if (!arena || fd_read_file(dir, "cgroup.threads", THREADS_LIMIT / 2, arena, &text, NULL,
	                           &ignored) < 0)
		return false;
	for (; *text; text = end + strspn(end, "\n")) {
		long thread = strtol(text, &end, 10);
		bool is_kernels = thread == 0; /* in no pid namespace but the first */

		if (end == text || thread < 0 || (thread > 0 && !is_still(thread, &is_kernels)))
			return false;
		has_kernels = has_kernels || is_kernels;
	}
	return has_kernels;
}

static int wait_until(int dir, bool frozen, struct error *err)
{
	for (int ms = 0; ms < EVENTS_TIMEOUT_MS; ms += STEP_MS) {
		int said = events_wait(dir, "frozen", frozen, STEP_MS, err);

		if (said != 0)
			return said < 0 ? -1 : 0;
		if (frozen && stands_still(dir))
			return 0;
	}
	return fail(err, ERROR_STATE, freeze_file, "not %s after %d seconds",
	            frozen ? "frozen" : "thawed", EVENTS_TIMEOUT_MS / 1000);
}

/* What can't be frozen whole goes on whole. */
int cgroup_freeze(int dir, bool frozen, struct error *err)
{
	struct error why;

	if (fd_write_file(dir, freeze_file, frozen ? "1" : "0", err) < 0)
		return -1;
	if (wait_until(dir, frozen, err) == 0)
		return 0;
	if (frozen && fd_write_file(dir, freeze_file, "0", &why) < 0)
		log_dropped("after a failed pause", &why);
	return -1;
}

int cgroup_is_frozen(int dir, bool *ret_frozen, struct error *err)
{
	struct error ignored;
	char asked[8];

	if (events_read(dir, "frozen", ret_frozen, err) < 0)
		return -1;
	if (!*ret_frozen && fd_read_small(dir, freeze_file, asked, sizeof(asked), &ignored) > 0)
		*ret_frozen = *asked == '1';
	return 0;
}

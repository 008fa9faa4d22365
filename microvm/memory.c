/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/fdpass.h"
#include "base/own.h"

#include "parts.h"

/* A guest gives up pages as fast as it can: only one that has given none for so many steps gives no more. One that
 * gives a page a step would hold us, and the container's lock with us, for weeks: at some time all must be given. */
enum { ANSWER_MS = 5000, STEP_MS = 50, IDLE_STEPS = 200, FIT_MS = 60000 };

#define MIB (UINT64_C(1) << 20)

/* Returns  0, or -1 and *err. */
static int ask(int connection, uint64_t bytes, uint64_t *ret_has, struct error *err)
{
	const struct wire_message question = {.kind = WIRE_MEMORY, .number = {bytes}};
	struct wire_message answer;
	owned_inbox inbox = {0};

	if (wire_ask(connection, &question, ANSWER_MS, &inbox, &answer, err) < 0)
		return -1;
	*ret_has = answer.number[0];
	return 0;
}

int memory_aim(const struct container *c, uint64_t bytes, struct error *err)
{
	owned_fd connection = fdpass_connect_at(c->dir, VM_CONTROL, err);
	uint64_t ignored;

	return connection < 0 ? -1 : ask(connection, bytes, &ignored, err);
}

int memory_fit(const struct container *c, uint64_t bytes, struct error *err)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
	owned_fd connection = fdpass_connect_at(c->dir, VM_CONTROL, err);
	uint64_t has = 0, least = UINT64_MAX;
	int64_t end = clock_ms() + FIT_MS;

	if (connection < 0)
		return -1;
	for (int idle = 0; idle < IDLE_STEPS && clock_ms() < end; idle++) {
		if (ask(connection, bytes, &has, err) < 0)
			return -1;
		if (has <= bytes)
			return 0;
		if (has < least)
			idle = 0;
		least = has < least ? has : least;
		(void)nanosleep(&step, NULL);
	}
	return fail(err, ERROR_SYSTEM, "memory",
	            "the guest still has %" PRIu64 " MiB and gives back too few of them to reach "
	            "%" PRIu64,
	            has / MIB, bytes / MIB);
}

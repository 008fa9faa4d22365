/* SPDX-License-Identifier: Apache-2.0 */
/* cella-vmm exec NUMBER stdio|terminal CONTROL STREAM STREAM STREAM: stand in for one process of a guest. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"
#include "microvm/wire/wire.h"

#include "program.h"

enum { WORDS = 8 };

static void ended(struct stand_in *self, int status)
{
	*(int *)self->data = status;
	loop_stop(self->loop);
}

static int stand(char **argv, int *status, struct error *err)
{
	struct stand_in_connections connections = STAND_IN_NO_CONNECTIONS;
	int *const fds[] = {&connections.control, &connections.stream[0], &connections.stream[1],
	                    &connections.stream[2]};
	struct stand_in self = {.data = status, .ended = ended};
	uint64_t number;

	if (!text_to_u64(argv[2], &number))
		return fail(err, ERROR_USAGE, argv[2], "is no number");
	for (size_t i = 0; i < 4; i++) {
		int64_t fd;

		if (!text_to_i64(argv[4 + i], &fd) || fd < -1 || fd > INT32_MAX)
			return fail(err, ERROR_USAGE, argv[4 + i], "is no descriptor");
		*fds[i] = (int)fd;
	}
	self.loop = loop_new(err);
	if (!self.loop || stand_in_prepare(&self, err) < 0 ||
	    lockdown(LOCKDOWN_STAND_IN, err) < 0 ||
	    stand_in_start(&self, &connections, number, strcmp(argv[3], "terminal") == 0, err) < 0)
		return -1;
	return loop_run(self.loop, err);
}

int stand_main(int argc, char **argv)
{
	struct error err;
	int status = 255;

	if (argc != WORDS)
		return 255;
	if (stand(argv, &status, &err) == 0)
		return status;
	(void)dprintf(STDERR_FILENO, "cella: exec: %s: %s\n", err.object, err.reason);
	return 255;
}

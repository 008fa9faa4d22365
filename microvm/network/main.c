/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/table.h"

#include "network.h"

enum { STATUS_USAGE = 2, STATUS_UNHEARD = 3 };

static const struct {
	const char *name;
	int (*run)(int socket, const char *argument, struct error *err);
} verbs[] = {
	{"give",      way_give     },
	{"take-back", way_take_back},
};

int main(int argc, char **argv)
{
	struct error err = {0}, ignored;

	for (size_t i = 0; argc == 3 && i < ARRAY_SIZE(verbs); i++) {
		struct wire_message m;

		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		if (verbs[i].run(STDIN_FILENO, argv[2], &err) == 0)
			return 0;
		m = wire_failed(&err);
		return wire_send(STDIN_FILENO, &m, &ignored) < 0 ? STATUS_UNHEARD : 1;
	}
	return STATUS_USAGE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/table.h"

#include "systemd.h"

static int start(sd_bus *bus, char **words, int count, struct error *err)
{
	if (scope_start(bus, words, words + 3, (count - 3) / 3, err) < 0)
		return -1;
	for (;;)
		(void)pause();
}

static int set(sd_bus *bus, char **words, int count, struct error *err)
{
	return scope_set(bus, words[0], words + 1, (count - 1) / 3, err);
}

static int stop(sd_bus *bus, char **words, int count, struct error *err)
{
	(void)count;
	return scope_stop(bus, words[0], err);
}

/* words: how many stand before the properties */
static const struct {
	const char *name;
	int words;
	int (*run)(sd_bus *bus, char **words, int count, struct error *err);
} verbs[] = {
	{"start", 3, start},
	{"set",   1, set  },
	{"stop",  1, stop },
};

static void bus_release(sd_bus **bus)
{
	(void)sd_bus_flush_close_unref(*bus);
}

static int run(int argc, char **argv, struct error *err)
{
	__attribute__((cleanup(bus_release))) sd_bus *bus = NULL;
	int r;

	for (size_t i = 0; argc >= 4 && i < ARRAY_SIZE(verbs); i++) {
		int count = argc - 3;

		if (strcmp(argv[1], verbs[i].name) != 0 || count < verbs[i].words ||
		    (count - verbs[i].words) % 3 != 0)
			continue;
		r = strcmp(argv[2], "user") == 0 ? sd_bus_open_user(&bus)
		                                 : sd_bus_open_system(&bus);
		if (r < 0)
			return fail(err, ERROR_SYSTEM, argv[3],
			            "the %s manager of systemd can't be reached: %s", argv[2],
			            strerrordesc_np(-r));
		return verbs[i].run(bus, argv + 3, count, err);
	}
	return fail(err, ERROR_USAGE, "cella-systemd",
	            "is called by cella: start|set|stop system|user UNIT …");
}

int main(int argc, char **argv)
{
	struct error err;

	if (run(argc, argv, &err) == 0)
		return 0;
	(void)dprintf(STDERR_FILENO, "%s: %s\n", err.object, err.reason);
	return 1;
}

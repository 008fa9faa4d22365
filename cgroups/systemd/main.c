/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The manager's own socket, where there is no bus: a system without D-Bus, or a user without a bus of his. */
static int open_private(bool user, sd_bus **ret_bus)
{
	const char *folder = user ? getenv("XDG_RUNTIME_DIR") : "/run";
	char address[PATH_MAX];
	int r;

	if (!folder || (!user && geteuid() != 0))
		return -ENOENT;
	if (snprintf(address, sizeof(address), "unix:path=%s/systemd/private", folder) >=
	    (int)sizeof(address))
		return -ENAMETOOLONG;
	r = sd_bus_new(ret_bus);
	if (r >= 0)
		r = sd_bus_set_address(*ret_bus, address);
	return r < 0 ? r : sd_bus_start(*ret_bus);
}

static int open_bus(const char *manager, const char *unit, sd_bus **ret_bus, struct error *err)
{
	bool user = strcmp(manager, "user") == 0;
	int r = user ? sd_bus_open_user(ret_bus) : sd_bus_open_system(ret_bus);

	if (r >= 0 || open_private(user, ret_bus) >= 0)
		return 0;
	(void)fail(err, ERROR_SYSTEM, unit, "the %s manager of systemd can't be reached: %s",
	           manager, strerrordesc_np(-r));
	err->errnum = ENOTCONN;
	return -1;
}

static int run(int argc, char **argv, struct error *err)
{
	__attribute__((cleanup(bus_release))) sd_bus *bus = NULL;

	for (size_t i = 0; argc >= 4 && i < ARRAY_SIZE(verbs); i++) {
		int count = argc - 3;

		if (strcmp(argv[1], verbs[i].name) != 0 || count < verbs[i].words ||
		    (count - verbs[i].words) % 3 != 0)
			continue;
		if (open_bus(argv[2], argv[3], &bus, err) < 0)
			return -1;
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
	return err.errnum == ENOTCONN ? EXIT_UNREACHABLE : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#undef fail /* base/error.h has its own */
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "runtime/process/process.h"

static struct spec_id_map maps[] = {
	{0,    100000, 1000},
	{1000, 0,      1   }
};

static id_map_list list(size_t count)
{
	id_map_list l = {.item = maps, .count = count};

	return l;
}

/* A process in a user namespace of its own, that waits to be killed. */
static pid_t sleeper(void)
{
	struct error err;
	pid_t pid = process_clone(CLONE_NEWUSER, -1, NULL, &err);

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

static void end(pid_t pid)
{
	struct error err;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(process_wait(pid, &err), 128 + SIGKILL);
}

static void maps_are_written(void **state)
{
	id_map_list two = list(2), one = list(1);
	char path[64], text[256];
	unsigned int a, b, c;
	struct error err;
	struct host host;
	pid_t pid;

	(void)state;
	assert_int_equal(host_look(&host, &err), 0);
	if (geteuid() != 0)
		skip();
	pid = sleeper();
	assert_int_equal(process_write_id_maps(pid, &two, &one, &host, &err), 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	assert_true(fd_read_small(AT_FDCWD, path, text, sizeof(text), &err) > 0);
	assert_int_equal(sscanf(text, "%u %u %u", &a, &b, &c), 3);
	assert_int_equal(a, 0);
	assert_int_equal(b, 100000);
	assert_int_equal(c, 1000);
	/* a second time the kernel refuses: the map of a namespace is written once */
	assert_int_equal(process_write_id_maps(pid, &two, &one, &host, &err), -1);
	assert_non_null(strstr(err.object, "linux.uidMappings"));
	end(pid);
}

static void without_rights_the_helper_is_asked(void **state)
{
	const struct host nobody = {.uid = 65534, .gid = 65534};
	id_map_list one = list(1);
	struct error err;
	const char *path = getenv("PATH");
	char *kept = path ? strdup(path) : NULL;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = sleeper();
	assert_int_equal(setenv("PATH", "/no/such/folder", 1), 0);
	assert_int_equal(process_write_id_maps(pid, &one, &one, &nobody, &err), -1);
	assert_string_equal(err.object, "linux.uidMappings");
	assert_non_null(strstr(err.reason, "install the package uidmap"));
	if (kept)
		assert_int_equal(setenv("PATH", kept, 1), 0);
	free(kept);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_written),
		cmocka_unit_test(without_rights_the_helper_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

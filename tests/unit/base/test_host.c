/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "tests/unit/cmocka.h"

static uint64_t from_status(const char *name)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long value = 0;
	char line[256];
	int found = 0;

	assert_non_null(status);
	while (!found && fgets(line, sizeof(line), status))
		if (strncmp(line, name, strlen(name)) == 0)
			found = sscanf(line + strlen(name), " %llx", &value) == 1;
	(void)fclose(status);
	assert_true(found);
	return value;
}

static void what_is_seen_is_what_procfs_says(void **state)
{
	struct host host = {.made_up = true};
	struct error err = {0};

	(void)state;
	assert_int_equal(host_look(&host, &err), 0);
	assert_int_equal(host.uid, geteuid());
	assert_int_equal(host.gid, getegid());
	assert_int_equal(host.capabilities, from_status("CapEff:"));
	assert_int_equal(host.bounding, from_status("CapBnd:"));
	assert_int_equal(host.ignored_signals, from_status("SigIgn:"));
	assert_int_equal(host.privileged, host.capabilities >> 21 & 1);
	assert_false(host.made_up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_seen_is_what_procfs_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

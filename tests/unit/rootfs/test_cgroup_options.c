/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "rootfs/rootfs.h"
#include "tests/unit/cmocka.h"

static void options_that_have_not_changed_are_left_alone(void **state)
{
	struct rootfs_cgroup_options options;
	struct error err = {0};

	(void)state;
	rootfs_note_cgroup_options(&options);
	if (*options.text) { /* this host has the tree mounted */
		assert_true(options.place[0] == '/');
		assert_int_equal(strncmp(options.text, "r", 1), 0); /* rw or ro first */
	}
	assert_int_equal(rootfs_put_back_cgroup_options(&options, &err), 0);
}

static void where_there_was_no_tree_nothing_is_put_back(void **state)
{
	const struct rootfs_cgroup_options none = {.place = "/no/such/place"};
	struct error err = {0};

	(void)state;
	assert_int_equal(rootfs_put_back_cgroup_options(&none, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_that_have_not_changed_are_left_alone),
		cmocka_unit_test(where_there_was_no_tree_nothing_is_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

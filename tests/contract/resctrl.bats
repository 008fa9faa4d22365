#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.intelRdt: few machines have it; what it does is tried in tests/unit/resctrl with a false tree.
load helpers

resctrl() { [ "$(stat -f -c %t /sys/fs/resctrl 2>/dev/null)" = 7655821 ]; }

@test "intelRdt without resctrl is refused by name" {
	only_cella
	! resctrl || skip "this machine has it"
	for asked in '{l3CacheSchema: "L3:0=f"}' '{closID: "/", enableMonitoring: true}' '{}'; do
		bundle ".linux.intelRdt = $asked"
		refused cella run "$ID"
		has "$stderr" "linux.intelRdt: /sys/fs/resctrl: resctrl is not mounted"
	done
}

@test "the container's processes are in its group, which goes with it" {
	only_cella
	resctrl || skip "no resctrl"
	bundle '.linux.intelRdt = {enableMonitoring: true} | forever'
	ok cella run --detach "$ID"
	grep -qx "$(pid_of "$ID")" "/sys/fs/resctrl/$ID/tasks"
	ok cella update --mem-bw-schema "$(grep -o 'MB:.*' "/sys/fs/resctrl/$ID/schemata")" "$ID"
	ok cella delete --force "$ID"
	[ ! -e "/sys/fs/resctrl/$ID" ]
}

@test "the default group, with monitoring of the container's own" {
	only_cella
	resctrl || skip "no resctrl"
	bundle '.linux.intelRdt = {closID: "/", enableMonitoring: true} | forever'
	ok cella run --detach "$ID"
	grep -qx "$(pid_of "$ID")" /sys/fs/resctrl/tasks
	grep -qx "$(pid_of "$ID")" "/sys/fs/resctrl/mon_groups/$ID/tasks"
	ok cella delete --force "$ID"
	[ ! -e "/sys/fs/resctrl/mon_groups/$ID" ]
}

@test "schemata of a container without a group can't be changed" {
	only_cella
	bundle forever
	ok cella run --detach "$ID"
	refused cella update --l3-cache-schema "L3:0=f" "$ID"
	has "$stderr" "has no linux.intelRdt"
	refused cella update --mem-bw-schema "MB:0=50" "$ID"
	has "$stderr" "has no linux.intelRdt"
	ok cella delete --force "$ID"
}

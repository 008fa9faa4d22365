#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.intelRdt: few machines have resctrl, so a folder stands in for it (resctrl.c).
load helpers

resctrl() { [ "$(stat -f -c %t /sys/fs/resctrl 2>/dev/null)" = 7655821 ]; }

# From here on $groups is what cella takes for resctrl.
stand_in() {
	only_cella
	groups=$T/resctrl
	cella() { timeout --foreground -k 5 "${LIMIT:-30}" "$WORK/resctrl" "$groups" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"; }
}
real_or_stand_in() { if resctrl; then only_cella; groups=/sys/fs/resctrl; else stand_in; fi; }
rdt() { bundle ".linux.intelRdt = $1 | ${2:-forever}"; }
in_group() { grep -qx "$(pid_of "$1")" "$groups/$2/tasks"; }

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
	real_or_stand_in
	rdt '{enableMonitoring: true}'
	ok cella run --detach "$ID"
	in_group "$ID" "$ID"
	in_group "$ID" "$ID/mon_groups/$ID"
	if ! in_a_vm; then
		ok cella exec --detach --pid-file "$T/pid" "$ID" sleep 1000
		grep -qx "$(<"$T/pid")" "$groups/$ID/tasks"
		grep -qx "$(<"$T/pid")" "$groups/$ID/mon_groups/$ID/tasks"
	fi
	ok cella update --mem-bw-schema "$(grep -o 'MB:.*' "$groups/$ID/schemata")" "$ID"
	ok cella delete --force "$ID"
	[ ! -e "$groups/$ID" ]
}

@test "the default group, with monitoring of the container's own" {
	real_or_stand_in
	rdt '{closID: "/", enableMonitoring: true}'
	ok cella run --detach "$ID"
	in_group "$ID" .
	in_group "$ID" "mon_groups/$ID"
	ok cella delete --force "$ID"
	[ ! -e "$groups/mon_groups/$ID" ]
	[ -e "$groups/tasks" ]
}

@test "schemata of all three members, bandwidth by its own, and those of update, which are taken back when it fails" {
	stand_in
	rdt '{l3CacheSchema: "L3:0=ff;1=1\nMB:0=20", memBwSchema: "MB:0=50;1=60", schemata: ["L3:1=3", "L2:0=1"]}'
	ok cella run --detach "$ID"
	is "$(<"$groups/$ID/schemata")" "$(printf '%s\n' "L3:0=ff;1=1" "MB:0=50;1=60" L3:1=3 L2:0=1)"
	ok cella update --l3-cache-schema "L3:0=f" --mem-bw-schema "MB:0=30" "$ID"
	is "$(<"$groups/$ID/schemata")" "$(printf '%s\n' L3:0=f MB:0=30)"
	refused cella update --l3-cache-schema "L3:0=1" --cpuset-cpus 1000 "$ID"
	is "$(<"$groups/$ID/schemata")" "$(printf '%s\n' L3:0=f MB:0=30)"
	ok cella delete --force "$ID"
	[ ! -e "$groups/$ID" ]
}

@test "containers share a group by closID, whose schemata are the first one's, and which stays when they go" {
	stand_in
	first=$ID second=$ID-2
	rdt '{closID: "gold"}'
	refused cella run "$ID"
	has "$stderr" "linux.intelRdt.closID: there is no group 'gold', and no schemata to make one with"
	rdt '{closID: "gold", l3CacheSchema: "L3:0=ff;1=f", enableMonitoring: true}'
	ok cella run --detach "$first"
	for asked in '{closID: "gold"}' '{closID: "gold", memBwSchema: "MB:0=10"}' '{closID: "gold", schemata: ["L3:0=0ff"], enableMonitoring: true}'; do
		ID=$second
		rdt "$asked"
		if [[ $asked == *MB* ]]; then
			refused cella run "$ID"
			has "$stderr" "linux.intelRdt: gold: the group is there, with other schemata than these"
			continue
		fi
		ok cella run --detach "$ID"
		in_group "$first" gold
		in_group "$second" gold
		[ ! -e "$groups/$second" ]
		[[ $asked != *Monitoring* ]] || in_group "$second" "gold/mon_groups/$second"
		ok cella delete --force "$second"
	done
	in_group "$first" "gold/mon_groups/$first"
	is "$(ls "$groups/gold/mon_groups")" "$first"
	ok cella delete --force "$first"
	is "$(<"$groups/gold/schemata")" "L3:0=ff;1=f"
	is "$(ls "$groups/gold/mon_groups")" ""
}

@test "a create that fails leaves no group behind" {
	stand_in
	rdt '{l3CacheSchema: "L3:0=f", enableMonitoring: true}' 'args(["no-such-program"])'
	refused cella create "$ID"
	has "$stderr" no-such-program
	is "$(ls "$groups" "$groups/mon_groups" | xargs)" "$groups: mon_groups schemata tasks $groups/mon_groups:"
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

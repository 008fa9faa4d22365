#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Device rules: what may be done with a device node, whatever rights its file gives.
load helpers

# rules RULES SCRIPT: a container that may make nodes and knows nodes of its own below /nodes.
rules() {
	bundle ".linux.resources.devices = [$1] | all_caps([\"CAP_MKNOD\", \"CAP_SYSLOG\", \"CAP_DAC_OVERRIDE\"]) |
		tmpfs(\"/nodes\"; [\"dev\", \"mode=777\"]) | sh(\"$2\")"
	rm -rf "$BUNDLE/rootfs"
	own_rootfs
	mkdir "$BUNDLE/rootfs/nodes"
	jq '.root.path = "rootfs"' config.json >c && mv c config.json
}
none='{"allow": false, "access": "rwm"}'
make_zero='mknod /nodes/zero c 1 5 && mknod /nodes/kmsg c 1 11 && mknod /nodes/loop b 7 9'
read_zero='head -c 1 /nodes/zero >/dev/null && echo zero'
read_kmsg='dd if=/nodes/kmsg of=/dev/null bs=8k count=1 2>/dev/null </dev/null && echo kmsg'

@test "what cella spec writes opens no device that an image brings a node of" {
	bundle "sh(\"head -c 1 /zero; cat /kmsg\")"
	rm -rf "$BUNDLE/rootfs"
	own_rootfs
	jq '.root.path = "rootfs"' config.json >c && mv c config.json
	mknod "$BUNDLE/rootfs/zero" c 1 5 && mknod "$BUNDLE/rootfs/kmsg" c 1 11 || skip "no node can be made here"
	"$CELLA" spec --file written.json
	is "$(jq -c .linux.resources config.json)" "$(jq -c .linux.resources written.json)"
	try cella run "$ID"
	has "$stderr" "can't open '/kmsg': Operation not permitted"
}

@test "a device that no rule allows answers EPERM, the default ones work" {
	rules "$none" "$make_zero && $read_zero; cat /nodes/kmsg; echo x >/dev/null && head -c 2 /dev/urandom | wc -c"
	ok cella run "$ID"
	is "$output" "zero
2"
	has "$stderr" "can't open '/nodes/kmsg': Operation not permitted"
}

@test "a device that a rule allows opens, and only as it is allowed" {
	rules "$none, {\"allow\": true, \"type\": \"c\", \"major\": 1, \"minor\": 11, \"access\": \"r\"}" \
		"$make_zero; $read_kmsg; : >>/nodes/kmsg"
	try cella run "$ID"
	is "$output" kmsg
	has "$stderr" "can't create /nodes/kmsg: Operation not permitted"
}

@test "of the rules that fit the last one decides" {
	kmsg='"type": "c", "major": 1, "minor": 11, "access": "rwm"'
	rules "$none, {\"allow\": true, $kmsg}, {\"allow\": false, $kmsg}" "$make_zero; cat /nodes/kmsg"
	try cella run "$ID"
	has "$stderr" "Operation not permitted"
	rules "{\"allow\": false, $kmsg}, {\"allow\": true, $kmsg}" "$make_zero; $read_kmsg"
	ok cella run "$ID"
	is "$output" kmsg
}

@test "a rule for a major, for a type, for all" {
	for rule in '"type": "c", "major": 1' '"type": "c"' '"type": "c", "major": -1, "minor": 11' '"type": "a"'; do
		rules "$none, {\"allow\": true, $rule, \"access\": \"rw\"}" "$make_zero; $read_kmsg"
		ok cella run "$ID"
		is "$output" kmsg
	done
	rules "$none, {\"allow\": true, \"type\": \"b\", \"access\": \"rw\"}" "$make_zero; cat /nodes/kmsg"
	try cella run "$ID"
	has "$stderr" "Operation not permitted"
}

@test "a rule for a block device is none for a character device of its number, and the other way round" {
	# nobody answers to these numbers: what is allowed comes to the kernel's "no such device"
	make='mknod /nodes/disk b 60 7 && mknod /nodes/line c 60 7'
	open='head -c 1 /nodes/disk; head -c 1 /nodes/line; : >>/nodes/disk'
	for type in b c; do
		rules "$none, {\"allow\": true, \"type\": \"$type\", \"major\": 60, \"minor\": 7, \"access\": \"r\"}" "$make && { $open; }"
		try cella run "$ID"
		case $type in
		b) disk="No such device or address" line="Operation not permitted" ;;
		c) disk="Operation not permitted" line="No such device or address" ;;
		esac
		has "$stderr" "/nodes/disk: $disk"
		has "$stderr" "/nodes/line: $line"
		has "$stderr" "can't create /nodes/disk: Operation not permitted"
	done
}

# bats test_tags=testbed
@test "a block device that is allowed to be read is read, and not written" {
	not_rootless "a device of the host's is root's"
	not_in_a_vm "the guest has no device of the host's"
	modprobe brd rd_nr=1 rd_size=64 2>/dev/null || skip "this kernel has no disk of memory"
	soon test -b /dev/ram0
	printf 'on the disk' >/dev/ram0
	bundle '.linux.devices = [{path: "/dev/disk", type: "b", major: 1, minor: 0, fileMode: 438}] |
		.linux.resources.devices += [{allow: true, type: "b", major: 1, minor: 0, access: "r"}] |
		sh("head -c 11 /dev/disk; dd if=/dev/zero of=/dev/disk bs=4k count=1; :")'
	try cella run "$ID"
	read="$output $stderr"
	bundle '.linux.devices = [{path: "/dev/disk", type: "b", major: 1, minor: 0, fileMode: 438}] |
		.linux.resources.devices += [{allow: true, type: "b", major: 1, minor: 0, access: "w"}] |
		sh("echo over >/dev/disk; head -c 4 /dev/disk")'
	try cella run "$ID"
	written="$(head -c 4 /dev/ram0) $stderr"
	modprobe -r brd
	is "$read" "on the disk dd: can't open '/dev/disk': Operation not permitted"
	is "$written" "over head: /dev/disk: Operation not permitted"
}

@test "without rules a container has what its rights give it" {
	rules "" "$make_zero; $read_kmsg"
	ok cella run "$ID"
	is "$output" kmsg
}

@test "update changes the rules of a container that runs, others of its limits or not" {
	rules "$none" "$make_zero; while :; do sleep 1000; done"
	run_in_background
	soon cella exec "$ID" test -e /nodes/loop
	exits 1 cella exec "$ID" dd if=/nodes/kmsg bs=8k count=1
	has "$stderr" "Operation not permitted"
	ok bash -c "echo '{\"devices\": [$none, {\"allow\": true, \"type\": \"c\", \"major\": 1, \"minor\": 11, \"access\": \"r\"}]}' | '$CELLA' --root '$ROOT' update -r - '$ID'"
	ok cella exec "$ID" dd if=/nodes/kmsg bs=8k count=1
	ok bash -c "echo '{\"devices\": [{\"allow\": true, \"access\": \"rwm\"}]}' | '$CELLA' --root '$ROOT' update -r - '$ID'"
	ok cella exec "$ID" sh -c ': >>/nodes/kmsg'
	ok bash -c "echo '{\"devices\": [$none]}' | '$CELLA' --root '$ROOT' update -r - '$ID'"
	exits 1 cella exec "$ID" dd if=/nodes/kmsg bs=8k count=1
	ok cella kill "$ID" KILL
	ends_with $background 137
}

# bats test_tags=testbed
@test "no eBPF program is left of a container" {
	not_in_a_vm "what it may open is asked of the guest's kernel"
	# those of this container, by number: other tests have containers at the same time
	of_container() { bpftool -j cgroup list "$CGROUP" | jq -r '.[] | select(.name == "cella_devices") | .id'; }
	gone_program() { ! bpftool prog show id "$1" >/dev/null 2>&1; }
	rules "$none" "while :; do sleep 1000; done"
	run_in_background
	for i in 1 2 3; do
		before=$(of_container)
		is "$(wc -w <<<"$before")" 1
		ok bash -c "echo '{\"devices\": [$none]}' | '$CELLA' --root '$ROOT' update -r - '$ID'"
		soon gone_program "$before"
	done
	last=$(of_container)
	ok cella kill "$ID" KILL
	ends_with $background 137
	soon gone_program "$last"
}

# SPDX-License-Identifier: Apache-2.0
# What errors.bats and kills.bats share. A container of all that can fail without more than this machine: a
# cgroup, devices, masks, a seccomp filter, a volume, a user of its own.
load ../contract/helpers

fault_setup() {
	only_cella
	[ "$(uname -m)" = x86_64 ] || skip "system calls are counted on x86-64 only"
	own_rootfs
	cat >"$BUNDLE/rootfs/bin/probe" <<-'END'
		#!/bin/sh
		grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|Umask)' /proc/self/status
		sed 's/^[0-9]* [0-9]* [0-9:]* //; s/,inode64//' /proc/self/mountinfo | sed "s|$PWD||"
		cd /dev && find . -type c -o -type l -o -type p | sort | xargs ls -ld | awk '{print $1, $3, $4, $5, $6, $NF}'
		hostname; pwd; ulimit -n; cat /proc/self/oom_score_adj; ls /proc/self/fd; cat /share/word /proc/keys # not HOME: a convenience
	END
	chmod 755 "$BUNDLE/rootfs/bin/probe"
	echo shared >"$SHARE/word"
	bundle '.root.path = "rootfs" | args(["probe"]) | share
		| .process.user = {uid: 1000, gid: 1000, additionalGids: [2000], umask: 18}
		| .linux.devices = [{path: "/dev/extra/node", type: "c", major: 1, minor: 3, fileMode: 438}]
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
			syscalls: [{names: ["swapon"], action: "SCMP_ACT_ERRNO"}]}'
	jq '.process.args = ["sleep", "1000"]' config.json >sleep.json
	# ids of its own, a time namespace, a place for every hook; then namespaces of somebody else
	jq "$WORDS"' mapped | new_ns("time") | .linux.timeOffsets = {boottime: {secs: 60}}
		| .linux.sysctl = {"net.ipv4.ip_forward": "1"} | del(.linux.devices)
		| .hooks = ({} | .prestart = [{path: "/bin/true"}] | .createRuntime = .prestart | .createContainer = .prestart
			| .startContainer = .prestart | .poststart = .prestart | .poststop = .prestart)' config.json >mapped.json
	# a plain user's, who gets a user namespace; devices of the host's
	jq "$WORDS"' del(.process.user, .linux.devices, .linux.cgroupsPath, .process.oomScoreAdj)' config.json >plain.json
	jq "$WORDS"' .linux.netDevices = {web1: {name: "eth0"}, web2: {}}' sleep.json >devices.json
	jq "$WORDS"' .annotations = {"org.cella.netDevices": "return"}' devices.json >returned.json
	jq "$WORDS"' join_ns("network"; "/proc/1/ns/net") | join_ns("ipc"; "/proc/1/ns/ipc") | del(.linux.devices)' config.json >joined.json
	echo '{"mounts": [{"destination": "/mnt", "type": "tmpfs"}, {"destination": "/home", "type": "bind", "source": "'"$SHARE"'", "options": ["bind", "ro"]}]}' >mounts.json
}

# The host is a network namespace of the test's, for an operation that moves its devices; with a mount namespace, for
# what holds them.
with_host() {
	new_network --mount
	HOST=$NETWORK
	nsenter --net="/proc/$HOST/ns/net" ip link add any0 type veth peer name any1 || skip "no veth devices"
	"$@"
	end_network "$HOST"
}

try_each_call() { # OPERATION MODE
	fault_setup
	export ROOT CG ID T BUNDLE FAULT CELLA HOST
	[ "${FULL-}" != 1 ] || LIMIT=7200
	if ! "$BATS_TEST_DIRNAME/try" "$1" "$2" >"$T/report" 2>&1; then
		cat "$T/report"
		return 1
	fi
	tail -n 1 "$T/report" | sed 's/^/# /' >&3
}

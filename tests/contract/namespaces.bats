#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The eight namespaces: new, joined by path, the host's.
load helpers

ns() { readlink "/proc/self/ns/$1"; }
TYPES="ipc:ipc uts:uts network:net pid:pid mount:mnt cgroup:cgroup"

@test "listed namespaces are new ones, the others are the caller's" {
	not_in_a_vm "its namespaces are another kernel's, and it needs a network namespace"
	bundle 'sh("for n in ipc uts net pid mnt cgroup user time; do readlink /proc/self/ns/$n; done")'
	ok cella run "$ID"
	for type in $TYPES; do
		lacks "$output" "$(ns "${type#*:}")"
	done
	has "$output" "$(ns user)"
	has "$output" "$(ns time)"
	bundle 'no_ns("ipc") | no_ns("network") | sh("readlink /proc/self/ns/ipc; readlink /proc/self/ns/net")
		| .mounts |= map(select(.type != "mqueue"))'
	ok cella run "$ID"
	is "$output" "$(ns ipc)
$(ns net)"
}

@test "hostname and domainname" {
	bundle '.hostname = "argo" | .domainname = "iolkos" | sh("hostname; cat /proc/sys/kernel/domainname")'
	only_cella
	before=$(hostname)
	ok cella run "$ID"
	is "$output" "argo
iolkos"
	is "$(hostname)" "$before"
}

# In a uts namespace of the test's own, for the day when it fails.
@test "an empty hostname or domainname changes none, least of all the host's" {
	for own in . 'no_ns("uts")'; do
		bundle "$own"' | .hostname = "" | .domainname = "" | sh("hostname; cat /proc/sys/kernel/domainname")'
		ok unshare --uts sh -c 'echo atlas >/proc/sys/kernel/hostname; echo ocean >/proc/sys/kernel/domainname; "$@" && hostname && cat /proc/sys/kernel/domainname' sh \
			timeout 30 "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
		in_a_vm || is "$(head -n 2 <<<"$output")" "$(printf '%s\n' atlas ocean)"
		is "$(tail -n 2 <<<"$output")" "$(printf '%s\n' atlas ocean)"
	done
}

@test "a new network namespace has its loopback up and nothing else" {
	bundle 'sh("ls /sys/class/net; ping -c1 -W1 127.0.0.1 | grep -c ttl; cat /sys/class/net/lo/flags")
		| all_caps(["CAP_NET_RAW"])'
	ok cella run "$ID"
	is "$output" "lo
1
0x9"
}

@test "namespaces of another container are joined by path" {
	not_in_a_vm "of the host's namespaces only those of network and users reach to it"
	bundle 'forever | .hostname = "first"'
	ok cella run -d "$ID"
	pid=$(pid_of "$ID")
	bundle "join_ns(\"network\"; \"/proc/$pid/ns/net\") | join_ns(\"ipc\"; \"/proc/$pid/ns/ipc\")
		| join_ns(\"uts\"; \"/proc/$pid/ns/uts\") | join_ns(\"pid\"; \"/proc/$pid/ns/pid\") | del(.hostname)
		| .linux.cgroupsPath = \"$CG/second\"
		| sh(\"hostname; readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; ps | grep -c 'sleep 100[0]'\")"
	ok cella run second
	is "$output" "first
$(readlink "/proc/$pid/ns/net")
$(readlink "/proc/$pid/ns/ipc")
2"
	ok cella delete --force "$ID"
}

@test "a user namespace need not have a root" {
	only_cella "they enter as root"
	not_in_a_vm "its monitor is root of its room"
	bundle 'ids([{containerID: 1000, hostID: 101000, size: 1}]) | .process.user = {uid: 1000, gid: 1000} | forever |
		(.mounts[].options | select(.)) |= map(select(. != "gid=5")) | .hooks.startContainer = [{path: "/bin/true"}]'
	ok cella run -d "$ID"
	ok cella exec "$ID" sh -c 'cat /proc/self/uid_map; id -u; echo >/dev/null && echo written'
	is "$(xargs <<<"$output")" "1000 101000 1 1000 written"
	refused cella exec --user 0 "$ID" true
	has "$stderr" "--user: 0 is not mapped"
	ok cella delete --force "$ID"
}

@test "a user namespace maps ids, and its root owns nothing of the host" {
	bundle 'mapped | sh("id -u; cat /proc/self/uid_map; echo x >/share/file; ls -n /etc/passwd") | share'
	ok cella run "$ID"
	map=" +0 +100000 +65536"
	if in_a_vm; then map=" +0 +0 +4294967295"; fi # inside it is the first one of its kernel
	matches "$output" "^0
$map
.* 65534 +65534 "
	is "$(stat -c %u "$SHARE/file")" 100000
}

@test "the maps of a user namespace that is joined may be told, if they are its own" {
	only_cella
	not_in_a_vm "of the host's namespaces only those of network and users reach to it"
	bundle 'ids([{containerID: 0, hostID: 100000, size: 65536}, {containerID: 65536, hostID: 300000, size: 1}]) | forever'
	ok cella run -d "$ID"
	joined="join_ns(\"user\"; \"/proc/$(pid_of "$ID")/ns/user\") | .linux.cgroupsPath = \"$CG/second\"
		| sh(\"cat /proc/self/uid_map\")"
	pieces='[{containerID: 65536, hostID: 300000, size: 1}, {containerID: 1000, hostID: 101000, size: 64536},
		{containerID: 0, hostID: 100000, size: 1000}]'
	for maps in ".linux.uidMappings = $pieces" ".linux.gidMappings = $pieces" \
		".linux.uidMappings = $pieces | .linux.gidMappings = $pieces"; do
		bundle "$joined | $maps"
		ok cella run second
		matches "$output" "^ +0 +100000 +65536
 +65536 +300000 +1$"
	done
	for which in uid gid; do
		bundle "$joined | .linux.uidMappings = $pieces | .linux.gidMappings = $pieces | .linux.${which}Mappings[0].hostID = 1"
		refused cella create second
		has "$stderr" "linux.${which}Mappings: the user namespace that is joined has others"
		has "$stderr" "0 100000 65536, 65536 300000 1"
	done
	bundle "$joined | .linux.uidMappings = $pieces | .process.user.uid = 70000"
	refused cella create second
	has "$stderr" "process.user.uid: 70000 is not mapped"
	ok cella delete --force "$ID"
}

@test "exec, kill and delete of a container in a user namespace" {
	bundle 'mapped | forever'
	ok cella run -d "$ID"
	ok cella exec "$ID" id -u
	is "$output" 0
	ok cella exec --user 5:6 "$ID" id
	has "$output" "uid=5 gid=6"
	ok cella kill "$ID" TERM
	soon has_status "$ID" stopped
	ok cella delete "$ID"
}

@test "a time namespace with offsets" {
	only_cella
	bundle 'new_ns("time") | .linux.timeOffsets = {boottime: {secs: 1000000}, monotonic: {secs: 5, nanosecs: 6}}
		| sh("cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets")'
	ok cella run "$ID"
	[ "$(head -n 1 <<<"$output")" -ge 1000000 ]
	matches "$output" "monotonic +5 +6"
	matches "$output" "boottime +1000000 +0"
}

@test "sysctls of new namespaces are set" {
	bundle '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9000"}
		| sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax")'
	ok cella run "$ID"
	is "$output" "1
9000"
}

@test "without a pid namespace all that ran ends by its cgroup" {
	bundle 'no_ns("pid") | sh("sleep 1234 & exec sleep 1234")'
	ok cella run -d "$ID"
	soon has_processes "$ID" 2
	ok cella delete --force "$ID"
	is "$(pgrep -f "sleep 123[4]" || true)" ""
}

@test "each sysctl is that of its namespace, and the host's stays" {
	before=$(cat /proc/sys/kernel/domainname /proc/sys/kernel/shmmni /proc/sys/fs/mqueue/msg_max)
	bundle '.linux.sysctl = {"kernel.domainname": "colchis", "kernel.shmmni": "77", "fs.mqueue.msg_max": "7", "net.ipv4.ip_unprivileged_port_start": "99",
		"kernel.sem": "250 32000 32 111", "kernel.shm_rmid_forced": "1"}
		| sh("cd /proc/sys; cat kernel/domainname kernel/shmmni fs/mqueue/msg_max net/ipv4/ip_unprivileged_port_start kernel/shm_rmid_forced; cut -f4 kernel/sem")'
	ok cella run "$ID"
	is "$output" "colchis
77
7
99
1
111"
	is "$(cat /proc/sys/kernel/domainname /proc/sys/kernel/shmmni /proc/sys/fs/mqueue/msg_max)" "$before"
}

@test "the host's mount namespace is refused: its root would change" {
	only_cella
	not_in_a_vm "it makes its own"
	for pid in self 1; do
		bundle "join_ns(\"mount\"; \"/proc/$pid/ns/mnt\")"
		refused cella run "$ID"
		has "$stderr" "a mount namespace is the host's"
	done
}

@test "a sysctl of the host's is refused, and one whose namespace is the host's" {
	only_cella
	not_in_a_vm "its kernel is its own; what it refuses is said by the guest"
	for case in kernel.panic: vm.swappiness: fs.file-max: kernel.shmmni:ipc fs.mqueue.msg_max:ipc net.ipv4.ip_forward:network kernel.domainname:uts; do
		bundle "no_ns(\"${case#*:}\") | .linux.sysctl = {\"${case%:*}\": \"1\"} | del(.hostname)"
		refused cella run "$ID"
		has "$stderr" "linux.sysctl[\"${case%:*}\"]"
	done
	bundle 'join_ns("network"; "/proc/self/ns/net") | .linux.sysctl = {"net.ipv4.ip_forward": "0"}'
	refused cella run "$ID"
	has "$stderr" 'linux.sysctl["net.ipv4.ip_forward"]'
	bundle '.hostname = "argo" | .linux.sysctl = {"kernel.hostname": "other"}'
	refused cella run "$ID"
	has "$stderr" 'linux.sysctl["kernel.hostname"]'
	bundle '.domainname = "iolkos" | .linux.sysctl = {"kernel/domainname": "other"}'
	refused cella run "$ID"
	has "$stderr" 'linux.sysctl["kernel/domainname"]'
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The eight namespaces: new, joined by path, the host's.
load helpers

ns() { readlink "/proc/self/ns/$1"; }
TYPES="ipc:ipc uts:uts network:net pid:pid mount:mnt cgroup:cgroup"

@test "listed namespaces are new ones, the others are the caller's" {
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

@test "a new network namespace has its loopback up and nothing else" {
	bundle 'sh("ls /sys/class/net; ping -c1 -W1 127.0.0.1 | grep -c ttl; cat /sys/class/net/lo/flags")
		| all_caps(["CAP_NET_RAW"])'
	ok cella run "$ID"
	is "$output" "lo
1
0x9"
}

@test "namespaces of another container are joined by path" {
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

@test "a user namespace maps ids, and its root owns nothing of the host" {
	bundle 'mapped | sh("id -u; cat /proc/self/uid_map; echo x >/share/file; ls -n /etc/passwd") | share'
	ok cella run "$ID"
	matches "$output" "^0
 +0 +100000 +65536
.* 65534 +65534 "
	is "$(stat -c %u "$SHARE/file")" 100000
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
	soon pgrep -f "sleep 1234"
	ok cella delete --force "$ID"
	soon gone "$(pgrep -f "sleep 1234" || echo 999999)"
}

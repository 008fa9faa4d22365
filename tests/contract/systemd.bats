#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What only the systemd manager has: units, slices, properties. It runs once, whatever manager the others run with.
# bats file_tags=testbed
load helpers

setup() {
	contract_setup
	[ "$CELLA_MANAGER" = systemd ] || skip "the cgroupfs manager has no units"
}

property() { systemctl_show show "$1" -p "$2" --value; }
manager() { busctl --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager "$@"; }
unit() { echo "$UNITS-$ID.scope"; }

@test "a scope in a slice, with its limits as properties" {
	local cpus=$(</sys/devices/system/cpu/online)
	bundle 'forever | .linux.resources.pids.limit = 9 | .linux.resources.memory = {limit: 67108864, swap: 134217728, reservation: 4096} |
		.linux.resources.cpu = {quota: 25000, period: 50000, shares: 2048, cpus: "'"$cpus"'"} | .linux.resources.unified = {"memory.high": "33554432"}'
	run_in_background
	is "$(property "$(unit)" Slice)" cella.slice
	is "$(property "$(unit)" Delegate)" yes
	is "$(property "$(unit)" TasksMax)" 9
	is "$(property "$(unit)" MemoryMax)" 67108864
	is "$(property "$(unit)" MemorySwapMax)" 67108864
	is "$(property "$(unit)" MemoryLow)" 4096
	is "$(property "$(unit)" MemoryHigh)" 33554432
	is "$(property "$(unit)" CPUWeight)" 174
	is "$(property "$(unit)" CPUQuotaPerSecUSec)" 500ms
	is "$(property "$(unit)" AllowedCPUs)" "$cpus"
	is "$(<"$CGROUP/pids.max") $(<"$CGROUP/cpu.max")" "9 25000 50000"
	ok cella update --pids-limit 12 --memory 100m --cpu-quota 10000 "$ID"
	is "$(property "$(unit)" TasksMax) $(property "$(unit)" MemoryMax) $(property "$(unit)" CPUQuotaPerSecUSec)" "12 104857600 200ms"
	# systemd writes all files anew, and they stay as they are
	manager Reload
	is "$(<"$CGROUP/pids.max") $(<"$CGROUP/memory.max") $(<"$CGROUP/cpu.max")" "12 104857600 10000 50000"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "what systemd rounds or counts otherwise is in the cgroup as it was asked" {
	new_device
	scheduler bfq
	weights() { xargs <"$CGROUP/io.bfq.weight"; }
	bundle "forever | .linux.resources.cpu.mems = \"0\" | .linux.resources.blockIO = {weight: 333,
		weightDevice: [{major: ${number%:*}, minor: ${number#*:}, weight: 777}], throttleReadIOPSDevice: [{major: ${number%:*}, minor: ${number#*:}, rate: 12345}]}"
	run_in_background
	is "$(weights)" "default 333 $number 777"
	manager Reload
	is "$(weights)" "default 333 $number 777"
	is "$(<"$CGROUP/io.max")" "$number rbps=max wbps=max riops=12345 wiops=max"
	is "$(property "$(unit)" AllowedMemoryNodes)" 0
	ok cella update --blkio-weight 555 --cpu-quota 12345 "$ID"
	is "$(weights)" "default 555 $number 777"
	is "$(<"$CGROUP/cpu.max")" "12345 100000"
	is "$(property "$(unit)" CPUQuotaPerSecUSec)" 130ms
	manager Reload
	is "$(weights)" "default 555 $number 777"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "without cgroupsPath: cella-ID.scope in system.slice; nested slices; an empty part" {
	for one in '""|system.slice/cella-ID.scope' '"::ID"|system.slice/ID.scope' '"a-b.slice:x:ID"|a.slice/a-b.slice/x-ID.scope'; do
		wanted=${one%%|*} where=${one#*|}
		bundle "forever | .linux.cgroupsPath = ${wanted//ID/$ID-$UNITS}"
		ok cella create "$ID-$UNITS"
		[ -d "/sys/fs/cgroup/${where//ID/$ID-$UNITS}" ] || die "no ${where//ID/$ID-$UNITS}"
		ok cella delete --force "$ID-$UNITS"
		[ ! -d "/sys/fs/cgroup/${where//ID/$ID-$UNITS}" ]
	done
}

@test "annotations are properties of the unit" {
	bundle 'forever | .annotations = {"org.systemd.property.Documentation": "['"'man:one', 'man:two'"']",
		"org.systemd.property.TimeoutStopSec": "17", "org.systemd.property.SendSIGHUP": "true",
		"org.systemd.property.KillSignal": "int32 10", "org.systemd.property.Description": "'"'of mine'"'"}'
	run_in_background
	is "$(property "$(unit)" Documentation)" "man:one man:two"
	is "$(property "$(unit)" TimeoutStopUSec)" 17s
	is "$(property "$(unit)" SendSIGHUP) $(property "$(unit)" KillSignal)" "yes 10"
	is "$(property "$(unit)" Description)" "of mine"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

below() { echo ".annotations[\"run.oci.systemd.subgroup\"] = \"$1\""; }

@test "run.oci.systemd.subgroup: the container is in a cgroup below the scope, and both have its limits" {
	bundle "forever | $(below inner) | .linux.resources.pids.limit = 9 | .linux.resources.memory.limit = 67108864"
	ok cella create "$ID"
	is "$(<"/proc/$(pid_of "$ID")/cgroup")" "0::${CGROUP#/sys/fs/cgroup}/inner"
	is "$(<"$CGROUP/cgroup.procs")" ""
	both() { for dir in "$CGROUP" "$CGROUP/inner"; do is "$(<"$dir/pids.max") $(<"$dir/memory.max")" "$1"; done; }
	both "9 67108864"
	ok cella start "$ID"
	in_a_vm || is "$(cella exec "$ID" grep 0:: /proc/self/cgroup)" 0::/
	ok cella update --pids-limit 12 --memory 100m "$ID"
	is "$(property "$(unit)" TasksMax) $(property "$(unit)" MemoryMax)" "12 104857600"
	both "12 104857600"
	manager Reload
	both "12 104857600"
	ok cella pause "$ID"
	status_is "$ID" paused
	is "$(<"$CGROUP/inner/cgroup.freeze")" 1
	ok cella delete --force "$ID"
	[ ! -d "$CGROUP" ]
	no_units
}

@test "run.oci.systemd.subgroup: an empty one is none; one process is enough; a name that is none" {
	for name in "" inner; do
		bundle "no_ns(\"cgroup\") | $(below "$name") | .linux.resources.pids.limit = 1 | args([\"grep\", \"0::\", \"/proc/self/cgroup\"])"
		ok cella run "$ID"
		in_a_vm || is "$output" "0::${CGROUP#/sys/fs/cgroup}${name:+/$name}"
		is "$stderr" ""
	done
	for name in a/b .. .hidden; do
		bundle "$(below "$name")"
		refused cella run "$ID"
		is "$stderr" "cella: annotations[\"run.oci.systemd.subgroup\"]: '$name': expected the name of a cgroup"
	done
}

@test "a number that its type can't hold is refused" {
	for value in "uint64 -1" "uint32 4294967296" 3000000000 "int32 2147483648" "uint64 true"; do
		bundle ".annotations = {\"org.systemd.property.KillSignal\": \"$value\"}"
		refused cella run "$ID"
		has "$stderr" "annotations: org.systemd.property.KillSignal: '$value' is no value"
	done
}

@test "one process is enough: nobody else counts when the container's first is born" {
	for limit in 1 1 1; do
		bundle "sh(\"echo here\") | .linux.resources.pids.limit = $limit"
		is "$(cella run "$ID")" here
	done
	bundle 'forever | .linux.resources.pids.limit = 1'
	ok cella create "$ID"
	is "$(property "$(unit)" TasksMax) $(<"$CGROUP/pids.max")" "1 1"
	ok cella delete --force "$ID"
}

@test "a container that is idle no more stays so" {
	bundle 'forever'
	ok cella run -d "$ID"
	ok cella update --cpu-share 2048 "$ID"
	ok cella update --cpu-idle 1 "$ID"
	manager Reload
	is "$(<"$CGROUP/cpu.idle")" 1
	ok cella update --cpu-idle 0 "$ID"
	manager Reload
	is "$(<"$CGROUP/cpu.idle")" 0
	is "$(property "$(unit)" CPUWeight)" "$(<"$CGROUP/cpu.weight")"
	ok cella delete --force "$ID"
}

@test "systemd is told nothing by an update whose rules for devices the kernel does not take" {
	only_cella
	command -v strace >/dev/null || skip "strace is missing"
	bundle 'forever | .linux.resources.memory = {limit: 67108864}'
	ok cella run -d "$ID"
	echo '{"memory": {"limit": 33554432}, "devices": [{"allow": false, "access": "rwm"}]}' >"$T/less"
	refused strace -f -o "$T/calls" -e trace=bpf -e inject=bpf:error=EPERM "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" update --resources "$T/less" "$ID"
	has "$stderr" "cella: linux.resources.devices: "
	is "$(property "$(unit)" MemoryMax) $(<"$CGROUP/memory.max")" "67108864 67108864"
	ok cella update --resources "$T/less" "$ID"
	is "$(property "$(unit)" MemoryMax) $(<"$CGROUP/memory.max")" "33554432 33554432"
	ok cella delete --force "$ID"
}

@test "without a bus the manager is reached at its own socket; without that a container can still be deleted" {
	bundle 'forever'
	ok cella create "$ID"
	no_bus=$T/none
	ok env DBUS_SYSTEM_BUS_ADDRESS="unix:path=$no_bus" "$CELLA" --root "$ROOT" delete --force "$ID"
	[ ! -d "$CGROUP" ]
	bundle "forever | $(below inner)"
	ok cella create "$ID"
	ok unshare -m sh -c 'mount -t tmpfs none /run/systemd && mount -t tmpfs none /run/dbus && exec "$@"' -- \
		"$CELLA" --root "$ROOT" delete --force "$ID"
	[ ! -d "$CGROUP" ]
}

@test "an id may end as a slice does, and have a plus" {
	for id in "x$UNITS.slice" "a+b+$UNITS"; do
		bundle 'forever | del(.linux.cgroupsPath)'
		ok cella create "$id"
		is "$(property "cella-${id//+/\\x2b}.scope" ActiveState)" active
		ok cella delete --force "$id"
	done
}

@test "what systemd refuses is told in its words, and nothing is left" {
	bundle '.annotations = {"org.systemd.property.NoSuchThing": "true"}'
	refused cella run "$ID"
	has "$stderr" NoSuchThing
	bundle '.annotations = {"org.systemd.property.SendSIGHUP": "perhaps"}'
	refused cella run "$ID"
	has "$stderr" "annotations: org.systemd.property.SendSIGHUP"
	for path in '"/a/path"' '"slice:x:y"' '"a.slice:x:"' '"-a.slice:x:y"' '"a.slice:x"'; do
		bundle ".linux.cgroupsPath = $path"
		refused cella run "$ID"
		has "$stderr" "linux.cgroupsPath"
	done
	bundle forever
	run_in_background
	bundle '.' # the same unit
	refused cella run "$ID-two"
	has "$stderr" "already"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "a unit that is ended from outside ends the container" {
	bundle forever # ends at a SIGTERM
	run_in_background
	manager StopUnit ss "$(unit)" replace
	soon ended $background
	wait $background || true
	is "$(<"$T/stderr")" ""
}

@test "kill -9 of cella while a scope is made: delete leaves nothing" {
	for ms in 10 30 60 90 120 160 200 260; do
		[ "$ms" != 10 ] || bundle forever
		[ "$ms" != 120 ] || bundle "forever | $(below inner)"
		exec_cella create "$ID" >/dev/null 2>&1 </dev/null &
		pid=$!
		sleep "$(printf '0.%03d' "$ms")"
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
		ok cella delete --force "$ID"
		soon no_units
	done
}

@test "a plain user's own manager makes the scope" {
	[ -S /run/user/1000/bus ] || skip "no user manager of uid 1000"
	mkdir -m 755 "$T/plain"
	chown sailor "$T/plain"
	as_sailor() { env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/sailor setpriv --reuid 1000 --regid 1000 --init-groups "$CELLA" --root "$T/plain/root" --systemd-cgroup "$@"; }
	(cd "$T/plain" && as_sailor spec --rootless)
	jq --arg root "$WORK/rootfs" '.root.path = $root | .process.terminal = false | .linux.cgroupsPath = ":cella:plain" |
		.process.args = ["sh", "-c", "cat /sys/fs/cgroup/pids.max; i=0; while [ $i -lt 9 ]; do sleep 9 & i=$((i + 1)); done"] |
		.linux.resources.pids.limit = 6' "$T/plain/config.json" >"$T/plain/c" && mv "$T/plain/c" "$T/plain/config.json"
	service=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service
	for name in "" inner; do
		jq "$(below "$name")" "$T/plain/config.json" >"$T/plain/c" && mv "$T/plain/c" "$T/plain/config.json"
		echo $$ >"$service/init.scope/cgroup.procs"
		try as_sailor run --bundle "$T/plain" plain
		echo $$ >/sys/fs/cgroup/cgroup.procs
		is "$output" 6
		has "$stderr" "can't fork"
		[ -z "$(find "$service" -name 'cella-plain*')" ]
	done
}

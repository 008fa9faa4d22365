#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A cgroup for each container.
load helpers

setup() {
	contract_setup
	[ -n "$CG" ] || skip "no right over cgroups"
}

by_path() { [ "$CELLA_MANAGER" = cgroupfs ] || skip "systemd names cgroups after its units: systemd.bats"; }

@test "the program is born in the cgroup of cgroupsPath, and it goes with the container" {
	by_path
	bundle forever
	ok cella run -d "$ID"
	grep -qx "0::$CG/$ID" "/proc/$(pid_of "$ID")/cgroup"
	ok cella exec "$ID" true
	ok cella delete --force "$ID"
	[ ! -e "$CGROUP" ]
}

@test "without cgroupsPath it is below cella/ beside our own" {
	only_cella
	by_path
	bundle 'forever | del(.linux.cgroupsPath)'
	ok cella run -d "$ID"
	matches "$(<"/proc/$(pid_of "$ID")/cgroup")" "0::.*/cella/$ID$"
	ok cella delete --force "$ID"
}

@test "pause stops all processes, resume lets them go on" {
	bundle 'sh("while :; do echo x >>/share/ticks; sleep 0.02; done") | share'
	ok cella run -d "$ID"
	soon test -s "$SHARE/ticks"
	ok cella pause "$ID"
	status_is "$ID" paused
	before=$(wc -c <"$SHARE/ticks")
	sleep 0.2
	is "$(wc -c <"$SHARE/ticks")" "$before"
	ok cella resume "$ID"
	status_is "$ID" running
	soon test "$(wc -c <"$SHARE/ticks")" -gt "$before" || soon sh -c "[ \$(wc -c <$SHARE/ticks) -gt $before ]"
	ok cella pause "$ID"
	ok cella delete --force "$ID"
}

@test "kill --all reaches every process" {
	only_cella
	# until a child has started a program it would do what its parent does at a TERM, which is to stay
	bundle 'no_ns("pid") | share | sh("trap : TERM; for i in 1 2; do sh -c \"echo up >>/share/up; exec sleep 4321\" & done; wait; wait; exit 0")'
	ok cella run -d "$ID"
	soon sh -c "[ \$(wc -l <$SHARE/up) = 2 ]"
	has_processes "$ID" 3
	ok cella kill --all "$ID" TERM
	soon has_status "$ID" stopped
	[ ! -d "$CGROUP" ] || is "$(wc -l <"$CGROUP/cgroup.procs")" 0
	ok cella delete "$ID"
}

@test "delete removes cgroups that were made inside" {
	bundle forever
	ok cella run -d "$ID"
	mkdir -p "$CGROUP/a/b"
	ok cella delete --force "$ID"
	[ ! -e "$CGROUP" ]
}

@test "a cgroup that has processes is not taken" {
	only_cella
	by_path
	bundle 'args(["true"])'
	mkdir "$CGROUP"
	sleep 1000 3>&- &
	sleeper=$!
	echo $sleeper >"$CGROUP/cgroup.procs"
	refused cella run "$ID"
	kill -0 $sleeper
	kill -9 $sleeper
	wait $sleeper || true
	[ ! -d "$CGROUP" ] || rmdir "$CGROUP"
}

@test "a limit whose controller is not there is refused by name" {
	have=" $(<"/sys/fs/cgroup/cgroup.controllers") "
	for one in 'memory {memory:{limit:33554432}}' 'pids {pids:{limit:9}}' 'cpu {cpu:{quota:9000}}' 'io {blockIO:{weight:100}}'; do
		name=${one%% *}
		[[ $have != *" $name "* ]] || continue
		bundle ".linux.resources += ${one#* }"
		refused cella run "$ID"
		has "$stderr" "this host has no $name controller in its cgroup v2 tree"
		done=yes
	done
	[ -n "${done-}" ] || skip "this host has all controllers"
}

@test "run.oci.systemd.force_cgroup_v1: there is none" {
	only_cella
	bundle 'args(["true"]) | .annotations = {"run.oci.systemd.force_cgroup_v1": "/sys/fs/cgroup/systemd"}'
	refused cella run "$ID"
	is "$stderr" "cella: annotations[\"run.oci.systemd.force_cgroup_v1\"]: there is no cgroup v1 for '/sys/fs/cgroup/systemd': the container's systemd must know cgroup v2"
	bundle 'args(["true"]) | .annotations = {"run.oci.systemd.force_cgroup_v1": ""}'
	ok cella run "$ID"
}

@test "run.oci.delegate-cgroup: the program is in a cgroup below the container's, which it may divide" {
	only_cella
	not_in_a_vm "its cgroups are the guest's"
	bundle 'mapped | new_ns("cgroup") | sh("grep 0:: /proc/self/cgroup; mkdir /sys/fs/cgroup/mine/child && echo divided; sleep 1000") |
		.mounts |= map(select(.destination != "/sys/fs/cgroup")) | mount("/sys/fs/cgroup"; "cgroup2"; "cgroup"; ["rw"]) | .annotations = {"run.oci.delegate-cgroup": "mine"}'
	exec_cella run "$ID" >"$T/stdout" 2>"$T/stderr" </dev/null 3>&- &
	soon grep -q divided "$T/stdout"
	has "$(<"$T/stdout")" "0::/mine"
	[ -d "$CGROUP/mine/child" ]
	grep -qx "$(pid_of "$ID")" "$CGROUP/mine/cgroup.procs"
	ok cella ps --format json "$ID"
	has "$output" "$(pid_of "$ID")"
	ok cella exec "$ID" true
	ok cella pause "$ID"
	status_is "$ID" paused
	ok cella resume "$ID"
	ok cella delete --force "$ID"
	for name in a/b .. .; do
		bundle ".annotations = {\"run.oci.delegate-cgroup\": \"$name\"}"
		refused cella run "$ID"
		has "$stderr" "run.oci.delegate-cgroup"
	done
}

@test "one who has ended does not take from the next what both configs give the same path" {
	only_cella
	[ "$ISOLATED" = yes ] || skip "a plain user can't write down whose it is"
	bundle 'args(["true"])'
	ok cella create "$ID"
	ok cella start "$ID"
	soon has_status "$ID" stopped
	first=$ID path=$(jq -r .linux.cgroupsPath config.json) ID=$ID-2
	bundle "forever | .linux.cgroupsPath = \"$path\""
	ok cella run -d "$ID"
	ok cella kill --all "$first" KILL
	ok cella delete --force "$first"
	refused cella state "$first"
	status_is "$ID" running
	ok cella exec "$ID" true
	ok cella delete --force "$ID"
	[ "$CELLA_MANAGER" != cgroupfs ] || [ ! -e "/sys/fs/cgroup$path" ]
}

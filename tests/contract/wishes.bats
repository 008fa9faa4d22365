#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What users of other runtimes ask for: reasons that help, and nothing that hangs or burns time.
load helpers

@test "a script whose interpreter is missing, and a program whose loader is, are told by the missing file" {
	only_cella
	bundle 'args(["orphan"])'
	refused cella run "$ID"
	has "$stderr" "/bin/orphan: exec: its interpreter /no/such/interpreter: no such file or directory"
	bundle 'args(["/loaded"]) | bind("/loaded"; "\($t)/loaded"; ["ro"])'
	cp "$BASH" "$T/loaded"
	grep -aq 'ld-linux' "$T/loaded" || skip "bash is no dynamic program here"
	refused cella run "$ID"
	matches "$stderr" "/loaded: exec: its interpreter /lib[0-9]*/ld-linux.*: no such file or directory"
	bundle 'forever'
	ok cella run --detach "$ID"
	refused cella exec "$ID" orphan
	has "$stderr" "its interpreter /no/such/interpreter"
	is "$status" 255
	ok cella delete --force "$ID"
}

@test "a program that may not be executed: why not" {
	only_cella
	for case in /etc/plain:"no x is set in its mode" /tmp:"it is a directory" /noexec/busybox:"mounted noexec" /dev/null:"no regular file"; do
		bundle "args([\"${case%%:*}\"]) | bind(\"/noexec\"; \"$WORK/rootfs/bin\"; [\"noexec\"])"
		refused cella run "$ID"
		has "$stderr" "permission denied: "
		has "$stderr" "${case#*:}"
	done
	own_rootfs
	printf 'echo hi\n' >rootfs/bin/words
	chmod 755 rootfs/bin/words
	bundle '.root.path = "rootfs" | args(["words"])'
	refused cella run "$ID"
	has "$stderr" "does not begin with #!"
}

@test "a cgroup that is frozen is refused at once" {
	only_cella
	[ -n "$CG" ] && [ "$CELLA_MANAGER" = cgroupfs ] || skip "no cgroups of one's own"
	bundle '.linux.cgroupsPath += "/below"'
	mkdir "$CGROUP"
	echo 1 >"$CGROUP/cgroup.freeze"
	LIMIT=10 refused cella run "$ID"
	has "$stderr" "frozen"
	echo 0 >"$CGROUP/cgroup.freeze"
	ok cella run "$ID"
	rmdir "$CGROUP"
}

@test "a container that was frozen by somebody else is killed and deleted at once" {
	only_cella
	not_in_a_vm "what is frozen is its monitor"
	bundle 'forever'
	ok cella run --detach "$ID"
	echo 1 >"$CGROUP/cgroup.freeze"
	LIMIT=10 refused cella exec "$ID" true
	has "$stderr" "paused"
	LIMIT=10 ok cella kill "$ID" KILL
	LIMIT=10 ok cella delete --force "$ID"
}

@test "a hook that hangs ends with the runtime that was told to end, and nothing is left" {
	only_cella
	bundle '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "echo $$ >\($t)/pid; exec sleep 1000"]}]}'
	exec_cella create "$ID" </dev/null >"$T/stdout" 2>"$T/stderr" 3>&- &
	background=$!
	soon test -s "$T/pid"
	kill -TERM $background
	ends_with $background 143
	soon gone "$(<"$T/pid")"
	ok cella delete --force "$ID"
}

# Hundredths of a second of CPU that a process has used.
used() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
idle() {
	local before
	before=$(used "$1")
	sleep 1
	[ $(($(used "$1") - before)) -le 2 ] || die "$(tr '\0' ' ' <"/proc/$1/cmdline") is busy"
}

@test "a runtime in front does nothing while nothing happens" {
	only_cella
	bundle 'sh("exec sleep 1000")'
	run_in_background
	idle $background
	ok cella delete --force "$ID"
	ends_with $background 137
}

@test "a runtime in front of a terminal does nothing while nothing happens, also when nobody reads any more" {
	only_cella
	bundle '.process.terminal = true | sh("exec sleep 1000")'
	mkfifo "$T/out"
	sleep 1000 >"$T/out" &
	exec 9<"$T/out"
	exec_cella run "$ID" </dev/null >"$T/out" 2>"$T/stderr" 3>&- 9<&- &
	background=$!
	soon has_status "$ID" running
	idle $background
	exec 9<&-
	ok cella exec "$ID" sh -c 'echo nobody reads this >/dev/console'
	idle $background
	kill %1
	ok cella delete --force "$ID"
	ends_with $background 137
}

# bats test_tags=testbed
@test "a limit of memory that is too low to start in is told with what was used" {
	only_cella
	not_in_a_vm "its monitor's own memory is counted"
	grep -qw memory /sys/fs/cgroup/cgroup.controllers || skip "this host has no memory controller"
	for limit in 4096 65536 131072; do
		bundle "args([\"true\"]) | .linux.resources.memory = {limit: $limit}"
		try cella run "$ID"
		[ "$status" != 0 ] || continue
		found=yes
		[ "$status" = 137 ] && continue # it was started, and its program killed
		told=yes
		has "$stderr" "linux.resources.memory.limit: too low to start in: limit $limit, "
		# systemd removes the cgroup, sooner or later than we have read what was used in it
		[ "$CELLA_MANAGER" = systemd ] || has "$stderr" ", usage "
	done
	is "${found-no}${told-no}" yesyes
	bundle 'args(["true"]) | .linux.resources.memory = {limit: 524288}'
	ok cella run "$ID"
}

@test "a root that is closed to the container's own root: who that is, and which directory" {
	only_cella
	mkdir -p "$T/closed/inner"
	cp -a "$WORK/rootfs" "$T/closed/inner/rootfs"
	chmod 700 "$T/closed"
	bundle "mapped | .root.path = \"$T/closed/inner/rootfs\""
	refused cella run "$ID"
	has "$stderr" "root.path: $T/closed/inner/rootfs: open: Permission denied"
	has "$stderr" "user 100000 of the host, and $T/closed is closed to him"
	chmod 711 "$T/closed"
	ok cella run "$ID"
}

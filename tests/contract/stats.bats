#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container uses: events and top.
load helpers

setup() {
	contract_setup
	only_cella "crun has no events, runc's need every controller"
	[ -n "$CG" ] || skip "no right over cgroups"
}

# A member of what `events --stats` prints now.
stats() { cella events --stats "$ID" | jq -c ".data$1"; }
is_true() { [ "$(stats " | $1")" = true ] || die "not true: $1 of $(stats)"; }
lines_of() { grep -c "\"type\":\"$1\"" "$T/events" || true; }
has_lines() { [ "$(lines_of "$1")" -ge "$2" ]; }

# `events ARGS $ID` in the background, its lines in $T/events; it has begun to watch.
follow() {
	exec_cella events --interval 50ms "$@" "$ID" >"$T/events" 2>"$T/stderr" </dev/null 3>&- &
	background=$!
	soon has_lines stats 1
}

@test "events --stats prints one line of JSON, with the time that was used" {
	bundle 'sh("while :; do :; done")'
	ok cella run -d "$ID"
	ok cella events --stats "$ID"
	is "$(wc -l <"$T/stdout")" 1
	is "$(jq -c '[.type, .id, (.data | has("cpu"))]' <<<"$output")" "[\"stats\",\"$ID\",true]"
	before=$(stats .cpu.usage.total)
	soon is_true ".cpu.usage.total > $before + 50000000"
	is_true '.cpu.usage | .user > 0 and .total >= .user and .total >= .kernel'
	ok cella delete --force "$ID"
}

@test "how long processes had to wait is told as the kernel counts it" {
	bundle forever
	ok cella run -d "$ID"
	[ -r "$CGROUP/cpu.pressure" ] || skip "the kernel has no pressure stall information"
	is_true '.cpu.psi.some | .avg10 >= 0 and .avg60 >= 0 and .avg300 >= 0 and .total >= 0'
	ok cella delete --force "$ID"
}

@test "a part is there when its controller is on, and only then" {
	bundle forever
	ok cella run -d "$ID"
	while read -r part file; do
		there=false
		if [ -e "$CGROUP/$file" ]; then there=true; fi
		is "$(stats " | has(\"$part\")")" $there
	done <<-EOF
		memory memory.current
		pids pids.current
		blkio io.stat
		hugetlb hugetlb.2MB.current
	EOF
	is "$(stats .intel_rdt)" '{}'
	ok cella delete --force "$ID"
}

# bats test_tags=testbed
@test "huge pages are counted by their size" {
	bundle forever
	ok cella run -d "$ID"
	[ -e "$CGROUP/hugetlb.2MB.current" ] || skip "this machine has other sizes"
	is "$(stats '.hugetlb["2MB"] | .usage, .failcnt' | xargs)" "0 0"
	ok cella delete --force "$ID"
}

@test "events streams stats until the container ends, and exits with 0" {
	bundle forever
	ok cella run -d "$ID"
	follow
	soon has_lines stats 3
	ok cella kill "$ID" KILL
	ends_with $background 0
	is "$(jq -r .id <"$T/events" | sort -u)" "$ID"
	is "$(lines_of oom)" 0
	is "$(<"$T/stderr")" ''
	ok cella delete "$ID"
}

@test "events ends when the container is deleted, and waits for no interval" {
	bundle forever
	ok cella run -d "$ID"
	exec_cella events --interval 1h "$ID" >"$T/events" 2>"$T/stderr" </dev/null 3>&- &
	background=$!
	soon sh -c "ls -l /proc/$background/fd | grep -q cgroup.events"
	ok cella delete --force "$ID"
	ends_with $background 0
	is "$(<"$T/events")" ''
}

@test "a container that is paused is measured" {
	bundle forever
	ok cella run -d "$ID"
	ok cella pause "$ID"
	is_true '.cpu.usage.total > 0'
	ok cella --debug events --stats "$ID"
	has "$stderr" "executor: stats $ID"
	ok cella delete --force "$ID"
}

@test "a container that is stopped, or is not there, is refused" {
	bundle 'args(["true"])'
	ok cella run -d "$ID"
	soon has_status "$ID" stopped
	refused cella events --stats "$ID"
	has "$stderr" 'stopped'
	refused cella events "$ID"
	has "$stderr" 'stopped'
	ok cella delete "$ID"
	refused cella events "$ID"
}

@test "an interval is a length of time above zero" {
	bundle forever
	ok cella run -d "$ID"
	for good in 5 5s 500ms 1m 1m30s 1.5s; do ok cella events --stats --interval $good "$ID"; done
	for bad in 0 0s 5x -1s '' 1us 9999999h; do
		refused cella events --stats "--interval=$bad" "$ID"
		has "$stderr" --interval
		refused cella top --once "--interval=$bad"
	done
	ok cella delete --force "$ID"
}

# --- with limits --------------------------------------------------------------------------------

# bats test_tags=testbed
@test "memory is counted, beside its limit" {
	bundle 'forever | .linux.resources.memory.limit = 67108864'
	ok cella run -d "$ID"
	is_true '.memory.usage | .limit == 67108864 and .usage > 0 and .usage <= .limit and .failcnt == 0'
	is_true '.memory | .raw.anon > 0 and .cache == .raw.file and .event_count.oom_kill == 0'
	ok cella delete --force "$ID"
}

# bats test_tags=testbed
@test "without a limit memory's is the largest number" {
	bundle forever
	ok cella run -d "$ID"
	[ -e "$CGROUP/memory.current" ]
	has "$(cella events --stats "$ID")" '"usage":{"limit":18446744073709551615,'
	ok cella delete --force "$ID"
}

# bats test_tags=testbed
@test "a process that is killed for want of memory is an event, told once" {
	bundle 'sh("until [ -e /share/go ]; do sleep 0.05; done; dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 1000") |
		share | .linux.resources.memory = {limit: 16777216, swap: 16777216}'
	ok cella run -d "$ID"
	follow
	is "$(lines_of oom)" 0
	touch "$SHARE/go"
	soon has_lines oom 1
	is "$(grep '"type":"oom"' "$T/events")" "{\"type\":\"oom\",\"id\":\"$ID\"}"
	is_true '.memory.event_count.oom_kill == 1 and .memory.usage.failcnt > 0'
	ok cella delete --force "$ID"
	ends_with $background 0
	is "$(lines_of oom)" 1
}

# bats test_tags=testbed
@test "the event comes when it is the container's first process that is killed" {
	# systemd removes a slice with its last scope, and with it what was counted there
	bundle forever
	ok cella run -d "$ID"
	other=$ID ID=$ID-2
	bundle 'sh("until [ -e /share/go ]; do sleep 0.05; done; exec dd if=/dev/zero of=/dev/null bs=64M count=1") |
		share | .linux.resources.memory = {limit: 16777216, swap: 16777216}'
	ok cella run -d "$ID"
	follow --interval 1ms # that it is killed while it is measured
	touch "$SHARE/go"
	ends_with $background 0
	is "$(lines_of oom)" 1
	ok cella delete "$ID"
	ok cella delete --force "$other"
}

# bats test_tags=testbed
@test "throttling is counted where time is limited" {
	bundle 'sh("while :; do :; done")'
	ok cella run -d "$ID"
	ok cella update --cpu-quota 5000 --cpu-period 50000 "$ID"
	soon is_true '.cpu.throttling | .periods > 0 and .throttledPeriods > 0 and .throttledTime > 0'
	ok cella delete --force "$ID"
}

# bats test_tags=testbed
@test "tasks are counted, beside their limit" {
	bundle 'sh("sleep 1000 & sleep 1000 & wait") | .linux.resources.pids.limit = 20'
	ok cella run -d "$ID"
	soon is_true '.pids == {current: 3, limit: 20}'
	ok cella delete --force "$ID"
}

# bats test_tags=testbed
@test "what is moved to and from disks is counted by device" {
	bundle forever
	ok cella run -d "$ID"
	is_true 'has("blkio")'
	is_true '[.blkio.ioServiceBytesRecursive[]? | .major >= 0 and .minor >= 0 and .value >= 0 and
		(.op | IN("Read", "Write", "Discard"))] | all'
	ok cella delete --force "$ID"
}

# --- top ----------------------------------------------------------------------------------------

# "ID COLUMN" of the table that was printed: a cell.
cell() { awk -v id="$1" -v n="$2" '$1 == id { print $n }' "$T/stdout"; }

@test "top has a line for each container that lives" {
	ok cella top --once
	matches "$output" '^ID +STATUS +PID +CPU % +MEMORY +LIMIT +PIDS +IO READ +IO WRITE$'
	ok cella top --json
	is "$output" '[]'
	bundle 'sh("sleep 1000 & sleep 1000 & wait")'
	ok cella run -d "$ID"
	bundle 'forever | .linux.cgroupsPath += "-new"'
	ok cella create "$ID-new"
	bundle 'forever | .linux.cgroupsPath += "-paused"'
	ok cella run -d "$ID-paused"
	ok cella pause "$ID-paused"
	bundle 'args(["true"]) | .linux.cgroupsPath += "-over"'
	ok cella run -d "$ID-over"
	soon has_status "$ID-over" stopped
	soon has_processes "$ID" 3
	ok cella top --once --interval 50ms
	is "$(wc -l <"$T/stdout")" 4
	is "$(cell "$ID" 2)" running
	is "$(cell "$ID" 3)" "$(pid_of "$ID")"
	is "$(cell "$ID" 7)" 3
	is "$(cell "$ID-new" 2)" created
	is "$(cell "$ID-paused" 2)" paused
	is "$(cell "$ID-paused" 4)" 0.0
	if [ ! -e "$CGROUP/memory.current" ]; then is "$(cell "$ID" 5)" -; fi
	for id in "$ID" "$ID-new" "$ID-paused" "$ID-over"; do ok cella delete --force "$id"; done
}

@test "top shows who is busy, and sorts by it" {
	bundle forever
	ok cella run -d "$ID"
	bundle 'sh("while :; do :; done") | .linux.cgroupsPath += "-busy"'
	ok cella run -d "$ID-busy"
	ok cella top --json --sort cpu
	is "$(jq -r '.[0].id' <<<"$output")" "$ID-busy"
	jq -e '.[0].cpuPercent > 20 and .[1].cpuPercent < 20 and .[1].pids == 2' <<<"$output"
	ok cella top --json --sort id --interval 50ms
	is "$(jq -c '[.[].id]' <<<"$output")" "[\"$ID\",\"$ID-busy\"]"
	ok cella top --sort memory --interval 50ms
	is "$(wc -l <"$T/stdout")" 3
	refused cella top --sort size
	for id in "$ID" "$ID-busy"; do ok cella delete --force "$id"; done
}

# bats test_tags=testbed
@test "top shows memory and its limit" {
	bundle 'forever | .linux.resources.memory.limit = 67108864'
	ok cella run -d "$ID"
	ok cella top --once --interval 50ms
	matches "$(cell "$ID" 5)" '^[0-9.]+[KM]$'
	is "$(cell "$ID" 6)" 64.0M
	ok cella top --json --interval 50ms
	jq -e '.[0] | .memory > 0 and .memoryLimit == 67108864' <<<"$output"
	ok cella delete --force "$ID"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: a further process in a container.
load helpers

up() {
	bundle "forever | ${1:-.}"
	ok cella run -d "$ID"
}
down() { ok cella delete --force "$ID"; }
# For who needs no container of his own.
common() { shared 'forever | env(["FROM=config", "STAYS=yes"]) | all_caps(["CAP_KILL"]) | .process.noNewPrivileges = false'; }

@test "exec runs a program in the container and ends with its status" {
	common
	ok cella exec "$ID" echo hello world
	is "$output" "hello world"
	for code in 0 1 7 255; do
		exits $code cella exec "$ID" sh -c "exit $code"
	done
}

@test "exec ends with 128 and the signal that ended the program" {
	common
	exits 137 cella exec "$ID" sh -c 'kill -9 $$'
	exits 143 cella exec "$ID" sh -c 'kill -TERM $$'
}

@test "exec: stdin, stdout and stderr are the caller's" {
	common
	ok cella exec "$ID" sh -c 'echo to-out; echo to-err >&2'
	is "$output" to-out
	is "$stderr" to-err
	is "$(seq 20000 | cella exec "$ID" cat | cksum)" "$(seq 20000 | cksum)"
}

@test "exec of a program that is not there or is none: 255, and the container lives on" {
	common
	refused cella exec "$ID" no-such-program
	is "$status" 255
	matches "$stderr" "executable file .*not found in .PATH"
	refused cella exec "$ID" /no/such/program
	is "$status" 255
	matches "$stderr" "[Nn]o such file or directory"
	refused cella exec "$ID" /etc/plain
	is "$status" 255
	matches "$stderr" "[Pp]ermission denied"
	status_is "$ID" running
}

@test "exec is in all namespaces and in the cgroup of the container" {
	not_in_a_vm "on this host there is only who stands in for a process"
	up 'new_ns("cgroup")'
	pid=$(pid_of "$ID")
	ok cella exec --detach --pid-file "$T/pid" "$ID" sleep 1000
	further=$(<"$T/pid")
	for ns in cgroup ipc mnt net pid time user uts; do
		is "$(readlink "/proc/$further/ns/$ns")" "$(readlink "/proc/$pid/ns/$ns")"
	done
	[ "$(readlink "/proc/$further/ns/pid")" != "$(readlink /proc/self/ns/pid)" ]
	grep -qx "$further" "$CGROUP/cgroup.procs"
	is "$(readlink "/proc/$further/root")" /
	is "$(stat -Lc %i "/proc/$further/root")" "$(stat -Lc %i "/proc/$pid/root")"
	down
	soon gone "$further"
}

@test "exec enters a user namespace with its ids" {
	not_in_a_vm "its root is root of its own kernel; the ids are mapped where its files are (namespaces.bats)"
	up mapped
	ok cella exec "$ID" sh -c 'id -u; id -g; cat /proc/self/uid_map'
	is "$(xargs <<<"$output")" "0 0 0 100000 65536"
	ok cella exec --user 1000:1000 -d --pid-file "$T/pid" "$ID" sleep 1000
	is "$(awk '/^Uid/ { print $2 }' "/proc/$(<"$T/pid")/status")" 101000
	down
}

@test "exec has the environment, cwd, user, capabilities and limits of the config" {
	up 'env(["FROM=config"]) | .process.cwd = "/tmp" | .process.user = {uid: 1000, gid: 1000, additionalGids: [2000], umask: 23} |
		.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}] | all_caps(["CAP_KILL"])'
	ok cella exec "$ID" sh -c 'echo $FROM; pwd; id -u; id -g; id -G; umask; ulimit -Sn; ulimit -Hn; grep -E "CapBnd|NoNewPrivs" /proc/self/status'
	is "$(xargs <<<"$output")" "config /tmp 1000 1000 1000 2000 0027 77 88 CapBnd: 0000000000000020 NoNewPrivs: 1"
	down
}

@test "--cwd, --env and --user change what the config says" {
	common
	ok cella exec --cwd /tmp --env FROM=flag --env NEW=1 --user 1000:2000 "$ID" sh -c 'pwd; echo $FROM $STAYS $NEW; id -u; id -g'
	is "$(xargs <<<"$output")" "/tmp flag yes 1 1000 2000"
	ok cella exec --cwd=/tmp -e A=1 -e B=2 -u 1000 "$ID" sh -c 'pwd; echo $A$B; id -u; id -g'
	is "$(xargs <<<"$output")" "/tmp 12 1000 0"
}

@test "--env holds over a variable that the config has twice" {
	only_cella
	up 'env(["FROM=config", "FROM=again"])'
	ok cella exec --env FROM=flag --env NEW=1 --env NEW=2 "$ID" env
	is "$(grep -E '^(FROM|NEW)=' <<<"$output")" "FROM=flag
NEW=2"
	down
}

@test "--env with an equals sign in its value, and without a value" {
	only_cella
	common
	ok cella exec -e A=b=c -e EMPTY= "$ID" sh -c 'echo "$A" "${EMPTY-unset}"'
	is "$output" "b=c "
	refused cella exec -e =x "$ID" true
}

@test "--user takes numbers only: nothing else becomes 0" {
	common
	for word in x root: -1 +1 0x10 "" " 5" 5x 1000: :1000 1000:x 1000:-1 1:2:3 4294967295 4294967296 99999999999999999999; do
		[ "$PEER" = no ] || [ "$word" = x ] || continue
		refused cella exec --user "$word" "$ID" true
	done
	ok cella exec --user 4294967294:4294967294 "$ID" id -u
	is "$output" 4294967294
}

@test "--additional-gids adds groups" {
	[ "${CELLA##*/}" != crun ] || skip "crun has no --additional-gids"
	common
	ok cella exec --user 1000:1000 --additional-gids 2000 --additional-gids 2001 "$ID" id -G
	is "$output" "1000 2000 2001"
	only_cella
	refused cella exec -g x "$ID" true
}

@test "--cap adds a capability, --no-new-privs sets the flag" {
	common
	ok cella exec "$ID" grep -E 'CapEff|NoNewPrivs' /proc/self/status
	is "$(xargs <<<"$output")" "CapEff: 0000000000000020 NoNewPrivs: 0"
	ok cella exec --cap CAP_CHOWN --no-new-privs "$ID" grep -E 'CapEff|NoNewPrivs' /proc/self/status
	is "$(xargs <<<"$output")" "CapEff: 0000000000000021 NoNewPrivs: 1"
	only_cella
	refused cella exec --cap CAP_NOPE "$ID" true
	has "$stderr" CAP_NOPE
}

@test "--cap adds to a config without capabilities too" {
	up 'del(.process.capabilities)'
	ok cella exec --cap CAP_CHOWN "$ID" grep CapEff /proc/self/status
	is "$(xargs <<<"$output")" "CapEff: 0000000000000001"
	only_cella
	refused cella exec --cap CAP_NOPE "$ID" true
	has "$stderr" CAP_NOPE
	down
}

@test "exec has no inheritable or ambient capabilities that nobody asked for" {
	common
	ok cella exec "$ID" grep -E 'CapInh|CapAmb' /proc/self/status
	is "$(xargs <<<"$output")" "CapInh: 0000000000000000 CapAmb: 0000000000000000"
	ok cella exec --user 1000:1000 "$ID" grep -E 'CapEff|CapPrm|CapInh|CapAmb' /proc/self/status
	is "$(xargs <<<"$output")" "CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapAmb: 0000000000000000"
}

@test "--process runs the process object of a file" {
	common
	jq -n '{args: ["sh", "-c", "pwd; echo $A; id -u; cat /proc/self/oom_score_adj"], cwd: "/tmp", env: ["A=file", "PATH=/bin"], user: {uid: 5, gid: 6}, oomScoreAdj: 300}' >"$T/process.json"
	ok cella exec --process "$T/process.json" "$ID"
	is "$(xargs <<<"$output")" "/tmp file 5 300"
	ok cella exec -p "$T/process.json" "$ID"
}

@test "--process refuses a file that is wrong, by the member's path" {
	only_cella
	common
	echo '{"args": ["true"], "cwd": 7}' >"$T/process.json"
	refused cella exec --process "$T/process.json" "$ID"
	has "$stderr" cwd
	echo '{"args": []}' >"$T/process.json"
	refused cella exec --process "$T/process.json" "$ID"
	echo '{' >"$T/process.json"
	refused cella exec --process "$T/process.json" "$ID"
	refused cella exec --process "$T/nowhere.json" "$ID"
	has "$stderr" nowhere.json
}

@test "--detach returns while the program runs" {
	up
	ok cella exec -d "$ID" sh -c 'echo $$ >/tmp/x; exec sleep 1000'
	soon cella exec "$ID" sh -c 'ps | grep -q "[s]leep 1000"'
	down
}

@test "--pid-file in the foreground holds the host's pid" {
	common
	exec_cella exec --pid-file "$T/pid" "$ID" sleep 1000 </dev/null &
	background=$!
	soon test -s "$T/pid"
	in_a_vm || soon grep -q sleep "/proc/$(<"$T/pid")/cmdline"
	soon has_processes "$ID" 3
	kill -9 "$(<"$T/pid")"
	ends_with $background 137
	soon has_processes "$ID" 2
}

@test "TERM to a foreground exec reaches its program" {
	up share
	exec_cella exec "$ID" sh -c 'trap "exit 44" TERM; echo ready >/share/ready; while :; do sleep 1000 & wait; done' </dev/null 2>"$T/stderr" &
	background=$!
	soon test -s "$SHARE/ready"
	kill -TERM $background
	ends_with $background 44
	down
}

@test "exec: no descriptor of the caller or the runtime is open" {
	common
	ok cella exec "$ID" sh -c 'ls /proc/$$/fd; true' 5</etc/passwd 7</
	is "$(xargs <<<"$output")" "0 1 2"
	if in_a_vm; then
		refused cella exec --preserve-fds 1 "$ID" true 3</etc/passwd
		has "$stderr" "--preserve-fds: descriptors of the host don't reach into a virtual machine"
		return
	fi
	ok cella exec --preserve-fds 1 "$ID" sh -c 'ls /proc/$$/fd; true' 3</etc/passwd 5</etc/passwd
	is "$(xargs <<<"$output")" "0 1 2 3"
}

@test "exec works in a created container" {
	bundle 'forever'
	ok cella create "$ID"
	ok cella exec "$ID" echo early
	is "$output" early
	status_is "$ID" created
	down
}

@test "exec is under the container's seccomp filter" {
	up '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}'
	exits 1 cella exec "$ID" mkdir /tmp/x
	has "$stderr" "not supported"
	down
}

@test "exec without a program or without a container is wrong usage" {
	only_cella
	common
	refused cella exec "$ID"
	refused cella exec
}

@test "what follows the container's name is the program's" {
	common
	ok cella exec "$ID" echo --user x -t --help
	is "$output" "--user x -t --help"
}

@test "twenty execs at once" {
	common
	for i in {1..20}; do
		(
			code=0
			cella exec "$ID" sh -c "exit $i" </dev/null >/dev/null 2>&1 || code=$?
			echo "$code" >"$T/code$i"
		) &
	done
	wait
	for i in {1..20}; do
		is "$(<"$T/code$i")" "$i"
	done
}

@test "delete --force ends it and its runtime" {
	up
	exec_cella exec "$ID" sh -c 'echo runs; exec sleep 1000' </dev/null >"$T/stdout" 2>"$T/stderr" &
	background=$!
	soon grep -q runs "$T/stdout" # whoever only sees the process does not know yet that exec has heard of it
	down
	ends_with $background 137
}

@test "exec of a container that is deleted meanwhile says which one has ended, or ends with it" {
	only_cella
	for round in {1..10}; do
		up
		for i in {1..4}; do
			(
				code=0
				cella exec "$ID" sleep 1000 </dev/null >"$T/out$i" 2>&1 || code=$?
				echo "$code" >"$T/code$i"
			) &
		done
		sleep "0.0$((round * 7 % 10))"
		down
		wait
		for i in {1..4}; do
			case $(<"$T/code$i") in
			137) ;;
			1 | 255) has "$(<"$T/out$i")" "cella: $ID: " ;;
			*) die "status $(<"$T/code$i"): $(<"$T/out$i")" ;;
			esac
		done
		in_a_vm && [ "$round" -gt 1 ] && break
	done
	true
}

@test "exec --ignore-paused: the program runs after resume" {
	only_cella
	bundle 'forever'
	ok cella run --detach "$ID"
	ok cella pause "$ID"
	refused cella exec "$ID" true
	has "$stderr" "paused"
	exec_cella exec --ignore-paused "$ID" echo late >"$T/stdout" 2>"$T/stderr" </dev/null 3>&- &
	background=$!
	sleep 0.2
	[ ! -s "$T/stdout" ]
	ok cella resume "$ID"
	ends_with $background 0
	is "$(<"$T/stdout")" late
	ok cella delete --force "$ID"
}

@test "exec --pidfd-socket gets a pidfd of the process" {
	only_cella
	bundle 'forever'
	ok cella run --detach "$ID"
	"$WORK/console" "$T/pidfd.sock" >"$T/got" 3>&- &
	console=$!
	soon test -S "$T/pidfd.sock"
	ok cella exec --detach --pid-file "$T/pid" --pidfd-socket "$T/pidfd.sock" "$ID" sleep 1000
	wait $console
	is "$(<"$T/got")" "pidfd of $(<"$T/pid")"
	ok cella delete --force "$ID"
}

@test "exec --cgroup: CONTROLLER:PATH and more than one, of one place" {
	only_cella
	not_in_a_vm "its cgroups are the guest's"
	up 'new_ns("cgroup")'
	mkdir "$CGROUP/sub"
	for words in "--cgroup sub" "--cgroup /sub" "--cgroup cpu,memory:/sub" "--cgroup cpu:sub --cgroup memory:/sub"; do
		# shellcheck disable=SC2086
		ok cella exec $words "$ID" grep 0:: /proc/self/cgroup
		is "$output" "0::/sub"
	done
	ok cella exec --cgroup / "$ID" grep 0:: /proc/self/cgroup
	is "$output" "0::/"
	for words in "--cgroup cpu:a --cgroup memory:b" "--cgroup a:b:c" "--cgroup :sub" "--cgroup ../x" "--cgroup nowhere"; do
		# shellcheck disable=SC2086
		refused cella exec $words "$ID" true
		has "$stderr" "cella: --cgroup: "
	done
	down
}

@test "exec names the flag that was wrong, not the member that it changes" {
	only_cella
	common
	wrong() { # REASON FLAG VALUE
		refused cella exec "$2" "$3" "$ID" true
		has "$stderr" "cella: $2: $1"
	}
	wrong "unknown capability 'KILL': expected a name like CAP_KILL" --cap KILL
	wrong "4294967295 is no id" --user 4294967295
	wrong "4294967295 is no id" --additional-gids 4294967295
	in_a_vm || wrong "/no/such: chdir: No such file or directory" --cwd /no/such
	echo '{"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0, "additionalGids": [4294967295]}}' >"$T/process.json"
	exits 255 cella exec --additional-gids 5 --process "$T/process.json" "$ID"
	has "$stderr" "cella: process.user.additionalGids: "
}

@test "exec --apparmor and --process-label are the process object's own" {
	only_cella
	common
	refused cella exec --apparmor no-such-profile "$ID" true
	has "$stderr" "--apparmor: "
	refused cella exec --process-label no:such:label "$ID" true
	has "$stderr" "--process-label: "
}

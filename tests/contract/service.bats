#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A container as a service: sd_notify, socket activation, logs of the system, hooks' output, crun's annotations.
load helpers

# Who waits for READY=1: what it is told goes to $T/told.
manager() {
	"$WORK/rootfs/bin/datagram" listen "${1:-$T/manager.sock}" >"$T/told" 3>&- &
	manager=$!
	[ "${1:0:1}" = @ ] || soon test -S "${1:-$T/manager.sock}"
	export NOTIFY_SOCKET=${1:-$T/manager.sock}
}
told() { soon grep -qx "$1" "$T/told"; }
dismissed() {
	unset NOTIFY_SOCKET
	kill "$manager"
	wait "$manager" || true
}

SAYS='datagram send $NOTIFY_SOCKET'

@test "NOTIFY_SOCKET: start returns when the program is ready, and its manager knows its pid" {
	not_in_a_vm "no socket of the host reaches in"
	manager
	bundle "sh(\"until [ -e /share/go ]; do sleep 0.05; done; $SAYS 'READY=1\\\\nSTATUS=up\\\\nMAINPID=7\\\\nFDSTORE=1'; sleep 1000\") | share"
	ok cella create "$ID"
	exec_cella start "$ID" </dev/null >"$T/stdout" 2>"$T/stderr" 3>&- &
	background=$!
	soon has_status "$ID" running
	sleep 0.2
	kill -0 $background
	[ ! -s "$T/told" ]
	touch "$SHARE/go"
	ends_with $background 0
	told "READY=1"
	[ "$PEER" = yes ] || { told "MAINPID=$(pid_of "$ID")" && told "STATUS=up"; }
	! grep -E "MAINPID=7|FDSTORE" "$T/told"
	dismissed
	ok cella delete --force "$ID"
}

@test "NOTIFY_SOCKET: run --detach waits too; a program that ends without a word ends the waiting" {
	only_cella
	not_in_a_vm "no socket of the host reaches in"
	manager
	bundle "sh(\"$SAYS READY=1; sleep 1000\")"
	ok cella run --detach "$ID"
	told "MAINPID=$(pid_of "$ID")"
	ok cella delete --force "$ID"
	bundle 'sh("exit 0")'
	ok cella run --detach "$ID"
	dismissed
	ok cella delete --force "$ID"
}

@test "NOTIFY_SOCKET: run in front passes on what the program says, up to its last words, and stays the main process" {
	not_in_a_vm "no socket of the host reaches in"
	only_cella
	manager
	bundle "sh(\"$SAYS READY=1; $SAYS STATUS=busy; $SAYS WATCHDOG=1; $SAYS STOPPING=1; exit 5\")"
	exits 5 cella run "$ID"
	for word in READY=1 STATUS=busy WATCHDOG=1 STOPPING=1; do told $word; done
	! grep MAINPID "$T/told"
	dismissed
}

@test "NOTIFY_SOCKET: an abstract one, and a container in a user namespace" {
	not_in_a_vm "no socket of the host reaches in"
	only_cella
	manager "@cella-$RUN-$ID"
	sleep 0.2
	chmod 755 "$T/root" 2>/dev/null || mkdir -m 755 "$T/root"
	bundle "mapped | sh(\"$SAYS READY=1; sleep 1000\")"
	ok cella run --detach "$ID"
	told READY=1
	dismissed
	ok cella delete --force "$ID"
}

@test "NOTIFY_SOCKET: nobody is told when nobody asked, and a create that fails leaves nothing" {
	only_cella
	bundle 'sh("echo ${NOTIFY_SOCKET-unset}")'
	ok cella run "$ID"
	is "$output" unset
	bundle 'sh("echo started")'
	NOTIFY_SOCKET=nowhere ok cella run "$ID"
	bundle '.process.cwd = 7'
	NOTIFY_SOCKET=/nowhere refused cella create "$ID"
	bundle 'args(["no-such-program"])'
	NOTIFY_SOCKET=/nowhere refused cella create "$ID"
	[ -z "$(ls -A "$ROOT")" ]
}

@test "LISTEN_FDS: sockets of the caller are the program's first descriptors, and LISTEN_PID is its pid" {
	not_in_a_vm "descriptors of the host don't reach in"
	only_cella
	echo three >"$T/three"
	echo four >"$T/four"
	listening='echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES $$; cat <&3; cat <&4'
	# shellcheck disable=SC2016
	as_service() { LISTEN_PID=$BASHPID LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@" 3<"$T/three" 4<"$T/four"; }
	bundle "sh(\"$listening\") | env([\"LISTEN_PID=77\"])"
	is "$(as_service run --preserve-fds 1 "$ID" | xargs)" "1 1 web 1 three four"
	bundle "forever"
	ok cella run --detach "$ID"
	is "$(as_service exec --preserve-fds 1 "$ID" sh -c "[ \$LISTEN_PID = \$\$ ] && echo \$LISTEN_FDS \$LISTEN_FDNAMES; cat <&3; cat <&4" | xargs)" "1 web three four"
	ok cella delete --force "$ID"
}

@test "LISTEN_FDS: what was meant for another process is not passed on" {
	only_cella
	bundle 'sh("echo ${LISTEN_FDS-none} ${LISTEN_PID-none}; ls /proc/self/fd | wc -l")'
	LISTEN_FDS=1 LISTEN_PID=1 ok cella run "$ID"
	is "$(xargs <<<"$output")" "none none 4"
	not_in_a_vm "descriptors of the host don't reach in"
	few() (LISTEN_PID=$BASHPID LISTEN_FDS=90 exec "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID")
	try few
	[ "$status" != 0 ]
	has "$stderr" "cella: LISTEN_FDS: descriptor "
	has "$stderr" "was not passed"
}

@test "--log journald:NAME and syslog:NAME tell the system's collectors" {
	only_cella
	[ ! -e /run/systemd/journal/socket ] && [ ! -e /dev/log ] || skip "this host has collectors"
	mkdir "$T/dev"
	mount -t tmpfs none "$T/dev" && cp -a /dev/null "$T/dev" && mount --move "$T/dev" /dev
	mount -t tmpfs none /run && mkdir -p /run/systemd/journal
	manager /run/systemd/journal/socket
	unset NOTIFY_SOCKET
	refused cella --log journald:mine state nobody
	told "PRIORITY=3"
	told "SYSLOG_IDENTIFIER=mine"
	told "MESSAGE=nobody: container does not exist"
	dismissed
	manager /dev/log
	unset NOTIFY_SOCKET
	refused cella --log syslog:mine state nobody
	soon grep -q '^<11>mine\[[0-9]*\]: nobody: container does not exist$' "$T/told"
	dismissed
	umount -l /run
	umount -l /dev
	refused cella --log journald:mine state nobody
	has "$stderr" "/run/systemd/journal/socket"
	refused cella --log journald: state nobody
}

# bats test_tags=testbed
@test "--log journald:NAME and syslog:NAME are found in the journal" {
	only_cella
	[ -S /run/systemd/journal/socket ] && [ -S /dev/log ] || skip "no journal here"
	for word in journald syslog; do
		refused cella --log "$word:cella-$RUN-$word" state nobody
		soon journal_has "cella-$RUN-$word" "nobody: container does not exist"
	done
}
journal_has() { journalctl --quiet --output=cat --identifier="$1" --priority=err | grep -qx "$2"; }

@test "what hooks print is not the container's; a hook that fails is told in its own words" {
	only_cella
	bundle 'sh("echo inside") | .hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "echo hook; echo hook >&2"]}]}'
	ok cella run "$ID"
	is "$output$stderr" inside
	bundle '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "echo fine >&2"]}, {path: "/bin/sh", args: ["sh", "-c", "echo no bridge >&2; exit 3"]}]}'
	refused cella run "$ID"
	has "$stderr" "hooks.createRuntime[1]"
	has "$stderr" "exit status 3: no bridge"
}

@test "run.oci.hooks.stdout and run.oci.hooks.stderr: files that hooks write to" {
	bundle 'sh("echo inside") | .hooks = {prestart: [{path: "/bin/sh", args: ["sh", "-c", "cat >/dev/null; echo out; echo err >&2"]}, {path: "/bin/sh", args: ["sh", "-c", "cat >/dev/null; echo out; echo err >&2"]}]} |
		.annotations = {"run.oci.hooks.stdout": "\($t)/out", "run.oci.hooks.stderr": "\($t)/err"}'
	[ "${CELLA##*/}" != runc ] || skip "runc has no such annotation"
	ok cella run "$ID"
	is "$output" inside
	is "$(xargs <"$T/out")" "out out"
	is "$(xargs <"$T/err")" "err err"
}

@test "run.oci.keep_original_groups: the groups of the caller stay" {
	only_cella
	not_in_a_vm "the caller's groups are another system's"
	bundle 'sh("id -G") | .process.user.additionalGids = [7] | .annotations = {"run.oci.keep_original_groups": "1"}'
	try setpriv --groups 4321,4322 "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	is "$output" "0 4321 4322"
	bundle 'sh("id -G") | .process.user.additionalGids = [7]'
	try setpriv --groups 4321,4322 "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	is "$output" "0 7"
}

@test "run.oci.pidfd_receiver: a socket that gets a pidfd of the container's process" {
	only_cella
	"$WORK/console" "$T/pidfd.sock" >"$T/got" 3>&- &
	console=$!
	soon test -S "$T/pidfd.sock"
	bundle 'forever | .annotations = {"run.oci.pidfd_receiver": "\($t)/pidfd.sock"}'
	ok cella run --detach "$ID"
	wait $console
	is "$(<"$T/got")" "pidfd of $(pid_of "$ID")"
	ok cella delete --force "$ID"
	refused cella run "$ID"
	has "$stderr" 'cella: annotations["run.oci.pidfd_receiver"]: '
	lacks "$stderr" "--pidfd-socket"
}

@test "run.oci.seccomp.plugins: what is asked for is not left out" {
	only_cella
	bundle 'args(["true"]) | .annotations = {"run.oci.seccomp.plugins": "/a/plugin.so"}'
	refused cella run "$ID"
	has "$stderr" 'annotations["run.oci.seccomp.plugins"]: '
	has "$stderr" "linux.seccomp"
}

# Instructions of seccomp(2), CODE:TRUE:FALSE:NUMBER each, in base64.
program() {
	local one code yes no number
	for one; do
		IFS=: read -r code yes no number <<<"$one"
		printf "$(printf '\\x%02x' $((code)) 0 "$yes" "$no" $((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24)))"
	done | base64 --wrap=0
}
LOAD_CALL=0x20:0:0:0 ALLOW=0x06:0:0:0x7fff0000 REFUSE=0x06:0:0:0x5001c # errno 28
raw() { bundle "args([\"call\", \"getppid\", \"getuid\"]) | .annotations = {\"run.oci.seccomp_bpf_data\": \"$1\"} | ${2:-.}"; }

@test "run.oci.seccomp_bpf_data: the program is the filter, whatever linux.seccomp says, for exec too" {
	only_cella "crun is not built with it everywhere"
	[ "$(uname -m)" = x86_64 ] || skip "the program is one for x86-64"
	filter=$(program $LOAD_CALL 0x15:0:1:110 $REFUSE $ALLOW)
	raw "$filter"
	ok cella run "$ID"
	is "$output" "28 0"
	raw "$filter" '.linux.seccomp = {defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls: [{names: ["write"], action: "SCMP_ACT_NOTIFY"}]} | .process.args = ["sleep", "1000"]'
	ok cella run -d "$ID"
	is "$(cella exec "$ID" call getppid getuid)" "28 0"
	ok cella delete --force "$ID"
}

@test "run.oci.seccomp_bpf_data: what is no program, or none that the kernel takes, is refused before anything runs" {
	only_cella
	key='annotations["run.oci.seccomp_bpf_data"]'
	for wrong in "" AAAA "$(program $ALLOW)=" '!!!!'; do
		raw "$wrong"
		refused cella create "$ID"
		is "$stderr" "cella: $key: expected instructions of 8 bytes, in base64"
	done
	for wrong in $LOAD_CALL 0xff:0:0:0 "$LOAD_CALL 0x15:9:9:0 $ALLOW"; do # it doesn't end, is none, leads out of it
		raw "$(program $wrong)"
		refused cella create "$ID"
		is "$stderr" "cella: $key: the kernel takes no such program"
	done
	raw "$(for ((i = 0; i < 4097; i++)); do printf '\x06\0\0\0\0\0\xff\x7f'; done | base64 --wrap=0)"
	refused cella create "$ID"
	is "$stderr" "cella: $key: more than the 4096 instructions of one filter"
}

@test "run.oci.seccomp_fail_unknown_syscall: a call that nobody knows is refused, not left out" {
	only_cella
	profile='args(["true"]) | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chroot"], action: "SCMP_ACT_ERRNO"}, {names: ["acct", "no_such_call"], action: "SCMP_ACT_ERRNO"}]}'
	bundle "$profile"
	ok cella run "$ID"
	bundle "$profile | .annotations = {\"run.oci.seccomp_fail_unknown_syscall\": \"1\"}"
	refused cella run "$ID"
	has "$stderr" "linux.seccomp.syscalls[1].names[1]: unknown system call 'no_such_call'"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.seccomp: what the filter does, who answers for it, and that it is made once.
load helpers

# A filter that asks an agent about mkdir.
NOTIFY='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "\($t)/agent.sock", listenerMetadata: "for the agent",
	syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}'

agent() {
	[ -x "$WORK/agent" ] || skip "no compiler: the tests' agent can't be made"
	"$WORK/agent" "$T/agent.sock" "$T/told" "$@" 3>&- &
	AGENT=$!
	soon test -S "$T/agent.sock"
}
no_agent() {
	[ -z "${AGENT-}" ] || { kill "$AGENT"; wait "$AGENT" || true; rm -f "$T/agent.sock" "$T/told".*; }
	AGENT=
}
teardown() {
	no_agent
	contract_teardown
}
told() { jq -r "$1" "$T/told.$2"; }

@test "the agent of a notify filter gets the state and the listener, and answers" {
	only_cella
	not_in_a_vm "a listener of its kernel can't come out"
	for privileges in true false; do
		no_agent
		agent
		bundle "$NOTIFY | .process.noNewPrivileges = $privileges | .annotations = {color: \"red\"} | sh(\"mkdir /tmp/x\")"
		exits 1 cella run "$ID"
		has "$stderr" "No space left on device"
		soon test -e "$T/told.1"
		is "$(told .ociVersion 1)" 1.3.0
		is "$(told '.fds | join(" ")' 1)" seccompFd
		is "$(told .metadata 1)" "for the agent"
		is "$(told .state.id 1)" "$ID"
		is "$(told .state.bundle 1)" "$BUNDLE"
		is "$(told .state.annotations.color 1)" red
		is "$(told .pid 1)" "$(told .state.pid 1)"
		matches "$(told .state.status 1)" "^(creating|created)$"
	done
}

@test "a further process has a listener of its own; its pid is its own, the state the container's" {
	only_cella
	not_in_a_vm "a listener of its kernel can't come out"
	agent
	bundle "$NOTIFY | forever"
	ok cella create "$ID"
	[ ! -e "$T/told.1" ]
	ok cella start "$ID"
	soon test -e "$T/told.1"
	exits 1 cella exec "$ID" mkdir /tmp/y
	has "$stderr" "No space left on device"
	soon test -e "$T/told.2"
	is "$(told .state.pid 2)" "$(pid_of "$ID")"
	is "$(told .state.status 2)" running
	[ "$(told .pid 2)" != "$(pid_of "$ID")" ]
	ok cella delete --force "$ID"
}

@test "without its agent nothing runs" {
	only_cella
	not_in_a_vm "a listener of its kernel can't come out"
	bundle "$NOTIFY | share | sh(\"echo ran >/share/ran\")"
	refused cella run "$ID"
	has "$stderr" "linux.seccomp.listenerPath"
	has "$stderr" "No such file or directory"
	[ ! -e "$SHARE/ran" ]
	refused cella state "$ID"
	agent
	bundle "$NOTIFY | forever"
	ok cella run --detach "$ID"
	kill "$AGENT" && wait "$AGENT" || true
	refused cella exec "$ID" true
	has "$stderr" "linux.seccomp.listenerPath"
	ok cella delete --force "$ID"
}

# A handled signal comes to a shell whose cd the agent has taken.
interrupt() { # FLAGS
	mkdir "$T/held"
	agent "$T/held"
	bundle "$NOTIFY | .linux.seccomp.syscalls[0].names = [\"chdir\"] | .linux.seccomp.flags = [$1] | sh(\"trap : USR1; cd /tmp\")"
	run_in_background
	pid=$(pid_of "$ID")
	soon test -e "$T/held/taken"
	ok cella kill "$ID" USR1
}

@test "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: a call that the agent has taken is not interrupted" {
	only_cella
	not_in_a_vm "a listener of its kernel can't come out"
	interrupt ""
	ends_with $background 2
	has "$(<"$T/stderr")" "Interrupted system call"
	no_agent
	rm -r "$T/held"
	cella features | grep -q SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV || skip "this kernel has it not"
	interrupt '"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"'
	soon grep -q "^State:	D" "/proc/$pid/status" # asleep, but for SIGKILL
	grep -q "^ShdPnd:	0*200$" "/proc/$pid/status" # and SIGUSR1 waits
	: >"$T/held/answer"
	ends_with $background 2
	has "$(<"$T/stderr")" "No space left on device"
}

@test "a flag for agents does nothing where none is asked, and says so" {
	only_cella "crun leaves all flags then, runc refuses"
	bundle "$FILTER | .linux.seccomp.flags = [\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\", \"SECCOMP_FILTER_FLAG_LOG\"]"
	full
	has "$stderr" "linux.seccomp.flags[0]: 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' does nothing without SCMP_ACT_NOTIFY"
}

@test "crun's annotation says where the agent is, listenerPath before it" {
	only_cella
	not_in_a_vm "a listener of its kernel can't come out"
	agent
	bundle "$NOTIFY | del(.linux.seccomp.listenerPath, .linux.seccomp.listenerMetadata)
		| .annotations[\"run.oci.seccomp.receiver\"] = \"\(\$t)/agent.sock\" | sh(\"mkdir /tmp/x\")"
	exits 1 cella run "$ID"
	has "$stderr" "No space left on device"
	is "$(told .metadata 1)" null
	bundle "$NOTIFY | .annotations[\"run.oci.seccomp.receiver\"] = \"/no/such\" | sh(\"mkdir /tmp/x\")"
	exits 1 cella run "$ID"
	has "$stderr" "No space left on device"
}

@test "crun's variable says where the agent is, for exec too, when the config does not" {
	only_cella
	not_in_a_vm "a listener of its kernel can't come out"
	export RUN_OCI_SECCOMP_RECEIVER=$T/agent.sock
	NOTIFY+=' | del(.linux.seccomp.listenerPath, .linux.seccomp.listenerMetadata)'
	agent
	bundle "$NOTIFY | sh(\"mkdir /tmp/x\")"
	exits 1 cella run "$ID"
	has "$stderr" "No space left on device"
	bundle "$NOTIFY | forever"
	ok cella create "$ID"
	unset RUN_OCI_SECCOMP_RECEIVER
	ok cella start "$ID"
	exits 1 cella exec "$ID" mkdir /tmp/y
	has "$stderr" "No space left on device"
	kill "$AGENT" && wait "$AGENT" || true
	refused cella exec "$ID" true
	has "$stderr" "RUN_OCI_SECCOMP_RECEIVER"
	ok cella delete --force "$ID"
	RUN_OCI_SECCOMP_RECEIVER=agent.sock refused cella create "$ID"
	has "$stderr" "RUN_OCI_SECCOMP_RECEIVER: 'agent.sock': expected an absolute path"
	RUN_OCI_SECCOMP_RECEIVER='' refused cella create "$ID"
	has "$stderr" "linux.seccomp.listenerPath: is required for SCMP_ACT_NOTIFY"
	export RUN_OCI_SECCOMP_RECEIVER=/no/such
	bundle "$NOTIFY | .annotations[\"run.oci.seccomp.receiver\"] = \"/none\""
	refused cella run "$ID"
	has "$stderr" "annotations[\"run.oci.seccomp.receiver\"]: /none"
}

@test "what the runtime itself needs can't wait for the agent" {
	only_cella
	for call in write sendmsg; do
		bundle "$NOTIFY | .linux.seccomp.syscalls[0].names = [\"$call\"]"
		refused cella run "$ID"
		has "$stderr" "linux.seccomp"
		[ "$CELLA_EXECUTOR" = microvm ] || has "$stderr" "$call"
	done
	not_in_a_vm "refused whole"
	bundle "$NOTIFY | .linux.seccomp.defaultAction = \"SCMP_ACT_NOTIFY\""
	refused cella run "$ID"
	has "$stderr" "linux.seccomp.defaultAction"
	bundle "$NOTIFY | .linux.seccomp.syscalls += [{names: [\"sendmsg\"], action: \"SCMP_ACT_ERRNO\"}]"
	refused cella run "$ID"
	has "$stderr" "sendmsg must be allowed"
}

# A rule that lets through what a program and its start need.
PROGRAMS='{names: ["read", "write", "open", "openat", "close", "execve", "exit", "exit_group", "brk", "mmap", "munmap", "mprotect",
	"arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "getrandom", "readlink", "readlinkat", "newfstatat", "stat",
	"fstat", "lstat", "sendmsg", "prctl", "capset", "capget", "getuid", "umask", "fcntl", "uname"], action: "SCMP_ACT_ALLOW"}'

@test "every action, and the errno of the default" {
	for case in ERRNO:28:1 TRAP::159 KILL::159 KILL_THREAD::159 KILL_PROCESS::159 LOG::0 ALLOW::0 TRACE::1; do
		IFS=: read -r action number code <<<"$case"
		bundle ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"mkdir\", \"mkdirat\"],
			action: \"SCMP_ACT_$action\"} + (if \"$number\" == \"\" then {} else {errnoRet: 28} end)]} | tmpfs(\"/tmp\"; []) | args([\"mkdir\", \"/tmp/x\"])"
		exits "$code" cella run "$ID"
	done
	bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 28, architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
		flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"},
			'"$PROGRAMS"']}
		| args(["rmdir", "/nothing"])'
	exits 1 cella run "$ID"
	has "$stderr" "No space left on device"
}

@test "flags are what the config says; where it says nothing, speculation is left as it is" {
	only_cella
	not_in_a_vm "its system calls can't be seen from here"
	command -v strace >/dev/null || skip "strace is missing"
	for case in :SPEC_ALLOW '[]:' '["SECCOMP_FILTER_FLAG_LOG"]:LOG'; do
		flags=${case%:*} kernel=${case##*:}
		bundle ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"acct\"], action: \"SCMP_ACT_ERRNO\"}]${flags:+, flags: $flags}}"
		ok strace -f -o "$T/calls" -e trace=seccomp "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
		grep -qE "SECCOMP_SET_MODE_FILTER, ${kernel:+SECCOMP_FILTER_FLAG_}${kernel:-0}, \{" "$T/calls"
	done
}

# What nsenter needs up to setns, which the kernel refuses it; what has larger numbers it can do without.
NSENTER='.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: ["read", "write", "open", "openat", "close", "execve",
	"exit", "exit_group", "brk", "mmap", "munmap", "mprotect", "arch_prctl", "set_tid_address", "readlink", "readlinkat", "newfstatat",
	"stat", "fstat", "lstat", "sendmsg", "prctl", "capset", "capget", "getuid", "umask", "fcntl", "uname"], action: "SCMP_ACT_ALLOW"}]}
	| args(["nsenter", "--uts=/proc/self/ns/uts", "true"])'
says() { exits 1 cella run "$ID" && has "$stderr" "$1"; }

@test "a call that is newer than all that a profile names is unknown, for an older one there is the default" {
	only_cella "crun has the default for both"
	bundle "$NSENTER"
	says "Function not implemented"
	bundle "$NSENTER | .linux.seccomp.defaultErrnoRet = 28"
	says "Function not implemented"
	for action in ALLOW ERRNO; do
		bundle "$NSENTER | .linux.seccomp.defaultErrnoRet = 28
			| .linux.seccomp.syscalls += [{names: [\"statx\"], action: \"SCMP_ACT_$action\"}]"
		says "No space left on device"
	done
	bundle "$NSENTER | .linux.seccomp.defaultAction = \"SCMP_ACT_LOG\""
	says "Operation not permitted"
}

# --- conditions and architectures ------------------------------------------------------------

# Calls under a filter: `call` says 28 of what is held up, 0 of what is not.
asks() { # FILTER (jq, with these words) ARGUMENT-OF-CALL…
	bundle "def when(i; op; v): {index: i, op: \"SCMP_CMP_\(op)\", value: v};
		def hold(call; conditions): {names: [call], action: \"SCMP_ACT_ERRNO\", errnoRet: 28, args: conditions};
		.linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\"} + $1 | args([\"call\"] + (\"${*:2}\" | split(\" \")))"
}

@test "every comparison is of all 64 bits of an argument, without a sign" {
	local values=(4 5 6 0x400000009 0x500000004 0x500000005 0x500000006 0x600000001 0x1500000015 0xffffffffffffffff) # in their order
	local signs=(NE:!= LT:\< LE:\<= EQ:== GE:\>= GT:\>) names=(getppid getuid gettid getgid geteuid getegid)
	for case in 1:15:1,5,8 5:64424509455:5,8; do # where the border is, a mask for it, where that finds it
		IFS=: read -r place mask found <<<"$case"
		rules= calls= held=
		for n in "${!names[@]}"; do
			rules+="hold(\"${names[n]}\"; [when(0; \"${signs[n]%:*}\"; $((values[place])))]), "
			for i in "${!values[@]}"; do
				calls+="${names[n]}:${values[i]} "
				held+="$((i ${signs[n]#*:} place ? 28 : 0)) "
			done
		done
		for i in "${!values[@]}"; do
			calls+="sched_yield:${values[i]} "
			if [[ ,$found, == *,$i,* ]]; then held+="28 "; else held+="0 "; fi
		done
		asks "{syscalls: [$rules hold(\"sched_yield\"; [when(0; \"MASKED_EQ\"; $mask) + {valueTwo: $((values[place]))}])]}" $calls
		ok cella run "$ID"
		is "$output" "${held% }"
	done
}

@test "of conditions on several arguments all are needed, of those on one argument any, and any of several rules" {
	asks '{syscalls: [hold("getppid"; [when(1; "EQ"; 1), when(5; "GT"; 2)]),
		hold("gettid"; [when(0; "EQ"; 1), when(0; "EQ"; 3)]),
		hold("getuid"; [when(0; "EQ"; 1)]), (hold("getuid"; [when(1; "EQ"; 2)]) | .errnoRet = 29)]}' \
		getppid:0,1,0,0,0,3 getppid:0,1,0,0,0,2 getppid:0,2,0,0,0,3 gettid:1 gettid:2 gettid:3 getuid:1,1 getuid:2,2 getuid:2,1
	ok cella run "$ID"
	is "$output" "28 0 0 28 0 28 28 29 0"
}

@test "conditions let through what the default refuses" {
	asks '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 28, syscalls: ['"$PROGRAMS"', {names: ["gettid"], action: "SCMP_ACT_ALLOW",
		args: [when(0; "LE"; 5), when(1; "MASKED_EQ"; 3) + {valueTwo: 2}]}]}' gettid:5,2 gettid:5,6 gettid:6,2 gettid:5,3 getppid
	ok cella run "$ID"
	is "$output" "0 0 28 28 28"
}

# A process that calls by WAY is under the rules where ARCHITECTURE is listed, and dies where it is not.
listed_or_not() { # WAY ARCHITECTURE
	asks "{architectures: [\"SCMP_ARCH_X86_64\", \"$2\"], syscalls: [hold(\"getppid\"; [when(0; \"EQ\"; 1)])]}" "$1" getppid:1 getppid:2
	ok cella run "$ID"
	is "$output" "28 $("$WORK/rootfs/bin/call" "$1" getppid:2)"
	asks '{architectures: ["SCMP_ARCH_X86_64"], syscalls: [hold("getppid"; [when(0; "EQ"; 1)])]}' "$1" getppid:2
	exits 159 cella run "$ID"
	asks '{syscalls: [hold("getppid"; [when(0; "EQ"; 1)])]}' "$1" getppid:2
	exits 159 cella run "$ID"
}

# bats test_tags=testbed
@test "calls of 32 bits are filtered where SCMP_ARCH_X86 is listed, else they end the process" {
	[ "$("$WORK/rootfs/bin/call" i386 getppid)" = 0 ] || skip "this kernel takes no calls of 32 bits"
	listed_or_not i386 SCMP_ARCH_X86
}

@test "calls of x32 are filtered where SCMP_ARCH_X32 is listed, else they end the process" {
	[ "$(uname -m)" = x86_64 ] || skip "of x86_64 only"
	listed_or_not x32 SCMP_ARCH_X32
}

# --- filters made before ---------------------------------------------------------------------

FILTER='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28}]} | sh("mkdir /tmp/x")'
full() { exits 1 cella run "$ID" && has "$stderr" "No space left on device"; }

@test "a filter is made once, is the owner's alone, and another's is another" {
	only_cella
	not_in_a_vm "the guest keeps its own"
	bundle "$FILTER"
	full
	is "$(ls "$ROOT/.seccomp" | wc -l)" 1
	is "$(stat -c '%a %u' "$ROOT/.seccomp")" "700 0"
	is "$(stat -c '%a %u' "$ROOT/.seccomp"/*)" "600 0"
	inode=$(stat -c %i "$ROOT/.seccomp"/*)
	full
	is "$(stat -c %i "$ROOT/.seccomp"/*)" "$inode"
	bundle "$FILTER | .linux.seccomp.syscalls[0].errnoRet = 1"
	exits 1 cella run "$ID"
	has "$stderr" "Operation not permitted"
	is "$(ls "$ROOT/.seccomp" | wc -l)" 2
	ok cella list
	lacks "$output" seccomp
}

@test "a kept filter that was changed, cut, or is another's is made anew" {
	only_cella
	not_in_a_vm "the guest keeps its own"
	bundle "$FILTER"
	full
	file=$(echo "$ROOT/.seccomp"/*)
	cp "$file" "$T/right"
	size=$(stat -c %s "$file")
	truncate -s $((size - 8)) "$file" && full && cmp "$file" "$T/right"
	: >"$file" && full && cmp "$file" "$T/right"
	printf '\xff' | dd of="$file" bs=1 seek=$((size - 4)) conv=notrunc status=none
	full && cmp "$file" "$T/right"
	# a filter of another profile under this one's name: the key inside tells
	bundle "$FILTER | .linux.seccomp.syscalls[0].errnoRet = 1"
	exits 1 cella run "$ID"
	for other in "$ROOT/.seccomp"/*; do [ "$other" = "$file" ] || cp "$other" "$file"; done
	bundle "$FILTER"
	full && cmp "$file" "$T/right"
	chmod 666 "$file"
	full
	is "$(stat -c %a "$file")" 600
	rm "$file" && ln -s "$T/right" "$file"
	full
	[ ! -L "$file" ]
}

@test "a place for filters that is not ours alone, or full, is none" {
	only_cella
	not_in_a_vm "the guest keeps its own"
	mkdir -p "$ROOT/.seccomp" && chmod 777 "$ROOT/.seccomp"
	bundle "$FILTER"
	full
	is "$(ls "$ROOT/.seccomp")" ""
	rmdir "$ROOT/.seccomp"
	mkdir "$T/small" "$ROOT/.seccomp"
	mount -t tmpfs -o size=4k,mode=700 none "$ROOT/.seccomp"
	head -c 4096 /dev/zero >"$ROOT/.seccomp/ballast"
	touch -d 2100-01-01 "$ROOT/.seccomp/ballast"
	full
	is "$(ls "$ROOT/.seccomp")" ballast
	umount "$ROOT/.seccomp"
}

@test "the least lately used filters go, and exec uses what run has made" {
	only_cella
	not_in_a_vm "the guest keeps its own"
	mkdir -p -m 700 "$ROOT/.seccomp"
	for n in $(seq 70); do
		echo "$n" >"$ROOT/.seccomp/old-$n"
		touch -d "2000-01-01 00:00:$((n % 60))" "$ROOT/.seccomp/old-$n"
	done
	bundle "$FILTER | forever"
	ok cella run --detach "$ID"
	is "$(ls "$ROOT/.seccomp" | wc -l)" 64
	file=$(ls "$ROOT/.seccomp" | grep -v old)
	inode=$(stat -c %i "$ROOT/.seccomp/$file")
	exits 1 cella exec "$ID" mkdir /tmp/x
	has "$stderr" "No space left on device"
	is "$(stat -c %i "$ROOT/.seccomp/$file")" "$inode"
	rm -r "$ROOT/.seccomp"
	exits 1 cella exec "$ID" mkdir /tmp/x
	is "$(ls "$ROOT/.seccomp")" "$file"
	ok cella delete --force "$ID"
}

@test "a hundred that start at once make one file and are all right" {
	only_cella
	not_in_a_vm "the guest keeps its own"
	bundle "$FILTER | del(.linux.cgroupsPath)"
	pids=
	for n in $(seq "${AT_ONCE:-100}"); do
		exec_cella run "$ID-$n" >"$T/out.$n" 2>&1 </dev/null &
		pids="$pids $!"
	done
	for pid in $pids; do
		got=0
		wait "$pid" || got=$?
		is "$got" 1
	done
	is "$(cat "$T"/out.* | sort -u)" "mkdir: can't create directory '/tmp/x': No space left on device"
	is "$(ls "$ROOT/.seccomp" | wc -l)" 1
}

@test "rules that the library comes to no end with do not hold create up for ever" {
	only_cella
	not_in_a_vm "the guest's agent makes its own, by the same code"
	bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [74, 15422577368145480266 | {names: ["clone3"], action: "SCMP_ACT_KILL_THREAD",
		args: [{index: 2, op: "SCMP_CMP_GE", value: .}, {index: 0, op: "SCMP_CMP_NE", value: 0}]}]}'
	# what is limited is the processor's time: of that a busy machine has little to give
	LIMIT=120 try cella run "$ID" # one that comes to an end has the right to
	[ "$status" = 0 ] || has "$stderr" "linux.seccomp.syscalls: libseccomp comes to no end with these rules"
	[ ! -e "$ROOT/$ID" ]
}

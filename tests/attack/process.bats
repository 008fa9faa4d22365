#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a program in a container can get hold of: the runtime's file, its descriptors, its memory, rights.
load helpers

# A copy: the program itself must not be what is overwritten.
with_a_copy() {
	cp "$CELLA" "$T/cella"
	CELLA=$T/cella
}

# The container's program is the runtime itself, by a link to /proc/self/exe, and another process waits for it.
overwriting() {
	local product=$CELLA before
	hostile_rootfs
	with_a_copy
	before=$(cksum <"$CELLA")
	ln -s /proc/self/exe "$rootfs/bin/evil"
	mkfifo "$rootfs/fifo"
	bundle '.root.path = "rootfs" | share | sh("attacker overwrite >/share/said")'
	ok cella create "$ID" && ok cella start "$ID" || return
	soon grep -q waits "$SHARE/said" || return
	# it stands there until somebody writes to the fifo
	exec_cella exec "$ID" evil run --config /fifo x </dev/null >"$T/evil" 2>&1 &
	soon grep -q seized "$SHARE/said" || report "$(<"$T/evil")" || return
	timeout 5 sh -c 'echo >"$1"' sh "$rootfs/fifo" || true # it may have ended with the container
	PATIENCE=20 soon grep -q done "$SHARE/said" || return
	wait || true
	[ "$(cksum <"$CELLA")" = "$before" ] || broke_in "the runtime's file was overwritten"
	rm -f "$SHARE/said"
	CELLA=$product
	cella delete --force "$ID"
}

@test "the runtime's own file: a program in the container writes to it" {
	against own-file overwriting
}

# The caller has files open; so has one who execs.
descriptors() {
	hostile_rootfs
	bundle '.root.path = "rootfs" | args(["attacker", "fds"])'
	ok cella run "$ID" 7<"$T" 33</etc/hostname || return
	is "$(wc -l <<<"$output" | tr -d ' ')" 3 2>/dev/null || broke_in "run: $output"
	bundle '.root.path = "rootfs" | forever'
	ok cella create "$ID" 8<"$T" || return
	ok cella start "$ID" 8<"$T" || return
	ok cella exec "$ID" attacker fds 9<"$T" 34</etc/hostname || return
	is "$(wc -l <<<"$output" | tr -d ' ')" 3 2>/dev/null || broke_in "exec: $output"
}

@test "descriptors: nothing but 0, 1, 2 is open in the container" {
	against descriptors descriptors
}

@test "descriptors: those of --preserve-fds are, and no more" {
	hostile_rootfs
	bundle '.root.path = "rootfs" | args(["attacker", "fds"])'
	ok cella run --preserve-fds 2 "$ID" 3</etc/hostname 4</etc/passwd 5<"$T" 12<"$T"
	is "$(awk '{ print $1 }' <<<"$output" | tr '\n' ' ')" "0 1 2 3 4 "
}

# The working directory by a number of a descriptor that is the caller's, or one of ours.
cwd_number() {
	hostile_rootfs
	mkdir "$T/outside/mark"
	for ((n = 3; n < 24; n++)); do
		bundle ".root.path = \"rootfs\" | .process.cwd = \"/proc/self/fd/$n\" | args([\"ls\"])"
		try cella run "$ID" 7<"$T/outside"
		[ "$status" != 0 ] || broke_in "its working directory is of the host: $output"
	done
}

@test "cwd: a descriptor of the host by its number" {
	against cwd-outside cwd_number
}

cwd_race() {
	hostile_rootfs
	mkdir "$T/outside/mark" "$rootfs/work"
	ln -s /proc/self/fd/7 "$rootfs/work2"
	bundle '.root.path = "rootfs" | .process.cwd = "/work" | share | sh("test -d ./mark && echo outside >/share/hits; true")
		| .mounts |= map(select(.destination | test("^/(proc|share)$")))'
	STOP=$SHARE/hits
	RUNS=${RUNS:-100} racing_cella "$rootfs/work" "$rootfs/work2" run "$ID" 7<"$T/outside" || return
	[ ! -e "$SHARE/hits" ] || broke_in "its working directory is of the host"
	rm -f "$SHARE/hits"
}

@test "cwd: a folder and a link to a descriptor change places" {
	against cwd-outside cwd_race
}

# In a user namespace with CAP_SYS_PTRACE: whoever enters must not be looked into until he is one of them.
stalked() {
	hostile_rootfs
	bundle '.root.path = "rootfs" | share | mapped | all_caps(["CAP_SYS_PTRACE"]) | sh("attacker stalk >/share/said")'
	chmod 755 "$BUNDLE"
	chown -R 100000:100000 "$rootfs"
	: >"$SHARE/said"
	chmod 666 "$SHARE/said"
	exec_cella run "$ID" >"$T/stdout" 2>"$T/stderr" </dev/null &
	soon grep -q waits "$SHARE/said" || report "$(<"$T/stderr")" || return
	for ((i = 0; i < ${RUNS:-100}; i++)); do
		try cella exec "$ID" true
		! grep -q reached "$SHARE/said" || break
	done
	cella kill --all "$ID" TERM 2>/dev/null || true
	wait || true
	! grep -q reached "$SHARE/said" || broke_in "$(grep reached "$SHARE/said")"
	rm -f "$SHARE/said"
}

@test "exec: a process of the container looks into the one that enters" {
	against dumpable stalked
}

inheritable() {
	bundle 'args(["grep", "CapInh", "/proc/self/status"])'
	ok cella run "$ID" || return
	has "$output" 0000000000000000 2>/dev/null || broke_in "run: $output"
	bundle 'forever'
	ok cella create "$ID" && ok cella start "$ID" || return
	ok cella exec --cap CAP_SYS_ADMIN "$ID" grep CapInh /proc/self/status || return
	has "$output" 0000000000000000 2>/dev/null || broke_in "exec: $output"
}

@test "capabilities: nothing is inheritable that nobody asked for" {
	against inheritable inheritable
}

any_number() {
	local word
	bundle '.process.user = {uid: 1000, gid: 1000} | forever'
	ok cella create "$ID" && ok cella start "$ID" || return
	for word in root 1000x 0x10 1e3 '' ' 1' +1 -1 1000: :0 4294967296 18446744073709551616 1000:x 00 ٣; do
		try cella exec --user "$word" "$ID" id -u
		[ "$status" != 0 ] || broke_in "--user '$word' became $output"
	done
}

@test "numbers: what is none is no user" {
	against any-number any_number
}

# A pod: the next container joins the pid and user namespaces of the first.
stalked_at_birth() {
	local pid
	hostile_rootfs
	chown -R 100000:100000 "$rootfs"
	bundle '.root.path = "rootfs" | share | mapped | .linux.cgroupsPath += "-evil" | all_caps(["CAP_SYS_PTRACE"])
		| sh("attacker stalk >/share/said")'
	: >"$SHARE/said"
	chmod 666 "$SHARE/said"
	ok cella create evil && ok cella start evil || return
	pid=$(pid_of evil)
	soon grep -q waits "$SHARE/said" || return
	bundle '.root.path = "rootfs" | join_ns("pid"; "/proc/'"$pid"'/ns/pid") | join_ns("user"; "/proc/'"$pid"'/ns/user")
		| del(.linux.uidMappings, .linux.gidMappings) | no_ns("network") | no_ns("ipc") | .mounts |= map(select(.type | test("proc|tmpfs")))'
	for ((i = 0; i < ${RUNS:-100}; i++)); do
		try cella run "$ID"
		! grep -q reached "$SHARE/said" || break
		[ "$status" = 0 ] || report "exit status $status" || return
	done
	cella delete --force evil
	! grep -q reached "$SHARE/said" || broke_in "$(grep reached "$SHARE/said")"
	rm -f "$SHARE/said"
}

@test "create: a process of the pod looks into the container that is made" {
	against dumpable-create stalked_at_birth
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run: create, start, wait and delete as one.
load helpers

@test "run ends with the program's exit status and leaves nothing" {
	for code in 0 1 7 125 255; do
		bundle "sh(\"exit $code\")"
		exits $code cella run "$ID"
		is "$output$stderr" ""
	done
	refused cella state "$ID"
}

@test "run ends with 128 and the signal that ended the program" {
	bundle 'args(["sleep", "1000"])'
	for signal in 9:KILL 6:ABRT; do
		bundle 'no_ns("pid") | args(["sleep", "1000"])'
		run_in_background
		ok cella kill "$ID" "${signal#*:}"
		ends_with $background $((128 + ${signal%:*}))
	done
}

@test "stdout and stderr are the caller's, apart" {
	bundle 'sh("echo to-out; echo to-err >&2")'
	ok cella run "$ID"
	is "$output" to-out
	is "$stderr" to-err
}

@test "stdin is the caller's, up to its end" {
	bundle 'args(["cat"])'
	seq 20000 >"$T/numbers"
	cella run "$ID" <"$T/numbers" >"$T/out"
	cmp "$T/numbers" "$T/out"
	is "$(seq 20000 | cella run "$ID" | cksum)" "$(cksum <"$T/numbers")"
}

@test "a closed stdin, stdout or stderr is not filled with something else" {
	only_cella
	bundle 'sh("for i in 0 1 2; do if [ -e /proc/self/fd/$i ]; then readlink /proc/self/fd/$i; fi; done >/share/fds 2>/dev/null; exit 5") | share'
	exits 5 cella run "$ID"
	code=0
	cella run "$ID" <&- >&- 2>&- || code=$?
	is $code 5
	lacks "$(<"$SHARE/fds")" "$ROOT"
	lacks "$(<"$SHARE/fds")" socket
}

@test "a program that is not there: the words that engines look for" {
	bundle 'args(["no-such-program"])'
	refused cella run "$ID"
	is "$status" 1 # as crun and runc have it
	matches "$stderr" "executable file .*not found in .PATH"
	bundle 'args(["/bin/no-such-program"])'
	refused cella run "$ID"
	is "$status" 1
	matches "$stderr" "[Nn]o such file or directory"
	bundle 'args(["/bin/orphan"])'
	refused cella run "$ID"
	matches "$stderr" "[Nn]o such file or directory"
}

@test "a file that is no program: the kernel's words" {
	bundle 'args(["/etc/plain"])'
	refused cella run "$ID"
	is "$status" 1
	matches "$stderr" "[Pp]ermission denied"
	bundle 'args(["/tmp"])'
	refused cella run "$ID"
	matches "$stderr" "[Pp]ermission denied|[Ii]s a directory"
	own_rootfs
	chmod 755 rootfs/etc/plain
	bundle '.root.path = "rootfs" | args(["/etc/plain"])'
	refused cella run "$ID"
	matches "$stderr" "[Ee]xec format error"
}

@test "args[0] is looked up in the container's PATH, not in the caller's" {
	bundle 'args(["hello"]) | .process.env = ["PATH=/nowhere:/share"] | share'
	printf '#!/bin/sh\necho from share\n' >"$SHARE/hello"
	chmod 755 "$SHARE/hello"
	ok cella run "$ID"
	is "$output" "from share"
}

@test "of a variable that is there twice the last one holds, for the look-up too" {
	bundle 'args(["hello"]) | .process.env = ["PATH=/bin", "TWICE=1", "PATH=/share", "TWICE=2"] | share'
	printf '#!/bin/sh\n/bin/tr "\\0" "\\n" </proc/self/environ\n' >"$SHARE/hello"
	chmod 755 "$SHARE/hello"
	ok cella run "$ID"
	is "$(grep -E '^(PATH|TWICE)=' <<<"$output")" "PATH=/share
TWICE=2"
}

@test "args are passed as they are" {
	bundle 'args(["printf", "[%s]", "", " ", "a b", "$HOME", "*", "\u00e4\n\t\"", "--", "-x"])'
	ok cella run "$ID"
	is "$output" "[][ ][a b][\$HOME][*][ä"$'\n\t'"\"][--][-x]"
}

@test "--detach returns while the program runs, and writes its pid" {
	bundle 'sh("echo up >/share/up; exec sleep 1000") | share'
	ok cella run --detach --pid-file "$T/pid" "$ID"
	soon test -s "$SHARE/up"
	status_is "$ID" running
	is "$(<"$T/pid")" "$(pid_of "$ID")"
	ok cella delete --force "$ID"
	ok cella run -d "$ID"
	status_is "$ID" running
	ok cella delete --force "$ID"
}

@test "--detach leaves no process of the runtime behind" {
	not_in_a_vm "the monitor and its file server are the container's processes on this host"
	bundle 'args(["sleep", "1000"])'
	ok cella run -d "$ID"
	pid=$(pid_of "$ID")
	PIDS_BEFORE+="$pid "
	soon no_new_processes
	ok cella delete --force "$ID"
}

@test "--pid-file writes into a pipe, a device or a link of one's own, which stay what they are" {
	only_cella "runc puts a file in their place"
	bundle 'forever'
	mkfifo "$T/pipe"
	cat "$T/pipe" >"$T/got" 3>&- &
	ok cella create --pid-file "$T/pipe" "$ID"
	wait $!
	is "$(<"$T/got")" "$(pid_of "$ID")"
	[ -p "$T/pipe" ]
	ok cella delete --force "$ID"
	refused cella create --pid-file "$T/pipe" "$ID" # nobody reads
	has "$stderr" "--pid-file: $T/pipe: open"
	ln -s target "$T/link"
	echo of the one before, and longer >"$T/target"
	chmod 666 "$T/target"
	[ "${#AS[@]}" = 0 ] || chown -h "$CELLA_USER" "$T/link"
	ok cella create --pid-file "$T/link" "$ID"
	is "$(readlink "$T/link") $(<"$T/target")" "target $(pid_of "$ID")"
	ok cella delete --force "$ID"
	not_rootless "links of others, devices"
	chown -h 54321 "$T/link"
	ok cella create --pid-file "$T/link" "$ID"
	[ ! -L "$T/link" ]
	is "$(<"$T/link")" "$(pid_of "$ID")"
	ok cella delete --force "$ID"
	mknod "$T/null" c 1 3 || return 0
	ok cella create --pid-file "$T/null" "$ID"
	[ -c "$T/null" ]
	ok cella delete --force "$ID"
}

@test "--pid-file in the foreground" {
	bundle 'forever'
	run_in_background --pid-file "$T/pid"
	soon test -s "$T/pid"
	is "$(<"$T/pid")" "$(pid_of "$ID")"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "a pid file that can't be written ends the container" {
	bundle 'forever'
	refused cella run -d --pid-file "$T/no/such/folder/pid" "$ID"
	refused cella state "$ID"
	refused cella create --pid-file "$T/no/such/folder/pid" "$ID"
	refused cella state "$ID"
}

@test "--keep leaves the stopped container" {
	[ "${CELLA##*/}" != crun ] || skip "crun of this version has no --keep"
	bundle 'sh("exit 3")'
	exits 3 cella run --keep "$ID"
	status_is "$ID" stopped
	ok cella delete "$ID"
}

@test "TERM, INT and HUP to the foreground runtime reach the program" {
	bundle 'sh("trap \"exit 41\" TERM; trap \"exit 42\" INT; trap \"exit 43\" HUP; echo ready >/share/ready; while :; do sleep 1000 & wait; done") | share'
	for pair in TERM:41 INT:42 HUP:43; do
		rm -f "$SHARE/ready"
		# INT is ignored in background jobs of a shell; env gives it back
		env --default-signal=INT "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID" </dev/null 2>"$T/stderr" &
		background=$!
		soon test -s "$SHARE/ready"
		kill -"${pair%:*}" $background
		ends_with $background "${pair#*:}"
	done
}

@test "no descriptor of the caller or the runtime is open in the program" {
	bundle 'sh("ls /proc/$$/fd; true")'
	ok cella run "$ID" 5</etc/passwd 7</
	is "$(xargs <<<"$output")" "0 1 2"
}

@test "--preserve-fds passes that many descriptors, and no more" {
	not_in_a_vm "descriptors of the host do not reach into it"
	bundle 'sh("ls /proc/$$/fd; cat <&3; cat <&4")'
	echo three >"$T/three"
	echo four >"$T/four"
	ok cella run --preserve-fds 2 "$ID" 3<"$T/three" 4<"$T/four" 5<"$T/three"
	is "$(xargs <<<"$output")" "0 1 2 3 4 three four"
}

@test "--preserve-fds refuses descriptors that are not open, and what is no number" {
	only_cella
	bundle 'args(["true"])'
	refused cella run --preserve-fds 2 "$ID" 3<&- 4<&- 5<&-
	for word in x -1 1x "" 99999999999; do
		refused cella run --preserve-fds="$word" "$ID"
	done
}

@test "--bundle may be relative, absolute, or end in a slash" {
	bundle 'args(["echo", "hi"])'
	cd "$T"
	for path in bundle bundle/ ./bundle "$T/bundle" "$T//bundle/"; do
		ok cella run --bundle "$path" "$ID"
		is "$output" hi
	done
	refused cella run --bundle "$T/nowhere" "$ID"
	has "$stderr" "nowhere"
	mkdir "$T/empty"
	refused cella run --bundle "$T/empty" "$ID"
	has "$stderr" config.json
}

@test "root.path may be relative to the bundle" {
	own_rootfs
	bundle '.root.path = "rootfs" | sh("cat /etc/mark")'
	echo here >rootfs/etc/mark
	ok cella run "$ID"
	is "$output" here
}

@test "the program is pid 1 and sees no process of the host" {
	bundle 'sh("set -- /proc/[0-9]*; echo $$ $#")'
	ok cella run "$ID"
	is "$output" "1 1"
}

@test "what the program leaves running ends with it" {
	bundle 'sh("sleep 1000 & sleep 1000 & true")'
	ok cella run "$ID"
	nothing_left
}

@test "the runtime's own program can't be reached from the container" {
	bundle 'sh("readlink /proc/1/exe; readlink /proc/self/cwd; readlink /proc/self/root; cat /proc/1/comm")'
	ok cella run "$ID"
	lacks "$output" cella
	lacks "$output" "$CELLA"
}

@test "a container in a fresh session keyring" {
	grep -q keyring /proc/keys 2>/dev/null || skip "no keyrings in this kernel"
	bundle 'no_ns("user") | .linux.maskedPaths = [] | sh("cat /proc/keys")'
	ok cella run "$ID"
	matches "$output" "keyring"
	ok cella run --no-new-keyring "$ID"
}

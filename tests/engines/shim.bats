# SPDX-License-Identifier: Apache-2.0
# containerd and our shim: what ctr asks for, on any host.
# shellcheck disable=SC2030,SC2031,SC2016
bats_require_minimum_version 1.5.0
load helpers

setup_file() { CONTAINERD_EXTRA='disabled_plugins = ["io.containerd.grpc.v1.cri"]' engine_setup_file; }
teardown_file() { engine_teardown_file; }
teardown() { engine_teardown; }

sleeper() { # ID: a container that ends with 3 when it is asked to
	config "$1" sh -c 'trap "exit 3" TERM; while :; do sleep .1; done'
	run_container "$1" -d
}

@test "a container's output and status come through containerd" {
	config out sh -c 'echo to stdout; echo to stderr >&2; exit 7'
	run --separate-stderr -7 run_container out --rm
	[ "$output" = "to stdout" ]
	[[ $stderr == *"to stderr"* ]]
}

@test "what a client types arrives, and its end does" {
	config in cat
	run -0 sh -c "(sleep 1; echo typed) | ctr run --runtime $RUNTIME --config $WORK/in.json --rm in"
	[ "$output" = typed ]
}

@test "a program that is not there is refused with the kernel's words, and nothing is left" {
	config bad /nonexistent
	run -1 run_container bad --rm
	[[ $output == *"no such file or directory"* ]]
	wait_for 5 nothing_left
}

@test "a detached container is listed, killed by its own choice of status, and deleted" {
	sleeper detached
	is detached RUNNING
	run -0 ctr tasks ps detached
	[ "$(echo "$output" | wc -l)" -ge 2 ]
	ctr tasks kill detached
	wait_for 5 is detached STOPPED
	run ctr tasks delete detached
	[[ $output == *"exit code 3"* ]]
	run -1 ctr tasks kill detached
	[[ $output == *"not found"* ]]
}

@test "a further process has stdio and a status of its own" {
	sleeper exec
	run -5 ctr tasks exec --exec-id one exec sh -c 'echo inside; exit 5'
	[ "$output" = inside ]
	run -0 sh -c '(sleep .5; echo typed) | ctr tasks exec --exec-id two exec cat'
	[ "$output" = typed ]
	run -1 ctr tasks exec --exec-id three exec /nonexistent
	[[ $output == *"no such file or directory"* ]]
	ctr tasks exec -d --exec-id four exec sleep 100
	run -0 ctr tasks ps exec
	[[ $output == *four* ]]
	ctr tasks kill --exec-id four -s KILL exec
	is exec RUNNING
}

@test "who is left by a further process holds up no client, and what it says at once is heard" {
	sleeper left
	run -0 timeout 60 ctr tasks exec --exec-id one left sh -c 'sleep 1000 & echo said'
	[ "$output" = said ]
	run -0 timeout 60 ctr tasks exec --exec-id two left sh -c '(while kill -0 $$ 2>/dev/null; do :; done; echo later) & echo said'
	[ "$output" = "$(printf 'said\nlater')" ]
	run -0 ctr tasks exec --exec-id three left pidof sleep
}

@test "all that a further process writes arrives, byte by byte, however slowly it is read" {
	sleeper much
	file=$BUILD/containerd-shim-cella-v2
	cp "$file" "$WORK/rootfs/much"
	run -0 sh -c "ctr tasks exec --exec-id whole much cat /much | cmp - $file"
	run -0 sh -c "ctr tasks exec --exec-id slowly much cat /much | (sleep 1; cmp - $file)"
	run -0 sh -c "ctr tasks exec --exec-id errors much sh -c 'cat /much >&2' 2>&1 >/dev/null | cmp - $file"
	rm "$WORK/rootfs/much"
}

@test "of a further process whose reader was killed the server keeps nothing" {
	only_cella
	sleeper gone
	ctr tasks exec --exec-id before gone true
	before=$(ls "/proc/$(shims)/fd" | wc -l)
	ctr tasks exec --exec-id endless gone yes >/dev/null 3>&- &
	client=$!
	runs() { ctr tasks ps gone | grep endless; }
	wait_for 10 runs
	kill -9 $client
	ctr tasks kill --exec-id endless -s KILL gone
	deleted() {
		ctr tasks delete --exec-id endless gone || true
		[ "$(ls "/proc/$(shims)/fd" | wc -l)" -le "$before" ]
	}
	wait_for 10 deleted
	run -0 ctr tasks exec --exec-id after gone echo still there
	[ "$output" = "still there" ]
}

@test "a further process has a terminal of the client's size" {
	sleeper terminal
	run -0 typed "ctr tasks exec -t --exec-id t terminal sh -c '$SIZE; tty; echo last'"
	[[ $output == *"31 97"* ]]
	[[ $output == */dev/pts/* ]]
	[[ $output == *last* ]]
}

@test "a container has a terminal, and all that it wrote is read" {
	config tty sh -c 'tty; seq 20000; echo last'
	change tty '.process.terminal = true'
	run -0 typed "ctr run -t --runtime $RUNTIME --config $WORK/tty.json --rm tty"
	[[ $output == */dev/* ]]
	[[ $output == *20000* ]]
	[[ $output == *last* ]]
}

@test "a paused container stands still until it is resumed" {
	config paused sh -c 'while :; do echo >> /count; sleep .05; done'
	change paused '.mounts += [{destination: "/count", type: "bind", source: "'"$WORK"'/count", options: ["bind", "rw"]}]'
	: >"$WORK/count"
	run_container paused -d
	wait_for 5 test -s "$WORK/count"
	ctr tasks pause paused
	is paused PAUSED
	before=$(wc -c <"$WORK/count")
	sleep .3
	[ "$(wc -c <"$WORK/count")" = "$before" ]
	ctr tasks resume paused
	is paused RUNNING
	more() { [ "$(wc -c <"$WORK/count")" -gt "$before" ]; }
	wait_for 5 more
}

@test "the handler of virtual machines does what the command does: runs one, or says what this host has not" {
	only_cella
	config machine uname -r
	mkdir -p "$WORK/bundle"
	cp "$WORK/machine.json" "$WORK/bundle/config.json"
	RUNTIME=io.containerd.cella-microvm.v2
	if said=$("$BUILD/cella" --root "$WORK/state" --executor microvm run -b "$WORK/bundle" machine 2>&1); then
		run -0 run_container machine --rm
		[ "$output" = "$said" ]
	else
		run -1 run_container machine --rm
		[[ $output == *"${said#cella: }"* ]]
	fi
}

# Whether this machine has virtual machines; from then on the runtime is that of them.
has_machines() {
	only_cella
	modprobe -q kvm-amd || modprobe -q kvm-intel || [ -e /dev/kvm ] || skip "this machine has no /dev/kvm"
	"$BUILD/cella-image" >/dev/null || skip "this machine has no kernel to boot"
	RUNTIME=io.containerd.cella-microvm.v2
}

# bats test_tags=testbed
@test "a kill for want of memory in a virtual machine is told while its container runs" {
	has_machines
	config hungry sleep 1000
	change hungry '.linux.resources.memory = {limit: 16777216, swap: 16777216}'
	listen "$WORK/events"
	run_container hungry -d
	run -137 ctr tasks exec --exec-id eater hungry dd if=/dev/zero of=/dev/null bs=64M count=1
	wait_for 10 grep -q '/tasks/oom.*hungry' "$WORK/events"
	kill $EVENTS
	is hungry RUNNING
}

# bats test_tags=testbed
@test "a paused virtual machine is not forgotten when containerd is restarted" {
	has_machines
	config still sleep 1000
	run_container still -d
	ctr tasks pause still
	containerd_down
	containerd_up
	is still PAUSED
	ctr tasks resume still
	run -0 ctr tasks exec --exec-id after still echo still there
	[ "$output" = "still there" ]
}

@test "what a container uses is measured" {
	sleeper metrics
	run -0 ctr tasks metrics --format json metrics
	[ "$(echo "$output" | jq .cpu.usage_usec)" -gt 0 ]
}

@test "a checkpoint that CRIU can't make says why, and the container goes on" {
	! criu check >/dev/null 2>&1 || skip "CRIU works on this kernel; see cri.bats"
	config eight sleep 1000
	run_container eight -d
	run -1 ctr tasks checkpoint eight
	[[ $output == *"eight: criu"* ]]
	is eight RUNNING
}

@test "file:// and binary:// get the output" {
	config file sh -c 'echo to a file; echo and this >&2'
	run_container file -d --log-uri "file://$WORK/logs/of%20one.log"
	wait_for 5 is file STOPPED
	grep -q 'to a file' "$WORK/logs/of one.log"
	grep -q 'and this' "$WORK/logs/of one.log"

	cat >"$WORK/logger" <<'L'
#!/bin/sh
echo "$CONTAINER_NAMESPACE $CONTAINER_ID $*" >"$2"
exec 5>&-
cat <&3 >>"$2"
cat <&4 >>"$2"
L
	chmod +x "$WORK/logger"
	config binary sh -c 'echo to a program; echo and this >&2'
	run_container binary -d --log-uri "binary://$WORK/logger?to=$WORK/binary%2Elog&more=x"
	wait_for 5 is binary STOPPED
	wait_for 5 grep -q 'and this' "$WORK/binary.log"
	grep -q 'to a program' "$WORK/binary.log"
	grep -qx "default binary to $WORK/binary.log more x" "$WORK/binary.log"
}

@test "a server whose address can't be told is none" {
	only_cella
	mkdir -p "$WORK/untold"
	run -1 sh -c "cd $WORK/untold && $BUILD/containerd-shim-cella-v2 -namespace default -id untold start >/dev/full"
	[[ $output == *"No space left on device"* ]]
	nothing_left
}

@test "containerd is told of a life in its order" {
	listen "$WORK/events"
	config told true
	run_container told --rm
	wait_for 5 grep -q '/tasks/delete.*"told"' "$WORK/events"
	kill $EVENTS
	order=$(sed -n 's|.* \(/tasks/[a-z-]*\) .*"told".*|\1|p' "$WORK/events" | tail -n 4 | tr '\n' ' ')
	[ "$order" = "/tasks/create /tasks/start /tasks/exit /tasks/delete " ]
}

@test "the socket is our own user's alone" {
	only_cella
	sleeper socket
	[ "$(stat -c %a $SHIM)" = 700 ]
	socket=$(ls $SHIM/sockets/*)
	[ "$(stat -c %a "$socket")" = 600 ]
	# even where somebody has opened the way, who is not us is sent away
	chmod 755 $SHIM $SHIM/sockets
	chmod 666 "$socket"
	run setpriv --reuid 1000 --clear-groups /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
sys.exit(s.recv(1) != b"")' "$socket"
	chmod 700 $SHIM $SHIM/sockets
	[ "$status" = 0 ]
}

@test "nonsense on the socket ends the connection and nothing else" {
	only_cella
	sleeper nonsense
	/usr/bin/python3 -c '
import os, socket, sys
for bytes in (b"\xff" * 64, b"\0\0\0\4\0\0\0\1\1\0\xff\xff\xff\xff", b"\0\0\0\0\0\0\0\1\1\0", os.urandom(4096)):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(bytes)
    s.shutdown(socket.SHUT_WR)
    while s.recv(4096):
        pass' "$(ls $SHIM/sockets/*)"
	run -0 ctr tasks exec --exec-id after nonsense echo still there
	[ "$output" = "still there" ]
}

@test "containers live on while containerd is restarted, and what ended meanwhile is known" {
	sleeper survivor
	sleeper ended
	pid=$(ctr tasks ls | awk '$1 == "ended" { print $2 }')
	containerd_down
	kill -TERM "$pid"
	wait_for 5 no_process "$pid"
	containerd_up
	is survivor RUNNING
	run -0 ctr tasks exec --exec-id after survivor echo still there
	[ "$output" = "still there" ]
	wait_for 5 is ended STOPPED
	run ctr tasks delete ended
	[[ $output == *"exit code 3"* ]]
	ctr tasks kill survivor
	wait_for 5 is survivor STOPPED
}

@test "what a killed shim served is ended and removed" {
	sleeper orphan
	pid=$(ctr tasks ls | awk '$1 == "orphan" { print $2 }')
	kill -9 "$(shims)"
	gone() { [ -z "$(status_of orphan)" ] || is orphan STOPPED || is orphan UNKNOWN; }
	wait_for 10 gone
	wait_for 10 no_process "$pid"
	ctr tasks delete -f orphan || true
	wait_for 5 nothing_left
}

@test "ten containers of a pod have one shim, of less than 3 MB" {
	only_cella
	sleeper pod
	[ "$(shims | wc -l)" = 1 ]
	before=$(ls "/proc/$(shims)/fd" | wc -l)
	for i in 1 2 3 4 5 6 7 8 9; do
		config "member$i" sleep 1000
		change "member$i" '.annotations = {"io.kubernetes.cri.sandbox-id": "pod"}'
		run_container "member$i" -d
	done
	[ "$(shims | wc -l)" = 1 ]
	shim=$(shims)
	kib=$(awk '/^(Rss|Swap):/ { sum += $2 } END { print sum }' "/proc/$shim/smaps_rollup")
	echo "# a shim of ten containers: $kib KiB" >&3
	[ "$kib" -lt 3072 ]
	for i in 1 2 3 4 5 6 7 8 9; do
		ctr tasks kill -s KILL "member$i"
		wait_for 5 is "member$i" STOPPED
		ctr tasks delete "member$i" || true
	done
	[ "$(shims)" = "$shim" ]
	[ "$(ls "/proc/$shim/fd" | wc -l)" -le "$before" ]
}

@test "many containers at once, and many processes in one: all are answered, nothing is left" {
	many=${MANY:-30}
	config many sleep 1000
	for i in $(seq "$many"); do
		jq --arg path "/engines/many$i" '.linux.cgroupsPath = $path' "$WORK/many.json" >"$WORK/many$i.json"
	done
	pids=
	for i in $(seq "$many"); do
		run_container "many$i" -d 3>&- & pids="$pids $!"
	done
	for pid in $pids; do wait "$pid"; done
	[ "$(ctr tasks ls | grep -c RUNNING)" = "$many" ]
	shim=$(pgrep -f "containerd-shim-.* -id many1 " | tail -n 1)
	before=$(ls "/proc/$shim/fd" | wc -l)
	pids=
	for i in $(seq "$many"); do
		ctr tasks exec --exec-id "e$i" many1 sh -c "exit $((i % 7))" 3>&- & pids="$pids $!"
	done
	i=0
	for pid in $pids; do
		i=$((i + 1))
		status=0
		wait "$pid" || status=$?
		[ "$status" = $((i % 7)) ]
	done
	same() { [ "$(ls "/proc/$shim/fd" | wc -l)" -le "$before" ]; }
	wait_for 5 same
}

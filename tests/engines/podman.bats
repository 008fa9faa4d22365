# SPDX-License-Identifier: Apache-2.0
# podman with cella as its runtime, through conmon: what needs neither limits nor a network, on any host.
# shellcheck disable=SC2030,SC2031,SC2016
bats_require_minimum_version 1.5.0
load helpers

setup_file() {
	command -v podman >/dev/null || skip "podman is missing: run 'tests/setup check'"
	podman_config "$WORK/containers.conf" "$WORK/storage.conf"
	mount -t tmpfs -o mode=1777 none /dev/shm
	podman load -q -i "$WORK/image.tar"
	touch "$WORK/containerd.log"
}

teardown_file() {
	umount "$WORK"/storage/overlay 2>/dev/null || true
	remove_cgroups libpod_parent
}

teardown() {
	podman pod rm -fa -t 0 >/dev/null 2>&1 || true
	podman rm -fa -t 0 >/dev/null || true
	[ -z "$(podman ps -aq)" ]
	none() { [ -z "$(ls /run/$STATES 2>/dev/null)" ]; } # what is hidden are filters
	wait_for 5 none || { ls /run/$STATES; return 1; }
}

sleeper() { # NAME [FLAG…]
	podman run -d --name "$@" busybox sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep .1; done'
	ready() { podman logs "$1" | grep -q ready; }
	wait_for 10 ready "$1"
}

state() { podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$1"; }

@test "podman: run in front has output, input and status" {
	run --separate-stderr -7 podman run --rm busybox sh -c 'echo out; echo err >&2; exit 7'
	[ "$output" = out ]
	[ "$stderr" = err ]
	run -0 sh -c 'echo typed | podman run --rm -i busybox cat'
	[ "$output" = typed ]
}

@test "podman: a program that is not there is 127, one that can't be run 126" {
	run -127 podman run --rm busybox /nonexistent
	run -126 podman run --rm busybox /etc
}

@test "podman: run -d, logs, stop and wait" {
	sleeper one
	[ "$(state one)" = "running 0" ]
	podman stop -t 5 one
	[ "$(state one)" = "exited 3" ]
	[ "$(podman wait one)" = 3 ]
	podman start one
	podman kill -s KILL one
	[ "$(podman wait one)" = 137 ]
}

@test "podman: run -it has a terminal of the client's size" {
	run -0 typed "podman run --rm -it busybox sh -c '$SIZE; tty'"
	[[ $output == *"31 97"* ]]
	[[ $output == */dev/* ]]
}

@test "podman: exec, exec -i, exec -it and exec -d" {
	sleeper two
	run -4 podman exec two sh -c 'echo inside; exit 4'
	[ "$output" = inside ]
	run -0 sh -c 'echo typed | podman exec -i two cat'
	[ "$output" = typed ]
	run -0 typed "podman exec -it two sh -c '$SIZE'"
	[[ $output == *"31 97"* ]]
	podman exec -d two sh -c 'echo done >/mark'
	wait_for 5 podman exec two test -s /mark
	run -127 podman exec two /nonexistent
	run -0 podman exec -u 1000:2000 -w /tmp -e A=b two sh -c 'id -u; id -g; pwd; echo $A'
	[ "$output" = "$(printf '1000\n2000\n/tmp\nb')" ]
}

@test "podman: pause and unpause" {
	sleeper three
	podman pause three
	[ "$(state three)" = "paused 0" ]
	podman unpause three
	[ "$(state three)" = "running 0" ]
	run -0 podman top three pid args
	[[ $output == *sleep* ]]
}

@test "podman: volumes, tmpfs and a read-only root" {
	mkdir -p "$WORK/volume"
	echo there >"$WORK/volume/file"
	run -0 podman run --rm -v "$WORK/volume:/v:ro" --tmpfs /t:size=1m --read-only busybox sh -c \
		'cat /v/file; touch /v/x 2>/dev/null || echo ro; touch /t/x && echo rw; touch /x 2>/dev/null || echo ro; df -k /t | tail -n 1 | tr -s " " | cut -d" " -f2'
	[ "$output" = "$(printf 'there\nro\nrw\nro\n1024')" ]
	podman volume create named
	podman run --rm -v named:/n busybox sh -c 'echo kept >/n/file'
	run -0 podman run --rm -v named:/n busybox cat /n/file
	[ "$output" = kept ]
	podman volume rm named
}

@test "podman: users, capabilities and seccomp" {
	run -0 podman run --rm --user 1000:2000 --group-add 7 busybox id
	[[ $output == "uid=1000(user) gid=2000(extra) groups="*7* ]]
	run -0 podman run --rm --cap-drop all --cap-add net_bind_service busybox grep CapEff /proc/self/status
	[[ $output == *0000000000000400 ]]
	run -0 podman run --rm busybox grep Seccomp: /proc/self/status
	[[ $output == *2 ]]
	run -0 podman run --rm --security-opt seccomp=unconfined busybox grep Seccomp: /proc/self/status
	[[ $output == *0 ]]
	run -0 podman run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
	[[ $output == *1 ]]
	run -0 podman run --rm --privileged busybox grep CapEff /proc/self/status
	[[ $output == *1ff* ]]
}

@test "podman: a user namespace" {
	run -0 podman run --rm --uidmap 0:100000:5000 --gidmap 0:100000:5000 busybox sh -c 'id -u; cat /proc/self/uid_map | tr -s " "'
	[ "$output" = "$(printf '0\n 0 100000 5000')" ]
}

@test "podman: the user namespace of another container" {
	sleeper first --uidmap 0:100000:5000 --gidmap 0:100000:5000
	run -0 podman run --rm --userns container:first busybox sh -c 'readlink /proc/self/ns/user; cat /proc/self/uid_map | tr -s " "'
	[ "$output" = "$(readlink "/proc/$(podman inspect -f '{{.State.Pid}}' first)/ns/user"; echo " 0 100000 5000")" ]
}

@test "podman: namespaces of the host and of another container" {
	run -0 podman run --rm --pid host --ipc host --uts host --network host busybox readlink /proc/self/ns/uts
	[ "$output" = "$(readlink /proc/self/ns/uts)" ]
	sleeper five
	run -0 podman run --rm --pid container:five busybox sh -c 'grep -l ready /proc/[0-9]*/cmdline | head -n 1'
	[[ $output == /proc/1/cmdline ]]
}

@test "podman: run --init reaps for it" {
	[ -x /usr/bin/catatonit ] || [ -x /usr/libexec/podman/catatonit ] || skip "catatonit is missing"
	run -0 podman run --rm --init busybox sh -c 'cat /proc/1/comm'
	[ "$output" = podman-init ] || [ "$output" = catatonit ]
}

@test "podman: a container without a cgroup of its own" {
	run -0 podman run --rm --cgroups disabled busybox echo without
	[ "$output" = without ]
}

@test "podman: health checks" {
	sleeper six --health-cmd 'test -e /healthy' --health-interval disable
	run -1 podman healthcheck run six
	podman exec six touch /healthy
	run -0 podman healthcheck run six
}

@test "podman: a restart policy starts it anew" {
	podman run -d --name seven --restart on-failure:2 busybox sh -c 'echo again; exit 1'
	thrice() { [ "$(podman logs seven | grep -c again)" = 3 ]; }
	wait_for 20 thrice
}

@test "podman: a pod's containers share namespaces" {
	podman pod create --name pod --infra=false --share=""
	sleeper eight --pod pod
	run -0 podman run --rm --pod pod busybox echo member
	[ "$output" = member ]
	podman pod pause pod
	[ "$(state eight)" = "paused 0" ]
	podman pod unpause pod
	podman pod kill pod
	[ "$(podman wait eight)" = 137 ]
}

@test "podman: build runs its steps" {
	mkdir -p "$WORK/context"
	printf 'FROM docker.io/library/busybox\nRUN echo made >/made && id -u >>/made\nCMD cat /made\n' >"$WORK/context/Containerfile"
	podman build -q --network none --runtime "$PROGRAM" -t built "$WORK/context"
	run -0 podman run --rm built
	[ "$output" = "$(printf 'made\n0')" ]
}

@test "podman: kube play" {
	cat >"$WORK/pod.yaml" <<'Y'
apiVersion: v1
kind: Pod
metadata:
  name: played
spec:
  hostNetwork: true
  containers:
  - name: c
    image: docker.io/library/busybox:latest
    imagePullPolicy: Never
    command: ["sh", "-c", "echo played; sleep 1000"]
Y
	[ -x /usr/bin/catatonit ] || [ -x /usr/libexec/podman/catatonit ] || skip "catatonit is missing"
	podman kube play "$WORK/pod.yaml"
	said() { podman logs played-c | grep -q played; }
	wait_for 10 said
	podman kube down "$WORK/pod.yaml"
}

@test "podman: a container whose conmon was killed is removed" {
	sleeper nine
	id=$(podman inspect -f '{{.Id}}' nine)
	kill -9 "$(podman inspect -f '{{.State.ConmonPid}}' nine)"
	run -0 podman rm -f -t 0 nine
	"$PROGRAM" delete --force "$id" # which podman leaves to conmon
}

@test "podman: twenty at once, removed at once" {
	pids=
	for i in $(seq 20); do
		podman run -d --name "many$i" busybox sleep 1000 3>&- & pids="$pids $!"
	done
	for pid in $pids; do wait "$pid"; done
	[ "$(podman ps -q | wc -l)" = 20 ]
	podman rm -fa -t 0
}

# bats test_tags=testbed
@test "podman: limits are set, changed, measured and kept" {
	has_limits || skip "this machine has no controllers"
	sleeper limited --cgroups enabled --memory 64m --cpus .5 --pids-limit 50
	at=/sys/fs/cgroup$(sed 's/^0:://' "/proc/$(podman inspect -f '{{.State.Pid}}' limited)/cgroup")
	[ "$(cat "$at/memory.max" "$at/cpu.max" "$at/pids.max")" = "$(printf '67108864\n50000 100000\n50')" ]
	podman update --memory 32m --cpus .25 limited
	[ "$(cat "$at/memory.max" "$at/cpu.max")" = "$(printf '33554432\n25000 100000')" ]
	run -0 podman stats --no-stream --format '{{.MemUsage}}' limited
	[[ $output == *B\ /\ 67.11MB ]] # the limit that it was made with
	# conmon 2.1.6 writes its word of it into the wrong folder, so podman's State.OOMKilled does not tell
	run -137 podman run --rm --cgroups enabled --memory 16m --memory-swap 16m busybox dd if=/dev/zero of=/dev/null bs=64M count=1
}

# bats test_tags=testbed
@test "podman: a container is checkpointed, restored, and moved by a file" {
	criu check >/dev/null 2>&1 || skip "CRIU does not work on this kernel: $(criu check 2>&1 | tail -n 1)"
	counted() { podman exec "$1" cat /count; }
	counts() { # it has gone on since N
		local now
		now=$(counted "$1") && [ "$now" -gt "$2" ]
	}
	podman run -d --name dumped busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/new; mv /new /count; sleep .1; done'
	wait_for 20 counts dumped 3
	podman container checkpoint dumped
	[ "$(podman inspect -f '{{.State.Status}} {{.State.Checkpointed}}' dumped)" = "exited true" ]
	podman container restore dumped
	before=$(counted dumped)
	[ "$before" -gt 3 ]
	wait_for 20 counts dumped "$before"
	podman container checkpoint --export "$WORK/dumped.tar" dumped
	podman rm -f -t 0 dumped
	podman container restore --import "$WORK/dumped.tar" --name moved
	wait_for 20 counts moved "$before"
}

# bats test_tags=testbed
@test "podman: run, exec, stop and its status in a virtual machine" {
	only_cella
	modprobe -q kvm-amd || modprobe -q kvm-intel || [ -e /dev/kvm ] || skip "this machine has no /dev/kvm"
	"$BUILD/cella-image" >/dev/null || skip "this machine has no kernel to boot"
	ln -sf "$BUILD/cella" "$WORK/cella-microvm"
	vm() { podman --runtime "$WORK/cella-microvm" "$@"; }
	run -0 vm run --rm busybox sh -c 'echo out; uname -r; exit 0'
	[[ $output == out* ]]
	run -7 vm run --rm busybox sh -c 'exit 7'
	vm run -d --name machine busybox sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep .1; done'
	ready() { podman logs machine | grep -q ready; }
	wait_for 60 ready
	run -0 vm exec machine sh -c 'echo "$$ $(cat /proc/1/comm)"'
	run -5 vm exec machine sh -c 'exit 5'
	[ "$(echo typed | vm exec -i machine cat)" = typed ]
	vm stop -t 20 machine
	[ "$(state machine)" = "exited 3" ]
}

# SPDX-License-Identifier: Apache-2.0
# docker with cella as its runtime, through containerd's shim for runc: what needs neither limits nor a network, on any
# host.
# shellcheck disable=SC2030,SC2031,SC2016
bats_require_minimum_version 1.5.0
load helpers

DOCKER=/usr/bin/docker

docker_up() {
	dockerd --config-file "$WORK/daemon.json" --data-root "$WORK/docker" --exec-root /run/docker -H "$DOCKER_HOST" \
		--pidfile /run/docker.pid >>"$WORK/containerd.log" 2>&1 3>&- &
	wait_for 30 $DOCKER version
}

setup_file() {
	command -v dockerd >/dev/null && [ -x $DOCKER ] || skip "docker is missing: run 'tests/setup check'"
	export DOCKER_HOST=unix:///run/docker.sock
	ln -sf "$BUILD/cella" "$WORK/cella-microvm"
	cat >"$WORK/daemon.json" <<J
{"runtimes": {"$OCI": {"path": "$PROGRAM"}, "machines": {"path": "$WORK/cella-microvm"}}, "default-runtime": "$OCI", "live-restore": true,
 "iptables": false, "ip-forward": false, "bridge": "none"}
J
	echo 1 >/proc/sys/net/ipv4/ip_forward # of this network namespace: else there is a warning in each output
	docker_up
	$DOCKER load -q -i "$WORK/image.tar"
}

teardown_file() {
	kill "$(cat /run/docker.pid)"
	wait_for 20 test ! -e /run/docker.pid
	remove_cgroups docker
	while umount "$WORK"/docker/overlay2 2>/dev/null; do :; done
}

teardown() {
	$DOCKER ps -aq | xargs -r $DOCKER rm -f >/dev/null
	none() { [ -z "$(ls /run/docker/runtime-$OCI/moby 2>/dev/null; ls -A /run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby 2>/dev/null)" ]; }
	wait_for 10 none || { ls /run/docker/*; return 1; }
}

sleeper() { # NAME [FLAG…]
	$DOCKER run -d --name "$@" busybox sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep .1; done'
	ready() { $DOCKER logs "$1" | grep -q ready; }
	wait_for 10 ready "$1"
}

state() { $DOCKER inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$1"; }

@test "docker: run in front has output, input and status" {
	run --separate-stderr -7 $DOCKER run --rm busybox sh -c 'echo out; echo err >&2; exit 7'
	[ "$output" = out ]
	[ "$stderr" = err ]
	run -0 sh -c "echo typed | $DOCKER run --rm -i busybox cat"
	[ "$output" = typed ]
	run -127 $DOCKER run --rm busybox /nonexistent
	run -126 $DOCKER run --rm busybox /etc
}

@test "docker: run -d, logs, stop, start, kill and wait" {
	sleeper one
	[ "$(state one)" = "running 0" ]
	$DOCKER stop -t 5 one
	[ "$(state one)" = "exited 3" ]
	$DOCKER start one
	$DOCKER kill one
	[ "$($DOCKER wait one)" = 137 ]
}

@test "docker: terminals of run and exec have the client's size" {
	run -0 typed "$DOCKER run --rm -it busybox sh -c '$SIZE; tty'"
	[[ $output == *"31 97"* ]]
	sleeper two
	run -0 typed "$DOCKER exec -it two sh -c '$SIZE'"
	[[ $output == *"31 97"* ]]
}

@test "docker: exec in its forms" {
	sleeper three
	run -4 $DOCKER exec three sh -c 'echo inside; exit 4'
	[ "$output" = inside ]
	run -0 sh -c "echo typed | $DOCKER exec -i three cat"
	[ "$output" = typed ]
	$DOCKER exec -d three sh -c 'echo done >/mark'
	wait_for 5 $DOCKER exec three test -s /mark
	run -0 $DOCKER exec -u 1000:2000 -w /tmp -e A=b three sh -c 'id -u; id -g; pwd; echo $A'
	[ "$output" = "$(printf '1000\n2000\n/tmp\nb')" ]
	run $DOCKER exec three /nonexistent
	[ "$status" = 126 ] || [ "$status" = 127 ]
	[[ $output == *"no such file or directory"* ]]
}

@test "docker: pause, unpause, top and stats" {
	sleeper four
	$DOCKER pause four
	[ "$(state four)" = "paused 0" ]
	$DOCKER unpause four
	run -0 $DOCKER top four
	[[ $output == *"trap"* ]]
	run -0 $DOCKER stats --no-stream --format '{{.Name}}' four
	[ "$output" = four ]
}

@test "docker: volumes, tmpfs and a read-only root" {
	mkdir -p "$WORK/volume"
	echo there >"$WORK/volume/file"
	run -0 $DOCKER run --rm -v "$WORK/volume:/v:ro" --tmpfs /t:size=1m --read-only busybox sh -c \
		'cat /v/file; touch /v/x 2>/dev/null || echo ro; touch /t/x && echo rw; touch /x 2>/dev/null || echo ro'
	[ "$output" = "$(printf 'there\nro\nrw\nro')" ]
}

@test "docker: users, capabilities and seccomp" {
	run -0 $DOCKER run --rm --user 1000:2000 --group-add 7 busybox id
	[[ $output == "uid=1000(user) gid=2000(extra) groups="*7* ]]
	run -0 $DOCKER run --rm --cap-drop all --cap-add net_bind_service busybox grep CapEff /proc/self/status
	[[ $output == *0000000000000400 ]]
	run -0 $DOCKER run --rm busybox grep Seccomp: /proc/self/status
	[[ $output == *2 ]]
	run -0 $DOCKER run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
	[[ $output == *1 ]]
	# docker asks for every capability, and not every host has them
	if grep -q '^CapBnd:.*1ffffffffff$' /proc/self/status; then
		run -0 $DOCKER run --rm --privileged busybox grep Seccomp: /proc/self/status
		[[ $output == *0 ]]
	fi
}

@test "docker: run --init reaps for it, inspect and rm -f" {
	run -0 $DOCKER run --rm --init busybox cat /proc/1/comm
	[ "$output" = docker-init ]
	sleeper six --env COLOUR=red --workdir /tmp
	[ "$($DOCKER inspect -f '{{.HostConfig.Runtime}} {{.Config.WorkingDir}} {{json .Config.Env}}' six | grep -c COLOUR=red)" = 1 ]
	run -0 $DOCKER exec six sh -c 'echo $COLOUR $PWD'
	[ "$output" = "red /tmp" ]
	$DOCKER rm -f six
	run ! $DOCKER inspect six
}

@test "docker: a daemon whose containers have ids of their own (userns-remap)" {
	for file in subuid subgid; do
		printf 'nobody:200000:65536\nnogroup:200000:65536\n' >"$WORK/$file"
		mount --bind "$WORK/$file" /etc/$file # in this file's mount namespace
	done
	jq '. + {"userns-remap": "nobody:nogroup"}' "$WORK/daemon.json" >"$WORK/remap.json"
	dockerd --config-file "$WORK/remap.json" --data-root /run/remap-root --exec-root /run/remap -H unix:///run/remap.sock \
		--pidfile /run/remap.pid >>"$WORK/containerd.log" 2>&1 3>&- &
	remapped() { $DOCKER -H unix:///run/remap.sock "$@"; }
	wait_for 30 remapped version
	remapped load -q -i "$WORK/image.tar"
	mkdir -m 777 /run/given
	run -0 remapped run --rm -v /run/given:/given busybox sh -c 'awk "{ print \$2 }" /proc/self/uid_map; id -u; touch /given/made'
	[ "$output" = "200000
0" ]
	[ "$(stat -c %u /run/given/made)" = 200000 ]
	remapped run -d --name one busybox sleep 1000
	run -0 remapped exec one id -u
	[ "$output" = 0 ]
	remapped rm -f one
	kill "$(cat /run/remap.pid)"
	wait_for 20 test ! -e /run/remap.pid
	while umount /run/remap-root/*/overlay2 2>/dev/null; do :; done
	umount /etc/subuid /etc/subgid
}

@test "docker: health checks and restart policies" {
	$DOCKER run -d --name five --health-cmd true --health-interval 1s busybox sleep 1000
	healthy() { [ "$($DOCKER inspect -f '{{.State.Health.Status}}' five)" = healthy ]; }
	wait_for 20 healthy
	$DOCKER run -d --name six --restart on-failure:2 busybox sh -c 'echo again; exit 1'
	thrice() { [ "$($DOCKER logs six | grep -c again)" = 3 ]; }
	wait_for 20 thrice
}

@test "docker: containers live on while dockerd is killed and started anew" {
	sleeper seven
	pid=$(cat /run/docker.pid)
	kill -9 "$pid"
	wait_for 5 no_process "$pid"
	rm -f /run/docker.pid
	docker_up
	[ "$(state seven)" = "running 0" ]
	run -0 $DOCKER exec seven echo still there
	[ "$output" = "still there" ]
	$DOCKER stop -t 5 seven
	[ "$(state seven)" = "exited 3" ]
}

@test "docker: twenty at once, removed at once" {
	pids=
	for i in $(seq 20); do
		$DOCKER run -d --name "many$i" busybox sleep 1000 3>&- & pids="$pids $!"
	done
	for pid in $pids; do wait "$pid"; done
	[ "$($DOCKER ps -q | wc -l)" = 20 ]
	$DOCKER ps -aq | xargs $DOCKER rm -f
}

# bats test_tags=testbed
@test "docker: limits are set, changed, measured and kept" {
	has_limits || skip "this machine has no controllers"
	sleeper limited --memory 64m --cpus .5 --pids-limit 50
	at=/sys/fs/cgroup$(sed 's/^0:://' "/proc/$($DOCKER inspect -f '{{.State.Pid}}' limited)/cgroup")
	[ "$(cat "$at/memory.max" "$at/cpu.max" "$at/pids.max")" = "$(printf '67108864\n50000 100000\n50')" ]
	$DOCKER update --memory 32m --memory-swap 32m --cpus .25 limited
	[ "$(cat "$at/memory.max" "$at/memory.swap.max" "$at/cpu.max")" = "$(printf '33554432\n0\n25000 100000')" ]
	run -0 $DOCKER stats --no-stream --format '{{.MemUsage}}' limited
	[[ $output == */*32MiB ]]
	# the shim for runc begins to look only when the program runs already
	run $DOCKER run --name hungry --memory 16m --memory-swap 16m busybox sh -c 'sleep 2; exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	killed() { [ "$($DOCKER inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' hungry)" = "true 137" ]; }
	wait_for 10 killed
}

# bats test_tags=testbed
@test "docker: run, exec, stop and its status in a virtual machine" {
	only_cella
	modprobe -q kvm-amd || modprobe -q kvm-intel || [ -e /dev/kvm ] || skip "this machine has no /dev/kvm"
	"$BUILD/cella-image" >/dev/null || skip "this machine has no kernel to boot"
	run -7 $DOCKER run --rm --runtime machines busybox sh -c 'uname -r; exit 7'
	[ "$output" = "$(uname -r)" ]
	$DOCKER run -d --runtime machines --name machine busybox sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep .1; done'
	ready() { $DOCKER logs machine | grep -q ready; }
	wait_for 60 ready
	run -5 $DOCKER exec machine sh -c 'exit 5'
	[ "$(echo typed | $DOCKER exec -i machine cat)" = typed ]
	$DOCKER stop -t 20 machine
	[ "$(state machine)" = "exited 3" ]
}

# SPDX-License-Identifier: Apache-2.0
# Kubernetes' way in: containerd's CRI plugin with cella as a runtime handler; images, limits and kills for want of
# memory. It wants all controllers.
# shellcheck disable=SC2030,SC2031,SC2016
bats_require_minimum_version 1.5.0
load helpers

setup_file() {
	CONTAINERD_EXTRA= engine_setup_file
	for namespace in default k8s.io; do ctr -n $namespace images import "$WORK/image.tar"; done
}
teardown_file() { engine_teardown_file; }
teardown() { engine_teardown; }

# bats test_tags=testbed
@test "a container of an image runs on its overlay, with the limits that ctr asks for" {
	ctr run -d --runtime "$RUNTIME" --memory-limit 67108864 --cpus .5 $IMAGE image sleep 1000
	run -0 ctr tasks exec --exec-id look image grep -c '^overlay / ' /proc/mounts
	[ "$output" = 1 ]
	pid=$(ctr tasks ls | awk '$1 == "image" { print $2 }')
	at=/sys/fs/cgroup$(sed 's/^0:://' "/proc/$pid/cgroup")
	[ "$(cat "$at/memory.max" "$at/cpu.max")" = "$(printf '67108864\n50000 100000')" ]
}

# bats test_tags=testbed
@test "containerd is told when a container is killed for want of memory" {
	listen "$WORK/events"
	ctr run -d --runtime "$RUNTIME" --memory-limit 16777216 $IMAGE hungry sh -c 'exec dd if=/dev/zero of=/dev/null bs=256M count=1'
	wait_for 20 is hungry STOPPED
	wait_for 5 grep -q '/tasks/oom.*hungry' "$WORK/events"
	kill $EVENTS
}

# The file that it counts into is in the container's own layer, which goes with the checkpoint.
# bats test_tags=testbed
@test "a container is checkpointed, comes back from the images and goes on where it was" {
	criu check >/dev/null 2>&1 || skip "CRIU does not work on this kernel: $(criu check 2>&1 | tail -n 1)"
	ctr run -d --null-io --runtime "$RUNTIME" $IMAGE dumped sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/new; mv /new /count; done'
	counted() { ctr tasks exec --exec-id "c$RANDOM" "$1" cat /count; }
	wait_for 20 counted dumped
	ctr containers checkpoint --rw --task dumped docker.io/library/dumped:1
	before=$(counted dumped)
	[ "$before" -gt 0 ]
	is dumped RUNNING
	ctr tasks kill -s KILL dumped
	wait_for 10 is dumped STOPPED
	ctr tasks delete dumped || true
	ctr containers rm dumped
	ctr containers restore --rw --live dumped docker.io/library/dumped:1
	wait_for 10 is dumped RUNNING
	after=$(counted dumped)
	sleep 1
	[ "$after" -gt 0 ]
	[ "$(counted dumped)" -gt "$after" ]
	ctr images rm docker.io/library/dumped:1
}

pod_life() {
	/usr/bin/python3 -c 'import grpc' 2>/dev/null || skip "python3-grpcio is missing"
	run /usr/bin/python3 "$BATS_TEST_DIRNAME/cri.py" "$@"
	echo "$output"
	[ "$status" = 0 ]
}

@test "a pod's life over the CRI: sandbox, containers, exec, streams, terminal, attach, removal" {
	pod_life $OCI no-limits
}

# bats test_tags=testbed
@test "a pod's life over the CRI with limits: stats, update, a kill for want of memory" {
	pod_life $OCI
	remove_cgroups engines/kubepods # what a kubelet does with the parent of its pods
}

# bats test_tags=testbed
@test "a hundred containers of an image at once: all run, nothing is left" {
	pids=
	for i in $(seq "${MANY:-100}"); do
		ctr run -d --runtime "$RUNTIME" $IMAGE "hundred$i" sleep 1000 3>&- & pids="$pids $!"
	done
	for pid in $pids; do wait "$pid"; done
	[ "$(ctr tasks ls | grep -c RUNNING)" = "${MANY:-100}" ]
}

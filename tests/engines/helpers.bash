# SPDX-License-Identifier: Apache-2.0
# One containerd for a file of tests, in namespaces of its own (tests/run-engines): with the shim of this build and
# nothing of the machine's. Whatever is there after a test is a leak.
# shellcheck disable=SC2034,SC2154

# Whose command podman and docker execute, whose shim containerd: cella's, or those of PEER, to know what an engine does
# by itself.
OCI=cella PROGRAM=$BUILD/cella RUNTIME=io.containerd.cella.v2 STATES=cella SHIMS="containerd-shim-cella.* start"
if [ -n "${PEER-}" ]; then
	OCI=peer PROGRAM=$(command -v "$PEER") RUNTIME=io.containerd.runc.v2 STATES=$PEER SHIMS="containerd-shim-runc-v2 -n"
fi
IMAGE=docker.io/library/busybox:latest
SHIM=/run/cella-shim

# For a shell on a terminal of 31 lines and 97 columns: an engine tells the size when the program runs already.
SIZE='for i in $(seq 50); do [ "$(stty size)" = "31 97" ] && break; sleep .2; done; stty size'

# typed COMMAND…: on a terminal of 31 lines and 97 columns (AS: a command's prefix) where nobody types. The pipe has no
# end: script(1) makes one a character, and where conmon goes without having read what was typed, its socket is reset and
# podman loses the output.
typed() {
	${AS-} timeout 30 script -qec "stty rows 31 cols 97; $*" /dev/null <> <(:)
}

setup() {
	set +T # bats notes where it is at each command of what a test calls, half of its time: the test's own will do
}

only_cella() {
	[ -z "${PEER-}" ] || skip "what only cella promises"
}

has_limits() {
	grep -qw memory /sys/fs/cgroup/cgroup.controllers
}

containerd_up() {
	mkdir -p "$WORK/bin"
	ln -sf "$BUILD/containerd-shim-cella-v2" "$WORK/bin/containerd-shim-cella-microvm-v2"
	PATH=$WORK/bin:$BUILD:$PATH containerd -c "$WORK/config.toml" >>"$WORK/containerd.log" 2>&1 3>&- &
	echo $! >"$WORK/containerd.pid"
	wait_for 10 ctr version
}

# ended ungently, as by the OOM killer
containerd_down() {
	kill -9 "$(cat "$WORK/containerd.pid")"
	wait_for 5 no_process "$(cat "$WORK/containerd.pid")"
}

no_process() {
	! grep -qs '^State:.[^Z]' "/proc/$1/status"
}

# wait_for SECONDS COMMAND…: until it succeeds.
wait_for() {
	local tries=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		if [ $tries -le 0 ]; then
			echo "waited in vain for: $*"
			return 1
		fi
		sleep .05
	done
}

engine_setup_file() {
	cat >"$WORK/config.toml" <<C
version = 2
root = "$WORK/root"
state = "/run/containerd"
$CONTAINERD_EXTRA
[grpc]
  address = "/run/containerd/containerd.sock"
[debug]
  level = "debug"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/pause:3"
  restrict_oom_score_adj = true
  disable_cgroup = $(has_limits && echo false || echo true)
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "$OCI"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.cella]
    runtime_type = "io.containerd.cella.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.peer]
    runtime_type = "io.containerd.runc.v2"
C
	containerd_up
}

# podman_config CONTAINERS STORAGE: write what podman reads, for runtimes, a storage and networks of this run alone.
podman_config() {
	mkdir -p "$WORK/net"
	cat >"$1" <<C
[containers]
default_ulimits = []
pids_limit = 0
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "$OCI"
runtime_supports_json = ["$OCI"]
runtime_supports_nocgroup = ["$OCI"]
[engine.runtimes]
$OCI = ["$PROGRAM"]
[network]
network_backend = "cni"
network_config_dir = "$WORK/net"
C
	cat >"$2" <<C
[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "$WORK/storage"
C
	export CONTAINERS_CONF=$1 CONTAINERS_STORAGE_CONF=$2
}

# config ID PROGRAM…: a bundle's configuration without limits, which not every host can set.
config() {
	local id=$1
	shift
	ctr oci spec | jq --args --arg root "$WORK/rootfs" --arg id "$id" 'del(.linux.resources.cpu)
		| .root = {path: $root} | .process.cwd = "/" | .process.env += ["PATH=/usr/bin:/bin"]
		| .process.args = $ARGS.positional
		| .linux.cgroupsPath = "/engines/" + $id' -- "$@" >"$WORK/$id.json"
}

change() { # ID FILTER: of its configuration
	jq "$2" "$WORK/$1.json" >"$WORK/$1.new" && mv "$WORK/$1.new" "$WORK/$1.json"
}

run_container() { # ID [FLAG…]: as config and change have it
	local id=$1
	shift
	ctr run --runtime "$RUNTIME" --config "$WORK/$id.json" "$@" "$id"
}

status_of() { # ID
	ctr tasks ls | awk -v id="$1" '$1 == id { print $3 }'
}

is() { # ID STATUS
	[ "$(status_of "$1")" = "$2" ]
}

shims() {
	pgrep -f "$SHIMS" || true
}

# Nothing of any container is there.
nothing_left() {
	[ -z "$(shims)" ] || { echo "shims: $(shims)"; return 1; }
	[ -z "$(ls $SHIM/sockets $SHIM/containers/* 2>/dev/null | grep -v :)" ] || { ls -R $SHIM; return 1; }
	! find /run/containerd/io.containerd.runtime.v2.task -mindepth 2 2>/dev/null | grep . || return 1
	! grep /rootfs /proc/mounts || return 1
	! find /sys/fs/cgroup/engines -mindepth 1 -type d 2>/dev/null | grep . || return 1
}

# listen FILE: write what containerd tells into a file, from now on; EVENTS is the pid.
listen() {
	local n=0
	: >"$1"
	ctr events >"$1" 3>&- &
	EVENTS=$!
	while [ ! -s "$1" ]; do # ctr doesn't say when it has begun
		n=$((n + 1))
		ctr namespaces label default "probe=$n"
	done
}

engine_teardown() {
	local id
	for namespace in default k8s.io; do
		for id in $(ctr -n $namespace tasks ls -q); do
			ctr -n $namespace tasks kill -s KILL "$id" || true
			wait_for 5 is "$id" STOPPED || true
			ctr -n $namespace tasks delete -f "$id" || true
		done
		for id in $(ctr -n $namespace containers ls -q); do ctr -n $namespace containers rm "$id" || true; done
	done
	wait_for 5 nothing_left || { nothing_left; return 1; }
}

# What engines leave of cgroups that they made for all of their containers.
remove_cgroups() {
	local name
	for name; do
		find "/sys/fs/cgroup/$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
	done
}

engine_teardown_file() {
	kill "$(cat "$WORK/containerd.pid")"
	wait_for 10 no_process "$(cat "$WORK/containerd.pid")"
	remove_cgroups engines k8s.io
}

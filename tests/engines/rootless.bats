# SPDX-License-Identifier: Apache-2.0
# podman of a plain user, who has subordinate ids and nothing else, with cella as its runtime.
# shellcheck disable=SC2030,SC2031,SC2016
bats_require_minimum_version 1.5.0
load helpers

ME=2000

# COMMAND…: as that user, with a home and a runtime folder.
as_me() {
	setpriv --reuid $ME --regid $ME --clear-groups --inh-caps=-all \
		env -C / HOME="$WORK/home" USER=tester TMPDIR="$WORK/home/tmp" XDG_RUNTIME_DIR=/run/user/$ME "$@"
}
podman() { as_me podman --cgroup-manager cgroupfs "$@"; }

setup_file() {
	for tool in podman newuidmap setpriv; do
		command -v $tool >/dev/null || skip "$tool is missing: run 'tests/setup check'"
	done
	# accounts of this run alone
	mkdir -p "$WORK/etc" "$WORK/home/tmp"
	for file in passwd group subuid subgid; do
		cat "/etc/$file" >"$WORK/etc/$file" 2>/dev/null || : >"$WORK/etc/$file"
		[ -e "/etc/$file" ] || : >"/etc/$file"
	done
	echo "tester:x:$ME:$ME::$WORK/home:/bin/sh" >>"$WORK/etc/passwd"
	echo "tester:x:$ME:" >>"$WORK/etc/group"
	echo "tester:300000:65536" | tee -a "$WORK/etc/subuid" >>"$WORK/etc/subgid"
	for file in passwd group subuid subgid; do mount --bind "$WORK/etc/$file" "/etc/$file"; done
	chmod 711 "${WORK%/*}" "$WORK"
	mkdir -p /run/user/$ME "$WORK/net"
	podman_config "$WORK/containers.conf" "$WORK/storage.conf"
	printf '[storage]\ndriver = "overlay"\n' >"$WORK/storage.conf" # the rest in the user's own folders
	chmod 644 "$WORK"/*.conf "$WORK/image.tar"
	chown -R $ME:$ME "$WORK/home" "$WORK/net" /run/user/$ME
	mount -t tmpfs -o mode=1777 none /dev/shm
	podman load -q -i "$WORK/image.tar"
	touch "$WORK/containerd.log"
}

teardown_file() {
	as_me podman unshare rm -rf "$WORK/home/.local" || true
}

teardown() {
	podman rm -fa -t 0 >/dev/null || true
	[ -z "$(podman ps -aq)" ]
	none() { [ -z "$(ls /run/user/$ME/$STATES 2>/dev/null)" ]; }
	wait_for 5 none || { ls -R /run/user/$ME/$STATES; return 1; }
}

@test "rootless podman: run has output, input and status" {
	run -0 podman run --rm busybox echo hello
	[ "$output" = hello ]
	[ "$(echo typed | podman run --rm -i busybox cat)" = typed ]
	run -7 podman run --rm busybox sh -c 'exit 7'
}

@test "rootless podman: root inside is the user outside, others are subordinate ids" {
	run -0 podman run --rm busybox cat /proc/self/uid_map
	[[ $(tr -s ' ' <<<"$output") == *" 0 $ME 1"*" 1 300000 65536"* ]]
	run -0 podman run --rm --user 1000 busybox id -u
	[ "$output" = 1000 ]
	run -0 podman run --rm --userns keep-id busybox id -u
	[ "$output" = $ME ]
}

@test "rootless podman: run -d, exec, exec -it, logs and stop" {
	podman run -d --name d busybox sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep .1; done'
	ready() { podman logs d | grep -q ready; }
	wait_for 10 ready
	run -0 podman exec d hostname
	run -5 podman exec d sh -c 'exit 5'
	AS=as_me run -0 typed "podman --cgroup-manager cgroupfs exec -it d sh -c '$SIZE'"
	[[ $output == *"31 97"* ]]
	podman stop -t 5 d
	[ "$(podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' d)" = "exited 3" ]
}

@test "rootless podman: volumes, tmpfs, a read-only root, capabilities" {
	as_me mkdir "$WORK/home/data"
	run -0 podman run --rm --read-only --tmpfs /scratch -v "$WORK/home/data:/data" --cap-drop ALL busybox \
		sh -c 'echo kept >/data/file && echo 1 >/scratch/x && ! touch /new 2>/dev/null && grep CapEff /proc/self/status'
	[[ $output == *"0000000000000000" ]]
	[ "$(cat "$WORK/home/data/file")" = kept ]
	[ "$(stat -c %u "$WORK/home/data/file")" = $ME ]
}

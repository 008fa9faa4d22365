#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A root file system that leads elsewhere: by links that were there, or that change while we work.
load helpers

# What is made or mounted outside is seen by a hook that runs when all mounts are there.
watched='.hooks = {createContainer: [{path: "/bin/sh", args: ["sh", "-c",
	"grep -q \" \($t)/outside\" /proc/self/mountinfo && echo >>\($t)/outside/a-mount; cat >/dev/null"]}]}'
cheap='del(.linux.maskedPaths, .linux.readonlyPaths) | .mounts |= map(select(.destination | test("mqueue|shm|sys") | not))'

look_outside() {
	[ -z "$(ls -A "$T/outside")" ] || broke_in "made outside: $(ls -A "$T/outside" | head -n 3 | tr '\n' ' ')"
}

# The names exist inside too, so that no run ends early; each run has 50 tries.
two_ways() {
	hostile_rootfs
	mkdir -p "$rootfs/a" "$rootfs$T/outside"
	ln -s "$T/outside" "$rootfs/b"
}

mounts_at() { # FOLDER
	bundle "$cheap | $watched"' | .root.path = "rootfs" | .mounts += [range(25) | {destination: "'"$1"'/m\(.)", type: "tmpfs",
		source: "tmpfs", options: ["size=4k"]}] + [range(25) | {destination: "'"$1"'/s\(.)", type: "bind", source: $share, options: ["bind"]}]'
}

mount_race() {
	two_ways
	mounts_at /a
	racing_cella "$rootfs/a" "$rootfs/b" run "$ID" || return
	look_outside
}

@test "mounts: a folder and a link change places, 2,000 mounts and more" {
	against two-looks mount_race
}

# The directories are missing in each run: mkdir is what is raced with.
mkdir_race() {
	two_ways
	mounts_at /a/new
	cat >"$T/round" <<-END
		#!/bin/sh
		rm -rf "$rootfs/a/new" "$rootfs/b/new" 2>/dev/null
		exec "\$@"
	END
	chmod 755 "$T/round"
	race "$rootfs/a" "$rootfs/b" "$T/round" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID" || return
	look_outside
}

@test "directories: they are made while a folder and a link change places" {
	against two-looks mkdir_race
}

device_race() {
	two_ways
	bundle "$cheap"' | .root.path = "rootfs" | .linux.devices = [range(50) | {path: "/a/node\(.)", type: "c", major: 1, minor: 3}]'
	racing_cella "$rootfs/a" "$rootfs/b" run "$ID" || return
	look_outside
}

@test "device nodes: they are made while a folder and a link change places" {
	against two-looks device_race
}

# A volume that a container has, and changes, and that another one is just given mounts in.
volume_race() {
	hostile_rootfs
	mkdir -p "$SHARE/a" "$rootfs$T/outside"
	mkdir -p "$SHARE$T/outside"
	ln -sfn "$T/outside" "$SHARE/b"
	bundle '.root.path = "rootfs" | share | .linux.cgroupsPath += "-evil" | args(["attacker", "swap", "/share/a", "/share/b"])'
	ok cella create evil
	ok cella start evil
	mounts_at /share/a
	jq "$WORDS"'.mounts = [.mounts[] | select(.destination | startswith("/share") | not)] +
		[{destination: "/share", type: "bind", source: "'"$SHARE"'", options: ["bind"]}] +
		[.mounts[] | select(.destination | startswith("/share"))]' config.json >two.json
	# it is the neighbour who changes places: what is swapped here as well are names of nobody
	mkdir -p "$T/x" "$T/y"
	racing_cella "$T/x" "$T/y" run --config two.json "$ID" || return
	ok cella kill evil TERM
	soon has_status evil stopped
	ok cella delete evil
	rm -rf "${SHARE:?}"/*
	look_outside
}

@test "a volume of two containers: one changes it while the other is made" {
	against two-looks volume_race
}

dev_race() {
	two_ways
	mkdir -p "$rootfs/dev"
	ln -s "$T/outside" "$rootfs/dev2"
	bundle 'del(.linux.maskedPaths, .linux.readonlyPaths) | .root.path = "rootfs" | writable
		| .mounts |= map(select(.destination == "/proc"))'
	RUNS=${RUNS:-100} racing_cella "$rootfs/dev" "$rootfs/dev2" run "$ID" || return
	look_outside
}

@test "/dev: a folder and a link change places" {
	against dev-link dev_race
}

dev_link() {
	hostile_rootfs
	rmdir "$rootfs/dev"
	ln -s "$T/outside" "$rootfs/dev"
	bundle '.root.path = "rootfs" | writable | .mounts |= map(select(.destination == "/proc"))'
	try cella run "$ID"
	look_outside
}

@test "/dev is a link to a folder of the host" {
	against dev-link dev_link
}

proc_link() {
	hostile_rootfs
	mkdir "$rootfs/elsewhere"
	rmdir "$rootfs/proc"
	ln -s elsewhere "$rootfs/proc"
	bundle '.root.path = "rootfs" | sh("readlink /proc")'
	try cella run "$ID"
	[ "$output" != elsewhere ] || broke_in "/proc is a link, and what is written there goes elsewhere"
}

@test "/proc is a link of the image" {
	against proc-link proc_link
}

proc_cover() {
	hostile_rootfs
	echo mine >"$SHARE/version"
	bundle '.root.path = "rootfs" | bind("/proc"; $share) | .linux.maskedPaths = [] | .linux.readonlyPaths = [] | sh("cat /proc/version")'
	try cella run "$ID"
	[ "$output" != mine ] || broke_in "/proc is the volume's"
	rm "$SHARE/version"
}

@test "a volume of the image covers /proc" {
	against proc-cover proc_cover
}

# The mount point of /proc is renamed when procfs is there already: before the mask is put on it.
masks_astray() {
	hostile_rootfs
	mkdir "$rootfs/fake"
	echo fake >"$rootfs/fake/version"
	ln -s fake "$rootfs/other"
	bundle '.root.path = "rootfs" | .linux.maskedPaths = ["/proc/version"] | .linux.readonlyPaths = []
		| .mounts |= map(select(.destination == "/proc")) | sh("cat /other/version /proc/version")
		| .hooks = {createRuntime: [{path: "'"$ATTACKER"'", args: ["attacker", "exchange", $t + "/bundle/rootfs/proc", $t + "/bundle/rootfs/other"]}]}'
	try cella run "$ID"
	[[ $output != *"Linux version"* ]] || broke_in "what is masked can be read: $output"
	[ "$status" = 0 ] || report "exit status $status"
}

@test "masked paths: /proc is renamed behind them" {
	against mask-by-path masks_astray
}

mask_race() {
	hostile_rootfs
	mkdir "$rootfs/fake"
	echo fake >"$rootfs/fake/version"
	ln -s fake "$rootfs/other"
	bundle '.root.path = "rootfs" | .linux.maskedPaths = [range(50) | "/proc/version"] | .linux.readonlyPaths = ["/proc/sys", "/proc/irq"]
		| .mounts |= map(select(.destination == "/proc")) | share
		| sh("cat /other/version /proc/version | grep -q \"Linux version\" && echo unmasked >/share/hits; true")'
	STOP=$SHARE/hits
	RUNS=${RUNS:-100} racing_cella "$rootfs/proc" "$rootfs/other" run "$ID" || return
	[ ! -e "$SHARE/hits" ] || broke_in "what is masked can be read"
	rm -f "$SHARE/hits"
}

@test "masked paths: /proc and a link change places" {
	against mask-by-path mask_race
}

null_swapped() {
	hostile_rootfs
	echo evil >"$rootfs/evil"
	ln -s /evil "$rootfs/dev/null"
	bundle '.root.path = "rootfs" | .linux.maskedPaths = ["/proc/version"] | .mounts |= map(select(.destination == "/proc"))
		| sh("cat /proc/version")'
	ok cella run "$ID" || return
	[ -z "$output" ] || broke_in "the image's file is what masks: $output"
}

@test "/dev/null is a link of the image" {
	against null-of-image null_swapped
}

null_race() {
	hostile_rootfs
	mknod -m 666 "$rootfs/dev/null" c 1 3
	echo evil >"$rootfs/evil"
	ln -s /evil "$rootfs/dev/null2"
	bundle '.root.path = "rootfs" | .linux.maskedPaths = ["/proc/version"] | share | .mounts |= map(select(.destination | test("^/(proc|share)$")))
		| sh("grep -q evil /proc/version && echo evil >/share/hits; true")'
	STOP=$SHARE/hits
	RUNS=${RUNS:-100} racing_cella "$rootfs/dev/null" "$rootfs/dev/null2" run "$ID" || return
	[ ! -e "$SHARE/hits" ] || broke_in "the image's file is what masks"
	rm -f "$SHARE/hits"
}

@test "/dev/null and a link change places" {
	against null-of-image null_race
}

# To what it is already: the host loses nothing by it.
host_nodes() {
	bundle '.linux.maskedPaths = ["/proc/version", "/proc/filesystems", "/sys/kernel/profiling"]
		| sh("for f in /proc/version /proc/filesystems; do chmod 666 $f || chown 0:0 $f; done 2>/dev/null && echo changed; true")'
	ok cella run "$ID" || return
	[ -z "$output" ] || broke_in "the mode of the host's null device: $output"
	bundle 'ids([{containerID: 0, hostID: 0, size: 65536}]) | sh("chmod 666 /dev/zero /dev/null 2>/dev/null && echo changed; true")'
	ok cella run "$ID" || return
	[ -z "$output" ] || broke_in "the mode of the host's devices: $output"
}

@test "devices of the host that mask, or are bound: their mode is changed" {
	against writable-nodes host_nodes
}

# What the terminal was mounted on, if it is neither the console nor below pts.
console_config='.root.path = "rootfs" | .process.terminal = true | share
	| .mounts |= map(select(.destination | test("^/(proc|share)$"))) | .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"]}]
	| sh("grep devpts /proc/self/mountinfo | grep -vE \" /dev/(pts|console|console2) \" >/share/found && mv /share/found /share/hits; true")'

console_once() {
	script -qec "$CELLA --root $ROOT ${EXECUTOR[*]} run $ID" /dev/null >"$T/stdout" 2>&1 </dev/null || true
	[ ! -e "$SHARE/hits" ] || broke_in "the terminal lies at $(awk '{ print $5 }' "$SHARE/hits")"
	rm -f "$SHARE/hits" "$SHARE/found"
}

console_link() {
	hostile_rootfs
	mkdir -p "$rootfs/dev/pts"
	echo here >"$rootfs/target"
	ln -s /target "$rootfs/dev/console"
	bundle "$console_config"
	console_once
}

@test "/dev/console is a link of the image" {
	against console-link console_link
}

console_race() {
	hostile_rootfs
	mkdir -p "$rootfs/dev/pts"
	echo here >"$rootfs/target"
	echo >"$rootfs/dev/console"
	ln -s /target "$rootfs/dev/console2"
	bundle "$console_config"
	STOP=$SHARE/hits
	RUNS=${RUNS:-100} race "$rootfs/dev/console" "$rootfs/dev/console2" \
		/usr/bin/script -qec "$CELLA --root $ROOT ${EXECUTOR[*]} run $ID" /dev/null >/dev/null || return
	[ ! -e "$SHARE/hits" ] || broke_in "the terminal lies at $(awk '{ print $5 }' "$SHARE/hits")"
	rm -f "$SHARE/hits" "$SHARE/found"
}

@test "/dev/console and a link change places" {
	against console-link console_race
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What others on the host, and what messages, can do; and how a guest could reach out of its machine.
load helpers

# A cgroup of the host that belongs to the user comes along in its /sys.
writable_cgroup() {
	local as=(setpriv --reuid 54321 --regid 54322 --clear-groups) theirs=/sys/fs/cgroup$CG/theirs
	"${as[@]}" unshare -U true 2>/dev/null || skip "this host does not let plain users make user namespaces"
	mkdir -m 777 "$BUNDLE"
	cd "$BUNDLE" || return
	mkdir "$theirs"
	chown -R 54321:54322 "$theirs"
	export XDG_RUNTIME_DIR=$T/run
	mkdir -p "$XDG_RUNTIME_DIR"
	chown 54321 "$XDG_RUNTIME_DIR"
	chmod 777 "$T"
	"${as[@]}" "$CELLA" spec --rootless --file "$T/spec.json"
	jq --arg root "$WORK/rootfs" "$WORDS"' .root.path = $root | .process.terminal = false | no_ns("network") | no_ns("cgroup")
		| .mounts |= map(select(.destination | startswith("/sys") | not)) + [{destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid"]}]
		| sh("mkdir '"$theirs"'/evil; grep -c cgroup2 /proc/self/mountinfo")' "$T/spec.json" >config.json
	rm "$T/spec.json"
	try "${as[@]}" timeout -k 5 30 "$CELLA" run "$ID"
	[ "$output" = 1 ] || report "no cgroup tree came along: the attack could not be tried"
	[ ! -d "$theirs/evil" ] || broke_in "a cgroup of the host was made from inside"
	rmdir "$theirs/evil" 2>/dev/null
	rmdir "$theirs"
}

@test "rootless: the host's cgroup tree is not writable in a container" {
	against writable-sysfs writable_cgroup
}

# A container that is created listens until it is started.
reach_socket() {
	local as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	bundle 'forever'
	chmod 755 "$T"
	umask 0
	ok cella create "$ID" || return
	umask 022
	[ -S "$ROOT/$ID/start.sock" ] || die "no socket" || return
	cp "$ATTACKER" "$T/attacker"
	chmod 755 "$T/attacker"
	! "${as[@]}" "$T/attacker" connect "$ROOT/$ID/start.sock" 2>/dev/null || broke_in "another user reaches start.sock"
	! grep -q ' @.*\(cella\|start\)' /proc/net/unix || broke_in "a name without a file: $(grep ' @' /proc/net/unix)"
	[ "$BROKEN" = yes ] || { ok cella start "$ID" && status_is "$ID" running; }
}

@test "the socket that starts a container: another user of the host connects" {
	against open-door reach_socket
}

# Kind 2 is START. What is not a whole message is nothing; the container goes on waiting, for the real one.
short_message() {
	local length
	bundle 'share | sh("echo started >/share/started; sleep 1000")'
	ok cella create "$ID" || return
	for length in 0 1 4 8 64; do
		"$ATTACKER" say "$ROOT/$ID/start.sock" $length 02000000 || break # it listens no more: it was started
	done
	[ "$CELLA" != "$PRODUCT" ] || "$ATTACKER" say "$ROOT/$ID/start.sock" 65536 ff00000002 || return
	sleep 0.2
	[ ! -e "$SHARE/started" ] || broke_in "a part of a message started it"
	[ "$BROKEN" = yes ] || {
		status_is "$ID" created || return
		ok cella start "$ID" || return
		soon [ -e "$SHARE/started" ] || return
	}
	rm -f "$SHARE/started"
}

@test "messages: one of another length than a message has" {
	against short-message short_message
}

# A device that a container is lent, and a network namespace that goes on after it, as a pod's does: home is one, too.
host() { nsenter --net="/proc/$HOME_NET/ns/net" --mount="/proc/$HOME_NET/ns/mnt" env -C "$PWD" "$@"; }
pod() { nsenter --net="/proc/$POD_NET/ns/net" "$@"; }
lend() { # ATTACK
	new_network --mount
	HOME_NET=$NETWORK
	new_network
	POD_NET=$NETWORK
	host ip link add web0 type veth peer name web1 address 02:00:00:00:00:09 || skip "no veth devices"
	host ip link set web0 up
	host ip addr add 10.8.0.1/24 dev web1
	host ip link set web1 up
	bundle "join_ns(\"network\"; \"/proc/$POD_NET/ns/net\") | .linux.netDevices = {web1: {name: \"eth7\"}} | forever
		| .annotations = {\"org.cella.netDevices\": \"return\"}"
	ok host "$CELLA" --root "$ROOT" run --detach "$ID" || return
	"$1" || return
	ok host "$CELLA" --root "$ROOT" delete --force "$ID" || return
}
returned() {
	end_network "$HOME_NET"
	end_network "$POD_NET"
}

put_in_its_place() {
	local index
	index=$(pod ip -j link show eth7 | jq '.[0].ifindex')
	pod ip link del eth7
	pod ip link add name eth7 index "$index" address 02:00:00:00:00:09 type veth peer name trap0 index 99
	pod ip link set trap0 up
}
another_device() {
	lend put_in_its_place || return
	! host ip addr show web1 2>/dev/null | grep -q 10.8.0.1 || broke_in "the host's traffic for 10.8.0.0/24 goes to trap0 in the pod"
	returned
}

@test "a network device that was lent: another one, which leads elsewhere, is put in its place" {
	against lent-other another_device
}

put_on_top() {
	pod ip link add over0 link eth7 type macvlan mode bridge
	pod ip link set over0 up
}
device_on_top() {
	lend put_on_top || return
	host ip addr show web1 | grep -q 10.8.0.1 || die "it is not back" || return
	! pod ip link show over0 >/dev/null 2>&1 || broke_in "over0 in the pod is on the host's device"
	returned
}

@test "a network device that was lent: a device on top of it stays behind" {
	against lent-top device_on_top
}

# Where the guest, or the client, is made up by a unit test, the test itself is what bites: linked with the weak room it must fail.
made_up() { # WEAK TEST
	"${CELLA%/*}/tests/unit/$2" >"$T/stdout" 2>&1 || report "$(tail "$T/stdout")" || return
	! timeout 60 "$WEAK/$1" >"$T/stdout" 2>&1 || die "$2 does not notice what $1 takes away"
}

@test "a guest's rings point outside its memory" { made_up guest-memory microvm/memory/test_memory; }
@test "a guest's console says more than anybody reads" { made_up guest-console microvm/virtio/test_console; }
@test "a guest's file leads out of its share" { made_up guest-files microvm/fuse/test_directory; }
@test "a guest's packet is longer than what came" { made_up guest-packets microvm/virtio/test_vsock_hostile; }
@test "the shim's socket: another user of the host connects" { made_up any-user shim/test_connection; }
@test "a message of guest and host says a length that it has not" { made_up guest-message microvm/wire/test_message; }

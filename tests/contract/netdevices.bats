#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.netDevices: the host's devices that a container gets. The host is a network namespace of the test.
load helpers

setup() {
	contract_setup
	[ "$ISOLATED" = yes ] || skip "needs root"
	unshare -n sleep 1000 3>&- &
	HOST=$!
	soon unlike
	host ip link add web0 mtu 1400 type veth peer name web1 address 02:00:00:00:00:09 || skip "no veth devices"
	host ip addr add 10.8.0.1/24 dev web1
	host ip addr add 10.8.0.2/24 dev web1
	host ip addr add fd08::1/64 dev web1 nodad
	host ip link set web1 up
	host ip link set web0 up
	host ip link add spare0 type veth peer name spare1
}
teardown() {
	if [ -n "${HOST-}" ]; then
		kill "$HOST"
		wait "$HOST" || true
	fi
	contract_teardown
}
unlike() { [ "$(readlink "/proc/$HOST/ns/net")" != "$(readlink "/proc/$$/ns/net")" ]; }
host() { nsenter --net="/proc/$HOST/ns/net" "$@"; }
there() { host timeout --foreground -k 5 30 "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"; }
addresses() { host ip -o addr show dev "$1" scope global | sed 's/ *valid_lft.*//; s/\\//; s/^[0-9]*: //' | sort; }

@test "a device is moved in, renamed, with its addresses, up" {
	only_cella
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | sh("ip -o addr show dev eth0; ip link show eth0")'
	ok there run "$ID"
	has "$output" "10.8.0.1/24"
	has "$output" "10.8.0.2/24"
	has "$output" "fd08::1/64"
	has "$output" "02:00:00:00:00:09"
	matches "$output" "eth0.*UP"
	# what is virtual has ended with the container's namespace
	exits 1 host ip link show web1
}

@test "a device that is down stays down; a virtual machine, which is not given it, is refused by its name" {
	only_cella
	bundle '.linux.netDevices = {spare1: {name: "eth1"}} | args(["ip", "-o", "link", "show", "eth1"])'
	if [ "$CELLA_EXECUTOR" = microvm ]; then
		refused there run "$ID"
		has "$stderr" 'linux.netDevices["spare1"]: is down and has no address'
		ok host ip link show spare1
	else
		ok there run "$ID"
		matches "$output" "eth1.*DOWN"
	fi
}

@test "what was moved into a namespace that is joined stays in it" {
	only_cella
	unshare -n sleep 1000 3>&- &
	near=$!
	bundle "join_ns(\"network\"; \"/proc/$near/ns/net\") | .linux.netDevices = {web1: {name: \"eth7\"}} | args([\"ip\", \"link\", \"show\", \"eth7\"])"
	ok there run "$ID"
	has "$(nsenter --net="/proc/$near/ns/net" ip addr show eth7)" "10.8.0.1/24"
	kill $near
	wait $near || true
}

@test "a create that fails gives all back, as it was" {
	only_cella
	before=$(addresses web1)
	bundle '.linux.netDevices = {spare1: {}, web1: {name: "eth0"}, none0: {}}'
	refused there run "$ID"
	has "$stderr" "linux.netDevices"
	has "$stderr" "none0"
	is "$(addresses web1)" "$before"
	bundle '.linux.netDevices = {web1: {name: "lo"}}'
	refused there run "$ID"
	has "$stderr" "linux.netDevices"
	has "$stderr" "File exists"
	is "$(addresses web1)" "$before"
	bundle '.linux.netDevices = {web1: {name: "eth0"}, spare1: {name: "eth0"}}'
	refused there run "$ID"
	is "$(addresses web1)" "$before"
	ok host ip link show spare1
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | .hooks = {createRuntime: [{path: "/bin/false"}]}'
	refused there run "$ID"
	has "$stderr" "hooks.createRuntime[0]"
	is "$(addresses web1)" "$before"
	matches "$(host ip link show web1)" "[<,]UP[,>]"
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | args(["/no/such/program"])'
	refused there run "$ID"
	is "$(addresses web1)" "$before"
	matches "$(host ip link show web1)" "[<,]UP[,>]"
	is "$(host tc filter show dev web1 ingress)" ""
}

@test "a name with a number to be filled in is refused, and an empty one keeps the name" {
	only_cella
	before=$(addresses web1)
	bundle '.linux.netDevices = {web1: {name: "eth%d"}}'
	refused there run "$ID"
	has "$stderr" "linux.netDevices.web1.name: expected an interface's name without '%'"
	is "$(addresses web1)" "$before"
	bundle '.linux.netDevices = {web1: {name: ""}} | args(["ip", "-o", "addr", "show", "web1"])'
	ok there run "$ID"
	has "$output" "10.8.0.1/24"
}

@test "a device is found by an alternative name, and has its own again after a create that fails" {
	only_cella
	host ip link property add dev web1 altname uplink || skip "no alternative names"
	before=$(addresses web1)
	bundle '.linux.netDevices = {uplink: {name: "eth0"}, none0: {}} | .hooks = {createRuntime: [{path: "/bin/false"}]}'
	refused there run "$ID"
	has "$stderr" none0
	bundle '.linux.netDevices = {uplink: {name: "eth0"}} | .hooks = {createRuntime: [{path: "/bin/false"}]}'
	refused there run "$ID"
	has "$stderr" "hooks.createRuntime[0]"
	is "$(addresses web1)" "$before"
	ok host ip link show uplink
	bundle '.linux.netDevices = {uplink: {}} | args(["ip", "-o", "addr", "show", "web1"])'
	ok there run "$ID"
	has "$output" "10.8.0.1/24"
}

@test "with ids of its own too" {
	only_cella
	bundle 'mapped | .linux.netDevices = {web1: {name: "eth0"}} | sh("ip -o addr show dev eth0")'
	ok there run "$ID"
	has "$output" "10.8.0.1/24"
}

@test "hooks of the runtime find them there" {
	only_cella
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | share
		| .hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "nsenter --net=/proc/$(jq .pid)/ns/net ip addr show eth0 >\($share)/seen"], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]}'
	ok there run "$ID"
	has "$(<"$SHARE/seen")" "10.8.0.1/24"
}

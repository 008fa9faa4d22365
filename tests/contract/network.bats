#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A network namespace that somebody else has set up is the container's network, whatever wall is around it. Two
# namespaces of the test, joined by a cable: $FAR, who is reached, and $NEAR, which the container joins.
load helpers

# namespace NAME: a network namespace; NAME is its path, and NAME_PID who holds it.
namespace() {
	new_network
	printf -v "$1_PID" %d "$NETWORK"
	printf -v "$1" /proc/%d/ns/net "$NETWORK"
	nsenter --net="/proc/$NETWORK/ns/net" ip link set lo up
}
near() { nsenter --net="$NEAR" "$@"; }
far() { nsenter --net="$FAR" "$@"; }

cable() { # NUMBER MTU
	far ip link add "far$1" mtu "$2" type veth peer name "eth$1" netns "$NEAR_PID" mtu "$2" address "02:00:00:00:0$1:02"
	far ip addr add "10.9.$1.1/24" dev "far$1"
	far ip addr add "fd09:a$1::1/64" dev "far$1" nodad
	far ip link set "far$1" up
	near ip addr add "10.9.$1.2/24" dev "eth$1"
	near ip addr add "fd09:a$1::2/64" dev "eth$1" nodad
	near ip link set "eth$1" up
	soon has_carrier "eth$1"
}
has_carrier() { near ip -o link show "$1" | grep LOWER_UP | grep -qv NO-CARRIER; }

setup() {
	contract_setup
	[ "$ISOLATED" = yes ] || skip "needs root"
	namespace FAR
	namespace NEAR
	cable 0 1400
	near ip route add default via 10.9.0.1
}
teardown() {
	if [ -n "${NEAR_PID-}" ]; then
		kill "$FAR_PID" "$NEAR_PID"
		wait "$FAR_PID" "$NEAR_PID" || true
	fi
	contract_teardown
}

# All that there is in the namespace, but for what counts and what the kernel numbers,
all_of_near() {
	near ip -o addr show | sed 's/valid_lft.*//'
	near ip route show
	near ip -6 route show
	near ip -o link show | sed 's/qlen.*//; s/state [A-Z]*//'
	near tc filter show dev eth0 ingress
}
# and for link-local addresses, which come when they like.
of_near() { all_of_near | grep -v fe80; }

joined() { bundle "join_ns(\"network\"; \"$NEAR\") | $1"; }

@test "the interfaces of a joined namespace are the container's: names, addresses, routes, MTU" {
	cable 1 9000
	near ip route add 192.0.2.0/24 via 10.9.1.1 metric 7
	joined 'sh("ip -o link; ip addr; ip route; ip -6 route")'
	ok cella run "$ID"
	for i in 0 1; do
		has "$output" "02:00:00:00:0$i:02"
		has "$output" "inet 10.9.$i.2/24"
		has "$output" "inet6 fd09:a$i::2/64"
	done
	matches "$output" 'eth0[^ ]*: .* mtu 1400 '
	matches "$output" 'eth1[^ ]*: .* mtu 9000 '
	has "$output" "default via 10.9.0.1 dev eth0"
	has "$output" "192.0.2.0/24 via 10.9.1.1 dev eth1"
	has "$output" "127.0.0.1/8"
}

@test "what the container sends arrives, and what is sent to it, over both families" {
	head -c 3000000 /dev/urandom >"$T/big"
	want=$(sha256sum <"$T/big")
	nsenter --net="$FAR" busybox httpd -f -p 80 -h "$T" 3>&- &
	server=$!
	joined 'all_caps(["CAP_NET_RAW"]) | sh("ping -c 2 -W 10 10.9.0.1 && wget -q -O - http://10.9.0.1/big | sha256sum &&
		wget -q -O - \"http://[fd09:a0::1]/big\" | sha256sum && nc -l -p 9999 -e sha256sum")'
	exec_cella run "$ID" >"$T/stdout" 2>"$T/stderr" </dev/null &
	background=$!
	soon reached || { cat "$T/stdout" "$T/stderr"; false; }
	ends_with $background 0
	kill $server
	wait $server || true
	has "$(<"$T/stdout")" "2 packets received"
	is "$(grep -c "^$want" "$T/stdout")" 2
	is "$(<"$T/answer")" "$want"
}
# A program of the container that waits for a connection, and tells what came.
reached() { far busybox nc 10.9.0.2 9999 <"$T/big" >"$T/answer" && [ -s "$T/answer" ]; }

@test "a namespace that was joined is afterwards as it was before" {
	before=$(of_near)
	joined '.'
	ok cella create "$ID"
	ok cella start "$ID"
	soon has_status "$ID" stopped
	ok cella delete "$ID"
	is "$(of_near)" "$before"
	joined 'forever'
	ok cella create "$ID"
	kill -9 "$(pid_of "$ID")"
	ok cella delete --force "$ID"
	is "$(of_near)" "$before"
	joined 'args(["/no/such/program"])'
	try cella run "$ID"
	is "$(of_near)" "$before"
}

@test "a hook of the runtime sets the network up" {
	printf '#!/bin/sh\npid=$(jq .pid)\nexec nsenter --net=%s ip link set eth0 netns "$pid"\n' "$NEAR" >"$T/move"
	printf '#!/bin/sh\npid=$(jq .pid)\nexec nsenter --net=/proc/$pid/ns/net sh -ec "%s"\n' \
		"ip addr add 10.9.0.9/24 dev eth0; ip link set eth0 up; ip route add default via 10.9.0.1" >"$T/address"
	chmod +x "$T/move" "$T/address"
	bundle ".hooks.createRuntime = [{path: \"$T/move\", env: [\"PATH=$PATH\"]}, {path: \"$T/address\", env: [\"PATH=$PATH\"]}]
		| all_caps([\"CAP_NET_RAW\"]) | sh(\"ip addr; ping -c 1 -W 10 10.9.0.1\")"
	ok cella run "$ID"
	has "$output" "10.9.0.9/24"
	has "$output" "1 packets received"
}

@test "a virtual machine is not given the host's network" {
	[ "$CELLA_EXECUTOR" = microvm ] || skip "for virtual machines"
	bundle 'no_ns("network")'
	refused cella run "$ID"
	has "$stderr" "it needs a network namespace"
	bundle 'join_ns("network"; "/proc/self/ns/net")'
	refused cella run "$ID"
	has "$stderr" "is the host's"
}

@test "a virtual machine is not given what another one has" {
	[ "$CELLA_EXECUTOR" = microvm ] || skip "for virtual machines"
	before=$(of_near)
	joined 'forever'
	ok cella create "$ID"
	held=$(of_near)
	has "$held" mirred
	first=$ID ID=$ID-2
	joined 'forever'
	refused cella run "$ID"
	has "$stderr" "eth0: cella0"
	is "$(of_near)" "$held"
	ok cella delete --force "$first"
	is "$(of_near)" "$before"
}

@test "what a virtual machine was given is its own until it is deleted" {
	[ "$CELLA_EXECUTOR" = microvm ] || skip "for virtual machines"
	before=$(of_near)
	joined '.'
	ok cella create "$ID"
	ok cella start "$ID"
	soon has_status "$ID" stopped
	held=$(of_near)
	first=$ID ID=$ID-2
	joined 'forever'
	for try in 1 2; do
		refused cella create "$ID"
		has "$stderr" "eth0: is another virtual machine's until that one is deleted"
		is "$(of_near)" "$held"
	done
	ok cella delete "$first"
	is "$(of_near)" "$before"
}

@test "a namespace that has come into the place of the one that was joined is left alone" {
	[ "$CELLA_EXECUTOR" = microvm ] || skip "for virtual machines"
	ln -s "$NEAR" "$T/net"
	bundle "join_ns(\"network\"; \"$T/net\")"
	ok cella create "$ID"
	ln -sfn "$FAR" "$T/net"
	before=$(far ip -o addr show | sed 's/valid_lft.*//')
	ok cella delete --force "$ID"
	is "$(far ip -o addr show | sed 's/valid_lft.*//')" "$before"
}

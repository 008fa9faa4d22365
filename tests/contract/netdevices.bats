#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.netDevices: the host's devices that a container gets. The host is a network namespace of the test.
load helpers

setup() {
	contract_setup
	[ "$ISOLATED" = yes ] || skip "needs root"
	new_network --mount
	HOST=$NETWORK
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
		end_network "$HOST"
	fi
	contract_teardown
}
host() { nsenter --net="/proc/$HOST/ns/net" --mount="/proc/$HOST/ns/mnt" env -C "$PWD" "$@"; }
there() { host timeout --foreground -k 5 30 "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"; }
# All that a device has, times aside.
all_of() {
	host sh -c 'ip -o addr show dev $1; ip -d -o link show dev $1; ip route show table all dev $1; ip -6 route show table all dev $1
		ip neigh show dev $1 nud permanent
		cd /proc/sys/net && grep -r . ipv4/conf/$1 ipv6/conf/$1 2>/dev/null | grep -v stable_secret | sort' sh "$1" |
		sed 's/[0-9][0-9]*sec/some/g; s/^[0-9]*: //; s/ state [A-Z]*//; s/ M-DOWN//; s/bridge_slave.*addrgenmode/addrgenmode/'
}
is_as() { [ "$(all_of "$1")" = "$2" ]; }
# The kernel looks for duplicates of the address that it makes of the MAC.
is_back() { soon is_as "$1" "$2" || diff <(echo "$2") <(all_of "$1"); }
no_tentative() { ! host ip addr show dev "$1" | grep -q tentative; }
# Each kind of thing on web1 that a device can have.
furnish() {
	soon no_tentative web1
	host ip addr add 10.8.1.1/24 dev web1 label web1:one valid_lft 4000 preferred_lft 2000
	host ip addr add 10.8.2.1 peer 10.8.2.2 dev web1
	host ip addr add 10.8.3.1/24 broadcast 10.8.3.200 dev web1 noprefixroute
	host ip addr add 169.254.8.1/16 dev web1 scope link
	host ip addr add 2001:db8:8::1/64 dev web1 nodad valid_lft 4000 preferred_lft 2000
	host ip addr add fd08:1::1/64 dev web1 nodad noprefixroute
	host ip addr add fd08:2::1/64 dev web1
	host ip addr add fe80::77/64 dev web1 nodad
	host ip addr add fd08:3::1/64 dev web1 nodad preferred_lft 0
	host ip route add 10.9.0.0/16 via 10.8.0.77 dev web1 metric 7 mtu 1300
	host ip route add 10.8.0.77 dev web1 src 10.8.0.2 table 77
	host ip route add default via 10.8.0.78 dev web1 onlink
	host ip -6 route add fd09::/64 via fd08::78 dev web1
	host ip -6 route add default via fe80::1 dev web1
	host ip neigh add 10.8.0.79 lladdr 02:00:00:00:00:79 dev web1
	host ip neigh add fd08::79 lladdr 02:00:00:00:00:79 dev web1
	host ip link set web1 promisc on txqueuelen 55 alias "the first" group 7
	host sh -c 'cd /proc/sys/net/ipv4/conf/web1 && echo 2 >rp_filter && echo 0 >accept_redirects && echo 1 >proxy_arp &&
		cd ../../../ipv6/conf/web1 && echo 0 >accept_ra && echo 0 >accept_redirects && echo 33 >hop_limit && echo 1 >forwarding'
	soon no_tentative web1
}

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

@test "a device that is down is set up" {
	only_cella
	bundle '.linux.netDevices = {spare1: {name: "eth1"}} | args(["ip", "-o", "link", "show", "eth1"])'
	ok there run "$ID"
	matches "$output" "[<,]UP[,>]"
}

@test "what is not for a container does not come along" {
	only_cella
	furnish
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | sh("ip -o addr show dev eth0; ip route; ip neigh")'
	ok there run "$ID"
	has "$output" "10.8.2.1 peer 10.8.2.2"
	has "$output" "10.8.3.1/24 brd 10.8.3.200"
	has "$output" "fd08:1::1/64"
	lacks "$output" "10.8.1.1"
	lacks "$output" "web1"
	lacks "$output" "169.254.8.1"
	lacks "$output" "2001:db8:8::1"
	lacks "$output" "fe80::77"
	lacks "$output" "10.9.0.0"
	lacks "$output" "default"
	lacks "$output" "10.8.0.79"
}

@test "a create that fails gives all back: lifetimes, labels, links' addresses, routes, neighbours" {
	only_cella
	furnish
	before=$(all_of web1)
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | .hooks = {createRuntime: [{path: "/bin/false"}]}'
	refused there run "$ID"
	is_back web1 "$before"
	left=$(host ip -j addr show dev web1 | jq '.[0].addr_info[] | select(.local == "10.8.1.1" or .local == "2001:db8:8::1")
		| .valid_life_time > 3900 and .valid_life_time <= 4000 and .preferred_life_time > 1900 and .preferred_life_time <= 2000')
	is "$left" $'true\ntrue'
}

@test "a device that was down is back down, with its addresses, and as the port of its bridge" {
	only_cella
	host ip addr add 10.8.4.1/24 dev spare1
	host ip addr add fd08:4::1/64 dev spare1
	host ip addr add fd08:4::2/64 dev spare1 valid_lft 4000 preferred_lft 2000
	host ip link set spare1 addrgenmode none
	host ip link add bridge0 type bridge && host ip link set spare1 master bridge0
	before=$(all_of spare1)
	bundle '.linux.netDevices = {spare1: {}} | .hooks = {createRuntime: [{path: "/bin/false"}]}'
	refused there run "$ID"
	is_back spare1 "$before"
	host ip link set spare1 up
	has "$(host ip addr show dev spare1)" "fd08:4::1"
}

# A create that fails once this has been done on the host meanwhile.
fails_when() {
	bundle '.linux.netDevices = {web1: {name: "eth0"}}
		| .hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "'"$1"'; exit 1"], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]}'
	try there run "$ID"
	is "$status" 1
}

@test "a device whose name has been taken meanwhile is back under another one, and that is said" {
	only_cella
	before=$(addresses web1)
	fails_when 'ip link add web1 type veth peer name other1'
	has "$stderr" "web1: is back as eth0: another device has its name by now"
	is "$(addresses eth0)" "${before//web1/eth0}"
	host ip link del web1
	host ip link set eth0 down
	host ip link set eth0 name web1 && host ip link set web1 up
	fails_when 'ip link add web1 type veth peer name eth0'
	has "$stderr" "web1: is back as dev0: another device has its name by now"
	has "$(addresses dev0)" "10.8.0.1/24"
}

@test "a create that is killed gives all back" {
	only_cella
	furnish
	before=$(all_of web1)
	bundle '.linux.netDevices = {web1: {name: "eth0"}}
		| .hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "kill -9 $PPID"]}]}'
	exits 137 there run "$ID"
	ok there delete --force "$ID" # waits for who brings it back
	is_back web1 "$before"
}

@test "a create that is killed gives all back from a namespace that is joined" {
	only_cella
	new_network
	near=$NETWORK
	soon no_tentative web1
	before=$(all_of web1)
	bundle "join_ns(\"network\"; \"/proc/$near/ns/net\") | .linux.netDevices = {web1: {name: \"eth7\"}}"'
		| .hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "kill -9 $PPID"]}]}'
	exits 137 there create "$ID"
	ok there delete --force "$ID"
	is_back web1 "$before"
	exits 1 nsenter --net="/proc/$near/ns/net" ip link show eth7
	end_network "$near"
}

@test "what was moved into a namespace that is joined stays in it" {
	only_cella
	new_network
	near=$NETWORK
	bundle "join_ns(\"network\"; \"/proc/$near/ns/net\") | .linux.netDevices = {web1: {name: \"eth7\"}} | args([\"ip\", \"link\", \"show\", \"eth7\"])"
	ok there run "$ID"
	has "$(nsenter --net="/proc/$near/ns/net" ip addr show eth7)" "10.8.0.1/24"
	end_network "$near"
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

@test "a number is filled in that makes a name which is free, and an empty name keeps the old one" {
	only_cella
	bundle '.linux.netDevices = {web1: {name: "eth%d"}, spare1: {name: "eth%d"}, spare0: {name: "eth0"}} | sh("ip -o addr")'
	ok there run "$ID"
	matches "$output" "eth[12] .*10.8.0.1/24"
	host ip link add mail0 type veth peer name mail1 # the others go with the namespace, when the kernel comes to it
	bundle '.linux.netDevices = {mail0: {name: "eth%d%d"}}'
	refused there run "$ID"
	has "$stderr" "linux.netDevices.mail0.name: expected an interface's name, with '%' only in one '%d', for a number"
	bundle '.linux.netDevices = {mail0: {name: ""}} | args(["ip", "-o", "link", "show", "mail0"])'
	ok there run "$ID"
	matches "$output" "mail0.*UP"
}

@test "in a namespace that is joined a number is filled in that makes another name than are there" {
	only_cella
	new_network
	near=$NETWORK
	soon nsenter --net="/proc/$near/ns/net" ip link add eth0 type veth peer name peer0
	host ip link property add dev spare0 altname eth1 || skip "no alternative names"
	bundle "join_ns(\"network\"; \"/proc/$near/ns/net\")"' | .linux.netDevices = {spare0: {name: "other"}} | args(["true"])'
	ok there run "$ID"
	bundle "join_ns(\"network\"; \"/proc/$near/ns/net\")"' | .linux.netDevices = {web1: {name: "eth%d"}} | args(["true"])'
	ok there run "$ID"
	has "$(nsenter --net="/proc/$near/ns/net" ip addr show eth2)" "10.8.0.1/24"
	end_network "$near"
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

# --- back at the end --------------------------------------------------------------------------------

back_at_the_end='.annotations["org.cella.netDevices"] = "return"'
# What somebody does who rules over the container's network.
inside() { nsenter --net="/proc/$(there state "$ID" | jq .pid)/ns/net" "$@"; }
nothing_is_held() {
	exits 1 host grep -F "$ROOT/" /proc/self/mountinfo
	is "$(ls "$ROOT")" ""
}

@test "org.cella.netDevices: with return a device is back when the container is deleted, with all that it had" {
	only_cella
	furnish
	before=$(all_of web1)
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | args(["ip", "-o", "addr", "show", "eth0"]) | '"$back_at_the_end"
	ok there run "$ID"
	has "$output" "10.8.0.1/24"
	is_back web1 "$before"
	nothing_is_held
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | forever | '"$back_at_the_end"
	ok there run --dry-run "$ID"
	is "$(jq .netDevicesReturn <<<"$output")" true
	ok there run --detach "$ID"
	exits 1 host ip link show web1
	ok there delete --force "$ID"
	is_back web1 "$before"
	nothing_is_held
}

@test "with return what is on top of a device on the host goes on there" {
	only_cella
	host ip link add over0 link web1 address 02:00:00:00:00:10 type macvlan || skip "no macvlan devices"
	host ip addr add 10.8.5.1/24 dev over0
	host ip link set over0 up
	before=$(addresses over0)
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | args(["true"]) | '"$back_at_the_end"
	ok there run "$ID"
	is "$(addresses over0)" "$before"
	has "$(host ip -o link show over0)" "over0@web1"
	matches "$(host ip link show over0)" "[<,]UP[,>]"
}

@test "with return it is back after the container has ended by itself, and after one that was never started" {
	only_cella
	before=$(addresses web1)
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | args(["true"]) | '"$back_at_the_end"
	ok there create "$ID"
	ok there start "$ID"
	soon is_stopped
	exits 1 host ip link show web1
	ok there delete "$ID"
	is "$(addresses web1)" "$before"
	ok there create "$ID"
	ok there delete --force "$ID"
	is "$(addresses web1)" "$before"
	nothing_is_held
}
is_stopped() { [ "$(there state "$ID" | jq -r .status)" = stopped ]; }

@test "with return it is back when run was killed" {
	only_cella
	before=$(addresses web1)
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | forever | '"$back_at_the_end"'
		| .hooks = {poststart: [{path: "/bin/sh", args: ["sh", "-c", "kill -9 $PPID"]}]}'
	exits 137 there run "$ID"
	ok there delete --force "$ID"
	is "$(addresses web1)" "$before"
	nothing_is_held
}

@test "with return a device is as it was, whatever was done to it meanwhile" {
	only_cella
	furnish
	host ip link property add dev web1 altname uplink || skip "no alternative names"
	before=$(all_of web1)
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | forever | '"$back_at_the_end"
	ok there run --detach "$ID"
	ok inside ip link set eth0 down
	ok inside ip link set eth0 name mine address 02:66:66:66:66:66 mtu 1000 promisc off allmulticast on multicast off \
		txqueuelen 7 group 9 alias "somebody else's"
	ok inside ip link property del dev mine altname uplink
	ok inside ip link property add dev mine altname web1
	ok inside ip link property add dev mine altname lo0
	ok inside ip link add bridge0 type bridge
	ok inside ip link set mine master bridge0
	ok inside ip addr add 10.66.0.1/24 dev mine
	ok inside ip link set mine up
	ok host ip link property add dev web0 altname lo0 # one that would keep it there
	ok there delete --force "$ID"
	is "$stderr" ""
	is_back web1 "$before"
	nothing_is_held
}

@test "with return a device is back from a namespace that is joined, which keeps what is its own" {
	only_cella
	new_network
	near=$NETWORK
	before=$(addresses web1)
	bundle "join_ns(\"network\"; \"/proc/$near/ns/net\") | .linux.netDevices = {web1: {name: \"eth7\"}} | forever | $back_at_the_end"
	ok there run --detach "$ID"
	ok nsenter --net="/proc/$near/ns/net" ip link add over0 link eth7 type macvlan
	ok nsenter --net="/proc/$near/ns/net" ip link add over1 link over0 type macvlan
	ok nsenter --net="/proc/$near/ns/net" ip link add own0 type veth peer name own1
	ok there delete --force "$ID"
	is "$(addresses web1)" "$before"
	exits 1 nsenter --net="/proc/$near/ns/net" ip link show over1
	exits 1 nsenter --net="/proc/$near/ns/net" ip link show over0 # it would listen to the host's device
	ok nsenter --net="/proc/$near/ns/net" ip link show own0
	end_network "$near"
}

@test "with return what was put in a device's place does not come to the host" {
	only_cella
	new_network
	near=$NETWORK # goes on after the container, as a pod's does
	bundle "join_ns(\"network\"; \"/proc/$near/ns/net\") | .linux.netDevices = {web1: {name: \"eth7\"}} | forever | $back_at_the_end"
	ok there run --detach "$ID"
	index=$(nsenter --net="/proc/$near/ns/net" ip -j link show eth7 | jq ".[0].ifindex")
	ok nsenter --net="/proc/$near/ns/net" ip link del eth7
	ok nsenter --net="/proc/$near/ns/net" ip link add name eth7 index "$index" address 02:00:00:00:00:09 type veth peer name trap0 index 99
	ok there delete --force "$ID"
	has "$stderr" "web1: is not given back: what is in its place can't be told to be the same device"
	exits 1 host ip link show web1
	ok nsenter --net="/proc/$near/ns/net" ip link show eth7
	is "$(host ip route)" ""
	nothing_is_held
	end_network "$near"
}

@test "with return one that is no more is told" {
	only_cella
	before=$(all_of spare1)
	bundle '.linux.netDevices = {web1: {name: "eth0"}, spare1: {}} | forever | '"$back_at_the_end"
	ok there run --detach "$ID"
	ok inside ip link del eth0
	ok there delete --force "$ID"
	is "$stderr" "cella: warning: web1: is not back: it is neither here nor where it was moved to"
	is_back spare1 "$before"
	nothing_is_held
}

@test "with return a route that somebody else has made meanwhile stays" {
	only_cella
	host ip route add default via 10.8.0.77 dev web1
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | forever | '"$back_at_the_end"
	ok there run --detach "$ID"
	host ip addr add 10.7.0.1/24 dev web0
	host ip route add default via 10.7.0.77 dev web0
	ok there delete --force "$ID"
	is "$(host ip route show default)" "default via 10.7.0.77 dev web0 "
	has "$(addresses web1)" "10.8.0.1/24"
}

@test "with return a device is not back by a delete that sees other mounts, which says so" {
	only_cella
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | forever | '"$back_at_the_end"
	ok there run --detach "$ID"
	ok nsenter --net="/proc/$HOST/ns/net" "$CELLA" --root "$ROOT" delete --force "$ID"
	has "$stderr" "web1: is not back"
	nothing_is_held
}

@test "org.cella.netDevices: with leave, or without it, nothing is held, and other words are refused" {
	only_cella
	bundle '.linux.netDevices = {web1: {name: "eth0"}} | forever | .annotations = {"org.cella.netDevices": "leave"}'
	ok there run --detach "$ID"
	exits 1 host grep -F "$ROOT/" /proc/self/mountinfo
	is "$(ls "$ROOT/$ID" | grep devices)" ""
	ok there delete --force "$ID"
	exits 1 host ip link show web1
	bundle '.linux.netDevices = {spare1: {}} | args(["true"]) | .annotations = {"org.cella.netDevices": "yes"}'
	refused there run "$ID"
	is "$stderr" "cella: annotations[\"org.cella.netDevices\"]: 'yes': expected return or leave"
	ok host ip link show spare1
}

# One of the machine's that nobody uses.
free_hardware() {
	local device
	modprobe virtio_net 2>/dev/null
	for device in /sys/class/net/*/device; do
		device=${device%/device} device=${device##*/}
		case "$device $(ip -o link show dev "$device" 2>/dev/null)" in
		"* "* | *[\<,]UP[,\>]*) ;;
		*) echo "$device" && return ;;
		esac
	done
	return 1
}
# bats test_tags=testbed
@test "a device of hardware: the kernel gives it to the first namespace, bare, and with return it is back where it was" {
	only_cella
	hard=$(free_hardware) || skip "this machine has no network device of hardware that is free"
	ok ip link set "$hard" netns "$HOST"
	ok host ip link set "$hard" name hard0
	ok host ip addr add 10.12.0.1/24 dev hard0
	ok host ip link set hard0 up
	ok host ip route add 10.13.0.0/16 via 10.12.0.9
	soon no_tentative hard0
	before=$(all_of hard0)
	bundle '.linux.netDevices = {hard0: {name: "eth0"}} | forever | '"$back_at_the_end"
	ok there run --detach "$ID"
	in_a_vm || has "$(inside ip addr show eth0)" "10.12.0.1/24" # there it is the guest's
	ok inside ip link set eth0 down
	ok inside ip link set eth0 name mine address 02:66:66:66:66:66 mtu 1000
	ok there delete --force "$ID"
	is_back hard0 "$before"
	bundle '.linux.netDevices = {hard0: {name: "hard7"}} | args(["true"])'
	ok there run "$ID"
	soon ip link show hard7
	is "$(ip -o addr show dev hard7)" ""
	ok ip link set hard7 name "$hard"
}

# SPDX-License-Identifier: Apache-2.0
# More than one machine: a Docker Swarm of three nodes, each in network, pid, UTS and mount namespaces of its own with a
# dockerd, a containerd and a /run of its own, joined by a bridge. Each has cella as its default runtime.
# docs/ENGINES.md tells how to have the same on three real ones.
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load helpers

# NODE COMMAND…: docker of that node.
on() {
	local node=$1
	shift
	docker -H "unix://$WORK/$node.sock" "$@"
}

# ADDRESS PORT: what a web server says.
fetch() {
	timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3 | grep .' fetch "$@"
}

node_up() { # NUMBER
	local name=node$1
	ip netns add "$name"
	ip link add "$name" type veth peer name eth0 netns "$name"
	ip link set "$name" master swarm up
	mkdir "$WORK/$name"
	nsenter --net="/run/netns/$name" unshare -m -p -u --fork --kill-child --mount-proc --propagation slave sh -ec '
		hostname "$1"
		ip link set lo up && ip link set eth0 up
		ip addr add "10.77.0.1${1#node}/24" dev eth0 && ip route add default via 10.77.0.1
		echo 1 >/proc/sys/net/ipv4/ip_forward
		mount -t tmpfs -o mode=755 none /run
		exec dockerd --config-file "$WORK/daemon.json" --data-root "$WORK/$1" -H "unix://$WORK/$1.sock" --pidfile "$WORK/$1.pid"' \
		node "$name" >>"$WORK/containerd.log" 2>&1 3>&- &
	disown
	echo $! >"$WORK/$name.init"
	wait_for 30 on "$name" version
	on "$name" load -q -i "$WORK/image.tar"
}

# As a machine that loses its power: all of its processes at once.
node_killed() { # NUMBER
	kill -9 "$(cat "$WORK/node$1.init")"
	ip link delete "node$1"
}

setup_file() {
	command -v dockerd docker >/dev/null || skip "docker is missing: run 'tests/setup check'"
	ip link add probe type vxlan id 1 dstport 4789 2>/dev/null && ip link delete probe || skip "this kernel has no VXLAN"
	iptables -t nat -L >/dev/null 2>&1 || skip "this kernel has no NAT"
	touch "$WORK/containerd.log"
	cat >"$WORK/daemon.json" <<J
{"runtimes": {"$OCI": {"path": "$PROGRAM"}}, "default-runtime": "$OCI"}
J
	ip link add swarm type bridge
	ip addr add 10.77.0.1/24 dev swarm
	ip link set swarm up
	for i in 1 2 3; do node_up $i; done
	on node1 swarm init --dispatcher-heartbeat 1s --advertise-addr 10.77.0.11 >/dev/null
	token=$(on node1 swarm join-token -q worker)
	for i in 2 3; do on node$i swarm join --token "$token" --advertise-addr 10.77.0.1$i 10.77.0.11:2377; done
}

teardown_file() {
	for i in 1 2 3; do
		kill -9 "$(cat "$WORK/node$i.init")" 2>/dev/null || true
		wait_for 10 no_process "$(cat "$WORK/node$i.init")"
	done
	remove_cgroups docker
}

# Where the replicas of a service run, sorted.
run_on() {
	[ "$(on node1 service ps -f desired-state=running --format '{{.Node}} {{.CurrentState}}' "$1" | sed -n 's/ Running.*//p' | sort | tr '\n' ' ')" = "$2 " ]
}
# What the replicas answer, by the name that the overlay gives them, asked from a container of a node.
answers() { # NODE
	on "$1" run --rm --network mesh busybox:latest sh -c 'for a in $(nslookup tasks.web | sed -n "/^Name/,\$ s/^Address: //p"); do
		timeout 5 wget -q -O - "http://$a:8080/"; done' | sort | tr '\n' ' '
}
answer() { [ "$(answers "$1")" = "$2 " ]; }
published() { [ "$(fetch "10.77.0.1$1" 18090)" = "node$1" ]; }

# bats test_tags=long
@test "swarm: replicas run on all nodes, answer over the overlay, and outlive a killed and a drained node" {
	serve='mkdir -p /www; echo "$NODE" >/www/index.html; exec httpd -f -p 8080 -h /www'
	on node1 network create -d overlay --attachable mesh >/dev/null
	on node1 service create --detach --quiet --no-resolve-image --stop-grace-period 1s --name web --replicas 3 --endpoint-mode dnsrr --network mesh \
		--env 'NODE={{.Node.Hostname}}' busybox:latest sh -c "$serve" >/dev/null
	on node1 service create --detach --quiet --no-resolve-image --stop-grace-period 1s --name front --mode global \
		--publish mode=host,published=18090,target=8080 --env 'NODE={{.Node.Hostname}}' busybox:latest sh -c "$serve" >/dev/null
	wait_for 60 run_on web "node1 node2 node3"
	wait_for 60 run_on front "node1 node2 node3"
	wait_for 20 answer node1 "node1 node2 node3"
	wait_for 20 answer node3 "node1 node2 node3"
	for i in 1 2 3; do wait_for 10 published $i; done

	node_killed 3
	two() { [ "$(answers node2)" = "node1 node1 node2 " ] || [ "$(answers node2)" = "node1 node2 node2 " ]; }
	wait_for 90 two
	for i in 1 2; do published $i; done

	on node1 node update --availability drain node2 >/dev/null
	wait_for 60 answer node1 "node1 node1 node1"
	wait_for 20 published 1
	run ! fetch 10.77.0.12 18090

	on node1 node update --availability active node2 >/dev/null
	on node1 service scale --detach web=4 >/dev/null
	wait_for 60 answer node1 "node1 node1 node1 node2"
	on node1 service rm web front >/dev/null
	gone() { [ -z "$(on node1 ps -q)$(on node2 ps -q)" ]; }
	wait_for 30 gone
}

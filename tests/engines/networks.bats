# SPDX-License-Identifier: Apache-2.0
# Networks that the engines make for containers of this runtime: bridges, addresses, names, published ports; all in the
# network namespace of this run (tests/run-engines).
# shellcheck disable=SC2030,SC2031,SC2016
bats_require_minimum_version 1.5.0
load helpers

DOCKER=/usr/bin/docker

setup_file() {
	command -v dockerd iptables >/dev/null || skip "docker is missing: run 'tests/setup check'"
	iptables -t nat -L >/dev/null 2>&1 || skip "this kernel has no NAT"
	ip link add cella-probe type bridge && ip link delete cella-probe || skip "this kernel has no bridges"
	touch "$WORK/containerd.log"
	export DOCKER_HOST=unix:///run/docker.sock
	cat >"$WORK/daemon.json" <<J
{"runtimes": {"$OCI": {"path": "$PROGRAM"}}, "default-runtime": "$OCI"}
J
	dockerd --config-file "$WORK/daemon.json" --data-root "$WORK/docker" --exec-root /run/docker -H "$DOCKER_HOST" \
		--pidfile /run/docker.pid >>"$WORK/containerd.log" 2>&1 3>&- &
	wait_for 30 $DOCKER version
	$DOCKER load -q -i "$WORK/image.tar"
}

teardown_file() {
	kill "$(cat /run/docker.pid)"
	wait_for 20 test ! -e /run/docker.pid
	remove_cgroups docker libpod_parent
	while umount "$WORK"/docker/overlay2 2>/dev/null; do :; done
	umount "$WORK"/storage/overlay 2>/dev/null || true
}

teardown() {
	$DOCKER ps -aq | xargs -r $DOCKER rm -f >/dev/null
	$DOCKER network prune -f >/dev/null
}

# A web server that answers with its name, by busybox.
SERVE='mkdir -p /www && hostname >/www/index.html && exec httpd -f -p 8080 -h /www'
fetch() { # PORT
	timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3 | grep .' fetch "$1"
}

@test "docker: a container on the bridge has an address, a route and the host's answer" {
	run -0 $DOCKER run --rm busybox sh -c 'ip -o -4 addr show eth0; ip route'
	[[ $output == *"172.17.0."* && $output == *"default via 172.17.0.1 dev eth0"* ]]
	run -0 $DOCKER run --rm busybox ping -c 1 -W 5 172.17.0.1
}

@test "docker: a published port leads to the container, until it has gone" {
	$DOCKER run -d --name web --hostname web -p 127.0.0.1:18080:8080 busybox sh -c "$SERVE"
	wait_for 10 fetch 18080
	[ "$(fetch 18080)" = web ]
	[[ $($DOCKER port web) == *"127.0.0.1:18080"* ]]
	$DOCKER rm -f web
	run ! fetch 18080
}

@test "docker: containers of a network find each other by name, and no other network's" {
	$DOCKER network create one >/dev/null
	$DOCKER network create two >/dev/null
	$DOCKER run -d --name web --hostname web --network one busybox sh -c "$SERVE"
	serves() { $DOCKER run --rm --network one busybox timeout 5 wget -q -O - http://web:8080/; }
	wait_for 10 serves
	[ "$(serves)" = web ]
	address=$($DOCKER inspect -f '{{.NetworkSettings.Networks.one.IPAddress}}' web)
	run ! $DOCKER run --rm --network two busybox timeout 2 wget -q -O - "http://$address:8080/"
	$DOCKER network connect two web
	run -0 $DOCKER run --rm --network two busybox timeout 5 wget -q -O - http://web:8080/
	[ "$output" = web ]
	run -0 $DOCKER exec web sh -c 'ls /sys/class/net | tr "\n" " "'
	[[ $output == *"eth0 eth1"* ]]
	$DOCKER rm -f web
}

@test "docker: --network host, none and container:" {
	run -0 $DOCKER run --rm --network none busybox ls /sys/class/net
	[ "$output" = lo ]
	run -0 $DOCKER run --rm --network host busybox ls /sys/class/net
	[[ $output == *docker0* ]]
	$DOCKER run -d --name web --hostname web busybox sh -c "$SERVE"
	run -0 $DOCKER run --rm --network container:web busybox sh -c 'sleep 1; timeout 5 wget -q -O - http://127.0.0.1:8080/'
	[ "$output" = web ]
}

@test "podman: a CNI network gives addresses and published ports" {
	command -v podman >/dev/null && [ -x /usr/lib/cni/bridge ] || skip "podman or the CNI plugins are missing: run 'tests/setup check'"
	podman_config "$WORK/containers.conf" "$WORK/storage.conf"
	sed -i '/^netns/d; s|^\[network\]|&\ncni_plugin_dirs = ["/usr/lib/cni"]|' "$WORK/containers.conf"
	mount -t tmpfs -o mode=1777 none /dev/shm
	podman load -q -i "$WORK/image.tar"
	podman run -d --name web --hostname web -p 127.0.0.1:18081:8080 busybox sh -c "$SERVE"
	wait_for 10 fetch 18081
	[ "$(fetch 18081)" = web ]
	run -0 podman run --rm busybox sh -c 'ip -o -4 addr show eth0; ip route'
	[[ $output == *"10.88.0."* && $output == *"default via 10.88.0.1"* ]]
	podman rm -f -t 0 web
	run ! fetch 18081
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits, each by what it does to a workload that hits it.
# bats file_tags=testbed
load helpers

now_us() { local t; read -r t _ </proc/uptime; echo "$((${t/./} * 10000))"; }

# What ID has used until now, and when that is: $used and $now in microseconds. No process is started between the two
# looks, which takes a tenth of a second where the processor is emulated.
look() { # ID
	local key dir
	dir=$(cgroup_dir "$1")
	read -r now _ </proc/uptime
	read -r key used <"$dir/cpu.stat"
	now=$((${now/./} * 10000))
	is "$key" usage_usec
}

# $got: the part of one CPU, in per mille, that a container gets in two seconds.
cpu_share_of() {
	local used_before now_before
	look "$1"
	used_before=$used now_before=$now
	sleep 2
	look "$1"
	got=$(((used - used_before) * 1000 / (now - now_before)))
}

# A container gets so much in one of a few measurements: what else the machine does is not its fault.
gets_between() { # LEAST MOST ID
	local i
	for i in {1..12}; do
		cpu_share_of "$3"
		if [ "$got" -ge "$1" ] && [ "$got" -le "$2" ]; then return 0; fi
	done
	die "got $got per mille of a CPU, expected $1 to $2"
}

limits() { bundle ".linux.resources += $1 | ${2:-.}"; }

@test "memory.limit: what wants more is killed, and what wants less is not" {
	limits '{memory: {limit: 33554432, swap: 33554432}}' 'sh("dd if=/dev/zero of=/dev/null bs=64M count=1")'
	exits 137 cella run "$ID"
	limits '{memory: {limit: 134217728}}' 'sh("dd if=/dev/zero of=/dev/null bs=64M count=1")'
	ok cella run "$ID"
}

@test "memory.swap: counts memory and swap together" {
	local size=64M
	if in_a_vm; then size=16M; fi # it has no swap of its own: what it has may be swapped by this host
	limits '{memory: {limit: 33554432, swap: 134217728}}' "sh(\"dd if=/dev/zero of=/dev/null bs=$size count=1 2>/dev/null; cat /sys/fs/cgroup/memory.swap.max\")"
	ok cella run "$ID"
	is "$output" 100663296
	limits '{memory: {swap: 134217728}}'
	refused cella run "$ID"
	has "$stderr" "linux.resources.memory.swap"
	limits '{memory: {limit: 33554432, swap: 4096}}'
	refused cella run "$ID"
	has "$stderr" "is less than memory.limit"
}

@test "pids.limit: a fork bomb ends at the limit" {
	limits '{pids: {limit: 8}}' 'sh("i=0; while [ $i -lt 50 ]; do sleep 20 & i=$((i + 1)); done; echo all")'
	try cella run "$ID"
	[ "$status" != 0 ]
	has "$stderr" "can't fork: Resource temporarily unavailable"
	lacks "$output" all
	limits '{pids: {limit: -1}}' 'sh("cat /sys/fs/cgroup/pids.max")'
	ok cella run "$ID"
	is "$output" max
}

@test "cpu.quota and cpu.period: a busy loop gets its part, to within a tenth" {
	limits '{cpu: {quota: 10000, period: 50000}}' 'sh("while :; do :; done")'
	run_in_background
	soon cella exec "$ID" true # a machine boots within its limit
	sleep 1
	gets_between 180 220 "$ID"
	[ "$(awk '/^nr_throttled/ { print $2 }' "$CGROUP/cpu.stat")" -gt 10 ]
	ok cella update --cpu-quota 25000 "$ID"
	is "$(<"$CGROUP/cpu.max")" "25000 50000"
	gets_between 450 550 "$ID"
	ok cella update --cpu-period 100000 --cpu-quota -1 "$ID"
	is "$(<"$CGROUP/cpu.max")" "max 100000"
	ok cella update --cpu-quota 20000 --cpu-burst 10000 "$ID"
	is "$(<"$CGROUP/cpu.max.burst")" 10000
	ok cella update --cpu-period 40000 "$ID"
	is "$(<"$CGROUP/cpu.max")" "20000 40000"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "cpu.shares and cpu.cpus: two busy loops on one CPU share it by weight" {
	not_rootless "his systemd manager has been seen not to hand cpuset to the scope"
	limits '{cpu: {shares: 4096, cpus: "0"}}' 'sh("while :; do :; done")'
	run_in_background
	first=$background
	limits '{cpu: {shares: 512, cpus: "0"}}' "sh(\"while :; do :; done\") | .linux.cgroupsPath = \"$(cgroups_path "$ID-light")\""
	exec_cella run "$ID-light" >/dev/null 2>&1 </dev/null &
	second=$!
	soon has_status "$ID-light" running
	light_dir=$(cgroup_dir "$ID-light")
	is "$(<"$CGROUP/cpu.weight") $(<"$light_dir/cpu.weight")" "303 59"
	is "$(<"$CGROUP/cpuset.cpus.effective")" 0
	for i in 1 2 3 4; do
		look "$ID" && heavy=$used
		look "$ID-light" && light=$used
		sleep 3
		look "$ID" && heavy=$((used - heavy))
		look "$ID-light" && light=$((used - light))
		[ $heavy -le $((2 * light)) ] || break
	done
	[ $heavy -gt $((2 * light)) ] || die "the heavy one got $heavy us, the light one $light us"
	all=$(</sys/devices/system/cpu/online)
	ok cella update --cpu-share 1024 --cpuset-cpus "$all" --cpuset-mems 0 "$ID-light"
	is "$(<"$light_dir/cpu.weight") $(<"$light_dir/cpuset.cpus.effective")" "100 $all"
	ok cella kill "$ID" KILL
	ok cella kill "$ID-light" KILL
	ends_with $first 137
	ends_with $second 137
}

@test "cpu.idle: it runs when nobody else wants to" {
	limits '{cpu: {idle: 1, shares: 2048}}' forever
	run_in_background
	is "$(<"$CGROUP/cpu.idle") $(<"$CGROUP/cpu.weight")" "1 0"
	ok cella update --cpu-idle 0 --cpu-share 2048 "$ID"
	is "$(<"$CGROUP/cpu.idle") $(<"$CGROUP/cpu.weight")" "0 174"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "blockIO: a writer is as slow as its throttle" {
	dev=$(stat -c '%Hd:%Ld' "$T")
	limits "{blockIO: {throttleWriteBpsDevice: [{major: ${dev%:*}, minor: ${dev#*:}, rate: 1048576}]}}" \
		'share | sh("dd if=/dev/zero of=/share/file bs=64k count=64 conv=fsync 2>/dev/null")'
	before=$(now_us)
	ok cella run "$ID"
	took=$(($(now_us) - before))
	[ $took -gt 3000000 ] || die "4 MiB at 1 MiB/s in $took us"
	limits "{blockIO: {weight: 500, throttleReadIOPSDevice: [{major: ${dev%:*}, minor: ${dev#*:}, rate: 100}]}}" forever
	run_in_background
	has "$(<"$CGROUP/io.max")" "$dev rbps=max wbps=max riops=100 wiops=max"
	matches "$(cat "$CGROUP/io.bfq.weight" "$CGROUP/io.weight" 2>/dev/null)" "default (500|4950)"
	ok cella update --blkio-weight 10 "$ID"
	matches "$(cat "$CGROUP/io.bfq.weight" "$CGROUP/io.weight" 2>/dev/null)" "default (10|1)"
	ok cella kill "$ID" KILL
	ends_with $background 137
	limits '{blockIO: {throttleReadBpsDevice: [{major: 999, minor: 999, rate: 1}]}}'
	refused cella run "$ID"
	has "$stderr" "linux.resources.blockIO.throttleReadBpsDevice[0]"
}

@test "blockIO.weightDevice: a weight for one device, where a scheduler has weights" {
	not_rootless "a device of the host's is root's"
	new_device
	scheduler bfq
	weights() { echo "{blockIO: {weight: 200, weightDevice: [{major: ${number%:*}, minor: ${number#*:}, weight: $1}]}}"; }
	limits "$(weights 700)" forever
	run_in_background
	is "$(<"$CGROUP/io.bfq.weight")" "default 200
$number 700"
	jq -n "$(weights 300)" >"$T/r.json"
	ok cella update -r "$T/r.json" "$ID"
	is "$(<"$CGROUP/io.bfq.weight")" "default 200
$number 300"
	ok cella update --blkio-weight 100 "$ID"
	is "$(<"$CGROUP/io.bfq.weight")" "default 100
$number 300"
	# all or nothing
	jq -n "$(weights 400) | .blockIO.throttleReadBpsDevice = [{major: 999, minor: 999, rate: 1}]" >"$T/r.json"
	refused cella update -r "$T/r.json" "$ID"
	has "$stderr" "linux.resources.blockIO.throttleReadBpsDevice[0]"
	is "$(<"$CGROUP/io.bfq.weight")" "default 100
$number 300"
	ok cella kill "$ID" KILL
	ends_with $background 137
	scheduler none
	limits "$(weights 700)"
	refused cella run "$ID"
	has "$stderr" "linux.resources.blockIO.weightDevice[0]"
}

@test "hugepageLimits: pages beyond the limit are not given" {
	not_rootless "hugetlb is not among what systemd hands down"
	not_in_a_vm "its kernel has no huge pages but those of vm.kernel.parameters"
	echo 8 >/proc/sys/vm/nr_hugepages
	[ "$(</proc/sys/vm/nr_hugepages)" -ge 4 ] || skip "this machine gives no huge pages"
	limits '{hugepageLimits: [{pageSize: "2MB", limit: 4194304}]}' \
		'mount("/huge"; "hugetlbfs"; "none"; ["pagesize=2M"]) | sh("fallocate -l 4M /huge/two && ! fallocate -l 8M /huge/four && echo limited")'
	own_rootfs && mkdir "$BUNDLE/rootfs/huge"
	jq '.root.path = "rootfs"' config.json >c && mv c config.json
	try cella run "$ID"
	echo 0 >/proc/sys/vm/nr_hugepages
	is "$status $output" "0 limited"
	limits '{hugepageLimits: [{pageSize: "3MB", limit: 4194304}]}'
	refused cella run "$ID"
	has "$stderr" "linux.resources.hugepageLimits[0]"
}

@test "rdma: a device gives no more handles than the limit" {
	not_rootless "a device of the host's is root's"
	not_in_a_vm "the guest's kernel has no device of the host's"
	[ -x "$WORK/uverbs" ] || skip "no program that uses such a device"
	modprobe -a dummy ib_uverbs rdma_rxe 2>/dev/null || skip "this kernel has no RDMA device made of software"
	rdma link del cella0 2>/dev/null || true # of a test that failed
	ip link del cella-rdma 2>/dev/null || true
	ip link add cella-rdma type dummy && ip link set cella-rdma up
	rdma link add cella0 type rxe netdev cella-rdma
	soon test -e /dev/infiniband/uverbs0
	cp "$WORK/uverbs" "$SHARE/"
	limits '{rdma: {cella0: {hcaHandles: 3}}}' 'share | bind("/uverbs"; "/dev/infiniband/uverbs0"; ["dev"]) |
		.linux.resources.devices += [{allow: true, type: "c", access: "rw"}] | args(["/share/uverbs", "/uverbs", "5"])'
	own_rootfs && : >"$BUNDLE/rootfs/uverbs"
	jq '.root.path = "rootfs"' config.json >c && mv c config.json
	try cella run "$ID"
	rdma link del cella0
	ip link del cella-rdma
	has "$output" "3 of 5: "
	[ "$status" = 0 ] || report "exit status $status"
}

@test "unified: any file of a controller that is on, and no other" {
	limits '{unified: {"pids.max": "6", "memory.high": "67108864", "cgroup.max.descendants": "3"}}' \
		'sh("cat /sys/fs/cgroup/memory.high /sys/fs/cgroup/cgroup.max.descendants; for i in 1 2 3 4 5 6 7; do sleep 20 & done")'
	try cella run "$ID"
	has "$output" "67108864
3"
	has "$stderr" "can't fork"
	for one in '"net_cls.classid": "1"' '"memory.nonsense": "1"' '"memory.max": "much"' '"pids": "1"'; do
		limits "{unified: {$one}}"
		refused cella run "$ID"
		key=${one%%:*}
		has "$stderr" "linux.resources.unified[$key]"
		[[ $one != *net_cls* ]] || has "$stderr" "no net_cls controller"
	done
}

@test "unified: has the last word, at create and by update" {
	limits '{pids: {limit: 50}, memory: {limit: 268435456, reservation: 4096}, cpu: {shares: 512},
		unified: {"pids.max": "40", "memory.max": "134217728", "memory.low": "8192", "cpu.weight": "77"}}' forever
	run_in_background
	have() {
		local one
		for one in pids.max memory.max memory.low cpu.weight; do limit_of "$ID" $one; done | xargs
	}
	is "$(have)" "40 134217728 8192 77"
	echo '{"pids": {"limit": 30}, "cpu": {"shares": 1024}, "unified": {"pids.max": "35", "cpu.weight": "66"}}' >"$T/r.json"
	ok cella update -r "$T/r.json" "$ID"
	is "$(have)" "35 134217728 8192 66"
	echo '{"pids": {"limit": 30}, "unified": {"net_cls.classid": "1"}}' >"$T/r.json"
	refused cella update -r "$T/r.json" "$ID"
	has "$stderr" 'linux.resources.unified["net_cls.classid"]'
	is "$(have)" "35 134217728 8192 66"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "update: from a file, from stdin, all of it or nothing" {
	limits '{pids: {limit: 50}, memory: {limit: 268435456}}' forever
	run_in_background
	echo '{"pids": {"limit": 20}, "memory": {"limit": 134217728, "reservation": 4096}}' >"$T/r.json"
	ok cella update -r "$T/r.json" "$ID"
	is "$(limit_of "$ID" pids.max) $(limit_of "$ID" memory.max) $(limit_of "$ID" memory.low)" "20 134217728 4096"
	from_stdin() { echo "$1" | cella update -r - "$ID"; }
	ok from_stdin '{"pids": {"limit": 30}}'
	is "$(limit_of "$ID" pids.max)" 30
	refused cella update --pids-limit 5 --memory 100m --cpuset-cpus 999 "$ID"
	has "$stderr" "linux.resources.cpu.cpus"
	is "$(limit_of "$ID" pids.max) $(limit_of "$ID" memory.max)" "30 134217728"
	ok cella update --memory-swap 256m "$ID"
	is "$(limit_of "$ID" memory.swap.max)" 134217728
	ok cella update --memory -1 --memory-swap -1 --memory-reservation 8k --pids-limit -1 "$ID"
	for one in "memory.max max" "memory.swap.max max" "memory.low 8192" "pids.max max"; do
		is "$(limit_of "$ID" "${one% *}")" "${one#* }"
	done
	refused cella update -r - "$ID" # an empty file is no object
	refused cella update --memory 12q "$ID"
	has "$stderr" "--memory"
	ok cella update "$ID" # of nothing
	is "$(limit_of "$ID" memory.low)" 8192
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "update: checkBeforeUpdate refuses less memory than is in use" {
	limits '{memory: {limit: 134217728}}' 'tmpfs("/mnt"; []) | sh("dd if=/dev/zero of=/mnt/file bs=1M count=40 2>/dev/null; while :; do sleep 1000; done")'
	run_in_background
	soon eval '[ "$(limit_of "$ID" memory.current)" -gt 41943040 ]'
	echo '{"memory": {"limit": 8388608, "checkBeforeUpdate": true}}' >"$T/r.json"
	refused cella update -r "$T/r.json" "$ID"
	has "$stderr" "linux.resources.memory.limit"
	is "$(limit_of "$ID" memory.max)" 134217728
	ok cella kill "$ID" KILL
	ends_with $background 137
}

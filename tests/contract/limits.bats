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
	for limit in -1 -7; do
		limits "{pids: {limit: $limit}}" 'sh("cat /sys/fs/cgroup/pids.max")'
		ok cella run "$ID"
		is "$output" max
	done
}

@test "pids.limit 0 is none: as engines write it" {
	limits '{}' 'sh("cat /sys/fs/cgroup/pids.max")'
	ok cella run "$ID"
	without=$output
	limits '{pids: {limit: 0}}' 'sh("cat /sys/fs/cgroup/pids.max")'
	ok cella run "$ID"
	is "$output" "$without"
	limits '{pids: {limit: 20}}' forever
	run_in_background
	echo '{"pids": {"limit": 0}}' >"$T/r.json"
	ok cella update -r "$T/r.json" "$ID"
	ok cella update --pids-limit 0 "$ID"
	is "$(limit_of "$ID" pids.max)" 20
	ok cella kill "$ID" KILL
	ends_with $background 137
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

bursts() { sed -n 's/^nr_bursts //p' "$CGROUP/cpu.stat"; }

@test "cpu.burst: what was saved in idle periods is used in a busy one" {
	limits '{cpu: {quota: 50000, period: 50000, burst: 40000}}' 'sh("while sleep 0.3; do i=0; while [ $i -lt 6000 ]; do i=$((i + 1)); done; done")'
	run_in_background
	soon cella exec "$ID" true # a machine boots within its limit
	is "$(<"$CGROUP/cpu.max") $(<"$CGROUP/cpu.max.burst")" "50000 50000 40000"
	ok cella update --cpu-burst 0 "$ID"
	is "$(<"$CGROUP/cpu.max") $(<"$CGROUP/cpu.max.burst")" "50000 50000 0"
	refused cella update --cpu-quota 2000 --cpu-period 20000 --cpu-burst 3000 "$ID"
	has "$stderr" "linux.resources.cpu.burst"
	is "$(<"$CGROUP/cpu.max") $(<"$CGROUP/cpu.max.burst")" "50000 50000 0"
	before=$(bursts)
	ok cella update --cpu-quota 2000 --cpu-period 20000 --cpu-burst 2000 "$ID"
	is "$(<"$CGROUP/cpu.max") $(<"$CGROUP/cpu.max.burst")" "2000 20000 2000"
	more_bursts() { [ "$(bursts)" -gt "$before" ]; }
	[ -z "$before" ] || soon more_bursts # this kernel counts them
	ok cella kill "$ID" KILL
	ends_with $background 137
	limits '{cpu: {quota: 20000, burst: 30000}}'
	refused cella run "$ID"
	has "$stderr" "linux.resources.cpu.burst"
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

# The last number of a list of the kernel's: "0-3,6".
last_of() { local list; content list "$1"; echo "${list##*[-,]}"; }

@test "cpu.cpus and cpu.mems: the processors and the memory that were named, at create and by update" {
	not_rootless "his systemd manager has been seen not to hand cpuset to the scope"
	local nodes=/sys/devices/system/node/online cpus=/sys/devices/system/cpu/online
	local cpu node
	cpu=$(last_of $cpus) node=$(last_of $nodes)
	seen_inside() {
		in_a_vm || is "$(cella exec "$ID" sed -n 's/^\(Cpus\|Mems\)_allowed_list:\t//p' /proc/self/status | xargs)" "$1"
	}
	limits "{cpu: {cpus: \"$cpu\", mems: \"$node\"}}" forever
	run_in_background
	is "$(<"$CGROUP/cpuset.cpus") $(<"$CGROUP/cpuset.mems")" "$cpu $node"
	is "$(<"$CGROUP/cpuset.cpus.effective") $(<"$CGROUP/cpuset.mems.effective")" "$cpu $node"
	seen_inside "$cpu $node"
	ok cella update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	is "$(<"$CGROUP/cpuset.cpus") $(<"$CGROUP/cpuset.mems")" "0 0"
	seen_inside "0 0"
	ok cella update --cpuset-cpus "$(<$cpus)" --cpuset-mems "$(<$nodes)" "$ID"
	is "$(<"$CGROUP/cpuset.cpus") $(<"$CGROUP/cpuset.mems")" "$(<$cpus) $(<$nodes)"
	seen_inside "$(<$cpus) $(<$nodes)"
	refused cella update --cpuset-cpus 0 --cpuset-mems $((node + 1)) "$ID"
	has "$stderr" "linux.resources.cpu.mems"
	is "$(<"$CGROUP/cpuset.cpus") $(<"$CGROUP/cpuset.mems")" "$(<$cpus) $(<$nodes)"
	ok cella kill "$ID" KILL
	ends_with $background 137
	limits "{cpu: {mems: \"$((node + 1))\"}}"
	refused cella run "$ID"
	has "$stderr" "linux.resources.cpu.mems"
}

@test "cpu.idle: beside one that is busy it gets next to nothing" {
	not_rootless "his systemd manager has been seen not to hand cpuset to the scope"
	limits '{cpu: {idle: 1, cpus: "0"}}' 'sh("while :; do :; done")'
	run_in_background
	first=$background
	soon cella exec "$ID" true # a machine boots while it is alone
	limits '{cpu: {cpus: "0"}}' "sh(\"while :; do :; done\") | .linux.cgroupsPath = \"$(cgroups_path "$ID-busy")\""
	exec_cella run "$ID-busy" >/dev/null 2>&1 </dev/null &
	second=$!
	soon has_status "$ID-busy" running
	for i in 1 2 3 4; do
		look "$ID" && idle=$used
		look "$ID-busy" && busy=$used
		sleep 3
		look "$ID" && idle=$((used - idle))
		look "$ID-busy" && busy=$((used - busy))
		[ $busy -le $((10 * idle)) ] || break
	done
	[ $busy -gt $((10 * idle)) ] || die "the idle one got $idle us, the busy one $busy us"
	ok cella kill "$ID" KILL
	ok cella kill "$ID-busy" KILL
	ends_with $first 137
	ends_with $second 137
}

@test "cpu.idle: at create and by update" {
	limits '{cpu: {idle: 1, shares: 2048}}' forever
	run_in_background
	is "$(<"$CGROUP/cpu.idle") $(<"$CGROUP/cpu.weight")" "1 0"
	ok cella update --cpu-idle 0 --cpu-share 2048 "$ID"
	is "$(<"$CGROUP/cpu.idle") $(<"$CGROUP/cpu.weight")" "0 174"
	ok cella kill "$ID" KILL
	ends_with $background 137
}

@test "blockIO: a writer is as slow as its throttle" {
	# where the tests' folder is in memory, another one on a disk
	[ "$(stat -c %Hd "$T")" != 0 ] || SHARE=$(mktemp -d /var/tmp/cella-share.XXXXXX)
	chmod 777 "$SHARE"
	dev=$(stat -c '%Hd:%Ld' "$SHARE")
	limits "{blockIO: {throttleWriteBpsDevice: [{major: ${dev%:*}, minor: ${dev#*:}, rate: 1048576}]}}" \
		'share | sh("dd if=/dev/zero of=/share/file bs=64k count=64 conv=fsync 2>/dev/null")'
	before=$(now_us)
	ok cella run "$ID"
	took=$(($(now_us) - before))
	[ $took -gt 3000000 ] || die "4 MiB at 1 MiB/s in $took us"
	limits "{blockIO: {weight: 500, throttleReadIOPSDevice: [{major: ${dev%:*}, minor: ${dev#*:}, rate: 100}]}}" 'share | forever'
	run_in_background
	has "$(<"$CGROUP/io.max")" "$dev rbps=max wbps=max riops=100 wiops=max"
	throttles() { # RBPS WBPS RIOPS WIOPS
		jq -n --argjson major "${dev%:*}" --argjson minor "${dev#*:}" 'def of(rate): [{major: $major, minor: $minor, rate: rate}];
			$ARGS.positional as [$rbps, $wbps, $riops, $wiops] | {blockIO: {throttleReadBpsDevice: of($rbps),
			throttleWriteBpsDevice: of($wbps), throttleReadIOPSDevice: of($riops), throttleWriteIOPSDevice: of($wiops)}}' \
			--jsonargs "$@" >"$T/r.json"
		cella update -r "$T/r.json" "$ID"
	}
	ok throttles 9000000 8000000 700 600
	is "$(<"$CGROUP/io.max")" "$dev rbps=9000000 wbps=8000000 riops=700 wiops=600"
	dd of="$SHARE/file" oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null # it comes from the disk again
	ok cella exec "$ID" wc -c /share/file
	is "$output" "4194304 /share/file"
	ok throttles 0 8000000 0 0
	is "$(<"$CGROUP/io.max")" "$dev rbps=max wbps=8000000 riops=max wiops=max"
	matches "$(cat "$CGROUP/io.bfq.weight" "$CGROUP/io.weight" 2>/dev/null)" "default (500|4950)"
	ok cella update --blkio-weight 10 "$ID"
	matches "$(cat "$CGROUP/io.bfq.weight" "$CGROUP/io.weight" 2>/dev/null)" "default (10|1)"
	ok cella kill "$ID" KILL
	ends_with $background 137
	limits '{blockIO: {throttleReadBpsDevice: [{major: 999, minor: 999, rate: 1}]}}'
	refused cella run "$ID"
	has "$stderr" "linux.resources.blockIO.throttleReadBpsDevice[0]"
	[ "$SHARE" = "$T/share" ] || rm -r "$SHARE"
}

@test "blockIO: each throttle is of what it names" {
	not_rootless "a device of the host's is root's"
	not_in_a_vm "the guest has no device of the host's"
	new_device
	read='dd if=/dev/limited of=/dev/null iflag=direct' write='dd if=/dev/zero of=/dev/limited oflag=direct'
	for one in "ReadBps 1048576 $read bs=64k count=48" "WriteBps 1048576 $write bs=64k count=48" \
		"ReadIOPS 20 $read bs=4k count=60" "WriteIOPS 20 $write bs=4k count=60"; do
		read -r what rate command <<<"$one"
		limits "{blockIO: {throttle${what}Device: [{major: ${number%:*}, minor: ${number#*:}, rate: $rate}]}}" \
			".linux.devices = [{path: \"/dev/limited\", type: \"b\", major: ${number%:*}, minor: ${number#*:}}] |
			.linux.resources.devices += [{allow: true, type: \"b\", major: ${number%:*}, minor: ${number#*:}, access: \"rw\"}] |
			sh(\"read before more </proc/uptime; $command 2>/dev/null; read after more </proc/uptime; echo \$((\${after%.*} - \${before%.*}))\")"
		ok cella run "$ID"
		[ "$output" -ge 2 ] || die "three seconds' worth of $what took $output"
	done
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
	limited="$status $output"
	# what is reserved counts by itself, and a page is that before it is used
	jq '.linux.resources.unified = {"hugetlb.2MB.max": "max"} | .process.args[2] |= "cat /sys/fs/cgroup/hugetlb.2MB.max /sys/fs/cgroup/hugetlb.2MB.rsvd.max && \(.)"' config.json >c && mv c config.json
	try cella run "$ID"
	echo 0 >/proc/sys/vm/nr_hugepages
	is "$limited" "0 limited"
	is "$status $output" "0 max
4194304
limited"
	limits '{hugepageLimits: [{pageSize: "3MB", limit: 4194304}]}'
	refused cella run "$ID"
	has "$stderr" "linux.resources.hugepageLimits[0]"
}

@test "rdma: a device gives no more handles and objects than the limits" {
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
	limits '{rdma: {cella0: {hcaHandles: 3, hcaObjects: 7}}}' 'share | bind("/uverbs"; "/dev/infiniband/uverbs0"; ["dev"]) |
		.linux.resources.devices += [{allow: true, type: "c", access: "rw"}] |
		sh("cat /sys/fs/cgroup/rdma.max; /share/uverbs /uverbs 5; /share/uverbs /uverbs 9 objects; sleep 1000")'
	own_rootfs && : >"$BUNDLE/rootfs/uverbs"
	jq '.root.path = "rootfs"' config.json >c && mv c config.json
	run_in_background
	soon grep -q "of 9" "$T/stdout"
	told=$(<"$T/stdout")
	echo '{"rdma": {"cella0": {"hcaHandles": 1}}}' >"$T/r.json"
	try cella update -r "$T/r.json" "$ID"
	updated=$status$(<"$CGROUP/rdma.max")
	try cella exec "$ID" /share/uverbs /uverbs 5
	again=$output
	cella kill "$ID" KILL
	ends_with $background 137
	rdma link del cella0
	ip link del cella-rdma
	has "$told" "cella0 hca_handle=3 hca_object=7"
	has "$told" "3 of 5: "
	has "$told" "7 of 9: "
	has "$updated" "0cella0 hca_handle=1 hca_object=7"
	has "$again" "1 of 5: "
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
	echo '{"pids": {"limit": 30}, "unified": {"net_cls.classid": "1"}}' >"$T/r.json"
	refused cella update -r "$T/r.json" "$ID"
	has "$stderr" unified
	is "$(have)" "40 134217728 8192 77"
	echo '{"pids": {"limit": 30}, "cpu": {"shares": 1024}, "unified": {"pids.max": "35", "cpu.weight": "66"}}' >"$T/r.json"
	if ! in_a_vm; then # there it can't be changed
		ok cella update -r "$T/r.json" "$ID"
		is "$(have)" "35 134217728 8192 66"
	fi
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

@test "update: checkBeforeUpdate refuses less memory than is in use, where the kernel would end processes" {
	limits '{memory: {limit: 134217728, swap: 134217728, checkBeforeUpdate: true}}' 'tmpfs("/mnt"; []) | sh("dd if=/dev/zero of=/mnt/file bs=1M count=40 2>/dev/null; while :; do sleep 1000; done")'
	run_in_background
	soon eval '[ "$(limit_of "$ID" memory.current)" -gt 41943040 ]'
	echo '{"memory": {"limit": 8388608, "checkBeforeUpdate": true}}' >"$T/r.json"
	refused cella update -r "$T/r.json" "$ID"
	has "$stderr" "linux.resources.memory.limit"
	is "$(limit_of "$ID" memory.max)" 134217728
	echo '{"memory": {"limit": 100663296, "swap": 100663296, "checkBeforeUpdate": true}}' >"$T/r.json"
	ok cella update -r "$T/r.json" "$ID"
	is "$(limit_of "$ID" memory.max)" 100663296
	try cella update --memory 8m --memory-swap 8m "$ID"
	# its unit, where it has one, may have gone before that is told
	[ "$status" = 0 ] || { has "$stderr" "cella: $ID: has ended meanwhile: " && lacks "$stderr" $'\n'; }
	ends_with $background 137
}

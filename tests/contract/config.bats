#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Configs with one fault each: one line that names the member, a non-zero exit, nothing left.
load helpers

# FILE [BASE]: lines of NAME, jq filter, where, part of the reason. A virtual machine may have another reason.
all_refused() {
	only_cella
	local name filter where reason bad=0
	bundle '.'
	cp "${2:-config.json}" good.json
	while IFS=$'\t' read -r name filter where reason; do
		case $name in '' | '#'*) continue ;; esac
		jq "$filter" good.json >config.json || die "$name: the filter is wrong" || return
		try cella create "$ID"
		! in_a_vm || case $name in net-devices-host | notify-* | mount-copied-link) where='' reason='' ;; esac
		if [ "$status" = 0 ] || [ -n "$output" ] || [[ $stderr != "cella: "* || $stderr == *$'\n'* ]] ||
			[[ $stderr != *"$where"* || $stderr != *"$reason"* ]]; then
			echo "$name: status $status: $stderr (expected $where: $reason)"
			bad=1
		fi
		if [ -e "$ROOT/$ID" ] || { [ -n "$CG" ] && [ -e "$CGROUP" ]; }; then
			echo "$name: something is left"
			bad=1
			cella delete --force "$ID"
		fi
	done <"$1"
	return $bad
}

@test "what the specification forbids: tests/configs/faults.tsv" {
	all_refused "$BATS_TEST_DIRNAME/../configs/faults.tsv" "$BATS_TEST_DIRNAME/../configs/base.json"
}

@test "what this host or this version can't do: tests/configs/refused.tsv" {
	all_refused "$BATS_TEST_DIRNAME/../configs/refused.tsv"
}

@test "members by which engines ask for nothing: zeros, empty objects, nulls" {
	only_cella
	bundle '.process.consoleSize = {height: 70000} | .linux.resources += {memory: {limit: 0, reservation: 0, swap: 0, kernel: 0, kernelTCP: 0, swappiness: 0, disableOOMKiller: false},
		cpu: {shares: 0, quota: 0, period: 0, cpus: "", mems: ""}, pids: {}, blockIO: {weight: 0, leafWeight: 0, weightDevice: null},
		hugepageLimits: null, network: {classID: 0, priorities: []}, rdma: {}, unified: {}}
		| .process.rlimits = null | .process.capabilities.ambient = null | .mounts += [{destination: "/mnt", type: "tmpfs", options: null}]
		| .hooks = {prestart: null, poststop: []} | .linux.uidMappings = [] | .linux.devices = null | .linux.sysctl = {}
		| .linux.memoryPolicy = {mode: "MPOL_DEFAULT", nodes: "", flags: null} | .process.execCPUAffinity = {initial: "", final: ""}
		| .annotations = null | .process.apparmorProfile = "" | .process.selinuxLabel = "" | .linux.mountLabel = ""
		| sh("grep -c /mnt /proc/self/mounts")'
	ok cella run "$ID"
	is "$output" 1
	# likewise what is no limit, and what cgroup v2 does anyway
	bundle '.linux.resources += {memory: {limit: -1, swap: -1, reservation: -1, kernel: -1, kernelTCP: -1, useHierarchy: true, checkBeforeUpdate: true},
		cpu: {quota: -1, burst: 0, realtimeRuntime: -1}, pids: {limit: -1}, network: {}}'
	ok cella run "$ID"
}

@test "a config that is no config: empty, cut, huge, deep, a directory, not there" {
	only_cella
	bundle '.'
	: >config.json
	refused cella create "$ID"
	has "$stderr" config.json
	echo '{"ociVersion": "1.3.0",' >config.json
	refused cella create "$ID"
	has "$stderr" "config.json:"
	head -c 100000000 /dev/zero | tr '\0' ' ' >config.json
	refused cella create "$ID"
	has "$stderr" "larger than"
	head -c 100000 /dev/zero | tr '\0' '[' >config.json
	refused cella create "$ID"
	rm config.json
	refused cella create "$ID"
	has "$stderr" "No such file or directory"
	mkdir config.json
	refused cella create "$ID"
}

@test "root.path: not there, no directory, not given" {
	only_cella
	bundle '.root.path = "/no/such/root"'
	refused cella create "$ID"
	has "$stderr" /no/such/root
	bundle '.root.path = "config.json"'
	refused cella create "$ID"
	has "$stderr" config.json
	bundle 'del(.root)'
	refused cella create "$ID"
	has "$stderr" root
}

@test "what only the kernel can refuse is refused by the member's path, and nothing is left" {
	only_cella
	bundle 'bind("/x"; "/no/such/source")'
	refused cella create "$ID"
	has "$stderr" "/no/such/source"
	bundle 'tmpfs("/x"; ["teapot=1"])'
	refused cella create "$ID"
	has "$stderr" "mounts["
	bundle 'mount("/x"; "teapotfs"; "none"; [])'
	refused cella create "$ID"
	has "$stderr" "mounts["
	bundle '.process.cwd = "/etc/passwd/no"'
	refused cella create "$ID"
	has "$stderr" "process.cwd"
	bundle '.linux.sysctl = {"kernel.no_such_thing": "1"}'
	refused cella create "$ID"
	has "$stderr" "no_such_thing"
	bundle 'join_ns("network"; "/no/such/ns")'
	refused cella create "$ID"
	has "$stderr" "linux.namespaces["
	bundle 'join_ns("network"; "/proc/self/ns/uts")'
	refused cella create "$ID"
	has "$stderr" "is not a network namespace"
}

@test "orders to processes or to the tree of cgroups are no limits, for update neither" {
	only_cella
	bundle forever
	ok cella run -d "$ID"
	for key in freeze kill procs threads type subtree_control; do
		bundle ".linux.resources.unified = {\"cgroup.$key\": \"1\"}"
		refused cella create other
		has "$stderr" "linux.resources.unified[\"cgroup.$key\"]: is no limit"
		jq .linux.resources config.json >"$T/order.json"
		refused cella update --resources "$T/order.json" "$ID"
		has "$stderr" "unified[\"cgroup.$key\"]: is no limit"
	done
	status_is "$ID" running
	ok cella delete --force "$ID"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a process is: ids, sets, limits, environment, filter.
load helpers

@test "user, groups and umask" {
	bundle '.process.user = {uid: 1000, gid: 1000, additionalGids: [2000, 5], umask: 63} | sh("id; umask")'
	ok cella run "$ID"
	matches "$output" "uid=1000.* gid=1000.*groups=.*2000.*
0077"
	bundle 'sh("umask; grep Groups /proc/self/status")'
	ok cella run "$ID"
	matches "$output" "^0022
Groups:[[:space:]]*$"
}

@test "HOME is the user's, unless it is given" {
	bundle 'sh("echo $HOME")'
	ok cella run "$ID"
	is "$output" /root
	bundle '.process.user = {uid: 1000, gid: 1000} | sh("echo $HOME")'
	ok cella run "$ID"
	is "$output" /home/sailor
	bundle '.process.user = {uid: 7, gid: 7} | sh("echo $HOME")'
	ok cella run "$ID"
	is "$output" /
	bundle 'env(["HOME=/x"]) | sh("echo $HOME")'
	ok cella run "$ID"
	is "$output" /x
}

@test "the five capability sets" {
	bundle 'caps({bounding: ["CAP_KILL", "CAP_CHOWN", "CAP_SETUID"], permitted: ["CAP_KILL", "CAP_CHOWN"], effective: ["CAP_KILL"],
		inheritable: ["CAP_CHOWN"], ambient: ["CAP_CHOWN"]}) | .process.user = {uid: 1000, gid: 1000}
		| .process.noNewPrivileges = false | args(["grep", "Cap", "/proc/self/status"])'
	ok cella run "$ID"
	is "$(tr -s '[:space:]' ' ' <<<"$output")" "CapInh: 0000000000000001 CapPrm: 0000000000000001 CapEff: 0000000000000001 CapBnd: 00000000000000a1 CapAmb: 0000000000000001 "
	# ambient ones that nobody inherits are passed over, as crun and runc do: buildah asks for them
	bundle 'caps({bounding: ["CAP_KILL"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"], ambient: ["CAP_KILL"]})
		| args(["grep", "CapAmb", "/proc/self/status"])'
	ok cella run "$ID"
	lacks "$output" "1"
	bundle 'del(.process.capabilities) | args(["grep", "Cap", "/proc/self/status"])'
	ok cella run "$ID"
	lacks "$output" "1"
}

@test "a capability that is unknown or can't be granted is left out, with a warning" {
	bundle 'all_caps(["CAP_KILL", "CAP_BEER"]) | .process.capabilities.effective += ["CAP_CHOWN"] | args(["grep", "Cap", "/proc/self/status"])'
	ok cella run "$ID"
	is "$(tr -s '[:space:]' ' ' <<<"$output")" "CapInh: 0000000000000000 CapPrm: 0000000000000020 CapEff: 0000000000000020 CapBnd: 0000000000000020 CapAmb: 0000000000000000 "
	[ "$PEER" = yes ] || has "$stderr" "process.capabilities.bounding: left out: CAP_BEER (unknown)"
	[ "$PEER" = yes ] || has "$stderr" "process.capabilities.effective: left out: CAP_BEER (unknown), CAP_CHOWN (not permitted)"
}

@test "an inheritable capability that is not in bounding is left out, with a warning, in exec too" {
	only_cella
	bundle 'caps({bounding: ["CAP_KILL"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"], inheritable: ["CAP_CHOWN", "CAP_KILL"],
		ambient: ["CAP_CHOWN"]}) | forever'
	ok cella run -d "$ID"
	has "$stderr" "process.capabilities.inheritable: left out: CAP_CHOWN (not in bounding)"
	for process in 1 self; do
		ok cella exec "$ID" grep -E "Cap(Inh|Amb)" "/proc/$process/status"
		is "$(tr -s '[:space:]' ' ' <<<"$output")" "CapInh: 0000000000000020 CapAmb: 0000000000000000 "
	done
	ok cella delete --force "$ID"
}

@test "no_new_privs, both ways" {
	for value in true false; do
		bundle ".process.noNewPrivileges = $value | args([\"grep\", \"NoNewPrivs\", \"/proc/self/status\"])"
		ok cella run "$ID"
		matches "$output" "$([ $value = true ] && echo 1 || echo 0)$"
	done
}

@test "a right that the caller has not is left out too" {
	not_in_a_vm "its kernel's rights are its agent's"
	only_cella
	bundle 'all_caps(["CAP_KILL", "CAP_SYS_PACCT"]) | args(["grep", "CapBnd", "/proc/self/status"])'
	ok setpriv --bounding-set -sys_pacct --inh-caps -sys_pacct "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	matches "$output" "0000000000000020$"
	has "$stderr" "process.capabilities.permitted: left out: CAP_SYS_PACCT (not in the bounding set of cella itself)"
}

@test "limits and oom score" {
	bundle '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0}]
		| .process.oomScoreAdj = 500 | sh("ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj")'
	ok cella run "$ID"
	is "$output" "100
200
0
500"
}

@test "every limit that there is" {
	local above=0 # what is 0 for everybody can be raised by who has the right
	if in_a_vm || prlimit --nice=0:20 --rtprio=0:20 true 2>/dev/null; then above=20; fi
	limits=$(jq -n --argjson above $above '[["AS", "Max address space", 100000000, 200000000], ["CORE", "Max core file size", 4096, 8192],
		["CPU", "Max cpu time", 50, 60], ["DATA", "Max data size", 50000000, 60000000], ["FSIZE", "Max file size", 1000000, 2000000],
		["LOCKS", "Max file locks", 10, 20], ["MEMLOCK", "Max locked memory", 4096, 8192], ["MSGQUEUE", "Max msgqueue size", 1000, 2000],
		["NICE", "Max nice priority", 0, $above], ["NOFILE", "Max open files", 100, 200], ["NPROC", "Max processes", 300, 400],
		["RSS", "Max resident set", 70000000, 80000000], ["RTPRIO", "Max realtime priority", 0, $above],
		["RTTIME", "Max realtime timeout", 900000, 1000000], ["SIGPENDING", "Max pending signals", 30, 40],
		["STACK", "Max stack size", 1000000, 2000000]]')
	bundle ".process.rlimits = ($(jq 'map({type: "RLIMIT_\(.[0])", soft: .[2], hard: .[3]})' <<<"$limits")) | args([\"cat\", \"/proc/self/limits\"])"
	ok cella run "$ID"
	is "$(tail -n +2 <<<"$output" | sed 's/  */ /g; s/ [a-z]* *$//' | sort)" "$(jq -r '.[] | "\(.[1]) \(.[2]) \(.[3])"' <<<"$limits" | sort)"
}

# bats test_tags=testbed
@test "an oom score below the caller's and a limit above it reach into user namespaces, new and joined" {
	[ "$ISOLATED" = yes ] || skip "needs root"
	not_in_a_vm "its kernel has limits of its own, which its agent may raise"
	ulimit -Sc 1
	ulimit -Hc 1
	limits='.process.oomScoreAdj = -500 | .process.rlimits = [{type: "RLIMIT_CORE", soft: 2048, hard: 2048}]
		| sh("ulimit -Hc; cat /proc/self/oom_score_adj")'
	bundle "mapped | $limits"
	ok cella run "$ID"
	is "$output" "$(printf '%s\n' 4 -500)"
	bundle 'mapped | forever'
	ok cella run -d "$ID"
	first=$ID pid=$(pid_of "$ID") ID=$ID-2
	bundle "join_ns(\"user\"; \"/proc/$pid/ns/user\") | $limits"
	ok cella run "$ID"
	is "$output" "$(printf '%s\n' 4 -500)"
	ok cella delete --force "$first"
}

@test "a program may have as few files open as the config says, whatever it takes to make it" {
	for files in 0 3 8 24; do
		bundle ".process.rlimits = [{type: \"RLIMIT_NOFILE\", soft: $files, hard: $files}]"' | sh("ulimit -Sn; ulimit -Hn")'
		ok cella run "$ID"
		is "$output" "$files"$'\n'"$files"
	done
	bundle '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 3, hard: 24}] | args(["sleep", "1000"])'
	ok cella run -d "$ID"
	ok cella exec "$ID" sh -c "ulimit -Sn; ulimit -Hn"
	is "$output" $'3\n24'
	ok cella delete --force "$ID"
	bundle 'mapped | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 3, hard: 24}] | sh("ulimit -Sn; ulimit -Hn")'
	[ "$ISOLATED" = yes ] || return 0
	ok cella run "$ID"
	is "$output" $'3\n24'
}

# With as few files as a caller may have left to us.
few() { bash -c 'ulimit -Sn 8; exec "$@"' bash "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"; }

@test "a caller who may have few files open can run, ask and delete; the programs have what he has" {
	only_cella
	bundle 'del(.process.rlimits) | share | args(["sleep", "1000"])
		| .hooks = {createRuntime: [{path: "/bin/cp", args: ["cp", "/proc/self/limits", "\($share)/hook"]}]}'
	ok few run -d "$ID"
	has "$(<"$SHARE/hook")" "Max open files            8 "
	status_is "$ID" running
	ok few state "$ID"
	ok few exec "$ID" sh -c "ulimit -Sn; ulimit -Hn"
	in_a_vm || is "$output" 8$'\n'"$(ulimit -Hn)" # a guest's limits are its kernel's
	in_a_vm || has "$(<"/proc/$(pid_of "$ID")/limits")" "Max open files            8 "
	ok few delete --force "$ID"
	bundle '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}] | sh("ulimit -Sn; ulimit -Hn")'
	ok few run "$ID"
	is "$output" $'100\n200'
}

@test "a limit above the caller's is refused by name where the right is missing" {
	not_in_a_vm "its kernel has limits of its own, which its agent may raise"
	only_cella
	own=$(ulimit -Hn)
	[ "$own" != unlimited ] || skip "no limit to exceed"
	bundle ".process.rlimits = [{type: \"RLIMIT_NOFILE\", soft: $own, hard: $((own + 1))}]"
	try setpriv --bounding-set -sys_resource --inh-caps -sys_resource "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	[ "$status" = 1 ]
	has "$stderr" RLIMIT_NOFILE
}

@test "cwd, also one that only root may enter" {
	own_rootfs
	mkdir -m 700 "$BUNDLE/rootfs/deep"
	bundle '.root.path = "rootfs" | .process.cwd = "/deep" | .process.user = {uid: 1000, gid: 1000} | args(["pwd"])'
	ok cella run "$ID"
	is "$output" /deep
}

@test "a cwd that is missing is made, root's and open to all" {
	own_rootfs
	for readonly in true false; do
		bundle ".root.path = \"rootfs\" | .root.readonly = $readonly | .process.cwd = \"/new/$readonly\" | .process.user = {uid: 1000, gid: 1000, umask: 63}
			| sh(\"pwd; stat -c '%u %g %a' . ..\")"
		ok cella run "$ID"
		is "$output" "$(printf '%s\n' "/new/$readonly" "0 0 755" "0 0 755")"
	done
	bundle '.root.path = "rootfs" | tmpfs("/tmp"; ["mode=1777", "ro"]) | .process.cwd = "/tmp/of/tmpfs" | args(["pwd"])'
	ok cella run "$ID"
	is "$output" /tmp/of/tmpfs
	[ ! -e "$BUNDLE/rootfs/tmp/of" ]
}

@test "a cwd that can't be made is named" {
	own_rootfs
	bundle '.root.path = "rootfs" | .process.cwd = "/bin/sh/sub"'
	refused cella create "$ID"
	has "$stderr" "process.cwd"
	bundle '.root.path = "rootfs" | .process.cwd = "/sys/none"'
	refused cella create "$ID"
	has "$stderr" "process.cwd"
}

@test "signals are at their defaults and none is blocked" {
	bundle 'args(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"])'
	ok sh -c "trap '' INT TERM HUP; exec \"\$@\"" sh "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	is "$(tr -s '[:space:]' ' ' <<<"$output")" "SigBlk: 0000000000000000 SigIgn: 0000000000000000 "
}

@test "seccomp: errno, allow, kill and conditions" {
	bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28},
		{names: ["no_such_call"], action: "SCMP_ACT_KILL"},
		{names: ["kill"], action: "SCMP_ACT_ERRNO", args: [{index: 1, value: 10, op: "SCMP_CMP_EQ"}]}]}
		| sh("mkdir /tmp/x; kill -0 1 && echo zero; kill -10 1 || echo ten")'
	ok cella run "$ID"
	is "$output" "zero
ten"
	has "$stderr" "No space left on device"
	bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS"}]}
		| args(["mkdir", "/tmp/x"])'
	exits 159 cella run "$ID"
}

@test "seccomp with and without no_new_privs, as a plain user" {
	for value in true false; do
		bundle ".process.noNewPrivileges = $value | .process.user = {uid: 1000, gid: 1000}
			| .linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"mkdir\", \"mkdirat\"], action: \"SCMP_ACT_ERRNO\"}]}
			| sh(\"grep Seccomp: /proc/self/status; mkdir /tmp/x\")"
		exits 1 cella run "$ID"
		matches "$output" "2$"
		has "$stderr" "Operation not permitted"
	done
}

@test "a descriptor of the host as cwd is refused" {
	only_cella
	for n in 3 4 5 6 7 8; do
		bundle ".process.cwd = \"/proc/self/fd/$n\""
		refused cella run "$ID"
		has "$stderr" "process.cwd"
	done
}

@test "the file we were started from can't be written to through /proc" {
	only_cella
	# with every right there is: else the kernel does not even show it
	bounding=$((16#$(grep CapBnd /proc/self/status | cut -f2)))
	all=$(cella features | jq -c --argjson set "$bounding" \
		'[.linux.capabilities | to_entries[] | select(($set / pow(2; .key) | floor) % 2 == 1) | .value]')
	bundle "no_ns(\"pid\") | all_caps($all) | sh(\"chmod 755 /proc/\$PPID/exe\")"
	exits 1 cella run "$ID"
	has "$stderr" "Read-only file system"
}

# Nice value and policy as proc_pid_stat(5) has them, the class of ionice(1), the machine's name, where memory comes from.
POLICIES='awk "{ print \$19, \$41 }" /proc/self/stat; ionice -p $$; uname -m; head -n 1 /proc/self/numa_maps; grep Cpus_allowed_list: /proc/self/status'

@test "flags of a personality, of which there are none yet, do nothing, and an empty rootfsPropagation is none" {
	only_cella "runc of Debian 12 has no personality"
	bundle '.linux.personality = {domain: "LINUX32", flags: ["SHORT_INODE"]} | .linux.rootfsPropagation = "" | sh("uname -m; cat /proc/self/personality")'
	ok cella run "$ID"
	matches "$output" "i[3-6]86
00000008"
	matches "$stderr" "linux.personality.flags\[0\]: 'SHORT_INODE' does nothing"
	lacks "$stderr" $'\n' # once
}

@test "each mode of memoryPolicy, and its flags" {
	modes='mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]|interleave=static:0
		mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_RELATIVE_NODES"]|bind=relative:0'
	# in a VM each takes a machine
	in_a_vm || modes+='
		mode: "MPOL_PREFERRED", nodes: "0"|prefer:0
		mode: "MPOL_PREFERRED"|local
		mode: "MPOL_PREFERRED_MANY", nodes: "0"|prefer (many):0
		mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"]|bind=
		mode: "MPOL_WEIGHTED_INTERLEAVE", nodes: "0"|weighted interleave:0
		mode: "MPOL_LOCAL"|local'
	while IFS='|' read -r policy said; do
		bundle ".linux.memoryPolicy = {$policy} | args([\"head\", \"-n1\", \"/proc/self/numa_maps\"])"
		try cella run "$ID"
		# of Linux 5.12, 5.15 and 6.9
		if [[ $policy == *@(BALANCING|MANY|WEIGHTED)* && $stderr == *"set_mempolicy: Invalid argument" ]]; then continue; fi
		[ "$status" = 0 ] || report "$policy"
		has "$output" " $said"
	done <<<"$modes"
}

@test "MPOL_DEFAULT and the domain LINUX take back what the caller has" {
	not_in_a_vm "its kernel has no caller"
	only_cella
	as_caller() { ok setarch linux32 "$WORK/rootfs/bin/call" set_mempolicy:4 -- "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"; }
	says='sh("cut -d \" \" -f 2 /proc/self/numa_maps | sort -u; cat /proc/self/personality")'
	bundle "$says"
	as_caller
	is "$output" "local
00000008"
	bundle "$says"' | .linux.memoryPolicy = {mode: "MPOL_DEFAULT"} | .linux.personality = {domain: "LINUX"}'
	as_caller
	is "$output" "default
00000000"
}

@test "scheduler, ioPriority, personality and memoryPolicy are those of every process" {
	bundle '.process.scheduler = {policy: "SCHED_BATCH", nice: 5} | .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}
		| .process.execCPUAffinity = {initial: "0", final: "0"}
		| .linux.personality = {domain: "LINUX32"} | .linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}
		| forever'
	ok cella run --detach "$ID"
	ok cella exec "$ID" sh -c "$POLICIES"
	has "$output" "5 3"
	has "$output" "best-effort: prio 6"
	matches "$output" "i[3-6]86"
	has "$output" "bind=static:0"
	matches "$output" "Cpus_allowed_list:[[:space:]]0$"
	pid=$(pid_of "$ID")
	if [ "$CELLA_EXECUTOR" = namespace ]; then
		is "$(awk '{ print $19, $41 }' "/proc/$pid/stat")" "5 3"
		has "$(head -n 1 "/proc/$pid/numa_maps")" "bind=static:0"
		is "$(ionice -p "$pid")" "best-effort: prio 6"
	fi
	ok cella kill "$ID" KILL
	soon has_status "$ID" stopped
	ok cella delete "$ID"
}

@test "a real-time policy, and one that the kernel has not" {
	bundle '.process.scheduler = {policy: "SCHED_FIFO", priority: 7} | sh("awk \"{ print \\$40, \\$41 }\" /proc/self/stat")'
	ok cella run "$ID"
	is "$output" "7 1"
	bundle '.process.scheduler = {policy: "SCHED_ISO"}'
	refused cella run "$ID"
	has "$stderr" "process.scheduler"
	bundle '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1000"}'
	refused cella run "$ID"
	has "$stderr" "linux.memoryPolicy"
	bundle '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1024"}'
	refused cella run "$ID"
	has "$stderr" "linux.memoryPolicy.nodes: '1024': expected numbers up to 1023"
	bundle '.process.execCPUAffinity = {final: "3-1"}'
	refused cella run "$ID"
	has "$stderr" "process.execCPUAffinity.final"
}

# Nice value, real-time priority and policy as proc_pid_stat(5) has them, of a shell and of its child.
SCHEDULED='awk "{ print \$19, \$40, \$41 }" /proc/$$/stat /proc/self/stat; :'

@test "each policy with what goes with it, for the first process and for a further one" {
	bundle '.process.scheduler = {policy: "SCHED_IDLE"} | forever'
	ok cella run --detach "$ID"
	first=$ID ID=$ID-2
	while IFS='|' read -r scheduler shell child; do # with patterns where the nice value is the caller's
		bundle ".process.scheduler = $scheduler | sh(\"${SCHEDULED//[\\\"]/\\&}\")"
		jq .process config.json >"$T/process.json"
		seen="$shell"$'\n'"${child:-$shell}"
		ok cella exec --process "$T/process.json" "$first"
		[[ $output == $seen ]] || report "$scheduler"
		! in_a_vm || continue # a machine each
		ok cella run "$ID"
		[[ $output == $seen ]] || report "$scheduler"
		[[ $scheduler != *IDLE* ]] || has "$stderr" "process.scheduler.nice: 13 does nothing with SCHED_IDLE"
	done <<-END
		{policy: "SCHED_OTHER", nice: 7}|7 0 0
		{policy: "SCHED_BATCH", nice: -5}|-5 0 3
		{policy: "SCHED_RR", priority: 3}|* 3 2
		{policy: "SCHED_FIFO", priority: 7, flags: ["SCHED_FLAG_RESET_ON_FORK"]}|* 7 1|0 0 0
		{policy: "SCHED_OTHER", nice: -5, flags: ["SCHED_FLAG_RESET_ON_FORK"]}|-5 0 0|0 0 0
		{policy: "SCHED_BATCH", nice: 13, flags: ["SCHED_FLAG_KEEP_POLICY"]}|13 0 0
		{policy: "SCHED_BATCH", nice: 13, flags: ["SCHED_FLAG_KEEP_PARAMS"]}|!(13) 0 0
		{policy: "SCHED_IDLE", nice: 13}|!(13) 0 5
	END
	ok cella exec "$first" awk '{ print $41 }' /proc/1/stat
	is "$output" 5
	ok cella delete --force "$first"
}

@test "each class of ioPriority, for the first process and for a further one" {
	bundle '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE"} | forever'
	ok cella run --detach "$ID"
	while IFS='|' read -r priority said; do
		bundle ".process.ioPriority = $priority | sh(\"ionice -p \$\$\")"
		jq .process config.json >"$T/process.json"
		ok cella exec --process "$T/process.json" "$ID"
		is "$output" "$said"
	done <<-END
		{class: "IOPRIO_CLASS_RT", priority: 3}|realtime: prio 3
		{class: "IOPRIO_CLASS_BE", priority: 7}|best-effort: prio 7
		{class: "IOPRIO_CLASS_IDLE"}|idle
	END
	ok cella exec "$ID" ionice -p 1
	is "$output" idle
	ok cella delete --force "$ID"
	bundle '.process.ioPriority = {class: "IOPRIO_CLASS_RT"} | sh("ionice -p $$")'
	ok cella run "$ID"
	is "$output" "realtime: prio 0"
}

@test "a deadline policy" {
	bundle '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 10000000, deadline: 100000000, period: 100000000}
		| args(["awk", "{ print $41 }", "/proc/self/stat"])'
	try cella run "$ID"
	[[ $stderr != *"Device or resource busy"* && $stderr != *"Operation not permitted"* ]] || skip "this kernel gives no deadline: $stderr"
	is "$status" 0
	is "$output" 6
}

@test "the processors are those of the cgroup, not those of who starts it" {
	[ "$(nproc)" -gt 1 ] || skip "one processor"
	local two=.
	! in_a_vm || two='.linux.resources.cpu = {quota: 200000, period: 100000}' # for two of them
	has_all() { # WHERE: as who is bound to none
		ok taskset -c 0 timeout 30 "${AS[@]}" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"
		is "$output" "$all"
	}
	bundle "$two"' | args(["grep", "Cpus_allowed_list", "/proc/self/status"])'
	ok cella run "$ID"
	all=$output
	matches "$all" "[0-9][-,][0-9]"
	has_all run "$ID"
	bundle "$two | forever"
	ok cella run --detach "$ID"
	has_all exec "$ID" grep Cpus_allowed_list /proc/self/status
	if in_a_vm; then # and so are those that the machine itself runs on
		[ "$(grep -h Cpus_allowed_list /proc/"$(pid_of "$ID")"/task/*/status | sort -u)" = "$(grep Cpus_allowed_list /proc/self/status)" ]
	fi
	ok cella delete --force "$ID"
}

@test "the processors of exec: initial until it enters, final afterwards" {
	[ "$(nproc)" -gt 1 ] || skip "one processor"
	bundle '.process.execCPUAffinity = {initial: "0", final: "1"} | forever'
	ok cella run --detach "$ID"
	ok cella exec "$ID" grep Cpus_allowed_list /proc/self/status
	matches "$output" "[[:space:]]1$"
	ok cella exec "$ID" grep Cpus_allowed_list /proc/1/status
	lacks "$output" "	1"
	ok cella delete --force "$ID"
	bundle '.process.execCPUAffinity = {initial: "0"} | forever'
	ok cella run --detach "$ID"
	ok cella exec "$ID" grep Cpus_allowed_list /proc/self/status /proc/1/status
	is "$(cut -d: -f2- <<<"$output" | uniq | wc -l)" 1
	ok cella delete --force "$ID"
}

@test "files that the streams go to can be opened again by the user" {
	bundle '.process.user = {uid: 1000, gid: 1000} | sh("echo first; echo second >>/dev/stdout; echo third >>/dev/stderr")'
	cella run "$ID" >>"$T/out" 2>>"$T/err"
	is "$(<"$T/out")" "$(printf '%s\n' first second)"
	is "$(<"$T/err")" third
	bundle '.process.user = {uid: 1000, gid: 1000} | forever'
	ok cella run -d "$ID"
	cella exec "$ID" sh -c 'echo more >>/dev/stdout' >>"$T/exec"
	is "$(<"$T/exec")" more
	# what is only read stays its owner's
	cella exec "$ID" cat <"$T/exec" >"$T/copy"
	is "$(stat -c %u "$T/exec" "$T/copy" | tail -n 1)" "$(in_a_vm && echo 0 || echo 1000)"
	: >"$T/input"
	cella exec "$ID" cat <"$T/input"
	is "$(stat -c %u "$T/input")" 0
	ok cella delete --force "$ID"
}

@test "the null device as a standard descriptor is the container's own" {
	not_in_a_vm "there are no descriptors of the host"
	bundle 'sh("stat -L -c %d:%i /proc/self/fd/0 /dev/null | uniq | wc -l; exec sleep 1000")'
	cella run -d "$ID" >"$T/first" 2>&1 </dev/null
	soon test -s "$T/first"
	is "$(<"$T/first")" 1
	ok cella exec "$ID" sh -c 'stat -L -c %d:%i /proc/self/fd/0 /dev/null | uniq | wc -l'
	is "$output" 1
	ok cella delete --force "$ID"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Cgroups inside: what a container sees of its own, what it may do with it, and who else may be put there.
# bats file_tags=testbed
load helpers

cgroups_inside() { # OPTIONS
	echo "new_ns(\"cgroup\") | .mounts |= map(select(.destination != \"/sys/fs/cgroup\")) |
		mount(\"/sys/fs/cgroup\"; \"cgroup\"; \"cgroup\"; [\"nosuid\", \"noexec\", \"nodev\", $1])"
}

@test "a read-only cgroup mount: limits are seen and can't be changed" {
	bundle "$(cgroups_inside '"ro"') | .linux.resources.pids.limit = 20 | sh(\"cat /sys/fs/cgroup/pids.max; echo 30 >/sys/fs/cgroup/pids.max\")"
	try cella run "$ID"
	is "$output" 20
	has "$stderr" "Read-only file system"
}

@test "root of a user namespace divides its cgroup, and can't widen it" {
	not_in_a_vm "its root is root of its own kernel; around it is the cgroup of the machine"
	bundle "mapped | $(cgroups_inside '"rw"') | .linux.resources.pids.limit = 20 | .root.readonly = false |
		sh(\"cd /sys/fs/cgroup && mkdir one two && echo \$\$ >one/cgroup.procs && echo +pids >cgroup.subtree_control && echo 5 >two/pids.max && echo divided; echo 30 >pids.max; while :; do sleep 1000; done\")"
	exec_cella run "$ID" >"$T/stdout" 2>"$T/stderr" </dev/null &
	background=$!
	soon grep -q divided "$T/stdout"
	soon grep -q "pids.max: Permission denied" "$T/stderr"
	is "$(<"$CGROUP/pids.max") $(<"$CGROUP/two/pids.max")" "20 5"
	is "$(stat -c %u "$CGROUP/cgroup.procs") $(stat -c %u "$CGROUP/pids.max")" "100000 0"
	# the container's own cgroup can't hold processes any more: beside the first one
	ok cella exec "$ID" grep 0:: /proc/self/cgroup
	is "$output" "0::/one"
	ok cella exec --cgroup /two "$ID" grep 0:: /proc/self/cgroup
	is "$output" "0::/two"
	exits 255 cella exec --cgroup /three "$ID" true
	exits 255 cella exec --cgroup /../.. "$ID" true
	has "$stderr" "expected the path of a cgroup below the container's"
	ok cella ps --format json "$ID"
	is "$(jq length <<<"$output")" 2
	ok cella kill --all "$ID" KILL
	ends_with $background 137
	[ ! -e "$CGROUP" ]
}

@test "the cgroup is the user's who runs the program, with a user namespace and without" {
	not_in_a_vm "the owner is one of the guest's"
	for case in 'mapped:101000' '.:1000'; do
		bundle "${case%:*} | $(cgroups_inside '"rw"') | .process.user = {uid: 1000, gid: 1000} |
			sh(\"mkdir /sys/fs/cgroup/mine && sleep 1000\")"
		ok cella run -d "$ID"
		soon test -d "$CGROUP/mine"
		is "$(stat -c %u "$CGROUP" "$CGROUP/cgroup.procs" "$CGROUP/cgroup.events" | tr '\n' ' ')" "${case#*:} ${case#*:} 0 "
		ok cella delete --force "$ID"
		bundle "${case%:*} | $(cgroups_inside '"ro"') | .process.user = {uid: 1000, gid: 1000} | forever"
		ok cella run -d "$ID"
		is "$(stat -c %u "$CGROUP/cgroup.procs")" 0
		ok cella delete --force "$ID"
	done
}

@test "cella in a container of cella, with limits of its own" {
	bundle "$(cgroups_inside '"rw"') | all_caps([\"CAP_SYS_ADMIN\", \"CAP_SYS_CHROOT\", \"CAP_SETUID\", \"CAP_SETGID\", \"CAP_SETPCAP\", \"CAP_MKNOD\", \"CAP_NET_ADMIN\", \"CAP_KILL\", \"CAP_SYS_PTRACE\", \"CAP_DAC_OVERRIDE\", \"CAP_CHOWN\", \"CAP_FOWNER\", \"CAP_AUDIT_WRITE\", \"CAP_NET_BIND_SERVICE\", \"CAP_BPF\"]) |
		.linux.maskedPaths = [] | .linux.readonlyPaths = [] | .linux.resources.pids.limit = 50 |
		bind(\"/cella\"; \"$CELLA\"; [\"ro\"]) | bind(\"/inner\"; \"$T/inner\") | tmpfs(\"/run\"; []) |
		sh(\"cd /inner && /cella run inner; echo status \$?\")"
	own_rootfs
	mkdir "$BUNDLE/rootfs/inner"
	: >"$BUNDLE/rootfs/cella"
	jq '.root.path = "rootfs"' config.json >c && mv c config.json
	mkdir -p "$T/inner"
	cp -a "$WORK/rootfs" "$T/inner/rootfs"
	jq '.root.path = "rootfs" | .process.args = ["sh", "-c", "cat /sys/fs/cgroup/pids.max; i=0; while [ $i -lt 9 ]; do sleep 9 & i=$((i + 1)); done"] |
		.linux.resources.pids.limit = 6' "$WORK/base.json" >"$T/inner/config.json"
	try cella run "$ID"
	matches "$output" "^6
status [1-9]"
	has "$stderr" "can't fork"
}

@test "a plain user's container is limited by what was handed to him" {
	not_in_a_vm "runs the default executor"
	service=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service
	[ -d "$service" ] || skip "no user manager of uid 1000"
	mkdir "$service/cella-test"
	echo $$ >"$service/cella-test/cgroup.procs" 2>/dev/null || { rmdir "$service/cella-test"; skip "can't be moved there"; }
	chown -R sailor "$service/cella-test"
	mkdir -m 755 "$T/plain"
	chown sailor "$T/plain"
	(cd "$T/plain" && setpriv --reuid 1000 --regid 1000 --init-groups "$CELLA" spec --rootless)
	as_sailor() { env XDG_RUNTIME_DIR="$T/plain" setpriv --reuid 1000 --regid 1000 --init-groups "$CELLA" "$@"; }
	limited() { # RESOURCES SCRIPT
		jq --arg root "$WORK/rootfs" --argjson resources "$1" --arg script "$2" '.root.path = $root | .process.terminal = false |
			.linux.cgroupsPath = "inner" | .process.args = ["sh", "-c", $script] | .linux.resources = $resources' \
			"$T/plain/config.json" >"$T/plain/c" && mv "$T/plain/c" "$T/plain/config.json"
		try as_sailor run --bundle "$T/plain" "$ID"
	}
	limited '{"pids": {"limit": 6}}' 'i=0; while [ $i -lt 9 ]; do sleep 9 & i=$((i + 1)); done'
	forks=$stderr
	limited '{"memory": {"limit": 16777216, "swap": 16777216}}' 'exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	killed=$status
	limited '{"cpu": {"shares": 512}}' 'cat /sys/fs/cgroup/cpu.weight'
	weight=$output$stderr
	have=$(<"$service/cgroup.controllers")
	echo $$ >/sys/fs/cgroup/cgroup.procs
	left=$(find "$service" -name inner)
	rmdir "$service/cella-test"
	has "$forks" "can't fork"
	is "$killed" 137
	case " $have " in
	*" cpu "*) is "$weight" 59 ;;
	*) has "$weight" "the cpu controller" ;;
	esac
	is "$left" ""
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor, SELinux and the session keyring of a container.
load helpers

# The kernel's only policy from then on: tests/contract/selinux.policy, translated by tests/contract/programs.
setup_file() {
	[ "$MACHINE" = selinux ] && [ -e /sys/fs/selinux/load ] && [ -e "$WORK/selinux" ] || return 0
	cat "$WORK/selinux" >/sys/fs/selinux/load
	echo 1 >/sys/fs/selinux/enforce
}

apparmor() { [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; }
selinux() { [ "$(stat -f -c %t /sys/fs/selinux 2>/dev/null)" = f97cff8c ]; }

@test "a profile or a label is refused where the kernel would not keep it" {
	only_cella
	not_in_a_vm "the guest's kernel says it"
	if ! apparmor; then
		bundle '.process.apparmorProfile = "web"'
		refused cella run "$ID"
		has "$stderr" "process.apparmorProfile: AppArmor is not enabled"
		bundle '.process.apparmorProfile = "unconfined"'
		ok cella run "$ID"
	fi
	if ! selinux; then
		bundle '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
		refused cella run "$ID"
		has "$stderr" "process.selinuxLabel: SELinux is not enabled"
	fi
}

# bats test_tags=testbed
@test "process and exec are confined by the AppArmor profile, also where an image has a /proc of its own" {
	only_cella
	not_in_a_vm "the guest's kernel has no profiles"
	apparmor || skip "no AppArmor in this kernel"
	PATH=$PATH:/usr/sbin:/sbin
	command -v apparmor_parser >/dev/null || skip "no apparmor_parser"
	apparmor_parser -r <<-'PROFILE'
		profile cella-contract flags=(attach_disconnected,mediate_deleted) {
			file,
			capability,
			signal,
			ptrace,
			network,
			umount,
			deny /tmp/** w,
		}
	PROFILE
	bundle '.process.apparmorProfile = "cella-contract" | tmpfs("/tmp"; []) | sh("cat /proc/self/attr/current; mkdir /tmp/x")'
	exits 1 cella run "$ID"
	is "$output" "cella-contract (enforce)"
	has "$stderr" "Permission denied"
	bundle '.process.apparmorProfile = "cella-contract" | .process.noNewPrivileges = true | tmpfs("/tmp"; []) | forever'
	ok cella run --detach "$ID"
	is "$(cat "/proc/$(pid_of "$ID")/attr/current")" "cella-contract (enforce)"
	ok cella exec "$ID" cat /proc/self/attr/current
	is "$output" "cella-contract (enforce)"
	ok cella delete --force "$ID"
	bundle '.process.apparmorProfile = "cella-contract" | mapped | args(["cat", "/proc/self/attr/current"])'
	ok cella run "$ID"
	is "$output" "cella-contract (enforce)"
	bundle '.process.apparmorProfile = "no-such-profile"'
	refused cella run "$ID"
	has "$stderr" "process.apparmorProfile"
	own_rootfs
	mkdir -p "$BUNDLE/rootfs/proc/self/attr/apparmor"
	touch "$BUNDLE/rootfs/proc/self/attr/exec" "$BUNDLE/rootfs/proc/self/attr/apparmor/exec"
	bundle '.process.apparmorProfile = "cella-contract" | .root.path = "rootfs" | del(.mounts[] | select(.destination == "/proc"))
		| .linux.maskedPaths = [] | .linux.readonlyPaths = [] | forever'
	ok cella run --detach "$ID"
	is "$(cat "/proc/$(pid_of "$ID")/attr/current")" "cella-contract (enforce)"
	is "$(cat "$BUNDLE/rootfs/proc/self/attr/exec" "$BUNDLE/rootfs/proc/self/attr/apparmor/exec")" ""
	ok cella delete --force "$ID"
	apparmor_parser -R <<<'profile cella-contract {}'
}

selinux_tells() {
	selinux || skip "no SELinux in this kernel"
	[ "$(cat /sys/fs/selinux/enforce)" = 1 ] || skip "checkpolicy was missing where the test programs were made"
}

# piped STATUS COMMAND…: its output and errors are a pipe; the test's files are not a web_t's to write to.
piped() {
	local expected=$1
	shift
	status=0
	output=$("$@" 2>&1 | tr -d '\0'; exit "${PIPESTATUS[0]}") || status=$?
	[ "$status" = "$expected" ] || die "exit status $status, expected $expected: $output"
}

# bats test_tags=selinux
@test "process, exec and mounts have their SELinux labels, and the kernel keeps them apart" {
	only_cella
	selinux_tells
	web=system_u:system_r:web_t:s0:c1 box=system_u:object_r:box_file_t:s0:c1
	mkdir "$T/host"
	chmod 777 "$T/host"
	labelled=".process.selinuxLabel = \"$web\" | .linux.mountLabel = \"$box\" | tmpfs(\"/box\"; []) | bind(\"/host\"; \"$T/host\")"
	bundle "$labelled"' | sh("cat /proc/self/attr/current; echo; echo mine >/box/file && cat /box/file; echo theirs >/host/file")'
	piped 1 cella run "$ID"
	has "$output" "$web
mine"
	has "$output" "/host/file: Permission denied"
	bundle "$labelled | mapped"' | sh("cat /proc/self/attr/current; echo; echo mine >/box/file && cat /box/file")'
	piped 0 cella run "$ID"
	is "$output" "$web
mine"
	bundle "$labelled | forever"
	ok cella run --detach "$ID"
	has "$(grep ' /box ' "/proc/$(pid_of "$ID")/mounts")" "context=$box"
	piped 0 cella exec "$ID" sh -c 'cat /proc/self/attr/current; echo one >/box/one'
	is "$output" "$web"
	piped 1 cella exec --process-label system_u:system_r:web_t:s0:c2 "$ID" sh -c 'cat /proc/self/attr/current; echo; echo two >/box/one'
	has "$output" "system_u:system_r:web_t:s0:c2"
	has "$output" "/box/one: Permission denied"
	refused cella exec --process-label nonsense "$ID" true
	has "$stderr" "--process-label: nonsense"
	ok cella delete --force "$ID"
	bundle '.process.selinuxLabel = "system_u:system_r:nobody_t:s0"'
	refused cella run "$ID"
	has "$stderr" "process.selinuxLabel"
	bundle '.linux.mountLabel = "system_u:object_r:nothing_t:s0" | tmpfs("/box"; [])'
	refused cella run "$ID"
	[ "$(cella features | jq .linux.selinux.enabled)" = true ] || report "features denies it"
}

# bats test_tags=selinux
@test "an image that has a /proc of its own gets the SELinux label all the same" {
	only_cella
	selinux_tells
	web=system_u:system_r:web_t:s0:c1
	own_rootfs
	mkdir -p "$BUNDLE/rootfs/proc/self/attr" "$BUNDLE/rootfs/proc/thread-self/attr"
	touch "$BUNDLE/rootfs/proc/self/attr/exec" "$BUNDLE/rootfs/proc/thread-self/attr/exec"
	bundle ".process.selinuxLabel = \"$web\""' | .root.path = "rootfs" | del(.mounts[] | select(.destination == "/proc"))
		| .linux.maskedPaths = [] | .linux.readonlyPaths = [] | forever'
	ok cella run --detach "$ID"
	is "$(tr -d '\0' <"/proc/$(pid_of "$ID")/attr/current")" "$web"
	is "$(cat "$BUNDLE/rootfs/proc/self/attr/exec" "$BUNDLE/rootfs/proc/thread-self/attr/exec")" ""
	ok cella delete --force "$ID"
}

# bats test_tags=selinux
@test "restore --lsm-mount-context: what is mounted has another label" {
	only_cella
	not_in_a_vm "there is no restore"
	selinux_tells
	command -v criu >/dev/null || skip "no CRIU"
	local box=system_u:object_r:box_file_t:s0:c1
	# what CRIU has a process do for it, a web_t may not: write to memory that is a file of the host's
	bundle ".process.selinuxLabel = \"system_u:system_r:host_t:s0\" | .linux.mountLabel = \"$box\" | tmpfs(\"/box\"; []) | forever"
	ok cella run --detach "$ID"
	piped 0 cella exec "$ID" sh -c 'echo mine >/box/file'
	ok cella checkpoint --image-path "$T/images" "$ID" || tail -n 30 "$T/images/dump.log"
	ok cella restore --detach --image-path "$T/images" --lsm-mount-context "${box%1}2" "$ID" || tail -n 30 "$T/images/restore.log"
	has "$(grep ' /box ' "/proc/$(pid_of "$ID")/mounts")" "context=${box%1}2"
	piped 0 cella exec "$ID" cat /box/file
	is "$output" mine
	ok cella delete --force "$ID"
}

# The serial numbers and names of the keyrings that are seen.
RINGS='.linux.maskedPaths = []'
rings() { awk '$8 == "keyring" { print $1, $9 }' | tr -d :; }

@test "a container has a session keyring of its name, which exec joins; --no-new-keyring has the caller's" {
	only_cella
	[ -e /proc/keys ] || skip "a kernel without keyrings"
	name=$ID-ring # other files have containers of our names at the same time, and all keyrings are seen
	bundle "$RINGS | forever"
	ok cella run --detach "$name"
	ok cella exec "$name" cat /proc/keys
	first=$(rings <<<"$output" | grep "_ses.$name$") || report "no keyring _ses.$name"
	ok cella exec "$name" cat /proc/keys
	is "$(rings <<<"$output" | grep "_ses.$name$")" "$first"
	ok cella delete --force "$name"
	name=$ID-none # that of a container that has gone is there until the kernel tidies up
	bundle "$RINGS | forever"
	ok cella run --detach --no-new-keyring "$name"
	ok cella exec "$name" cat /proc/keys
	lacks "$output" "_ses.$name:"
	ok cella delete --force "$name"
	name=$ID-mapped
	bundle "$RINGS | mapped | forever"
	ok cella run --detach "$name"
	ok cella exec "$name" cat /proc/keys
	first=$(rings <<<"$output" | grep "_ses.$name$") || report "no keyring _ses.$name"
	ok cella exec "$name" cat /proc/keys
	is "$(rings <<<"$output" | grep "_ses.$name$")" "$first"
	ok cella delete --force "$name"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor, SELinux and the session keyring of a container.
load helpers

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

# The serial numbers and names of the keyrings that are seen.
RINGS='.linux.maskedPaths = []'
rings() { awk '$8 == "keyring" { print $1, $9 }' | tr -d :; }

@test "a container has a session keyring of its name, which exec joins; --no-new-keyring has the caller's" {
	only_cella
	[ -e /proc/keys ] || skip "a kernel without keyrings"
	bundle "$RINGS | forever"
	ok cella run --detach "$ID"
	ok cella exec "$ID" cat /proc/keys
	first=$(rings <<<"$output" | grep "_ses.$ID$") || report "no keyring _ses.$ID"
	ok cella exec "$ID" cat /proc/keys
	is "$(rings <<<"$output" | grep "_ses.$ID$")" "$first"
	ok cella delete --force "$ID"
	bundle "$RINGS | forever"
	ok cella run --detach --no-new-keyring "$ID"
	ok cella exec "$ID" cat /proc/keys
	lacks "$output" "_ses.$ID:"
	ok cella delete --force "$ID"
	bundle "$RINGS | mapped | forever"
	ok cella run --detach "$ID"
	ok cella exec "$ID" cat /proc/keys
	first=$(rings <<<"$output" | grep "_ses.$ID$") || report "no keyring _ses.$ID"
	ok cella exec "$ID" cat /proc/keys
	is "$(rings <<<"$output" | grep "_ses.$ID$")" "$first"
	ok cella delete --force "$ID"
}

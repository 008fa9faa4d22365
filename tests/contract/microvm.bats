#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What only a container in a virtual machine has.
load helpers

setup() {
	contract_setup
	[ "$CELLA_EXECUTOR" = microvm ] || skip "for virtual machines"
}

# An image of the usual root, and the kernel that the others boot.
disk() {
	truncate -s 64M "$T/disk.img"
	mkfs.ext4 -q -d "$WORK/rootfs" "$T/disk.img"
	mkdir "$T/empty"
	kernel=$(ls /boot/vmlinuz-*cloud* | tail -n 1)
	VM=".root.path = \"$T/empty\" | .vm = {kernel: {path: \"$kernel\"}, image: {path: \"$T/disk.img\", format: \"raw\"}}"
}

@test "a disk image is the root, and stays as it is" {
	disk
	before=$(sha256sum <"$T/disk.img")
	bundle "$VM | writable | sh(\"grep ' / ' /proc/mounts; echo new >/new && cat /new\")"
	ok cella run "$ID"
	has "$output" "/dev/vda / ext4 rw"
	has "$output" new
	is "$(sha256sum <"$T/disk.img")" "$before"
}

@test "a disk image that is the root can be read-only" {
	disk
	bundle "$VM | sh(\"cat /etc/plain; echo new >/new\")"
	exits 1 cella run "$ID"
	has "$output" "not a program"
	has "$stderr" "Read-only file system"
}

@test "an image beside a root that has files, or in another format, is refused" {
	disk
	bundle "$VM | .vm.image.format = \"qcow2\""
	refused cella run "$ID"
	has "$stderr" vm.image.format
	touch "$T/empty/file"
	bundle "$VM"
	refused cella run "$ID"
	has "$stderr" "root.path must be an empty directory"
}

# The processes that a machine is for its host; 0 is a thread of the kernel's, which KVM makes for it.
ours() { grep -vx 0 "$CGROUP/cgroup.procs"; }

free_kib() { cella exec "$ID" awk '/MemFree/ { print $2 }' /proc/meminfo; }
limit() { cella exec "$ID" cat "/sys/fs/cgroup/$1"; }

@test "update changes the limits of guest and host, and both or none" {
	bundle '.linux.resources.memory.limit = 268435456 | forever'
	cella create "$ID" >"$T/said" 2>&1 </dev/null
	ok cella start "$ID"
	is "$(limit memory.max)" 268435456
	free=$(free_kib)
	ok cella update --memory 128m --pids-limit 50 "$ID" || { cat "$T/said"; false; }
	is "$(limit memory.max)" 134217728
	is "$(limit pids.max)" 50
	less=$(free_kib)
	[ "$less" -le "$((free - 100000))" ] || die "the guest had $free KiB and has $less"
	is "$(<"$CGROUP/memory.max")" "$(((128 + 96 + 64) << 20))"
	refused cella update --memory 4g "$ID"
	has "$stderr" "was made with 352 MiB, of which the container can have 256"
	refused cella update --memory 100m --cpuset-cpus 4000 "$ID"
	is "$(limit memory.max)" 134217728
	is "$(limit pids.max)" 50
	refused cella update --memory 64m --cpuset-cpus 4000 "$ID" # the machine had that much when it was refused
	soon eval '[ "$(free_kib)" -gt "$((less - 32000))" ]'
	ok cella update --memory 256m --cpu-quota 50000 --cpu-period 100000 "$ID"
	is "$(limit memory.max)" 268435456
	is "$(<"$CGROUP/cpu.max")" "50000 100000"
	ok cella delete --force "$ID"
}

# --- when the machine is not what it should be ---------------------------------------------------

# Root of a machine, with all that is its kernel's.
rooted='no_ns("pid") | all_caps(["CAP_SYS_BOOT", "CAP_SYS_ADMIN"]) | .linux.maskedPaths = [] | .linux.readonlyPaths = []
	| .mounts |= map(if .destination == "/proc" then .options = [] else . end)'

@test "a guest that panics, resets, halts or switches off ends its container, which says why" {
	while IFS='|' read -r deed why; do
		bundle "$rooted | sh(\"echo up; sleep 1; $deed; sleep 1000\")"
		exits 255 cella run "$ID"
		is "$output" up
		has "$stderr" "$ID: virtual machine: $why"
		is "$(wc -l <<<"$stderr")" 1
	done <<-EOF
		echo c >/proc/sysrq-trigger|the guest: Kernel panic - not syncing: sysrq triggered crash
		reboot -f|the guest has reset the machine
		halt -f|the guest has halted the machine
		poweroff -f|the guest has switched the machine off
	EOF
	refused cella state "$ID"
}

@test "a guest that panics while its container is made fails the create with the reason" {
	kernel=$(ls /boot/vmlinuz-*cloud* | tail -n 1)
	bundle ".vm = {kernel: {path: \"$kernel\", parameters: [\"rdinit=/none\"]}}"
	refused cella create "$ID"
	has "$stderr" "Kernel panic"
	refused cella state "$ID"
}

@test "a guest whose kernel does not come up fails the create after a minute, with its last words" {
	kernel=$(ls /boot/vmlinuz-*cloud* | tail -n 1)
	bundle ".vm = {kernel: {path: \"$kernel\", parameters: [\"rdinit=/none\", \"panic=0\"]}}"
	refused cella create "$ID"
	has "$stderr" "virtual machine: is not up after 60 seconds; its kernel said: Kernel panic"
	refused cella state "$ID"
}

@test "a monitor that is killed is a container that has stopped, and delete leaves nothing of it" {
	bundle forever
	run_in_background
	exec_cella exec "$ID" sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	second=$!
	soon has_processes "$ID" 3
	kill -9 "$(pid_of "$ID")"
	ends_with $background 137
	ends_with $second 137
	bundle forever
	ok cella run -d "$ID"
	kill -9 "$(pid_of "$ID")"
	soon has_status "$ID" stopped
	refused cella exec "$ID" true
	refused cella events --stats "$ID"
	ok cella delete "$ID"
	nothing_left
}

@test "a file server that is killed ends its container, which says why" {
	bundle forever
	run_in_background
	server=$(ours | grep -v "^$(pid_of "$ID")$")
	kill -9 "$server"
	ends_with $background 255
	has "$(<"$T/stderr")" "virtual machine: its file server has ended"
}

# COMMAND sees another /dev than this machine's.
with_dev() { # SCRIPT
	try unshare -m sh -ec 'mount -t tmpfs -o '"$1"' none /dev && mknod -m 666 /dev/null c 1 3 && mkdir /dev/pts /dev/shm
		'"$2"'
		exec "$@"' sh "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	is "$status" 1
	is "$(wc -l <<<"$stderr")" 1
	nothing_left
}

@test "without /dev/kvm, or without the right to it, one line says what to do" {
	bundle .
	with_dev mode=755 ''
	case $(grep -m 1 ^flags /proc/cpuinfo) in
	*" svm"*) has "$stderr" "cella: /dev/kvm: is not there: load it with 'modprobe kvm_amd'" ;;
	*" vmx"*) has "$stderr" "cella: /dev/kvm: is not there: load it with 'modprobe kvm_intel'" ;;
	*) matches "$stderr" "^cella: /dev/kvm: is not there: .* (switch on|switched it off)$" ;;
	esac
	with_dev mode=755,nodev 'mknod -m 666 /dev/kvm c 10 232'
	has "$stderr" "cella: /dev/kvm: Permission denied: who runs containers in virtual machines must be in the group kvm, or root"
	with_dev mode=755 'mknod -m 666 /dev/kvm c 1 3'
	has "$stderr" "cella: /dev/kvm: "
}

# --- what it costs ------------------------------------------------------------------------------

# KiB of a process that are its own, without the guest's memory.
own_kib() { awk '/^[0-9a-f]+-[0-9a-f]+ / { guest = /memfd:/ } /^Private_/ && !guest { sum += $2 } END { print sum + 0 }' "/proc/$1/smaps"; }

@test "monitor and file server have less than 5 MiB beside the guest's memory" {
	bundle forever
	ok cella run -d "$ID"
	ok cella exec "$ID" sh -c 'find / -xdev >/dev/null 2>&1; true'
	kib=0
	for pid in $(ours); do kib=$((kib + $(own_kib "$pid"))); done
	echo "# $kib KiB beside the guest's memory" >&3
	[ "$kib" -gt 100 ]
	[ "$kib" -lt 5120 ] || die "$kib KiB"
	ok cella delete --force "$ID"
}

@test "twenty machines of 128 MiB at once" {
	many=20
	bundle 'forever | .vm.hwConfig = {vcpus: 1, memory: 134217728} | .vm.kernel.path = "'"$(ls /boot/vmlinuz-*cloud* | tail -n 1)"'"'
	for i in $(seq $many); do
		jq --arg c "$(cgroups_path "$ID-$i")" '.linux.cgroupsPath = $c' config.json >"$T/$i.json"
		LIMIT=600 ok cella run -d --config "$T/$i.json" "$ID-$i"
	done
	is "$(cella list --format json | jq 'map(select(.status == "running")) | length')" $many
	for i in 1 $many; do
		LIMIT=300 ok cella exec "$ID-$i" echo "here $i"
		is "$output" "here $i"
	done
	for i in $(seq $many); do ok cella delete --force "$ID-$i"; done
	nothing_left
}

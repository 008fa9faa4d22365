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
	ok cella update --memory 256m --cpu-quota 50000 --cpu-period 100000 "$ID"
	is "$(limit memory.max)" 268435456
	is "$(<"$CGROUP/cpu.max")" "50000 100000"
	ok cella delete --force "$ID"
}

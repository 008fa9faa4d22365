#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the container sees at "/".
load helpers

@test "default mounts, devices and links" {
	bundle 'sh("for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done
		for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done; echo x >/dev/null; head -c3 /dev/zero | wc -c
		stat -c %t:%T /dev/null; grep -c . /proc/1/mountinfo >/dev/null && stat -f -c %T /dev/shm /sys /proc")'
	ok cella run "$ID"
	is "$output" "/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
pts/ptmx
3
1:3
tmpfs
sysfs
proc"
}

@test "binds: of a directory, of a file, read-only, in order" {
	echo from-host >"$T/file"
	mkdir "$T/under"
	echo below >"$T/under/file"
	bundle "share | bind(\"/mnt/f\"; \"$T/file\"; [\"ro\"]) | tmpfs(\"/mnt/tmp\"; [\"size=1m\", \"mode=700\"])
		| bind(\"/mnt/tmp/under\"; \"$T/under\"; [\"ro\"])
		| sh(\"cat /mnt/f /mnt/tmp/under/file; stat -c %a /mnt/tmp; echo x >/mnt/f; echo y >/mnt/tmp/under/file; echo z >/share/z; cat /share/z\")"
	ok cella run "$ID"
	is "$output" "from-host
below
700
z"
	has "$stderr" "Read-only file system"
	is "$(<"$T/file")" from-host
}

@test "options: nosuid nodev noexec ro relatime, and propagation" {
	bundle 'tmpfs("/mnt/a"; ["nosuid", "nodev", "noexec", "ro", "noatime"]) | tmpfs("/mnt/s"; ["rshared"])
		| tmpfs("/mnt/p"; ["private"]) | sh("grep -E \" /mnt/[asp] \" /proc/self/mountinfo")'
	ok cella run "$ID"
	matches "$output" "/mnt/a ro,nosuid,nodev,noexec,noatime"
	matches "$output" "/mnt/s rw[a-z,]* shared:[0-9]+"
	matches "$output" "/mnt/p rw[a-z,]* - "
}

@test "a read-only root, and a writable one" {
	bundle 'sh("touch /tmp/x")'
	exits 1 cella run "$ID"
	has "$stderr" "Read-only file system"
	own_rootfs
	bundle '.root.path = "rootfs" | writable | sh("touch /tmp/x")'
	ok cella run "$ID"
	[ -e "$BUNDLE/rootfs/tmp/x" ]
}

@test "the root among the read-only paths is a read-only root" {
	own_rootfs
	bundle '.root.path = "rootfs" | writable | .linux.readonlyPaths = ["//"] | tmpfs("/tmp"; []) | sh("touch /tmp/x && echo there; touch /etc/x")'
	exits 1 cella run "$ID"
	is "$output" there
	has "$stderr" "Read-only file system"
}

@test "masked and read-only paths" {
	bundle '.linux.maskedPaths += ["/etc/passwd", "/home", "/no/such"] | .linux.readonlyPaths += ["/share", "/no/such"] | share
		| sh("wc -c </etc/passwd; ls /home | wc -l; touch /share/x; wc -c </proc/keys; touch /proc/sys/kernel/hostname")'
	mkdir -p "$SHARE/sub"
	try cella run "$ID"
	is "$output" "0
0
0"
	has "$stderr" "/share/x"
	has "$stderr" "/proc/sys/kernel/hostname"
}

@test "what is masked in a read-only path is masked, also when that is a whole mount" {
	bundle '.linux.maskedPaths = ["/proc/version", "/proc/fs", "/sys/kernel", "/share/sub"] | .linux.readonlyPaths = ["/proc", "/sys", "/share"] | share
		| sh("wc -c </proc/version; ls /proc/fs /sys/kernel /share/sub | grep -v : | xargs; touch /share/x; echo 1 >/proc/sys/vm/drop_caches")'
	mkdir -p "$SHARE/sub/inner"
	try cella run "$ID"
	is "$output" 0
	has "$stderr" "/share/x: Read-only file system"
	has "$stderr" "drop_caches: Read-only file system"
}

@test "listed devices of each type, with mode and owner" {
	bundle '.linux.devices = [{path: "/dev/my/zero", type: "c", major: 1, minor: 5, fileMode: 416, uid: 3, gid: 4},
		{path: "/dev/my/null", type: "u", major: 1, minor: 3, fileMode: 434, uid: 5}, {path: "/dev/my/disk", type: "b", major: 259, minor: 1000, fileMode: 384, gid: 6},
		{path: "/dev/pipe", type: "p", fileMode: 272, uid: 7, gid: 8}, {path: "/dev/usual", type: "b", major: 7, minor: 0}]
		| .linux.resources.devices += [{allow: true, type: "b", access: "rwm"}]
		| sh("umask; stat -c \"%F %a %u %g %t:%T\" /dev/my/zero /dev/my/null /dev/my/disk /dev/pipe /dev/usual; echo x >/dev/my/null && echo written")'
	ok cella run "$ID"
	is "$output" "0022
character special file 640 3 4 1:5
character special file 662 5 0 1:3
block special file 600 0 6 103:3e8
fifo 420 7 8 0:0
block special file 666 0 0 7:0
written"
}

@test "a hostile root: links at mount points stay inside, links at /proc and /dev are refused" {
	only_cella
	own_rootfs
	echo host >"$T/secret"
	ln -s "$T" "$BUNDLE/rootfs/escape"
	ln -s ../../../../../../../../../etc "$BUNDLE/rootfs/up"
	bundle '.root.path = "rootfs" | writable | tmpfs("/escape/in"; []) | tmpfs("/up/new"; []) | sh("ls /etc/new >/dev/null && echo inside")'
	ok cella run "$ID"
	is "$output" inside
	[ ! -e "$T/in" ]
	for dir in proc dev sys; do
		rm -rf "$BUNDLE/rootfs/$dir"
		ln -s /tmp "$BUNDLE/rootfs/$dir"
		refused cella run "$ID"
		has "$stderr" "mounts["
		rm "$BUNDLE/rootfs/$dir"
		mkdir "$BUNDLE/rootfs/$dir"
	done
}

@test "nothing of the host's mounts is left inside" {
	bundle 'sh("cut -d\" \" -f5 /proc/self/mountinfo")'
	ok cella run "$ID"
	lacks "$output" "$WORK"
	is "$(sort <<<"$output" | uniq -d | grep -v '^/sys/firmware$' || true)" ""
}

@test "create and run --no-pivot" {
	own_rootfs
	bundle '.root.path = "rootfs" | sh("ls /bin/busybox; ls /proc/1/root/bin/busybox")'
	ok cella run --no-pivot "$ID"
	is "$output" "/bin/busybox
/proc/1/root/bin/busybox"
	ok cella create --no-pivot "$ID"
	ok cella start "$ID"
	soon has_status "$ID" stopped
	ok cella delete "$ID"
}

@test "rootfsPropagation" {
	for word in private slave shared unbindable; do
		bundle ".linux.rootfsPropagation = \"$word\" | sh(\"grep ' / / \\\\| / rw\\\\| / ro' /proc/self/mountinfo | head -n 1\")"
		ok cella run "$ID"
		case $word in
		shared) has "$output" "shared:" ;;
		unbindable) has "$output" "unbindable" ;;
		private) lacks "$output" "shared:" ;;
		esac
	done
}

@test "the container's cgroup is what it sees below /sys/fs/cgroup" {
	only_cella
	bundle 'sh("grep ^0: /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs | head -n 1; touch /sys/fs/cgroup/x")'
	try cella run "$ID"
	is "$output" "0::/
1"
}

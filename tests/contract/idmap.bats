#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Mounts that show other owners than their files have.
load helpers

# A folder "data" with a file of each of these owners; "deep" below it, mounted by itself.
data() {
	mkdir -p "$T/data/deep"
	local owner
	for owner in "$@"; do
		echo "$owner" >"$T/data/$owner"
		chown "$owner:$owner" "$T/data/$owner"
	done
}

# Through the mount: one range from the file system's id to the host's.
FROM_1000='[{containerID: 1000, hostID: 3000, size: 10}]'

@test "uidMappings and gidMappings of a mount change whom its files belong to" {
	data 1000 1005 2000
	bundle "bind(\"/data\"; \"$T/data\"; [\"idmap\"]) | .mounts[-1] += {uidMappings: $FROM_1000, gidMappings: $FROM_1000}
		| writable | sh(\"cd /data; stat -c '%n %u:%g' 1000 1005 2000\")"
	ok cella run "$ID"
	is "$output" "1000 3000:3000
1005 3005:3005
2000 65534:65534"
}

@test "what is made through an id-mapped mount belongs on disk to whom the map says" {
	data 1000
	chown 1000:1000 "$T/data"
	bundle "bind(\"/data\"; \"$T/data\"; [\"idmap\"]) | .mounts[-1] += {uidMappings: $FROM_1000, gidMappings: $FROM_1000}
		| .process.user = {uid: 3000, gid: 3000} | sh(\"echo x >/data/new && stat -c %u:%g /data/new\")"
	ok cella run "$ID"
	is "$output" 3000:3000
	is "$(stat -c %u:%g "$T/data/new")" 1000:1000
}

@test "mappings without the word idmap map too, and each of two mounts has its own" {
	data 1000
	bundle "bind(\"/a\"; \"$T/data\"; []) | .mounts[-1] += {uidMappings: $FROM_1000, gidMappings: $FROM_1000}
		| bind(\"/b\"; \"$T/data\"; []) | bind(\"/c\"; \"$T/data\"; [])
		| .mounts[-1] += {uidMappings: [{containerID: 1000, hostID: 7, size: 1}], gidMappings: $FROM_1000}
		| sh(\"stat -c %u:%g /a/1000 /b/1000 /c/1000\")"
	own_rootfs
	jq '.root = {path: "rootfs"}' config.json >c && mv c config.json
	ok cella run "$ID"
	is "$output" "3000:3000
1000:1000
7:3000"
}

@test "crun's words: idmap=uids=FROM-TO-COUNT#…;gids=…" {
	only_cella "crun knows them from 1.9 on"
	data 1000 5
	bundle "bind(\"/mnt\"; \"$T/data\"; [\"idmap=uids=1000-3000-10#5-50-1;gids=1000-4000-10#5-60-1\"])
		| sh(\"stat -c %u:%g /mnt/1000 /mnt/5\")"
	ok cella run "$ID"
	is "$output" "3000:4000
50:60"
}

@test "without mappings the container's user namespace is meant; files of root are root's inside" {
	data 0 1000
	bundle "mapped | bind(\"/mnt\"; \"$T/data\"; [\"idmap\"]) | bind(\"/share\"; \"$T/data\"; [])
		| sh(\"stat -c %u:%g /mnt/0 /mnt/1000 /share/0 /share/1000; echo new >/mnt/new\")"
	chown 0:0 "$T/data"
	ok cella run "$ID"
	is "$output" "0:0
1000:1000
65534:65534
65534:65534"
	is "$(stat -c %u:%g "$T/data/new")" 0:0
}

@test "crun's @: the second number is an id of the container" {
	only_cella
	data 1000
	bundle "mapped | bind(\"/mnt\"; \"$T/data\"; [\"idmap=uids=@1000-7-1;gids=@1000-8-1\"]) | sh(\"stat -c %u:%g /mnt/1000\")"
	ok cella run "$ID"
	is "$output" 7:8
	bundle "mapped | bind(\"/mnt\"; \"$T/data\"; [\"idmap=uids=@1000-65535-2;gids=@1000-8-1\"])"
	refused cella run "$ID"
	has "$stderr" "over the end of a range"
}

@test "a mapping that is another one than the user namespace's" {
	data 1000
	bundle "mapped | bind(\"/mnt\"; \"$T/data\"; [\"idmap\"]) | .mounts[-1] += {
		uidMappings: [{containerID: 1000, hostID: 100042, size: 1}], gidMappings: [{containerID: 1000, hostID: 100043, size: 1}]}
		| sh(\"stat -c %u:%g /mnt/1000\")"
	ok cella run "$ID"
	is "$output" 42:43
}

@test "idmap is of the mount alone, ridmap of all below it" {
	only_cella "runc and crun differ"
	data 1000
	mount -t tmpfs tmpfs "$T/data/deep"
	echo x >"$T/data/deep/file"
	chown 1000:1000 "$T/data/deep/file"
	for word in idmap ridmap; do
		bundle "mount(\"/mnt\"; \"bind\"; \"$T/data\"; [\"rbind\", \"$word\"])
			| .mounts[-1] += {uidMappings: $FROM_1000, gidMappings: $FROM_1000} | sh(\"stat -c %u /mnt/1000 /mnt/deep/file\")"
		ok cella run "$ID"
		echo "$word $output" >>"$T/seen"
	done
	umount "$T/data/deep"
	is "$(<"$T/seen")" "idmap 3000
1000
ridmap 3000
3000"
}

@test "a file by itself, a source relative to the bundle, read-only" {
	only_cella "crun can't do a relative source"
	mkdir -p "$BUNDLE"
	echo x >"$BUNDLE/file"
	chown 1000:1000 "$BUNDLE/file"
	bundle "bind(\"/mnt/file\"; \"file\"; [\"idmap\", \"ro\"]) | .mounts[-1] += {uidMappings: $FROM_1000, gidMappings: $FROM_1000}
		| tmpfs(\"/mnt\"; []) | .mounts |= (.[:-2] + [.[-1], .[-2]])
		| sh(\"stat -c '%u %F' /mnt/file; echo y >/mnt/file\")"
	exits 1 cella run "$ID"
	is "$output" "3000 regular file"
	has "$stderr" "Read-only file system"
}

in_another_user_namespace() { [ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]; }

@test "in a user namespace that is joined" {
	only_cella
	not_in_a_vm "it joins no user namespace of a process"
	data 0
	unshare -U sleep 100 &
	local other=$!
	soon in_another_user_namespace "$other"
	echo "0 200000 65536" >"/proc/$other/uid_map"
	echo "0 200000 65536" >"/proc/$other/gid_map"
	bundle "join_ns(\"user\"; \"/proc/$other/ns/user\") | bind(\"/mnt\"; \"$T/data\"; [\"idmap\"]) | sh(\"stat -c %u:%g /mnt/0\")"
	chmod 755 "$T/data"
	try cella run "$ID"
	kill $other
	wait $other || true
	is "$output" 0:0
	is "$status" 0
}

@test "what can't be is refused in one line: no mapping to take, both kinds, no bind, bad words, a file system that can't" {
	only_cella
	data 1000
	local option
	bundle "bind(\"/mnt\"; \"$T/data\"; [\"idmap\"])"
	refused cella run "$ID"
	has "$stderr" "without a user namespace the mount needs uidMappings"
	bundle "bind(\"/mnt\"; \"$T/data\"; [\"idmap=uids=0-1-1;gids=0-1-1\"]) | .mounts[-1] += {uidMappings: $FROM_1000, gidMappings: $FROM_1000}"
	refused cella run "$ID"
	has "$stderr" "uidMappings too"
	bundle "tmpfs(\"/mnt\"; [\"idmap\"])"
	refused cella run "$ID"
	has "$stderr" "is for a bind mount"
	for option in uids=0-1-1 "uids=0-1;gids=0-1-1" "uids=a-b-c;gids=0-1-1" "uids=0-1-1;gids=0-1-0" "ids=0-1-1" "uids=0-1-1#;gids=0-1-1" \
		"uids=0-1-1;uids=0-1-1;gids=0-1-1" "uids=0-1-4294967296;gids=0-1-1"; do
		bundle "bind(\"/mnt\"; \"$T/data\"; [\"idmap=$option\"])"
		refused cella run "$ID"
		has "$stderr" "].options: idmap:"
	done
	bundle "bind(\"/mnt\"; \"/sys\"; [\"idmap\"]) | .mounts[-1] += {uidMappings: $FROM_1000, gidMappings: $FROM_1000}"
	refused cella run "$ID"
	has "$stderr" "Invalid argument"
	has "$stderr" "can't map ids"
	bundle "bind(\"/mnt\"; \"$T/data\"; [\"idmap\"]) | .mounts[-1] += {uidMappings: ($FROM_1000 + $FROM_1000), gidMappings: $FROM_1000}"
	refused cella run "$ID"
	has "$stderr" "uidMappings"
}

@test "a hundred mounts of one mapping need one user namespace" {
	only_cella
	not_in_a_vm "the machine's address space is what this would measure"
	command -v strace >/dev/null || skip "strace is not here"
	[ -z "${ASAN_OPTIONS-}" ] || skip "the leak checker can't work where strace does"
	data 1000
	bundle "reduce range(100) as \$i (tmpfs(\"/mnt\"; []); bind(\"/mnt/\\(\$i)\"; \"$T/data\"; [\"idmap\"])
		| .mounts[-1] += {uidMappings: $FROM_1000, gidMappings: $FROM_1000}) | sh(\"stat -c %u /mnt/*/1000 | sort | uniq -c\")"
	ok strace -f -e trace=clone3 -o "$T/calls" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	matches "$output" "100 3000"
	is "$(grep -c 'clone3.*CLONE_NEWUSER' "$T/calls")" 1
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `mounts add` and `mounts remove`: the mounts of a container that lives.
load helpers

# FILE FILTER: a file of mounts, of an empty config.
mounts_file() { jq -n --arg share "$SHARE" --arg t "$T" "$WORDS {mounts: []} | $2" >"$1"; }

# A container whose /mnt is a tmpfs of its own, which lives.
living() {
	only_cella "crun has it from 1.22 on"
	not_in_a_vm "a share can't be added to a running machine"
	bundle "${1:-.} | tmpfs(\"/mnt\"; []) | forever"
	ok cella create "$ID"
	ok cella start "$ID"
}
inside() { cella exec "$ID" "$@"; }
mountinfo() { inside cat /proc/self/mountinfo; }

@test "mounts add: a folder, a file, a tmpfs; mounts remove takes them away" {
	living
	local before
	before=$(mountinfo)
	echo from-host >"$T/file"
	echo in-folder >"$SHARE/file"
	mounts_file m.json 'bind("/mnt/folder/deep"; $share; []) | bind("/mnt/file"; "\($t)/file"; ["ro"]) | tmpfs("/mnt/t"; ["ro", "nosuid", "size=64k", "mode=701"])'
	ok cella mounts add "$ID" m.json
	ok inside sh -c 'cat /mnt/folder/deep/file /mnt/file; stat -c %a /mnt/t; echo x >/mnt/file; echo y >/mnt/t/y; echo z >/mnt/folder/deep/z'
	is "$output" "in-folder
from-host
701"
	is "$(grep -c 'Read-only file system' <<<"$stderr")" 2
	is "$(<"$SHARE/z")" z
	has "$(mountinfo)" " /mnt/t ro,nosuid"
	ok cella mounts remove "$ID" m.json
	is "$(mountinfo)" "$before"
	cella delete --force "$ID"
}

@test "mounts add is seen by the processes that run, and made in a container that is only created or paused" {
	only_cella
	not_in_a_vm "a share can't be added to a running machine"
	bundle 'sh("cat /mnt/file")'
	own_rootfs
	jq '.root.path = "rootfs"' config.json >c && mv c config.json
	echo there >"$SHARE/file"
	mounts_file m.json 'bind("/mnt"; $share; [])'
	cella create "$ID" >"$T/out" 2>&1 </dev/null
	ok cella mounts add "$ID" m.json
	ok cella start "$ID"
	soon has_status "$ID" stopped
	is "$(<"$T/out")" there
	refused cella mounts add "$ID" m.json
	has "$stderr" "cannot change the mounts of a container that is stopped"
	ok cella delete "$ID"
}

@test "mounts add of all or of none: what was mounted before the fault is taken back" {
	living
	local before
	before=$(mountinfo)
	mkdir "$T/dir"
	mounts_file m.json 'tmpfs("/mnt/a"; []) | bind("/mnt/b"; $share; []) | tmpfs("/mnt/c"; []) | bind("/mnt/a/d"; $share; [])
		| bind("/bin/busybox"; "\($t)/dir"; [])'
	refused cella mounts add "$ID" m.json
	has "$stderr" "mounts[4].destination: /bin/busybox"
	is "$(mountinfo)" "$before"
	mounts_file m.json 'tmpfs("/mnt/a"; []) | tmpfs("/mnt/b"; ["size=teapot"])'
	refused cella mounts add "$ID" m.json
	has "$stderr" "mounts[1].options[0]"
	is "$(mountinfo)" "$before"
	cella delete --force "$ID"
}

@test "mounts remove of all or of none; what has no mount, or a link in its path, is refused" {
	only_cella
	not_in_a_vm "a share can't be added to a running machine"
	own_rootfs
	ln -s mnt "$BUNDLE/rootfs/link"
	living 'writable | .root.path = "rootfs"'
	mounts_file add.json 'tmpfs("/mnt/a"; [])'
	ok cella mounts add "$ID" add.json
	local before destination
	before=$(mountinfo)
	for destination in /mnt/none /link/a /etc / /../..; do
		mounts_file m.json "tmpfs(\"/mnt/a\"; []) | tmpfs(\"$destination\"; [])"
		refused cella mounts remove "$ID" m.json
		has "$stderr" "mounts[1].destination: "
		is "$(mountinfo)" "$before"
	done
	has "$stderr" "container's root"
	ok cella mounts remove "$ID" add.json
	cella delete --force "$ID"
}

@test "mounts remove: nested ones in any order, and one on top of another" {
	living
	local before
	before=$(mountinfo)
	mounts_file m.json 'tmpfs("/mnt/a"; []) | tmpfs("/mnt/a/b"; [])'
	ok cella mounts add "$ID" m.json
	ok cella mounts remove "$ID" m.json
	ok cella mounts add "$ID" m.json
	mounts_file back.json 'tmpfs("/mnt/a/b"; []) | tmpfs("/mnt/a"; [])'
	ok cella mounts remove "$ID" back.json
	is "$(mountinfo)" "$before"
	mounts_file one.json 'tmpfs("/mnt/a"; [])'
	ok cella mounts add "$ID" one.json
	ok cella mounts add "$ID" one.json
	ok cella mounts remove "$ID" one.json
	is "$(mountinfo | grep -c ' /mnt/a ')" 1
	ok cella mounts remove "$ID" one.json
	is "$(mountinfo)" "$before"
	cella delete --force "$ID"
}

@test "mounts add: id-mapped, in a user namespace, proc of its own, from a whole config and from stdin" {
	living 'mapped'
	mkdir "$T/data"
	echo x >"$T/data/file"
	chown 1000:1000 "$T/data/file"
	mounts_file m.json 'bind("/mnt/mapped"; "\($t)/data"; ["idmap"]) | bind("/mnt/plain"; "\($t)/data"; []) | mount("/mnt/proc"; "proc"; "proc"; ["nosuid"])
		| {ociVersion: "1.0.0", process: {}, mounts}'
	cella mounts add "$ID" - <m.json
	ok inside sh -c 'stat -c %u /mnt/mapped/file /mnt/plain/file; cat /mnt/proc/1/comm'
	is "$output" "1000
65534
sh"
	jq .mounts m.json >array.json
	ok cella mounts remove "$ID" array.json
	cella delete --force "$ID"
}

@test "mounts add follows links of the container inside its root only" {
	only_cella
	not_in_a_vm "a share can't be added to a running machine"
	own_rootfs
	ln -s / "$BUNDLE/rootfs/escape"
	ln -s /proc/1/root "$BUNDLE/rootfs/magic"
	living 'writable | .root.path = "rootfs"'
	mounts_file m.json "tmpfs(\"/escape$T/new\"; [])"
	ok cella mounts add "$ID" m.json
	[ ! -e "$T/new" ]
	[ -d "$BUNDLE/rootfs$T/new" ]
	lacks "$(</proc/self/mountinfo)" "$T/new"
	mounts_file m.json 'tmpfs("/magic/mnt/x"; [])'
	refused cella mounts add "$ID" m.json
	mounts_file m.json 'tmpfs("/escape"; [])'
	refused cella mounts add "$ID" m.json
	has "$stderr" "container's root"
	mounts_file m.json 'tmpfs("/proc"; [])'
	refused cella mounts add "$ID" m.json
	has "$stderr" "would hide the proc file system"
	mounts_file m.json 'tmpfs("/tmp"; ["remount", "ro"])'
	refused cella mounts add "$ID" m.json
	has "$stderr" "'remount' changes nothing in a container that lives"
	cella delete --force "$ID"
}

@test "mounts: what is no file of mounts, no container, no word" {
	only_cella
	bundle '.'
	refused cella mounts mix "$ID" config.json
	has "$stderr" "'mix' must be add or remove"
	refused cella mounts add "$ID"
	refused cella mounts add "$ID" nowhere.json
	has "$stderr" "No such file or directory"
	refused cella mounts add "$ID" config.json
	has "$stderr" "$ID"
	echo '{}' >m.json
	refused cella mounts add "$ID" m.json
	has "$stderr" "mounts"
	echo '{"mounts": [{"destination": 7}]}' >m.json
	refused cella mounts add "$ID" m.json
	has "$stderr" "mounts[0].destination"
}

@test "mounts: a machine of its own refuses by name" {
	only_cella
	[ "$CELLA_EXECUTOR" = microvm ] || skip "the executor has it"
	bundle 'forever'
	ok cella create "$ID"
	mounts_file m.json 'tmpfs("/mnt"; [])'
	refused cella mounts add "$ID" m.json
	has "$stderr" "not supported by the microvm executor"
	cella delete --force "$ID"
}

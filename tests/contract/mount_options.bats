#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the words in a mount's options do.
load helpers

# The options of a mount as the container sees it.
INFO='f() { grep " $1 " /proc/self/mountinfo | cut -d" " -f6; };'

# A folder with another file system mounted below it.
tree() {
	mkdir -p "$T/tree/below"
	mount -t tmpfs tmpfs "$T/tree/below"
}
no_tree() { umount "$T/tree/below"; }

@test "recursive words change what is mounted below a bind too, others do not" {
	only_cella "the peers of Debian 12 know fewer"
	local word flag
	tree
	while read -r word flag; do
		bundle "mount(\"/mnt\"; \"bind\"; \"$T/tree\"; [\"rbind\", \"$word\"]) | sh(\"$(sed 's/"/\\&/g' <<<"$INFO") f /mnt; f /mnt/below\")"
		try cella run "$ID"
		echo "$word: $(tr '\n' ' ' <<<"$output")$stderr" >>"$T/seen"
	done <<-'END'
		rro ro
		rnosuid nosuid
		rnodev nodev
		rnoexec noexec
		rnoatime noatime
		rnodiratime nodiratime
		rnosymfollow nosymfollow
		noexec noexec
	END
	no_tree
	# the monitor's file server hands on what is below with the same mount
	[ "$CELLA_EXECUTOR" != microvm ] || not_in_a_vm "a share is one file system"
	while read -r line; do
		word=${line%%:*}
		read -r top below <<<"${line#*: }"
		case $word in
		noexec) has "$top" noexec && lacks "$below" noexec ;;
		*) has "$top" "${word#r}" && has "$below" "${word#r}" ;;
		esac || die "$line"
	done <"$T/seen"
	is "$(wc -l <"$T/seen")" 8
}

@test "recursive words take back what is so outside" {
	only_cella
	not_in_a_vm "a share is one file system"
	tree
	mount -o remount,bind,noexec,nodev,nosuid,noatime "$T/tree/below"
	bundle "mount(\"/mnt\"; \"bind\"; \"$T/tree\"; [\"rbind\", \"rexec\", \"rdev\", \"rsuid\", \"rrelatime\"]) | sh(\"$(sed 's/"/\\&/g' <<<"$INFO") f /mnt/below\")"
	try cella run "$ID"
	no_tree
	is "$output" "rw,relatime"
}

# MOUNT-POINT: its options, how it propagates, whether its file system has lazytime.
mounted() {
	awk -v at="$1" '$5 == at {
		shown = $6
		for (i = 7; $i != "-"; i++)
			shown = shown "," $i
		sub(/:[0-9]+/, "", shown)
		print shown (("," $(i + 3) ",") ~ /,lazytime,/ ? ",lazytime" : "")
	}' <<<"$output"
}

@test "each word takes back its opposite, as mountinfo has it" {
	only_cella "the peers of Debian 12 know fewer"
	local from word before after filter='tmpfs("/mnt"; [])'
	cat >"$T/words" <<-'END'
		noatime atime rw,noatime rw,relatime
		nodiratime diratime rw,nodiratime,relatime rw,relatime
		noatime strictatime rw,noatime rw
		strictatime nostrictatime rw rw,relatime
		lazytime nolazytime rw,relatime,lazytime rw,relatime
		rnoatime ratime rw,noatime rw,relatime
		rnodiratime rdiratime rw,nodiratime,relatime rw,relatime
		rnoatime rnorelatime rw,noatime rw,relatime
		rstrictatime rnostrictatime rw rw,relatime
		rnoatime rstrictatime rw,noatime rw
		rstrictatime rrelatime rw rw,relatime
		rro rrw ro,relatime rw,relatime
		rnosymfollow rsymfollow rw,relatime,nosymfollow rw,relatime
		shared runbindable rw,relatime,shared rw,relatime,unbindable
		rmand rnomand rw,relatime rw,relatime
	END
	while read -r from word before after; do
		filter+=" | tmpfs(\"/mnt/$from.$word.0\"; [\"$from\"]) | tmpfs(\"/mnt/$from.$word.1\"; [\"$from\", \"$word\"])"
	done <"$T/words"
	bundle "$filter | args([\"cat\", \"/proc/self/mountinfo\"])"
	ok cella run "$ID"
	while read -r from word before after; do
		echo "$from $word $(mounted "/mnt/$from.$word.0") $(mounted "/mnt/$from.$word.1")"
	done <"$T/words" >"$T/seen"
	is "$(<"$T/seen")" "$(<"$T/words")"
}

@test "a relative destination is one of the root's, and a bind may have the type none" {
	echo bound >"$SHARE/file"
	bundle 'mount("mnt"; "none"; $share; ["bind", "ro"]) | sh("cd /tmp && cat /mnt/file; touch /mnt/new")'
	exits 1 cella run "$ID"
	is "$output" bound
	has "$stderr" "Read-only file system"
}

@test "sync, dirsync, lazytime and their recursive forms reach the file system that is made" {
	only_cella
	bundle 'tmpfs("/mnt/a"; ["sync", "lazytime"]) | tmpfs("/mnt/b"; ["rsync", "rdirsync"]) | tmpfs("/mnt/c"; ["sync", "async", "rasync", "mand", "rmand"])
		| sh("for d in a b c; do grep \" /mnt/$d \" /proc/self/mountinfo | sed \"s/.* - //\"; done")'
	ok cella run "$ID"
	matches "$output" "tmpfs tmpfs [a-z,=0-9]*sync"
	is "$(sed -n 1p <<<"$output" | grep -c lazytime)" 1
	is "$(sed -n 2p <<<"$output" | grep -c 'sync.*dirsync')" 1
	is "$(sed -n 3p <<<"$output" | grep -c sync || true)" 0
}

@test "words that say nothing more than the default are taken: defaults silent loud iversion rw suid dev exec" {
	bundle 'tmpfs("/mnt"; ["defaults", "rw", "suid", "dev", "exec", "relatime"]) | sh("echo x >/mnt/x && cat /mnt/x")'
	ok cella run "$ID"
	is "$output" x
	only_cella
	bundle 'tmpfs("/mnt"; ["silent", "loud", "iversion", "noiversion", "nomand", "symfollow", "norelatime", "nostrictatime"]) | sh("echo x >/mnt/x && cat /mnt/x")'
	ok cella run "$ID"
	is "$output" x
}

@test "options that mean nothing for a bind, and those of mount(8), are taken" {
	bundle 'bind("/share"; $share; ["ro", "size=5", "acl", "noacl", ""]) | sh("cat /share/x; touch /share/y")'
	echo shared >"$SHARE/x"
	exits 1 cella run "$ID"
	is "$output" shared
	has "$stderr" "Read-only file system"
	only_cella
	matches "$stderr" "mounts\[[0-9]+\]\.options\[[0-9]\]: 'size=5' means nothing for a bind mount"
	is "$(grep -c "means nothing" <<<"$stderr")" 1
	lacks "$stderr" "acl"
	bundle 'tmpfs("/mnt"; ["nofail", "_netdev", "noauto", "user", "x-gvfs-show", "comment=mine", "", "acl", "noacl"]) | sh("echo x >/mnt/x && cat /mnt/x")'
	ok cella run "$ID"
	is "$output" x
	is "$stderr" ""
}

@test "one option may be several with commas between, as for the kernel" {
	bundle 'tmpfs("/mnt"; ["size=1m,mode=700"]) | sh("grep \" /mnt \" /proc/mounts")'
	ok cella run "$ID"
	matches "$output" "size=1024k,.*mode=700"
}

@test "nosymfollow: links are there and lead nowhere; symfollow takes it back" {
	only_cella "from runc 1.2 on"
	ln -s /etc/passwd "$SHARE/link"
	bundle 'bind("/share"; $share; ["nosymfollow"]) | sh("readlink /share/link; cat /share/link")'
	exits 1 cella run "$ID"
	is "$output" /etc/passwd
	has "$stderr" "symbolic links"
	bundle 'bind("/share"; $share; ["nosymfollow", "symfollow"]) | sh("head -n1 /share/link")'
	ok cella run "$ID"
	matches "$output" ^root
}

@test "nosuid, nodev and noexec do what they say" {
	own_rootfs
	cp "$(command -v busybox)" "$SHARE/true"
	chmod 4755 "$SHARE/true"
	mknod -m 666 "$SHARE/null" c 1 3
	bundle 'bind("/share"; $share; ["nosuid", "nodev", "noexec"]) | sh("/share/true; echo $?; cat /share/null")'
	try cella run "$ID"
	is "$output" 126
	matches "$stderr" "null.*ermission denied"
	rm "$SHARE/null"
}

@test "tmpcopyup: a tmpfs with the image's files, which stay as they are" {
	own_rootfs
	mkdir -p "$BUNDLE/rootfs/data/sub"
	echo from-image >"$BUNDLE/rootfs/data/sub/file"
	chmod 604 "$BUNDLE/rootfs/data/sub/file"
	chown 5:6 "$BUNDLE/rootfs/data/sub/file"
	ln -s sub/file "$BUNDLE/rootfs/data/link"
	bundle '.root.path = "rootfs" | tmpfs("/data"; ["tmpcopyup"]) | sh("cat /data/link; stat -c %a:%u:%g /data/sub/file; rm /data/sub/file; stat -f -c %T /data")'
	ok cella run "$ID"
	is "$output" "from-image
604:5:6
tmpfs"
	is "$(<"$BUNDLE/rootfs/data/sub/file")" from-image
}

@test "remount changes what is mounted there: what it names, and nothing else" {
	only_cella "they set what is not named to its default"
	bundle 'tmpfs("/mnt"; ["mode=700", "nosuid"]) | tmpfs("/mnt/in"; []) | tmpfs("/mnt"; ["remount", "ro", "noexec", "size=64k"]) | tmpfs("/mnt/late"; [])
		| mount("/home"; "bind"; "/etc"; ["rbind"]) | .mounts += [{destination: "/home", options: ["bind", "remount", "ro"]}]
		| .mounts += [{destination: "/proc", options: ["remount", "ro"]}, {destination: "/dev", options: ["remount", "ro"]}]
		| tmpfs("/var"; ["ro"]) | tmpfs("/var"; ["remount", "rw"])
		| sh("touch /mnt/in/x /mnt/late/x /var/x && grep -E \" /(mnt|home|proc|dev|var) \" /proc/mounts | cut -d\\  -f2,4; touch /mnt/x || touch /home/x || echo $$ >/dev/null")'
	ok cella run "$ID"
	mounts=$output
	has "$mounts" "/mnt ro,nosuid,noexec,relatime,size=64k,mode=700"
	has "$mounts" "/home ro,"
	has "$mounts" "/proc ro,nosuid,nodev,noexec,relatime"
	has "$mounts" "/dev ro,nosuid"
	has "$mounts" "/var rw,relatime"
	is "$(wc -l <<<"$mounts")" 5
	has "$stderr" "touch: /mnt/x: Read-only file system"
	has "$stderr" "touch: /home/x: Read-only file system"
}

@test "remount of what is no mount, and of a file system that others have too, is refused" {
	only_cella
	local filter reason
	while IFS=$'\t' read -r filter reason; do
		bundle ".mounts += [$filter]"
		refused cella run "$ID"
		has "$stderr" "$reason"
	done <<-'EOF'
		{destination: "/etc", options: ["remount", "ro"]}	/etc: nothing is mounted there that 'remount' could change
		{destination: "/no/such", options: ["remount", "ro"]}	No such file or directory
		{destination: "/sys", options: ["remount", "gid=5"]}	'remount' can change the mount, but not a file system
		{destination: "/tmp", type: "tmpfs", options: ["remount", "tmpcopyup"]}	'remount' goes with none of
		{destination: "/dev/shm", options: ["remount", "size=much"]}	size
	EOF
}

@test "remount never changes a file system of the host's, whatever a link of the image has put there" {
	only_cella
	own_rootfs
	ln -s mnt "$BUNDLE/rootfs/srv"
	mkdir "$T/host"
	mount -t tmpfs -o size=1m host "$T/host"
	bundle ".root.path = \"rootfs\" | tmpfs(\"/mnt\"; []) | bind(\"/srv\"; \"$T/host\") | tmpfs(\"/mnt\"; [\"remount\", \"size=64k\"])
		| sh(\"grep -c ' /mnt ' /proc/mounts\")"
	try cella run "$ID"
	grep "$T/host tmpfs rw,relatime,size=1024k" /proc/mounts
	umount "$T/host"
	is "$status $output" "0 2"
}

@test "a link as the source: followed, or with src-nofollow itself" {
	only_cella "from crun 1.10 on"
	not_in_a_vm "the file server follows it where it is shared"
	own_rootfs
	echo pointed-to >"$T/file"
	ln -s "$T/file" "$T/link"
	bundle ".root.path = \"rootfs\" | bind(\"/mnt/followed\"; \"$T/link\"; []) | bind(\"/mnt/itself\"; \"$T/link\"; [\"src-nofollow\"])
		| sh(\"cat /mnt/followed; readlink /mnt/itself\")"
	ok cella run "$ID"
	is "$output" "pointed-to
$T/file"
}

@test "a link as the destination: followed inside, or with dest-nofollow covered" {
	only_cella "from crun 1.10 on"
	own_rootfs
	echo mounted >"$T/file"
	echo image >"$BUNDLE/rootfs/etc/target"
	ln -s ../etc/target "$BUNDLE/rootfs/mnt/link"
	bundle ".root.path = \"rootfs\" | bind(\"/mnt/link\"; \"$T/file\"; [\"dest-nofollow\"]) | sh(\"cat /mnt/link /etc/target\")"
	ok cella run "$ID"
	is "$output" "mounted
image"
	bundle ".root.path = \"rootfs\" | bind(\"/mnt/link\"; \"$T/file\"; []) | sh(\"cat /mnt/link /etc/target\")"
	ok cella run "$ID"
	is "$output" "mounted
mounted"
}

@test "copy-symlink: the link is made anew, once; something else in its place is refused" {
	only_cella "from crun 1.9 on"
	not_in_a_vm "the file server follows it where it is shared"
	own_rootfs
	ln -s /somewhere/else "$T/link"
	echo plain >"$T/file"
	bundle ".root.path = \"rootfs\" | bind(\"/mnt/new/link\"; \"$T/link\"; [\"copy-symlink\"]) | bind(\"/mnt/file\"; \"$T/file\"; [\"copy-symlink\"])
		| sh(\"readlink /mnt/new/link; cat /mnt/file\")"
	ok cella run "$ID"
	is "$output" "/somewhere/else
plain"
	ok cella run "$ID"
	ln -sfn /other "$BUNDLE/rootfs/mnt/new/link"
	refused cella run "$ID"
	has "$stderr" "something else than the symbolic link"
	rm "$BUNDLE/rootfs/mnt/new/link"
	mkdir "$BUNDLE/rootfs/mnt/new/link"
	refused cella run "$ID"
	has "$stderr" "/mnt/new/link"
}

@test "an overlay of more layers than 255 bytes name" {
	not_in_a_vm "its layers would be paths of the host"
	local layers= i
	for i in $(seq 30); do
		mkdir -p "$T/layers/number-$i"
		echo "$i" >"$T/layers/number-$i/file-$i"
		layers=$layers${layers:+:}$T/layers/number-$i
	done
	mkdir -p "$T/upper" "$T/work"
	[ ${#layers} -gt 1000 ]
	mount -t tmpfs tmpfs "$T/upper"
	mkdir "$T/upper/u" "$T/upper/w"
	bundle "mount(\"/mnt\"; \"overlay\"; \"overlay\"; [\"lowerdir=$layers\", \"upperdir=$T/upper/u\", \"workdir=$T/upper/w\", \"nosuid\", \"noexec\"])
		| sh(\"cat /mnt/file-1 /mnt/file-30; echo new >/mnt/new; grep -c ' /mnt rw,nosuid,noexec' /proc/self/mountinfo\")"
	try cella run "$ID"
	[ -e "$T/upper/u/new" ] || report "nothing was written into the upper layer"
	umount "$T/upper"
	is "$output" "1
30
1"
}

@test "a long option that the file system refuses is refused with its mount" {
	only_cella
	bundle "tmpfs(\"/mnt\"; [\"size=$(printf '%0300d' 0)x\"])"
	refused cella run "$ID"
	has "$stderr" "mounts[7]: tmpfs: mount: Invalid argument"
}

@test "propagation: what the host mounts later is seen by slaves alone" {
	only_cella
	not_in_a_vm "mounts of the host do not reach into a running machine"
	mkdir -p "$T/host/below"
	mount --bind "$T/host" "$T/host"
	mount --make-shared "$T/host"
	bundle ".linux.rootfsPropagation = \"slave\"
		| mount(\"/mnt/slave\"; \"bind\"; \"$T/host\"; [\"rbind\", \"rslave\"]) | mount(\"/mnt/private\"; \"bind\"; \"$T/host\"; [\"rbind\", \"rprivate\"])
		| mount(\"/mnt/default\"; \"bind\"; \"$T/host\"; [\"rbind\"]) | tmpfs(\"/mnt\"; []) | .mounts |= (.[:-4] + [.[-1]] + .[-4:-1]) | forever"
	ok cella create "$ID"
	ok cella start "$ID"
	mount -t tmpfs tmpfs "$T/host/below"
	touch "$T/host/below/file"
	ok cella exec "$ID" sh -c 'cd /mnt; ls slave/below private/below default/below'
	cella delete --force "$ID"
	umount "$T/host/below" "$T/host"
	is "$output" "default/below:

private/below:

slave/below:
file"
}

@test "propagation: what the container mounts on a shared bind reaches the host, below a shared root" {
	only_cella
	not_in_a_vm "mounts of a machine do not reach the host"
	mkdir -p "$T/host/below"
	mount --bind "$T/host" "$T/host"
	mount --make-shared "$T/host"
	local word
	for word in rshared rslave rprivate; do
		bundle ".linux.rootfsPropagation = \"shared\" | mount(\"/share\"; \"bind\"; \"$T/host\"; [\"rbind\", \"$word\"])
			| all_caps([\"CAP_SYS_ADMIN\"]) | sh(\"mount -t tmpfs tmpfs /share/below && touch /share/below/inside\")"
		try cella run "$ID"
		[ ! -e "$T/host/below/inside" ] || { echo "$word" >>"$T/seen"; umount "$T/host/below"; }
	done
	umount "$T/host"
	is "$(cat "$T/seen")" rshared
	is "$status" 0
}

@test "propagation: unbindable, and each type below, as mountinfo has it" {
	bundle 'tmpfs("/mnt"; []) | tmpfs("/mnt/u"; ["unbindable"]) | tmpfs("/mnt/s"; ["shared"]) | tmpfs("/mnt/p"; ["private"])
		| sh("grep \" /mnt/[usp] \" /proc/self/mountinfo | sed \"s/ - .*//; s/[0-9]*//g\" | cut -d\" \" -f5,7-")'
	own_rootfs
	jq '.root = {path: "rootfs"}' config.json >c && mv c config.json
	ok cella run "$ID"
	is "$output" "/mnt/u unbindable
/mnt/s shared:
/mnt/p "
}

@test "a source that only the host's root can reach, in a user namespace" {
	not_in_a_vm "the file server is not in the user namespace"
	mkdir -p "$T/closed/inner"
	echo reached >"$T/closed/inner/file"
	chmod 700 "$T/closed"
	bundle "mapped | bind(\"/mnt\"; \"$T/closed/inner\"; []) | bind(\"/share\"; \"$T/closed/inner\"; [\"ro\"]) | sh(\"cat /mnt/file; touch /share/x\")"
	try cella run "$ID"
	is "$output" reached
	has "$stderr" "Read-only file system"
}

@test "mqueue, proc and sysfs where their namespaces are the host's, in a user namespace" {
	only_cella
	not_in_a_vm "it has its own"
	mkdir -p /dev/mqueue
	mount -t mqueue mqueue /dev/mqueue
	bundle 'mapped | no_ns("ipc") | no_ns("pid") | no_ns("network") | del(.linux.resources) | sh("stat -f -c %T /proc /sys; grep \" /dev/mqueue \" /proc/self/mountinfo | grep -o \"mqueue mqueue\"; touch /sys/x")'
	try cella run "$ID"
	umount /dev/mqueue
	is "$output" "proc
sysfs
mqueue mqueue"
	has "$stderr" "/sys/x"
}

@test "a proc that would show more than the outer container may see is refused, and why is said" {
	only_cella
	not_in_a_vm "it has a kernel of its own"
	! ldd "$CELLA" >/dev/null 2>&1 || skip "this build needs libraries, which the root file system has not"
	own_rootfs
	cp "$CELLA" "$BUNDLE/rootfs/bin/cella"
	mkdir -p "$BUNDLE/rootfs/inner/rootfs/proc"
	bundle 'no_ns("cgroup") | .mounts |= map(select(.type == "proc")) | .root.path = "rootfs" | ids([{containerID: 0, hostID: 0, size: 1}])
		| .linux.maskedPaths = [] | .linux.readonlyPaths = [] | del(.linux.cgroupsPath, .linux.resources, .process.terminal)'
	cp config.json "$BUNDLE/rootfs/inner/config.json"
	bundle '.root.path = "rootfs" | writable | .linux.readonlyPaths = [] | (.mounts[] | select(.type == "cgroup").options) -= ["ro"] | all_caps(["CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_NET_ADMIN", "CAP_DAC_OVERRIDE", "CAP_SETFCAP"])
		| sh("cd /inner && mkdir -p /tmp/r && exec cella --root /tmp/r --cgroup-manager cgroupfs run in")'
	try cella run "$ID"
	is "$status" 1
	has "$stderr" "mounts[0]: proc: mount: Operation not permitted"
	has "$stderr" "must not be masked"
}

# bats test_tags=testbed
@test "a cgroup mount leaves the options of the host's tree alone" {
	not_in_a_vm "it has a kernel of its own"
	only_cella
	options() { grep ' - cgroup2 ' /proc/self/mountinfo | sed 's/.* - //'; }
	before=$(options)
	has "$before" nsdelegate
	bundle 'no_ns("cgroup") | sh("ls /sys/fs/cgroup >/dev/null && echo seen")'
	ok cella run "$ID"
	is "$output" seen
	is "$(options)" "$before"
}

@test "a cgroup mount: the container's own tree, with and without a cgroup namespace, as cgroup and as cgroup2" {
	only_cella
	local type
	for type in cgroup cgroup2; do
		bundle ".mounts |= map(select(.destination != \"/sys/fs/cgroup\")) | mount(\"/sys/fs/cgroup\"; \"$type\"; \"$type\"; [\"ro\", \"nosuid\"])
			| sh(\"stat -f -c %T /sys/fs/cgroup; head -n1 /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/x\")"
		exits 1 cella run "$ID"
		matches "$output" $'(cgroup2fs|UNKNOWN)\n1'
		has "$stderr" "Read-only file system"
		bundle ".mounts |= map(select(.destination != \"/sys/fs/cgroup\")) | mount(\"/sys/fs/cgroup\"; \"$type\"; \"$type\"; [\"rw\"])
			| sh(\"mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x && echo written\")"
		ok cella run "$ID"
		is "$output" written
		[ "$CELLA_EXECUTOR" = namespace ] || continue # in a machine there is no other one to see
		bundle "no_ns(\"cgroup\") | .mounts |= map(select(.destination != \"/sys/fs/cgroup\")) | mount(\"/sys/fs/cgroup\"; \"$type\"; \"$type\"; [])
			| sh(\"cat /sys/fs/cgroup\$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.procs\")"
		ok cella run "$ID"
		is "$(sed -n 1p <<<"$output")" 1
	done
}

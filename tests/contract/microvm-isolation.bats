#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Root of a guest, with all that a kernel of its own can give, tries to get out of it.
load helpers

setup() {
	contract_setup
	[ "$CELLA_EXECUTOR" = microvm ] || skip "for virtual machines"
	# of the guest's kernel, not of the host's
	all='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETGID",
		"CAP_SETUID", "CAP_KILL", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO", "CAP_NET_ADMIN", "CAP_SYS_MODULE"]'
	LIMIT=600 # an emulated machine takes its time
	cp "$WORK/files" "$SHARE/files"
	mkdir "$T/outside"
	echo "not for guests" >"$T/outside/secret"
}

# Run the share's script as root of the guest; what it says is in $output and $stderr.
try_to_leave() {
	cat >"$SHARE/script"
	bundle "writable | share | all_caps($all) | args([\"sh\", \"/share/script\"])${1-}"
	own_rootfs
	jq ".root.path = \"$BUNDLE/rootfs\"" config.json >"$T/config" && mv "$T/config" config.json
	try cella run "$ID"
	has "$output" "the end" || die "$stderr"
}

# Nothing beside the share has changed, or was seen.
untouched() {
	is "$(ls -A "$T/outside")" secret
	is "$(<"$T/outside/secret")" "not for guests"
	lacks "$output" "not for guests"
	[ ! -e "$T/new" ] && [ ! -e "$T/made" ] && [ ! -e "$T/moved" ] || die "something was made beside the share"
}

@test "no name in a share leads out of it" {
	ln -s "$T/outside" "$SHARE/absolute"
	ln -s ../outside "$SHARE/relative"
	ln -s "/proc/1/root$T/outside" "$SHARE/magic"
	mkdir "$SHARE/d"
	try_to_leave <<-EOS
		mkdir /mnt/again; mount -t virtiofs shares /mnt/again
		for way in /share/.. /share/d/../.. /share/absolute /share/relative /share/magic $T/outside \
			/mnt/again /mnt/again/.. /mnt/again/0/.. /mnt/again/1/.. /proc/self/cwd/.. /proc/1/root$T; do
			cat \$way/secret \$way/outside/secret \$way/../outside/secret
			echo mine >\$way/outside/secret; echo mine >\$way/new; mkdir \$way/made; mv /share/d \$way/moved
		done 2>/dev/null
		ln /share/absolute/secret /share/linked; ln /share/relative/secret /share/linked
		echo the end
	EOS
	untouched
	[ ! -e "$SHARE/linked" ]
}

@test "devices, fifos and sockets of the host in a share are not the host's inside" {
	mkfifo "$SHARE/fifo"
	exec {fifo}<>"$SHARE/fifo"
	echo "not for guests" >&"$fifo" # stays in it as long as nobody reads
	mknod "$SHARE/zero" c 1 5
	mknod "$SHARE/memory" c 1 1
	mknod "$SHARE/disk" b "$(stat -c %Hd /)" "$(stat -c %Ld /)"
	try_to_leave <<-'EOS'
		timeout 2 cat /share/fifo
		head -c 512 /share/disk 2>/dev/null | tr -d '\0' | head -c 100 && echo disk >/share/disk
		mknod /share/own b $(stat -c '0x%t 0x%T' /share/disk) && echo made a device
		mknod /share/ownc c 1 1 && echo made a device
		head -c 4 /share/zero | wc -c
		echo the end
	EOS
	untouched
	lacks "$output" "made a device"
	read -r -t 5 line <&"$fifo"
	is "$line" "not for guests"
	exec {fifo}>&-
	is "$(find "$SHARE" -name 'own*' | wc -l)" 0
	# what somebody wrote to the disk's name went nowhere
	is "$(stat -c %F "$SHARE/disk")" "block special file"
}

@test "a host that swaps a directory for a link all the time leads nobody out" {
	mkdir "$SHARE/a"
	echo inside >"$SHARE/a/file"
	ln -s "$T/outside" "$SHARE/b"
	echo "not for guests, either" >"$T/outside/file"
	"$WORK/files" swap "$SHARE/a" "$SHARE/b" &
	swapper=$!
	try_to_leave <<-'EOS'
		i=0
		while [ $i -lt 400 ]; do
			cat /share/a/file /share/b/file
			echo mine >/share/a/new-$i; mkdir /share/b/made-$i; rm -f /share/a/secret; mv /share/files2 /share/a/
			ln /share/files /share/a/hard-$i; chmod 777 /share/a/file; i=$((i + 1))
		done 2>/dev/null | sort | uniq -c
		echo the end
	EOS
	kill -KILL $swapper
	wait $swapper || true
	lacks "$output" "not for guests"
	has "$output" inside
	is "$(ls -A "$T/outside" | tr '\n' ' ')" "file secret "
	is "$(stat -c %a "$T/outside/file")" 644
}

@test "what is shared read-only stays so, whatever the guest's kernel does" {
	mkdir "$T/ro"
	echo original >"$T/ro/file"
	before=$(ls -lR --time-style=full-iso "$T/ro")
	try_to_leave "| bind(\"/ro\"; \"$T/ro\"; [\"ro\"])" <<-'EOS'
		grep -q ' /ro [^ ]* ro' /proc/mounts && echo read-only
		mount -o remount,rw,bind /ro; mount -o remount,rw /ro
		mkdir /mnt/again; mount -t virtiofs shares /mnt/again; mount -o remount,rw /mnt/again
		for at in /ro /mnt/again/*; do
			[ -e $at/file ] || continue
			echo changed >$at/file; echo new >$at/new; mkdir $at/dir; rm $at/file; mv $at/file $at/moved; chmod 777 $at/file
			ln $at/file $at/linked; touch -d '2001-01-01' $at/file; chown 5:5 $at/file; ln -s x $at/sym; truncate -s 1 $at/file
			cat $at/file
		done 2>/dev/null
		echo the end
	EOS
	has "$output" "read-only
original"
	is "$(ls -lR --time-style=full-iso "$T/ro")" "$before"
}

@test "kernel and agent that machines share can't be written to, and a machine has nothing else of the host" {
	image=$("$(dirname "$CELLA")/cella-image" 2>/dev/null)
	before=$(find "$image" -type f -exec sha256sum {} + | sort)
	bundle "writable | all_caps($all) | forever"
	run_in_background
	monitor=$(pid_of "$ID")
	for process in "$monitor" $(<"/proc/$monitor/task/$monitor/children"); do
		opened=$(ls -l "/proc/$process/fd" | grep -v -e ' [012] -> ' -e "$T/stdout" -e "$T/stderr") # the container's own
		lacks "$opened" "$image"
		lacks "$opened" "$T"
		is "$(awk '/^Seccomp:/ { print $2 }' "/proc/$process/status")" 2
	done
	is "$(awk '/^Cap(Prm|Eff|Amb)/ { print $2 }' "/proc/$monitor/status" | sort -u)" 0000000000000000
	try cella exec "$ID" sh -c 'for d in /dev/mem /dev/kmem /dev/port /dev/vda; do [ -e $d ] && head -c 16 $d; done
		cat /proc/net/dev; ls /proc | grep -c "^[0-9]"; find / -xdev -name "cella-agent*" -o -xdev -name "vmlinu*" | head'
	is "$(grep -c : <<<"$output")" 1 # lo alone
	lacks "$output" cella-agent
	[ "$(grep -E '^[0-9]+$' <<<"$output" | tail -n 1)" -lt 10 ] || die "$output"
	ok cella kill "$ID" TERM
	ends_with $background 0
	is "$(find "$image" -type f -exec sha256sum {} + | sort)" "$before"
}

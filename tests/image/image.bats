#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The program cella-image: what it makes of a kernel, what it keeps, what it refuses.
# Run by tests/run-image, which gives $IMAGE (the program) and $KERNELS (a folder like "/" with an unpacked
# kernel package in it, or nothing).
bats_require_minimum_version 1.5.0

setup_file() {
	# An ELF with a PVH note, 64 KiB of something to load, and what it says of itself.
	export AGENT=$BATS_FILE_TMPDIR/agent ELF=$BATS_FILE_TMPDIR/vmlinux
	cp "$(command -v busybox)" "$AGENT"
	python3 - "$ELF" <<-'PYTHON'
		import struct, sys
		head = bytearray(0x1000)
		head[0:16] = b"\x7fELF\x02\x01\x01" + bytes(9)
		struct.pack_into("<HHIQQQIHHHHHH", head, 16, 2, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
		struct.pack_into("<IIQQQQQQ", head, 64, 1, 5, 0x1000, 0, 0x1000000, 0x10000, 0x20000, 4096)
		struct.pack_into("<IIQQQQQQ", head, 120, 4, 4, 0x200, 0, 0, 24, 24, 4)
		struct.pack_into("<III4sQ", head, 0x200, 4, 8, 18, b"Xen\0", 0x1000040)
		code = bytes(i * i >> 5 & 255 for i in range(0x10000))
		banner = b"Linux version 6.1.0-9-made (by hand) #1\0"
		open(sys.argv[1], "wb").write(head + banner + code[len(banner):])
	PYTHON
}

setup() {
	T=$BATS_TEST_TMPDIR
	CACHE=$T/cache
	umask 022
}

image() { "$IMAGE" --cache "$CACHE" --agent "$AGENT" "$@"; }
ok() { run --separate-stderr "$@"; [ "$status" -eq 0 ] || { echo "$stderr"; return 1; }; }
# It fails with one line that says this.
refused() { # WORDS COMMAND…
	words=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -eq 1 ] && [ -z "$output" ] && [ "${#stderr_lines[@]}" -eq 1 ] && [[ $stderr == *"$words"* ]] ||
		{ echo "status $status, not '$words': $output / $stderr"; return 1; }
}

# bzimage FILE COMMAND…: a bzImage of $ELF, packed by the command from stdin to stdout.
bzimage() {
	file=$1
	shift
	"$@" <"$ELF" >"$T/payload" || return
	python3 - "$T/payload" "$ELF" "$file" "$1" <<-'PYTHON'
		import struct, sys
		payload = open(sys.argv[1], "rb").read()
		if sys.argv[4] != "gzip":
		    payload += struct.pack("<I", len(open(sys.argv[2], "rb").read()))
		head = bytearray(1024)
		head[0x1f1] = 1
		head[0x1fe:0x200] = b"\x55\xaa"
		head[0x202:0x208] = b"HdrS\x0f\x02"
		head[0x20e:0x210] = struct.pack("<H", 0x80)
		head[0x236] = 1
		head[0x280:0x28f] = b"6.1.0-9-made #1"
		struct.pack_into("<II", head, 0x248, 0, len(payload))
		open(sys.argv[3], "wb").write(head + payload)
	PYTHON
}

# modules DIR [COMMAND SUFFIX]: modules for a guest, packed by the command.
modules() {
	mkdir -p "$1/k"
	for name in virtio_mmio virtiofs fuse vmw_vsock_virtio_transport virtio_net virtio-rng; do
		printf '\177ELF %s' $name >"$1/k/$name.ko"
		[ -z "${2-}" ] || { $2 <"$1/k/$name.ko" >"$1/k/$name.ko$3" && rm "$1/k/$name.ko"; }
	done
	for name in virtio_mmio fuse vmw_vsock_virtio_transport virtio_net virtio-rng; do echo "k/$name.ko${3-}:"; done >"$1/modules.dep"
	echo "k/virtiofs.ko${3-}: k/fuse.ko${3-}" >>"$1/modules.dep"
	printf 'k/virtio_blk.ko\nk/virtio_console.ko\nk/overlay.ko\nk/ext4.ko\nk/squashfs.ko\nk/erofs.ko\n' >"$1/modules.builtin"
}

# What is in an initramfs, by busybox, which is not the kernel but reads the same.
unpack_initramfs() { mkdir "$T/root" && (cd "$T/root" && busybox cpio -idm --quiet <"$1/initramfs"); }

@test "--help says what it does, each option and examples" {
	ok "$IMAGE" --help
	for word in usage: --kernel --modules --agent --cache --force --json examples:; do
		[[ $output == *$word* ]]
	done
	ok "$IMAGE" -h
	refused "try 'cella-image --help'" image --kernle x
	refused "expected FILE" image --kernel
	refused "takes no value" image --json=yes
	refused "unknown word" image more
}

@test "a kernel packed in each way comes out the same" {
	for tool in "gzip -n" "xz --check=crc32" "lzma" "lz4 -l -c -" "zstd -q -c"; do
		command -v "${tool%% *}" >/dev/null || { echo "# no ${tool%% *}" >&3; continue; }
		# shellcheck disable=SC2086
		bzimage "$T/vmlinuz-${tool%% *}" $tool
		ok image --json --kernel "$T/vmlinuz-${tool%% *}"
		cmp "$ELF" "$(jq -r .path <<<"$output")/kernel"
		[ "$(jq -r .image.kernel.packing <<<"$output")" = "${tool%% *}" ]
	done
	ok image --json --kernel "$ELF"
	[ "$(jq -r .image.kernel.packing <<<"$output")" = none ]
	[ "$(jq -r .image.entry <<<"$output")" = $((0x1000040)) ]
	[ "$(jq -r .image.release <<<"$output")" = 6.1.0-9-made ]
}

@test "image.json has the sizes and digests of what lies beside it" {
	modules "$T/modules"
	ok image --kernel "$ELF" --modules "$T/modules"
	for part in kernel initramfs; do
		[ "$(jq -r .$part.size "$output/image.json")" = "$(stat -c %s "$output/$part")" ]
		[ "$(jq -r .$part.sha256 "$output/image.json")" = "$(sha256sum <"$output/$part" | cut -d' ' -f1)" ]
		[ "$(stat -c %a "$output/$part")" = 644 ]
	done
	[ "$(jq -c .missing "$output/image.json")" = '["virtio_balloon"]' ]
	[[ $stderr == *"no module virtio_balloon"* ]]
	[ "$(stat -c %a "$output")" = 755 ]
}

@test "the initramfs has the agent, the modules in order, folders and nodes" {
	modules "$T/modules"
	ok image --kernel "$ELF" --modules "$T/modules"
	[ "$(id -u)" = 0 ] || skip "nodes are made by root only"
	unpack_initramfs "$output"
	cmp "$AGENT" "$T/root/init"
	[ -x "$T/root/init" ]
	cat >"$T/order" <<-EOF
		boot 000-virtio_mmio.ko
		boot 001-fuse.ko
		boot 002-virtiofs.ko
		boot 003-vmw_vsock_virtio_transport.ko
		net 004-virtio_net.ko
		rng 005-virtio-rng.ko
	EOF
	cmp "$T/order" "$T/root/modules/order"
	cmp "$T/modules/k/fuse.ko" "$T/root/modules/001-fuse.ko"
	for dir in dev proc sys run; do [ -d "$T/root/$dir" ]; done
	[ "$(stat -c '%F %t %T' "$T/root/dev/console")" = "character special file 5 1" ]
	[ "$(stat -c '%F %t %T' "$T/root/dev/null")" = "character special file 1 3" ]
	[ $(($(stat -c %s "$output/initramfs") % 4)) = 0 ]
}

@test "packed modules are unpacked, and the initramfs is the same in the end" {
	modules "$T/plain"
	ok image --kernel "$ELF" --modules "$T/plain"
	plain=$output
	for pair in "gzip .gz" "xz .xz" "zstd .zst"; do
		tool=${pair% *} suffix=${pair#* }
		command -v "$tool" >/dev/null || { echo "# no $tool" >&3; continue; }
		modules "$T/$tool" "$tool -c" "$suffix"
		ok image --kernel "$ELF" --modules "$T/$tool"
		cmp "$plain/initramfs" "$output/initramfs"
	done
}

@test "what was made is found again, unless something changed" {
	modules "$T/modules"
	cp "$ELF" "$T/vmlinux"
	made() { ok image --json --kernel "$T/vmlinux" --modules "$T/modules" "$@" && jq -c '.made' <<<"$output"; }
	[ "$(made)" = true ]
	[ "$(made)" = false ]
	inode=$(stat -c %i "$CACHE"/*/kernel)
	[ "$(made --force)" = true ]
	[ "$(stat -c %i "$CACHE"/*/kernel)" != "$inode" ]
	[ "$(made)" = false ]
	touch "$T/vmlinux"
	[ "$(made)" = false ] # another time, the same contents
	printf more >>"$T/modules/k/fuse.ko"
	[ "$(made)" = true ]
	printf more >>"$T/vmlinux"
	[ "$(made)" = true ]
	: >"$(ls -d "$CACHE"/*/ | head -n 1)/initramfs"
	images=$(ls "$CACHE" | grep -c '^[0-9a-f]*$')
	[ "$images" = 3 ]
	ok image --json --kernel "$T/vmlinux" --modules "$T/modules" --agent "$ELF"
	[ "$(jq -c .made <<<"$output")" = true ]
}

@test "a path relative to here is the same as the whole one" {
	cd "$T"
	cp "$ELF" vmlinux
	ok image --json --kernel "$T/vmlinux"
	ok image --json --kernel ./vmlinux
	[ "$(jq -c .made <<<"$output")" = false ]
	ok "$IMAGE" --agent "$AGENT" --cache cache --kernel vmlinux
	[[ $output == "$CACHE"/* ]]
}

@test "two at once both come to their end, with one image" {
	modules "$T/modules"
	for i in 1 2 3 4; do
		image --kernel "$ELF" --modules "$T/modules" >"$T/out.$i" 2>/dev/null &
	done
	wait
	[ "$(cat "$T"/out.* | sort -u | wc -l)" = 1 ]
	[ "$(cat "$T"/out.* | wc -l)" = 4 ]
	[ "$(ls -A "$CACHE" | grep -c new)" = 0 ]
}

@test "many that replace one image at once do not get in each other's way" {
	for i in 1 2 3; do
		(for _ in 1 2 3 4 5 6; do image --force --kernel "$ELF" >/dev/null 2>>"$T/said.$i" || echo failed >>"$T/failed"; done) &
	done
	wait
	[ ! -e "$T/failed" ] || { cat "$T"/said.*; false; }
	[ "$(ls -A "$CACHE" | grep -c new)" = 0 ]
}

@test "what a killed run left is removed by the next; what is being made is not" {
	ok image --kernel "$ELF"
	mkdir "$CACHE/.new-0" "$CACHE/.new-1"
	echo half >"$CACHE/.new-0/kernel"
	flock "$CACHE/.new-1" sleep 5 3>&- &
	sleeper=$!
	until ! flock -n "$CACHE/.new-1" true; do sleep 0.05; done
	ok image --force --kernel "$ELF"
	[ ! -e "$CACHE/.new-0" ]
	[ -e "$CACHE/.new-1" ]
	kill $sleeper
}

@test "a step of more than a second is told" {
	mkdir -m 755 "$CACHE"
	touch "$CACHE/.lock"
	flock "$CACHE/.lock" sleep 1.5 3>&- &
	until ! flock -n "$CACHE/.lock" true; do sleep 0.05; done
	ok image --kernel "$ELF"
	[[ $stderr == *"cella-image: waiting for another cella-image …"* ]]
	wait
}

@test "a full disk is one line, and nothing is left" {
	[ "$(id -u)" = 0 ] || skip "a small disk is made by root only"
	mkdir "$T/small"
	run --separate-stderr unshare -m sh -c '
		mount -t tmpfs -o size=64k,mode=755 none "$1/small" || exit 9
		"$2" --cache "$1/small/images" --agent "$3" --kernel "$4"
		echo "status $?"
		ls -A "$1/small/images"' sh "$T" "$IMAGE" "$AGENT" "$ELF"
	[ "${lines[0]}" = "status 1" ]
	[ "$output" = $'status 1\n.lock' ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"No space left"* ]]
}

@test "what can't be booted is refused by name, and nothing is left" {
	head -c 5000 "$ELF" >"$T/short"
	refused "cut short" image --kernel "$T/short"
	sed 's/Xen/Xem/' "$ELF" >"$T/no-pvh"
	refused "CONFIG_PVH" image --kernel "$T/no-pvh"
	head -c 4096 /dev/urandom >"$T/noise"
	refused "no Linux kernel" image --kernel "$T/noise"
	refused "No such file" image --kernel "$T/nothing"
	refused "no regular file" image --kernel /dev/null
	mkdir -p "$T/empty"
	refused "modules.dep" image --kernel "$ELF" --modules "$T/empty"
	touch "$T/empty/modules.dep" "$T/empty/modules.builtin"
	refused "virtio_mmio" image --kernel "$ELF" --modules "$T/empty"
	refused "is no program" "$IMAGE" --cache "$CACHE" --agent "$BATS_TEST_FILENAME" --kernel "$ELF"
	if command -v bzip2 >/dev/null; then
		bzimage "$T/vmlinuz-bzip2" bzip2
		refused "packed with bzip2" image --kernel "$T/vmlinuz-bzip2"
	fi
	[ -z "$(ls "$CACHE")" ]
}

@test "a cache that others may write to is refused" {
	mkdir -m 777 "$T/open"
	refused "others may write" "$IMAGE" --cache "$T/open" --agent "$AGENT" --kernel "$ELF"
}

@test "a user has to name the cache" {
	[ "$(id -u)" = 0 ] || skip "another user can be had by root only"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	cp "$IMAGE" "$T/cella-image"
	refused "--cache" setpriv --reuid 1000 --regid 1000 --clear-groups "$T/cella-image" --agent "$AGENT" --kernel "$ELF"
}

# installed COMMAND…: in a view of this machine where $T/boot and $T/lib are /boot and /usr/lib/modules.
installed() {
	unshare -m sh -c '
		mkdir -p "$1/boot" "$1/lib" "$1/over"
		mount --bind "$1/boot" /boot || exit 9
		if [ ! -d /usr/lib/modules ]; then
			mount -t tmpfs none "$1/over" && mkdir -p "$1/over/up/modules" "$1/over/work" &&
				mount -t overlay -o "lowerdir=/usr/lib,upperdir=$1/over/up,workdir=$1/over/work" \
					none /usr/lib || exit 9
		fi
		[ ! -d /lib/modules ] || mount --bind "$1/lib" /lib/modules || exit 9
		[ "$(readlink -f /lib)" = /usr/lib ] || mount --bind "$1/lib" /usr/lib/modules || exit 9
		shift
		exec "$@"' sh "$T" "$@"
}

@test "without --kernel the newest for clouds is taken, what can't be used is passed over" {
	[ "$(id -u)" = 0 ] || skip "a view of other kernels is made by root only"
	run installed true
	[ "$status" -ne 9 ] || skip "no other view of kernels can be mounted here: $output"
	refused "linux-image-cloud-amd64" installed "$IMAGE" --cache "$CACHE" --agent "$AGENT"
	for release in 6.1.0-9-cloud-amd64 6.1.0-10-cloud-amd64 6.12.0-1-amd64; do
		cp "$ELF" "$T/boot/vmlinuz-$release"
		modules "$T/lib/$release"
	done
	auto() { ok installed "$IMAGE" --json --cache "$CACHE" --agent "$AGENT"; }
	auto
	[ "$(jq -r .image.release <<<"$output")" = 6.1.0-10-cloud-amd64 ]
	auto
	[ "$(jq -c .made <<<"$output")" = false ]
	cp "$ELF" "$T/boot/vmlinuz-6.1.0-11-cloud-amd64"
	modules "$T/lib/6.1.0-11-cloud-amd64"
	auto
	[ "$(jq -r .image.release <<<"$output")" = 6.1.0-11-cloud-amd64 ]
	sed 's/Xen/Xem/' "$ELF" >"$T/boot/vmlinuz-6.1.0-11-cloud-amd64"
	auto
	[ "$(jq -r .image.release <<<"$output")" = 6.1.0-10-cloud-amd64 ]
	[[ $stderr == *"vmlinuz-6.1.0-11-cloud-amd64 is passed over"*CONFIG_PVH* ]]
}

@test "a distribution's kernel: unpacked whole, with its modules" {
	kernel=$(find "$KERNELS"/boot -name 'vmlinuz-*' 2>/dev/null | head -n 1)
	[ -n "$kernel" ] || skip "no unpacked kernel package: set KERNELS to a folder with its boot and lib"
	release=${kernel##*/vmlinuz-}
	modules=$(ls -d "$KERNELS"{,/usr}/lib/modules/"$release" 2>/dev/null | head -n 1)
	# the package's own script runs depmod, which was not run for what is only unpacked
	[ -e "$modules/modules.dep" ] || skip "$modules has no modules.dep: run depmod -b $KERNELS $release"
	before=$(date +%s%N)
	ok image --json --kernel "$kernel" --modules "$modules"
	echo "# $release in $((($(date +%s%N) - before) / 1000000)) ms" >&3
	[ "$(jq -r .image.release <<<"$output")" = "$release" ]
	[ "$(jq -r '.image.modules[0]' <<<"$output" | cut -d' ' -f1)" = boot ]
	path=$(jq -r .path <<<"$output")
	readelf -n "$path/kernel" 2>/dev/null | grep -q 0x00000012
	readelf -h "$path/kernel" | grep -q 'X86-64'
}

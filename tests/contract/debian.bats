#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A real distribution, made by mmdebstrap once and kept beside the build.
load helpers

debian() {
	DEBIAN=${CELLA_DEBIAN_ROOTFS:-$(dirname "$CELLA")/debian-rootfs}
	[ -x "$DEBIAN/usr/bin/bash" ] && return
	command -v mmdebstrap >/dev/null || skip "mmdebstrap is missing"
	rm -rf "$DEBIAN.new"
	timeout 150 mmdebstrap --variant=essential --aptopt='Acquire::Check-Valid-Until "false"' stable "$DEBIAN.new" >"$T/mmdebstrap" 2>&1 ||
		skip "mmdebstrap: $(tail -n 1 "$T/mmdebstrap")"
	mv "$DEBIAN.new" "$DEBIAN"
}

@test "Debian: a shell, a user, a second process, an exit code" {
	debian
	bundle "forever | .root.path = \"$DEBIAN\" | args([\"bash\", \"-c\", \"trap 'exit 9' TERM; sleep 1000 & wait\"])"
	exec_cella run "$ID" >"$T/stdout" 2>"$T/stderr" </dev/null &
	background=$!
	soon has_status "$ID" running
	ok cella exec "$ID" bash -c '. /etc/os-release; echo $ID; dpkg -l bash | grep -c ^ii'
	is "$output" "debian
1"
	ok cella exec --user 65534:65534 "$ID" whoami
	is "$output" nobody
	soon cella exec "$ID" bash -c 'grep -qx sleep /proc/[0-9]*/comm' # the trap is set
	ok cella kill "$ID" TERM
	ends_with $background 9
}

# The root of a whole Debian with compilers: this machine's own, of which nothing is written: that goes to a tmpfs.
# bats test_tags=testbed
@test "Debian: apt-get, a compile and a git clone on a root that is shared" {
	command -v gcc >/dev/null && command -v git >/dev/null && command -v apt-get >/dev/null ||
		skip "this machine has not gcc, git and apt-get"
	mkdir "$T/new" "$T/debian"
	mount -t tmpfs none "$T/new"
	mkdir "$T/new/upper" "$T/new/work"
	mount -t overlay -o "lowerdir=/,upperdir=$T/new/upper,workdir=$T/new/work" none "$T/debian"
	bundle "forever | writable | .root.path = \"$T/debian\" | .process.cwd = \"/srv\"
		| .process.env += [\"HOME=/srv\", \"PATH=/usr/bin:/bin\"] | .linux.resources = {}"
	ok cella run -d "$ID"
	ok script -qec "$CELLA --root $ROOT exec -t $ID bash --norc -i -c 'tty; id -un; [ -t 0 ]'" /dev/null
	has "$output" "/dev/pts/"
	has "$output" "root"
	ok cella exec "$ID" apt-get --version
	has "$output" "apt "
	cat >"$T/debian/srv/deep.c" <<-EOF
		#include <stdio.h>
		int main(void) { return puts("compiled") < 0; }
	EOF
	ok cella exec "$ID" gcc -O2 -Wall -o deep deep.c
	ok cella exec "$ID" ./deep
	is "$output" compiled
	ok cella exec "$ID" sh -ec 'git init -q from && cd from && cp ../deep.c . && git add . &&
		git -c user.name=t -c user.email=t@example.org commit -qm first && git clone -q . ../to && cd ../to && git fsck --strict && git status --porcelain'
	ok cmp "$T/debian/srv/deep.c" "$T/new/upper/srv/to/deep.c"
	ok cella delete --force "$ID"
	umount "$T/debian" "$T/new"
}

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
	soon cella exec "$ID" pgrep sleep || true
	ok cella kill "$ID" TERM
	ends_with $background 9
}

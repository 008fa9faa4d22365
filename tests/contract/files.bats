#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What programs expect of a file system, on the host's and on one that is shared with a virtual machine. The exerciser
# is tests/contract/files: it runs inside, and says which check failed.
load helpers

setup() {
	contract_setup
	cp "$WORK/files" "$SHARE/files"
	everything='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD",
		"CAP_SETGID", "CAP_SETUID", "CAP_KILL", "CAP_SETFCAP"]'
	mkdir -m 777 "$SHARE/try"
	LIMIT=600 # an emulated machine takes its time
}

# What it says, when a check failed.
passes() {
	try "$@"
	[ "$status" = 0 ] && lacks "$output" "not ok" || die "status $status behind: $(tail -n 1 <<<"$output"); $(grep -v '^ok' <<<"$output"; echo "$stderr")"
}

@test "names, owners, listings, contents and locks of a shared directory are as on any file system" {
	bundle "share | all_caps($everything) | args([\"/share/files\", \"/share/try\"])"
	passes cella run "$ID"
	matches "$output" '1\.\.4[0-9]'
	# what it made is his who made it, on the host too
	is "$(find "$SHARE" -name by-sailor -printf '%U %G')" "1000 2000"
}

@test "random reads, writes, mappings and truncations of a shared file leave what they must" {
	bundle "share | all_caps($everything) | sh(\"for seed in ${SEEDS:-1 2 3}; do
		/share/files /share/try \$seed ${STEPS:-1500} || exit 1; done\")"
	passes cella run "$ID"
	is "$(grep -c '^ok' <<<"$output")" "$(wc -w <<<"${SEEDS:-1 2 3}")"
}

@test "locks that the host has are in the way inside, and those from inside in the host's" {
	touch "$SHARE/theirs" "$SHARE/ours"
	"$WORK/files" hold "$SHARE/theirs" >"$T/theirs" &
	holder=$!
	soon test -s "$T/theirs"
	bundle 'share | args(["/share/files", "hold", "/share/ours"])'
	run_in_background
	soon test -s "$T/stdout"
	exits 1 "$WORK/files" lock "$SHARE/ours"
	exits 1 cella exec "$ID" /share/files lock /share/ours
	exits 1 cella exec "$ID" /share/files lock /share/theirs
	kill -KILL $holder
	ends_with $holder 137
	ok cella exec "$ID" /share/files lock /share/theirs
	ok cella kill "$ID" KILL
	ends_with $background 137
	ok "$WORK/files" lock "$SHARE/ours"
}

@test "what the host changes in a shared directory is seen inside, and the other way round" {
	mkdir "$SHARE/d"
	echo one >"$SHARE/d/a"
	bundle 'share | forever'
	run_in_background
	ok cella exec "$ID" sh -c 'cat /share/d/a; echo two >/share/d/b; ln /share/d/a /share/d/c; ls /share/d'
	is "$output" "one
a
b
c"
	is "$(<"$SHARE/d/b")" two
	is "$(stat -c %h "$SHARE/d/a")" 2
	echo changed and longer >"$SHARE/d/a"
	mv "$SHARE/d/b" "$SHARE/d/moved"
	mkdir "$SHARE/d/new"
	soon test "$(cella exec "$ID" ls /share/d | tr '\n' ' ')" = "a c moved new "
	seen() { [ "$(cella exec "$ID" cat /share/d/c)" = "changed and longer" ]; }
	soon seen
	ok cella exec "$ID" cat /share/d/moved
	is "$output" two
	ok cella kill "$ID" TERM
	ends_with $background 0
}

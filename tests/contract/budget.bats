#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Counts that don't wobble, and may only go down: tests/budget.
load helpers

# What a file of tests/budget allows.
budget() { grep -v '^#' "$BATS_TEST_DIRNAME/../budget/$1.txt"; }

@test "system calls for root, mounts, devices, masked and read-only paths" {
	only_cella
	not_in_a_vm "they are made in the machine"
	command -v strace >/dev/null || skip "strace is not here"
	[ -z "${ASAN_OPTIONS-}" ] || skip "the leak checker can't work where strace does"
	local calls
	# paths that each kernel has
	bundle '.linux.maskedPaths = ["/proc/version", "/proc/fs", "/sys/kernel"] | .linux.readonlyPaths = ["/proc/sys", "/proc/irq"]
		| bind("/share"; $share; ["ro"])'
	ok strace -f -o "$T/calls" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	awk '
		/ umask\(000\) / && !child { child = $1 }
		$1 != child || /resumed>/ || /"\/kcore"/ || /"\/proc\/kcore"/ { next } # not on each kernel
		{ print }
		/ umount2\("\."/ { exit }' "$T/calls" >"$T/counted"
	calls=$(wc -l <"$T/counted")
	[ "$calls" -le "$(budget mounts)" ] || die "$calls system calls, tests/budget/mounts.txt allows $(budget mounts): $(
		sed 's/^[0-9]* *//; s/(.*//' "$T/counted" | sort | uniq -c | sort -rn)"
}

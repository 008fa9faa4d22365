#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang-tidy with .clang-tidy over all C files, and no finding. Of the files that are named the analyzer follows all the
# paths that it likes; of all files, where it would take most of the time of all lint, a ninth of these; DEEP=1: all.
# usage: tidy.sh [FILE…]   (GENERATED: the folder of generated headers)
cd "$(dirname "$0")/../.." || exit 2
depth=
if [ $# -eq 0 ]; then
	[ "${DEEP-}" = 1 ] || depth="-Xclang -analyzer-config -Xclang max-nodes=25000"
	rooms=$(awk '$1 != "" && !/^#/ { sub(/\/.*/, "", $1); if (!been[$1]++) print $1 }' tests/lint/layers)
	# shellcheck disable=SC2086,SC2046
	set -- $(find $rooms -name '*.c' | sort)
fi
export depth
# error.c defines what analyzer.h describes.
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 3 sh -c '
	status=0
	for file; do
		include="-include tests/lint/analyzer.h"
		[ "$file" = base/error.c ] && include=
		found=$(clang-tidy --quiet "$file" -- -std=gnu17 -D_GNU_SOURCE -iquote . -isystem /usr/include/libnl3 -isystem "${GENERATED:-build/generated}" $include \
			-DCELLA_VERSION=\"0\" -DCELLA_COMMIT=\"0\" $depth 2>&1) || status=1
		printf "%s\n" "$found" | grep -Ev "^$|warnings? (generated|treated as errors?)|^Suppressed|^Use -header-filter"
	done
	exit $status' tidy

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each header compiles alone, twice over, with both compilers; those of unit tests too.
# usage: headers.sh BUILD-FOLDER (where generated headers are)
cd "$(dirname "$0")/../.." || exit 2
generated=${1:-build}/generated
rooms=$(awk '$1 != "" && !/^#/ { sub(/\/.*/, "", $1); if (!been[$1]++) print $1 }' tests/lint/layers)
# shellcheck disable=SC2086
find $rooms tests/unit -name '*.h' | sort | {
	status=0
	while read -r header; do
		for compiler in gcc clang; do
			printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
				$compiler -std=gnu17 -D_GNU_SOURCE -iquote . -isystem /usr/include/libnl3 -isystem "$generated" -Wall -Wextra -Werror \
					-fsyntax-only -x c - || status=1
		done
	done
	exit $status
}

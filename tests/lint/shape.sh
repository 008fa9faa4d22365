#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sizes that keep a file readable, and the licence in each: a file has at most 500 lines (its tests
# 700), a function 60 (80), a comment 120 columns; clang-format keeps code within 100 where it can.
cd "$(dirname "$0")/../.." || exit 2
find . \( -name .git -o -name 'build*' \) -prune -o -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name '*.bats' -o -name '*.bash' -o -name Makefile -o -perm -u+x \) \
	-print | sed 's|^\./||' | sort |
xargs awk '
function bad(line, text) { printf "%s:%d: %s\n", file, line, text; failed = 1 }
function finish() {
	if (!file) return
	if (lines > most_lines) bad(lines, "more than " most_lines " lines: is it one job?")
	if (!licensed) bad(1, "no SPDX-License-Identifier: Apache-2.0 in its first three lines")
}
FNR == 1 {
	finish()
	file = FILENAME; licensed = 0; name = ""; open = 0
	test = file ~ /^tests\//; code = file ~ /\.[ch]$/
	most_lines = test ? 700 : 500; most = test ? 80 : 60
}
{ lines = FNR }
FNR <= 3 && /SPDX-License-Identifier: Apache-2\.0/ { licensed = 1 }
code && length($0) > 120 && !/"/ { bad(FNR, "longer than 120 characters") }
code && /^[A-Za-z_].*\(/ && !/;[ \t]*$/ { name = $0; start = FNR }
code && /^\{/ { open = 1 }
code && /^}/ && open && name != "" {
	sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
	if (FNR - start + 1 > most) bad(start, name "() has " FNR - start + 1 " lines, more than " most)
	name = ""; open = 0
}
END { finish(); exit failed }'

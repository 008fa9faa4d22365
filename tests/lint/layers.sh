#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every #include names what its room may use: "x.h" is private to the folder of the file,
# "room/room.h" is the promise of a room that tests/lint/layers lists for it. base is a box of
# tools: each of its headers is public by itself.
# usage: layers.sh [ROOT]
cd "${1:-$(dirname "$0")/../..}" || exit 2
rooms=$(awk '$1 != "" && !/^#/ { sub(/\/.*/, "", $1); if (!been[$1]++) print $1 }' tests/lint/layers)
# shellcheck disable=SC2086
find $rooms -name '*.[ch]' | sort | xargs awk '
function bad(file, line, text) { printf "%s:%d: %s\n", file, line, text; failed = 1 }
function room_of(dir) {                          # the longest listed prefix of dir
	while (!(dir in may) && sub(/\/[^\/]*$/, "", dir)) ;
	return dir
}
function exists(path,    line, found) {
	found = (getline line <path) >= 0
	close(path)
	return found
}
FILENAME == "tests/lint/layers" {
	if ($1 != "" && $1 !~ /^#/) {
		may[$1] = " "
		for (i = 2; i <= NF; i++) {
			if (!($i in may)) bad(FILENAME, FNR, $i " is used before its own line: not a layering")
			may[$1] = may[$1] $i " "
		}
	}
	next
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	dir = FILENAME; sub(/\/[^\/]*$/, "", dir)
	room = room_of(dir)
	if (!(dir in may)) bad(FILENAME, FNR, dir " is no room of tests/lint/layers")
	if (part[2] !~ /\//) {
		if (!exists(dir "/" part[2])) bad(FILENAME, FNR, part[2] " is not in " dir)
		next
	}
	target = part[2]; sub(/\/[^\/]*$/, "", target)
	name = target; sub(/.*\//, "", name)
	if (target == room)
		bad(FILENAME, FNR, "own room: write the name without a slash")
	else if (target != "base" && part[2] != target "/" name ".h")
		bad(FILENAME, FNR, part[2] " is private to " target ": include " target "/" name ".h")
	else if (index(may[room], " " target " ") == 0)
		bad(FILENAME, FNR, room " may not enter " target)
}
END { exit failed }' tests/lint/layers

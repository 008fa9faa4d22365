#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every command and flag that --help shows stands in man/cella.1, in the subsection of its command and
# with the same letter, and the other way round; and tests/contract uses each one: a line with the
# command's word (for global options: any line) and with the flag or its letter.
# Programs that have no commands have a manual of their own: the flags of cella-image --help stand in
# man/cella-image.8, and tests/image uses each one.
# usage: man.sh BUILD-DIR
cd "$(dirname "$0")/../.." || exit 2
case ${1:?usage: man.sh BUILD-DIR} in
/*) cella=$1/cella ;;
*) cella=$PWD/$1/cella ;;
esac
manual=man/cella.1
tests=$(find tests/contract -type f \( -name '*.bats' -o -name '*.bash' -o -name '*.sh' \))
kind=tests/contract
failed=0

complain() {
	echo "$1"
	failed=1
}

# "-b --bundle" or "--root" a line, from the help of a command ("": of the program).
help_flags() {
	"$cella" ${1:+"$1"} --help | sed -n \
		-e 's/^  \(-.\), \(--[a-z0-9-]*\).*/\1 \2/p' -e 's/^      \(--[a-z0-9-]*\).*/\1/p' | sort
}

# The same from the subsection of the manual.
manual_flags() {
	awk -v section="$1" '
	/^\.S[sh] / { name = substr($0, 5); gsub(/"/, "", name); here = name == section }
	here && /^\.It Fl / {
		line = $3 ~ /^-/ ? "" : "-" $3
		for (i = 3; i <= NF; i++)
			if ($i ~ /^-[a-z]/) { print (line == "" ? "" : line " ") "-" $i; break }
	}' "$manual" | sort
}

# Whether a test uses a flag: command word, long name, letter.
tested() {
	# shellcheck disable=SC2086
	awk -v word="$1" -v long="$2" -v letter="$3" '
	function has(what, before, behind) { return $0 ~ (before what behind) }
	/^[ \t]*#/ || (word != "" && !has(word, "(^|[^a-z-])", "([^a-z-]|$)")) { next }
	has(long, "(^|[^a-z-])", "([^a-z-]|$)") { found = 1 }
	letter != "" && has(substr(letter, 2), "(^|[^a-zA-Z-])-[a-zA-Z]*", "([^a-z-]|$)") { found = 1 }
	END { exit !found }' $tests
}

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

check() { # command, its section of the manual
	help_flags "$1" | grep -v -- '--help$' >"$scratch/help"
	manual_flags "$2" | grep -v -- '--help$' >"$scratch/manual"
	comm -23 "$scratch/help" "$scratch/manual" >"$scratch/lacks"
	comm -13 "$scratch/help" "$scratch/manual" >"$scratch/invents"
	while read -r flag; do complain "$manual: $2: lacks $flag"; done <"$scratch/lacks"
	while read -r flag; do complain "$manual: $2: $flag is not in --help"; done <"$scratch/invents"
	while read -r first second; do
		if [ -n "$second" ]; then letter=$first long=$second; else letter='' long=$first; fi
		tested "$1" "$long" "$letter" || complain "$kind: no test of ${1:+$1 }$long"
	done <"$scratch/help"
}

commands=$("$cella" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || { echo "$cella --help lists no command"; exit 1; }
check '' 'Global options'
for command in $commands; do
	grep -qx "\.Ss $command" "$manual" || complain "$manual: lacks the command $command"
	# shellcheck disable=SC2086
	grep -qwe "$command" $tests || complain "tests/contract: no test of $command"
	check "$command" "$command"
done
sed -n '/^\.Sh COMMANDS/,/^\.Sh ENV/s/^\.Ss //p' "$manual" >"$scratch/sections"
while read -r section; do
	echo "$commands" | grep -qx "$section" || complain "$manual: $section is no command"
done <"$scratch/sections"

cella=${cella%/*}/cella-image
manual=man/cella-image.8
kind=tests/image
tests=$(find tests/image -name '*.bats')
check '' 'DESCRIPTION'
# Flags as Go writes them.
manual=man/containerd-shim-cella-v2.8
"${cella%/*}/containerd-shim-cella-v2" -h | sed -n 's/^  -\([a-z-]*\).*/\1/p' | sort >"$scratch/help"
sed -n 's/^\.It Fl \([a-z-]*\).*/\1/p' "$manual" | sort >"$scratch/manual"
diff "$scratch/help" "$scratch/manual" || complain "$manual: has not the options of -h"
for manual in man/*.[1-9]; do
	found=$(mandoc -T lint -W warning "$manual" 2>&1) || complain "$found"
done
exit $failed

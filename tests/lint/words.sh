#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Words that are not in our tree: promises without a deed, code that is switched off, calls that
# docs/STYLE.md bans, the paths and hosts of one machine.
cd "$(dirname "$0")/../.." || exit 2
self=tests/lint/words.sh
status=0

# refuse PATTERN REASON [FIND-CONDITION…]
refuse() {
	pattern=$1 reason=$2
	shift 2
	found=$(find . \( -name .git -o -name 'build*' \) -prune -o -type f "$@" -print | sed 's|^\./||' |
		grep -vx "$self" | sort | xargs grep -nEI "$pattern" /dev/null)
	[ -z "$found" ] && return
	printf '%s\n' "$found" | sed "s|\$| [$reason]|"
	status=1
}

refuse '\<(TODO|FIXME|XXX|HACK)\>' 'do it, refuse it by name, or open an issue'
refuse '^[ 	]*#[ 	]*if 0\>' 'remove it: git remembers' -name '*.[ch]'
refuse '^[ 	]*goto ' 'owned_ variables release by themselves' -name '*.[ch]'
refuse '\<(alloca|strcpy|strcat|sprintf|strtok|atoi|system|popen|mktemp|abort)[ ]?\(' \
	'docs/STYLE.md, rule 16' -name '*.[ch]' ! -path './tests/*'
refuse '\<extern [a-z].*\(' 'include the header' -name '*.c'
refuse '/work/|/tmp/h/' 'a path of one machine'
refuse '(registry\.npmjs|deb\.debian|snapshot\.debian|pypi|crates|proxy\.golang|rubygems)\.(org|io)' 'a host'
refuse '[ 	]+$' 'blanks at the end of a line' \( -name '*.[ch1-9]' -o -name '*.sh' -o -name '*.bats' \)
exit $status

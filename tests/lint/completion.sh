#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# contrib/completion/cella.bash is what `cella completion bash` prints, and it completes.
# usage: completion.sh BUILD-DIR
cd "$(dirname "$0")/../.." || exit 2
case ${1:?usage: completion.sh BUILD-DIR} in
/*) build=$1 ;;
*) build=$PWD/$1 ;;
esac
script=contrib/completion/cella.bash
failed=0

"$build/cella" completion bash | diff -u "$script" - || {
	echo "write it anew: $1/cella completion bash > $script"
	failed=1
}

# expect WORDS LINE…: what is offered for the last word of a command line.
expect() {
	wanted=$1
	shift
	# shellcheck disable=SC2016
	got=$(PATH=$build:$PATH bash -c '
		script=$1
		shift
		. "$script"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_cella
		echo "${COMPREPLY[*]}"' bash "$script" "$@")
	[ "$got" = "$wanted" ] || {
		echo "$*: expected '$wanted', got '$got'"
		failed=1
	}
}

root=$(mktemp -d) || exit 2
trap 'rm -rf "$root"' EXIT
expect 'start state' cella sta
expect '--log --log-format --log-level' cella --lo
expect 'text json' cella --log-format ''
expect 'run resume restore' cella --root "$root" r
expect '--force' cella delete --f
expect 'table json' cella --debug ps -f ''
expect 'json' cella list --format j
expect 'tests/lint' cella run --bundle tests/li
expect 'bash' cella completion ''
expect '' cella --root "$root" kill ''
exit $failed

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The law can be broken only loudly: each fault is planted in a copy, and its check must find it.
# usage: bites.sh BUILD-FOLDER
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
build=$(cd "$1" && pwd) || exit 2
copy=$(mktemp -d) || exit 2
trap 'rm -rf "$copy"' EXIT
rooms=$(awk '$1 != "" && !/^#/ { sub(/\/.*/, "", $1); if (!been[$1]++) print $1 }' "$root/tests/lint/layers")
mkdir "$copy/tree" "$copy/build" "$copy/tree/tests"
for room in $rooms; do
	cp -r "$root/$room" "$copy/tree/"
	[ ! -d "$build/$room" ] || cp -r "$build/$room" "$copy/build/"
done
cp -r "$root/tests/lint" "$copy/tree/tests/"
status=0

# finds WORDS COMMAND…: it must fail and say so.
finds() {
	words=$1
	shift
	if found=$("$@" 2>&1) || ! printf '%s\n' "$found" | grep -qF "$words"; then
		echo "not found by $*: $words"
		status=1
	fi
}

# include FILE HEADER WORDS
include() {
	cp "$copy/tree/$1" "$copy/kept"
	printf '#include "%s"\n' "$2" >>"$copy/tree/$1"
	finds "$3" sh "$root/tests/lint/layers.sh" "$copy/tree"
	cp "$copy/kept" "$copy/tree/$1"
}
include rootfs/bind.c cgroups/cgroups.h 'rootfs may not enter cgroups'
include base/fd.c spec/spec.h 'base may not enter spec'
include runtime/store.c runtime/namespace/namespace.h 'runtime may not enter runtime/namespace'
include runtime/namespace/join.c cgroups/tree.h 'cgroups/tree.h is private to cgroups'
include rootfs/bind.c rootfs/rootfs.h 'own room'
include rootfs/bind.c nowhere.h 'nowhere.h is not in rootfs'
sed 's/^base$/base spec/' "$root/tests/lint/layers" >"$copy/tree/tests/lint/layers"
finds 'not a layering' sh "$root/tests/lint/layers.sh" "$copy/tree"

# object NAME CODE WORDS
object() {
	echo "$2" | cc -w -O0 -x c -c -o "$copy/build/$1" - || exit 2
	finds "$3" sh "$root/tests/lint/links.sh" "$copy/build"
	rm "$copy/build/$1"
}
object netns/evil.o 'void evil(void) { umount2("/", 0); }' 'umount2() belongs to rootfs'
object cgroups/evil.o 'void evil(void) { sys_pivot_root("/", "/"); }' 'sys_pivot_root() belongs to rootfs'
object base/evil.o 'void evil(void) { cgroup_undo(0, 0); }' 'base may not enter'
object rootfs/evil.o 'void evil(char *a, char *b) { strcpy(a, b); }' 'strcpy() belongs to none'
object runtime/namespace/evil_child.o 'void evil(void) { free(malloc(1)); }' 'reaches malloc()'
object runtime/namespace/evil_child.o 'void evil(void) { cgroup_processes(); }' 'by runtime/namespace/evil_child.o > cgroups/processes.o'
exit $status

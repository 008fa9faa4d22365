#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The law of rooms, read from the objects.
#   1. What a room calls must be defined in a room it may enter: an `extern` by hand hides from
#      layers.sh, not from here.
#   2. tests/lint/owners gives each interface of the kernel or a library its rooms.
#   3. What a process runs between clone and exec (child.o, exec_child.o, join.o, and all that they reach
#      through whichever object of ours) may not allocate, print or lock: it is a copy of a process
#      that may have been in the middle of doing so.
# usage: links.sh BUILD-FOLDER
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
cd "$1" || exit 2
rooms=$(awk '$1 != "" && !/^#/ { sub(/\/.*/, "", $1); if (!been[$1]++) print $1 }' "$root/tests/lint/layers")
# shellcheck disable=SC2086
objects=$(find $rooms -name '*.o' 2>/dev/null | sort)
[ -n "$objects" ] || { echo "$1: no objects"; exit 1; }
# shellcheck disable=SC2086
nm -A -g $objects |
awk -v layers="$root/tests/lint/layers" -v owners="$root/tests/lint/owners" '
function plain(name) {               # __snprintf_chk, __isoc99_sscanf, __open64_2: what was written
	sub(/^__isoc[0-9]+_/, "", name)
	if (sub(/_chk$/, "", name) || name ~ /^__(getdelim|open_2|open64_2|sigsetjmp)$/) {
		sub(/^__/, "", name); sub(/(64)?_2$/, "", name)
	}
	return name
}
BEGIN {
	split("malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf fopen fdopen fclose " \
	      "printf fprintf vfprintf puts putchar fputs fwrite fflush syslog vsyslog exit getpwnam getgrnam " \
	      "getaddrinfo opendir fdopendir qsort getline getdelim dlopen pthread_mutex_lock setlocale " \
	      "localtime localtime_r tzset strerror realpath", word, " ")
	for (i in word) banned[word[i]] = 1
	while ((getline line <layers) > 0) {
		n = split(line, f, " ")
		if (n == 0 || f[1] ~ /^#/) continue
		may[f[1]] = " " f[1] " "
		for (i = 2; i <= n; i++) may[f[1]] = may[f[1]] f[i] " "
	}
	while ((getline line <owners) > 0) {
		sub(/#.*/, "", line)
		n = split(line, f, " ")
		if (n == 0) continue
		list = " "
		for (i = 2; i <= n; i++) {
			list = list f[i] " "
			if (f[i] != "none" && !(f[i] in may)) {
				printf "tests/lint/owners: %s is no room\n", f[i]; failed = 1
			}
		}
		if (sub(/\*$/, "", f[1])) prefix[f[1]] = list; else own[f[1]] = list
	}
}
function owner_of(name, key) {
	if (name in own) return own[name]
	for (key in prefix) if (index(name, key) == 1) return prefix[key]
	return ""
}
function room_of(object, dir) {
	dir = object; sub(/\/[^\/]*$/, "", dir)
	while (!(dir in may) && sub(/\/[^\/]*$/, "", dir)) ;
	return dir
}
{
	object = $1; sub(/:.*/, "", object); seen[object] = 1
	kind = $(NF - 1); name = $NF
	if (kind == "U") uses[object] = uses[object] " " name
	else home[name] = object
}
function reach(object, from, way,    n, i, f) {
	if ((from, object) in been) return
	been[from, object] = 1
	n = split(uses[object], f, " ")
	for (i = 1; i <= n; i++)
		if (plain(f[i]) in banned) {
			printf "%s: reaches %s() by %s\n", from, plain(f[i]), way; failed = 1
		} else if (f[i] in home) reach(home[f[i]], from, way " > " home[f[i]])
}
END {
	for (object in seen) {
		room = room_of(object)
		n = split(uses[object], f, " ")
		for (i = 1; i <= n; i++) {
			if (f[i] in home && index(may[room], " " room_of(home[f[i]]) " ") == 0) {
				printf "%s: %s() is in %s: %s may not enter\n", object, f[i], home[f[i]], room
				failed = 1
			}
			rooms = owner_of(plain(f[i]))
			if (rooms != "" && index(rooms, " " room " ") == 0) {
				printf "%s: %s() belongs to%s\n", object, plain(f[i]), rooms
				failed = 1
			}
		}
		if (object ~ /(child|\/join)\.o$/) { children++; reach(object, object, object) }
	}
	if (!children) { print "no child.o: nothing was checked for what it reaches"; failed = 1 }
	exit failed
}'

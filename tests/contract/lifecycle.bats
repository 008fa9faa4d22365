#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The states of a container and what each allows.
load helpers

@test "create, start, kill, delete: created, running, stopped, gone" {
	bundle 'forever'
	ok cella create "$ID"
	status_is "$ID" created
	ok cella start "$ID"
	status_is "$ID" running
	ok cella kill "$ID" KILL
	soon has_status "$ID" stopped
	ok cella delete "$ID"
	refused cella state "$ID"
	has "$stderr" "does not exist"
}

@test "the program does not run before start" {
	bundle 'sh("echo ran >/share/ran") | share'
	ok cella create "$ID"
	[ ! -e "$SHARE/ran" ]
	ok cella start "$ID"
	soon test -s "$SHARE/ran"
	soon has_status "$ID" stopped
	ok cella delete "$ID"
}

@test "what a start that was killed half-way has left does not hide that the container runs" {
	only_cella
	not_in_a_vm "the monitor is started by the same code, the guest's processes by its agent"
	bundle 'forever'
	ok cella create "$ID"
	status_is "$ID" created
	ok cella start "$ID"
	: >"$ROOT/$ID/start.sock" # nobody listens there
	status_is "$ID" running
	refused cella start "$ID"
	has "$stderr" "running"
	ok cella delete --force "$ID"
}

@test "state has ociVersion, id, status, pid, bundle and annotations" {
	bundle 'forever | .annotations = {"org.example.ship": "Argo", "org.example.empty": ""}'
	ok cella create "$ID"
	ok cella state "$ID"
	jq -e --arg id "$ID" --arg bundle "$BUNDLE" '
		.id == $id and .status == "created" and .bundle == $bundle and (.pid | type) == "number" and
		.annotations == {"org.example.ship": "Argo", "org.example.empty": ""} and
		(.ociVersion | test("^1\\.[0-9]+\\.[0-9]+"))' <<<"$output"
	pid=$(jq .pid <<<"$output")
	[ -d "/proc/$pid" ]
	ok cella delete --force "$ID"
	soon gone "$pid"
}

@test "the created process is the one that later runs the program" {
	bundle 'sh("exec sleep 1000")'
	ok cella create "$ID"
	pid=$(pid_of "$ID")
	ok cella start "$ID"
	is "$(pid_of "$ID")" "$pid"
	in_a_vm || soon grep -q 1000 "/proc/$pid/cmdline"
	soon cella exec "$ID" grep -q 1000 /proc/1/cmdline
	ok cella delete --force "$ID"
}

@test "a program that ends makes its container stopped, with no pid" {
	bundle 'args(["true"])'
	ok cella create "$ID"
	ok cella start "$ID"
	soon has_status "$ID" stopped
	is "$(pid_of "$ID")" 0
	ok cella delete "$ID"
}

@test "a created container: start, exec, kill and delete --force are allowed, the rest is refused" {
	bundle 'forever'
	ok cella create "$ID"
	refused cella resume "$ID"
	refused cella delete "$ID"
	status_is "$ID" created
	ok cella exec "$ID" true
	ok cella ps "$ID"
	ok cella delete --force "$ID"
}

@test "a running container: start, resume and delete are refused and change nothing" {
	bundle 'forever'
	ok cella run -d "$ID"
	pid=$(pid_of "$ID")
	refused cella start "$ID"
	refused cella resume "$ID"
	refused cella delete "$ID"
	status_is "$ID" running
	is "$(pid_of "$ID")" "$pid"
	ok cella delete --force "$ID"
}

@test "a stopped container: start, exec, kill, pause, resume and ps are refused" {
	bundle 'args(["true"])'
	ok cella run --keep "$ID"
	status_is "$ID" stopped
	refused cella start "$ID"
	refused cella exec "$ID" true
	refused cella pause "$ID"
	refused cella resume "$ID"
	if [ "$PEER" = no ]; then
		refused cella ps "$ID"
		refused cella kill "$ID" TERM
		has "$stderr" "container not running"
	fi
	status_is "$ID" stopped
	ok cella delete "$ID"
}

@test "a paused container: start, exec, pause and delete are refused, kill is not" {
	bundle 'forever'
	ok cella run -d "$ID"
	ok cella pause "$ID"
	status_is "$ID" paused
	refused cella start "$ID"
	refused cella delete "$ID"
	if [ "$PEER" = no ]; then
		refused cella exec "$ID" true
		refused cella pause "$ID"
	fi
	status_is "$ID" paused
	ok cella kill "$ID" KILL
	soon has_status "$ID" stopped
	ok cella delete "$ID"
}

@test "every operation on a container that is not there is refused by its name" {
	for command in start state pause resume ps delete "kill" "exec"; do
		words=("$command" nowhere)
		[ "$command" != exec ] || words+=(true)
		[ "$command" != kill ] || words+=(TERM)
		refused cella "${words[@]}"
		[ "$PEER" = yes ] || has "$stderr" nowhere
		[ "$PEER" = yes ] || has "$stderr" "does not exist"
	done
}

@test "delete --force of a container that is not there is content" {
	ok cella delete --force nowhere
}

@test "delete --force ends a running container and all that it started" {
	bundle 'sh("sleep 1000 & sleep 1000 & exec sleep 1000")'
	ok cella run -d "$ID"
	soon has_processes "$ID" 3
	ok cella delete --force "$ID"
	refused cella state "$ID"
	[ ! -e "$CGROUP" ]
}

@test "a name that is taken is refused, and its owner lives on" {
	bundle 'forever'
	ok cella run -d "$ID"
	pid=$(pid_of "$ID")
	refused cella create "$ID"
	has "$stderr" "already exists"
	refused cella run "$ID"
	status_is "$ID" running
	is "$(pid_of "$ID")" "$pid"
	ok cella delete --force "$ID"
}

@test "a name may be used again after delete" {
	bundle 'args(["true"])'
	for i in 1 2 3; do
		ok cella create "$ID"
		ok cella delete --force "$ID"
	done
	ok cella run "$ID"
}

@test "of ten creates of one name at once, one succeeds" {
	bundle 'forever'
	for i in 0 1 2 3 4 5 6 7 8 9; do
		(
			code=0
			cella create "$ID" >/dev/null 2>"$T/err$i" </dev/null || code=$?
			echo "$code" >"$T/code$i"
		) &
	done
	wait
	is "$(grep -lx 0 "$T"/code* | wc -l)" 1
	status_is "$ID" created
	ok cella delete --force "$ID"
}

@test "names of letters, digits and _+-. are taken, others are refused" {
	bundle 'args(["true"])'
	for name in a A9 a_b+c-d.e "$(printf 'x%.0s' {1..100})"; do
		ok cella run "$name"
	done
	for name in "" . .. a/b ../escape "a b" 'a;b' $'a\nb' 'ä' "*" .hidden "$(printf 'x%.0s' {1..300})"; do
		[ "$PEER" = no ] || [[ $name != .hidden && $name != ???????????* ]] || continue
		refused cella create -- "$name"
		refused cella state -- "$name"
	done
}

@test "list shows each container once: as a table, as names, as JSON" {
	only_cella "tables differ"
	bundle 'forever'
	ok cella run -d "$ID"
	first=$ID
	ID=${ID}b
	BUNDLE=$T/b
	bundle 'forever'
	ok cella create "$ID"
	ok cella list
	is "$(wc -l <<<"$output")" 3
	matches "$(sed -n 1p <<<"$output")" "^ID +PID +STATUS +BUNDLE +CREATED +OWNER"
	matches "$output" "$first +$(pid_of "$first") +running +$T/bundle"
	matches "$output" "$ID +$(pid_of "$ID") +created +$T/b"
	ok cella list --quiet
	is "$output" "$first"$'\n'"$ID"
	ok cella list -q
	is "$output" "$first"$'\n'"$ID"
	ok cella list --format json
	jq -e --arg a "$first" --arg b "$ID" 'map([.id, .status]) == [[$a, "running"], [$b, "created"]]' <<<"$output"
	jq -e 'all(.[]; has("pid") and has("bundle") and has("created") and has("owner"))' <<<"$output"
	ok cella delete --force "$first"
	ok cella delete --force "$ID"
	ok cella list -q
	is "$output" ""
	ok cella list -f json
	jq -e 'length == 0' <<<"$output"
	refused cella list --format yaml
}

@test "ps shows the processes of the container, with the pids of the kernel that has them" {
	bundle 'sh("sleep 1001 & exec sleep 1002")'
	ok cella run -d "$ID"
	soon has_processes "$ID" 2
	soon cella exec "$ID" sh -c 'ps | grep -q "sleep 100[2]"'
	ok cella ps --format json "$ID"
	pids=$(jq -r '.[]' <<<"$output")
	in_a_vm || is "$(sort -n <<<"$pids")" "$(sort -n "$CGROUP/cgroup.procs")"
	ok cella ps "$ID"
	matches "$output" "^PID +PPID +USER +COMMAND"
	for pid in $pids; do
		matches "$output" "(^|[^0-9])$pid([^0-9]|\$)"
	done
	has "$output" "sleep 1001"
	has "$output" "sleep 1002"
	lacks "$output" "bats"
	ok cella delete --force "$ID"
}

@test "ps asks ps(1) with the words behind the container's name" {
	[ "${CELLA##*/}" != crun ] || skip "crun has no such words"
	type ps >/dev/null || skip "this host has no ps"
	not_in_a_vm "the host's ps(1) does not see its processes, and is not asked"
	bundle 'sh("sleep 1001 & exec sleep 1002")'
	ok cella run -d "$ID"
	soon sh -c "[ \$(wc -l <$CGROUP/cgroup.procs) = 2 ]"
	ok cella ps "$ID" -e -o user,pid,args
	is "$(head -1 <<<"$output" | xargs)" "USER PID COMMAND"
	is "$(tail -n +2 <<<"$output" | awk '{ print $2 }' | sort -n | xargs)" "$(sort -n "$CGROUP/cgroup.procs" | xargs)"
	only_cella
	refused cella ps "$ID" -e -o args
	has "$stderr" "no column PID"
	refused cella ps "$ID" --no-such-option
	has "$stderr" "ps: "
	ok cella delete --force "$ID"
}

@test "state and list name the owner" {
	bundle 'forever'
	ok cella run -d "$ID"
	is "$(of_state "$ID" owner)" root
	ok cella list --format json
	is "$(jq -r '.[0].owner' <<<"$output")" root
	ok cella list
	matches "$output" "root *$"
	ok cella delete --force "$ID"
}

@test "kill sends TERM unless told otherwise, and takes names and numbers" {
	bundle 'sh("for s in TERM INT USR1 HUP; do trap \"echo $s >>/share/got\" $s; done; echo ready >/share/got; while :; do sleep 1000 & wait; done") | share'
	ok cella run -d "$ID"
	soon grep -q ready "$SHARE/got"
	for word in "" SIGINT USR1 1 TERM 10 sighup; do
		[ "$PEER" = no ] || [ "$word" != sighup ] || continue
		lines=$(wc -l <"$SHARE/got")
		ok cella kill "$ID" $word
		soon sh -c "[ \$(wc -l <$SHARE/got) -gt $lines ]"
	done
	is "$(sed -n 2,7p "$SHARE/got" | xargs)" "TERM INT USR1 HUP TERM USR1"
	ok cella delete --force "$ID"
}

@test "kill refuses what is no signal" {
	bundle 'forever'
	ok cella run -d "$ID"
	for word in NOPE SIGNOPE 999 -1 1x 0x9 "" 9999999999999999999999; do
		[ "$PEER" = no ] || [ "$word" = NOPE ] || continue
		refused cella kill -- "$ID" "$word"
	done
	status_is "$ID" running
	ok cella delete --force "$ID"
}

@test "kill with 0 sends nothing and tells whether the container lives" {
	bundle 'forever'
	refused cella kill "$ID" 0
	ok cella create "$ID"
	ok cella kill "$ID" 0
	ok cella start "$ID"
	ok cella kill "$ID" 0
	only_cella
	ok cella kill --all "$ID" 0
	status_is "$ID" running
	ok cella kill "$ID" KILL
	soon has_status "$ID" stopped
	refused cella kill "$ID" 0
	refused cella kill --all "$ID" 0
	has "$stderr" "container not running"
	ok cella delete "$ID"
}

@test "a checkpoint that is refused makes no folder" {
	only_cella
	bundle 'args(["true"])'
	ok cella run --detach "$ID"
	soon has_status "$ID" stopped
	refused cella checkpoint --image-path "$T/images" --work-path "$T/work" "$ID"
	has "$stderr" "cella: $ID: "
	[ ! -e "$T/images" ] && [ ! -e "$T/work" ]
	ok cella delete "$ID"
	in_a_vm && return # which has no checkpoint at all
	bundle forever
	ok cella run --detach "$ID"
	mkdir "$T/there"
	refused cella checkpoint --image-path "$T/there/a/b//c/" --work-path "$T/work" --parent-path ../nowhere "$ID"
	has "$stderr" "cella: --parent-path: ../nowhere: "
	refused cella checkpoint --image-path "$T/there/a" --work-path "$BUNDLE/config.json/x" "$ID"
	has "$stderr" "cella: --work-path: $BUNDLE/config.json"
	is "$(find "$T/there" "$T/work" 2>/dev/null)" "$T/there"
	ok cella delete --force "$ID"
}

@test "--root keeps containers apart" {
	bundle 'forever'
	ok cella run -d "$ID"
	mkdir "$T/elsewhere"
	refused "$CELLA" --root "$T/elsewhere" state "$ID"
	ok "$CELLA" --root "$T/elsewhere" list -q
	is "$output" ""
	ok cella delete --force "$ID"
}

@test "create takes --bundle, --pid-file and a config beside the bundle" {
	bundle 'forever'
	cd /
	ok cella create --bundle "$BUNDLE" --pid-file "$T/pid" "$ID"
	is "$(<"$T/pid")" "$(pid_of "$ID")"
	is "$(of_state "$ID" bundle)" "$BUNDLE"
	ok cella delete --force "$ID"
	cd "$T"
	ok cella create -b bundle "$ID"
	is "$(of_state "$ID" bundle)" "$BUNDLE"
	ok cella delete --force "$ID"
	if [ "${CELLA##*/}" != runc ]; then
		mv bundle/config.json other.json
		ok cella create -b bundle -f "$T/other.json" "$ID"
		ok cella delete --force "$ID"
	fi
}

# A command, with a full disk at $T/full and a folder of its own in it, which must be empty afterwards.
full() {
	unshare -m sh -c 'mount -t tmpfs -o size=64k none "$1" && mkdir "$1/root" && { head -c 65536 /dev/zero >"$1/fill" || true; } 2>"$1/../ignored"
		folder=$1/root; shift; "$@"; ended=$?; ls -A "$folder"; exit $ended' sh "$T/full" "$@"
}

@test "on a full disk nothing is half made, and the error names the file" {
	only_cella
	not_rootless "mounts"
	bundle 'forever'
	mkdir "$T/full"
	for command in create "run --detach"; do
		refused full "$CELLA" --root "$T/full/root" "${EXECUTOR[@]}" $command "$ID"
		has "$stderr" "$ID: config.json: write: No space left on device"
	done
	refused full "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" create --pid-file "$T/full/pid" "$ID"
	has "$stderr" "--pid-file: $T/full/pid: write: No space left on device"
	ok cella run -d "$ID"
	refused full "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" exec --detach --pid-file "$T/full/pid" "$ID" sleep 1000
	has "$stderr" "--pid-file: $T/full/pid: write: No space left on device"
	soon has_processes "$ID" 2 # forever has a child
	ok cella delete --force "$ID"
	refused full "$CELLA" spec --file "$T/full/config.json"
	has "$stderr" "$T/full/config.json: write: No space left on device"
}

@test "the config may be changed or removed after create" {
	bundle 'sh("echo old >/share/out") | share'
	ok cella create "$ID"
	rm config.json
	ok cella start "$ID"
	soon grep -qx old "$SHARE/out"
	soon has_status "$ID" stopped
	ok cella delete "$ID"
}

@test "a create that fails leaves nothing and does not take the name" {
	bundle 'args(["no-such-program"])'
	refused cella create "$ID"
	refused cella state "$ID"
	nothing_left
	bundle 'args(["true"])'
	ok cella run "$ID"
}

@test "start twice at once: one succeeds" {
	bundle 'forever'
	ok cella create "$ID"
	for i in 1 2 3 4; do
		(
			code=0
			cella start "$ID" >/dev/null 2>&1 </dev/null || code=$?
			echo "$code" >"$T/code$i"
		) &
	done
	wait
	is "$(grep -lx 0 "$T"/code* | wc -l)" 1
	status_is "$ID" running
	ok cella delete --force "$ID"
}

@test "kill --regex and delete --regex: each container whose name matches" {
	only_cella
	bundle 'forever'
	for name in web-1 web-2 other; do
		jq '.linux.cgroupsPath = (.linux.cgroupsPath | sub("c[0-9]+$"; "'$name'"))' config.json >"$T/$name.json"
		ok cella create --config "$T/$name.json" "$name"
		ok cella start "$name"
	done
	refused cella kill --regex '^web-[' KILL
	has "$stderr" "'^web-[' is no regular expression"
	refused cella kill --regex '^web-' NONE
	status_is web-1 running
	ok cella kill --regex '^web-' KILL
	for name in web-1 web-2; do soon has_status $name stopped; done
	status_is other running
	ok cella kill --regex nobody KILL
	refused cella delete --regex 'web|other'
	has "$stderr" "other"
	refused cella state web-1
	refused cella state web-2
	ok cella delete --regex --force '.*'
	is "$(cella list -q)" ""
	ok cella delete --regex '.*'
}

@test "--pidfd-socket gets a pidfd of the container's process" {
	only_cella
	bundle 'forever'
	"$WORK/console" "$T/pidfd.sock" >"$T/got" 3>&- &
	soon test -S "$T/pidfd.sock"
	ok cella create --pidfd-socket "$T/pidfd.sock" "$ID"
	wait $!
	is "$(<"$T/got")" "pidfd of $(pid_of "$ID")"
	ok cella delete --force "$ID"
	"$WORK/console" "$T/second.sock" >"$T/got" 3>&- &
	soon test -S "$T/second.sock"
	ok cella run --detach --pidfd-socket "$T/second.sock" "$ID"
	wait $!
	is "$(<"$T/got")" "pidfd of $(pid_of "$ID")"
	ok cella delete --force "$ID"
	refused cella create --pidfd-socket "$T/none.sock" "$ID"
	has "$stderr" "--pidfd-socket"
}

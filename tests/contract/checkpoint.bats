#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore, by CRIU. What wants a kernel that CRIU knows is for the test machine.
load helpers

# The program that counts ($WORK/counter), as a bind mount; its stdout is a pipe, as an engine has it, to $T/count.
counting() {
	mkdir -p "$T/bin"
	ln -f "$WORK/counter" "$T/bin/counter"
	bundle "args([\"/mnt/counter\", \"/tmp/numbers\"]) | mount(\"/tmp\"; \"tmpfs\"; \"tmpfs\"; []) |
		bind(\"/mnt\"; \"$T/bin\"; [\"ro\"]) | ${1:-.}"
}
starts() {
	cella run --detach "$@" "$ID" > >(exec cat >>"$T/count" 3>&-) 2>&1 </dev/null || report_count
	soon beyond 3
}
number() { tail -n 1 "${1-$T/count}" | sed -n 's/^count //p'; }
beyond() { [ "$(number)" -gt "$1" ]; }
beyond_more() { [ "$(number "$T/more")" -gt "$1" ]; }
report_count() {
	tail -n 5 "$T/count"
	return 1
}
# It has gone on where it was: the first number behind the last one, and none is broken.
# The restored one writes to $T/more.
went_on() {
	local last
	last=$(number "$T/count")
	soon beyond_more "$((last + 5))" || cat "$T/more"
	is "$(head -n 1 "$T/more")" "count $((last + 1))"
	! grep broken "$T/more"
}
restore() {
	cella restore --detach --image-path "$T/images" "$@" "$ID" > >(exec cat >>"$T/more" 3>&-) 2>&1 </dev/null && return
	cat "$T/more" "$T"/*/restore.log | grep "Error\|cella:" | tail -n 12
	return 1
}
checkpoint() {
	ok cella checkpoint --image-path "$T/images" "$@" "$ID" || tail -n 30 "$T/images/dump.log"
}

# --- everywhere ---------------------------------------------------------------------------------

@test "a container that is not running is not checkpointed" {
	not_in_a_vm "there is no checkpoint"
	bundle forever
	refused cella checkpoint nobody
	ok cella create "$ID"
	refused cella checkpoint --image-path "$T/images" "$ID"
	has "$stderr" "cannot checkpoint a container that is created"
	status_is "$ID" created
	ok cella delete --force "$ID"
}

@test "what stands on the command line is checked before CRIU is asked" {
	not_in_a_vm "there is no checkpoint"
	bundle forever
	ok cella run -d "$ID"
	refused cella checkpoint --image-path "$T/images" --parent-path "$T" "$ID"
	has "$stderr" "--parent-path: must be relative"
	refused cella checkpoint --image-path "$T/images" --parent-path ../none "$ID"
	has "$stderr" "No such file or directory"
	refused cella checkpoint --image-path "$T/images" --page-server nowhere "$ID"
	has "$stderr" "ADDRESS:PORT"
	refused cella checkpoint --image-path "$T/images" --lazy-pages --status-fd 77 "$ID"
	has "$stderr" "--status-fd"
	refused cella checkpoint --image-path "$T/images" --manage-cgroups-mode some "$ID"
	refused cella --criu "$T/no-criu" checkpoint --image-path "$T/images" "$ID"
	has "$stderr" "no-criu"
	status_is "$ID" running
	ok cella delete --force "$ID"
}

@test "restore wants images and a bundle, and leaves nothing when it fails" {
	not_in_a_vm "there is no restore"
	bundle forever
	refused cella restore --image-path "$T/none" "$ID"
	has "$stderr" "--image-path: $T/none: open: No such file or directory"
	mkdir "$T/images"
	refused cella restore --image-path "$T/images" --bundle "$T/none" "$ID"
	has "$stderr" "--bundle"
	refused cella restore --image-path "$T/images" "$ID"
	has "$stderr" "descriptors.json"
	refused cella state "$ID"
	echo '["","",""]' >"$T/images/descriptors.json"
	refused cella restore --image-path "$T/images" "$ID"
	has "$stderr" "criu: "
	refused cella state "$ID"
	only_cella
	bundle 'forever | .process.terminal = true'
	refused cella restore --image-path "$T/images" --detach "$ID"
	has "$stderr" console-socket
}

@test "a CRIU that says nothing: a full disk below its log is named" {
	not_in_a_vm "there is no checkpoint"
	not_rootless "mounts"
	bundle forever
	ok cella run -d "$ID"
	printf '#!/bin/sh\nexit 1\n' >"$T/criu"
	chmod 755 "$T/criu"
	mkdir "$T/work"
	checkpoint=("$CELLA" --root "$ROOT" "${EXECUTOR[@]}" --criu "$T/criu" checkpoint --image-path "$T/images" --work-path "$T/work" "$ID")
	refused "${checkpoint[@]}"
	has "$stderr" "criu: failed without a reason"
	refused unshare -m sh -c 'mount -t tmpfs -o size=4k none "$1" && head -c 4096 /dev/zero >"$1/fill" && shift && exec "$@"' sh "$T/work" "${checkpoint[@]}"
	has "$stderr" "criu: failed, and could not say why in dump.log: No space left on device"
	status_is "$ID" running
	ok cella delete --force "$ID"
}

@test "a virtual machine is refused with one sentence" {
	only_cella
	[ "$CELLA_EXECUTOR" = microvm ] || skip "for a virtual machine"
	bundle forever
	mkdir "$T/images"
	refused cella restore --image-path "$T/images" "$ID"
	has "$stderr" "not supported by the microvm executor: restore"
}

@test "features says whether there is checkpoint" {
	only_cella
	ok cella features
	matches "$(jq -r '.annotations["org.cella.checkpoint.enabled"]' <<<"$output")" '^(true|false)$'
	ok cella --criu "$T/no-criu" features
	is "$(jq -r '.annotations["org.cella.checkpoint.enabled"]' <<<"$output")" false
}

# --- with CRIU ----------------------------------------------------------------------------------

# bats test_tags=criu
@test "files, pipes, threads and a TCP connection go on where they were" {
	not_in_a_vm "there is no checkpoint"
	local limit=.
	! grep -qw pids /sys/fs/cgroup/cgroup.controllers || limit='.linux.resources.pids.limit = 77'
	counting "$limit"
	starts
	checkpoint --tcp-established --work-path "$T/logs"
	[ -s "$T/logs/dump.log" ]
	refused cella state "$ID"
	soon gone_from_cgroup
	restore --tcp-established --bundle "$BUNDLE" --pid-file "$T/pid" --work-path "$T/logs"
	went_on
	status_is "$ID" running
	is "$(pid_of "$ID")" "$(<"$T/pid")"
	[ "$limit" = . ] || is "$(<"$CGROUP/pids.max")" 77
	has "$(<"/proc/$(<"$T/pid")/cgroup")" "${CGROUP#/sys/fs/cgroup}"
	is "$(cella ps --format json "$ID" | jq length)" 2
	ok cella exec "$ID" sh -c 'ls /tmp; cat /proc/1/comm'
	is "$output" $'numbers\ncounter'
	ok cella delete --force "$ID"
	[ ! -e "$CGROUP" ]
}
gone_from_cgroup() { [ ! -e "$CGROUP" ]; }

# bats test_tags=criu
@test "a restored container can be checkpointed and restored again" {
	not_in_a_vm "there is no checkpoint"
	counting
	starts
	checkpoint --tcp-established
	restore --tcp-established
	went_on
	rm -r "$T/images"
	checkpoint --tcp-established
	mv "$T/more" "$T/count"
	restore --tcp-established
	went_on
	ok cella delete --force "$ID"
}

# bats test_tags=criu
@test "--leave-running lets it go on, and a paused one stays paused" {
	not_in_a_vm "there is no checkpoint"
	counting
	starts
	checkpoint --tcp-established --leave-running
	status_is "$ID" running
	soon beyond "$(($(number) + 5))"
	ok cella pause "$ID"
	rm -r "$T/images"
	checkpoint --tcp-established --leave-running
	status_is "$ID" paused
	ok cella delete --force "$ID"
	restore --tcp-established
	went_on
	ok cella delete --force "$ID"
}

# bats test_tags=criu
@test "--pre-dump takes the memory, and --parent-path what has changed since" {
	not_in_a_vm "there is no checkpoint"
	criu check --feature mem_dirty_track >/dev/null 2>&1 || skip "this kernel does not track what is written to"
	counting '.process.args += ["16"]'
	starts
	ok cella checkpoint --pre-dump --image-path "$T/before" "$ID"
	status_is "$ID" running
	checkpoint --tcp-established --parent-path ../before --auto-dedup
	is "$(readlink "$T/images/parent")" ../before
	local all rest
	all=$(cat "$T"/before/pages-*.img | wc -c)
	rest=$(cat "$T"/images/pages-*.img | wc -c)
	[ "$rest" -lt $((16 << 20)) ] || die "$rest bytes, $all before"
	restore --tcp-established --auto-dedup
	went_on
	ok cella delete --force "$ID"
}

# bats test_tags=criu
@test "what CRIU refuses is told in its words, and the container runs on" {
	not_in_a_vm "there is no checkpoint"
	counting
	starts
	refused cella checkpoint --image-path "$T/images" "$ID"
	has "$stderr" "tcp-established"
	status_is "$ID" running
	soon beyond "$(($(number) + 5))"
	checkpoint --tcp-established
	refused cella restore --image-path "$T/images" --detach "$ID"
	matches "$stderr" '^cella: '"$ID"': criu: ..*'
	refused cella state "$ID"
	: >"$T/images/core-1.img"
	refused cella restore --tcp-established --image-path "$T/images" --detach "$ID"
	refused cella state "$ID"
	[ ! -e "$CGROUP" ]
}

# bats test_tags=criu
@test "restore stays in front, and its exit status is that of the program" {
	not_in_a_vm "there is no checkpoint"
	bundle 'share | sh("trap \"exit 9\" TERM; echo up >/share/up; while :; do sleep 0.1; done")'
	ok cella run -d "$ID"
	soon test -s "$SHARE/up"
	checkpoint --manage-cgroups-mode ignore --file-locks --ext-unix-sk --link-remap --tcp-skip-in-flight
	local same=(restore --manage-cgroups-mode ignore --file-locks --ext-unix-sk)
	exec_cella "${same[@]}" --image-path "$T/images" "$ID" >"$T/stdout" 2>"$T/stderr" </dev/null &
	background=$!
	soon has_status "$ID" running
	ok cella kill "$ID" TERM
	ends_with $background 9
	refused cella state "$ID"
}

# bats test_tags=criu
@test "a terminal comes back at another console socket" {
	not_in_a_vm "there is no checkpoint"
	bundle '.process.terminal = true | sh("stty -echo; echo ready; while read line; do echo got $line; done")'
	"$WORK/console" "$T/first.sock" >"$T/first" </dev/null 3>&- &
	soon test -S "$T/first.sock"
	ok cella run -d --console-socket "$T/first.sock" "$ID"
	soon grep -q ready "$T/first"
	checkpoint
	wait
	mkfifo "$T/keys"
	"$WORK/console" "$T/second.sock" >"$T/second" <"$T/keys" 3>&- &
	exec 8>"$T/keys"
	soon test -S "$T/second.sock"
	ok cella restore -d --console-socket "$T/second.sock" --image-path "$T/images" "$ID"
	echo again >&8
	soon grep -q "got again" "$T/second"
	exec 8>&-
	ok cella delete --force "$ID"
	wait
}

# bats test_tags=criu
@test "a network namespace that was joined is left alone, and joined again" {
	not_in_a_vm "there is no checkpoint"
	unshare --net sh -c "ip link set lo up; : >$T/up; exec sleep 1000" 3>&- &
	local holder=$!
	soon test -e "$T/up"
	counting "join_ns(\"network\"; \"/proc/$holder/ns/net\")"
	starts
	checkpoint --tcp-established
	restore --tcp-established
	went_on
	is "$(readlink "/proc/$(pid_of "$ID")/ns/net")" "$(readlink "/proc/$holder/ns/net")"
	ok cella delete --force "$ID"
	kill $holder
	wait $holder || true
}

# bats test_tags=criu
@test "hooks: poststop at checkpoint, createRuntime at restore with the state" {
	not_in_a_vm "there is no checkpoint"
	bundle "forever | share | .hooks = {
		createRuntime: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"cat >>$T/created; echo >>$T/created; pwd -P >$T/where\"]}],
		poststart: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"cat >>$T/started; echo >>$T/started\"]}],
		poststop: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"cat >>$T/stopped; echo >>$T/stopped\"]}]}"
	ok cella run -d "$ID"
	checkpoint
	is "$(jq -r .status "$T/stopped")" stopped
	cd /
	ok cella restore -d --bundle "$BUNDLE" --image-path "$T/images" "$ID"
	is "$(jq -s length "$T/created")" 2
	is "$(<"$T/where")" "$BUNDLE"
	is "$(jq -s length "$T/started")" 1
	is "$(jq -s '.[1].pid' "$T/created")" "$(pid_of "$ID")"
	ok cella delete --force "$ID"
	is "$(jq -s length "$T/stopped")" 2
}

# bats test_tags=criu
@test "a hook that fails ends the restore, and nothing is left" {
	not_in_a_vm "there is no checkpoint"
	bundle forever
	ok cella run -d "$ID"
	checkpoint
	bundle 'forever | .hooks.createRuntime = [{path: "/bin/false"}]'
	refused cella restore -d --image-path "$T/images" "$ID"
	has "$stderr" "hooks.createRuntime[0]"
	refused cella state "$ID"
	[ ! -e "$CGROUP" ]
}

# bats test_tags=criu
@test "org.criu.config names a file of options for CRIU" {
	not_in_a_vm "there is no checkpoint"
	echo tcp-established >"$T/criu.conf"
	counting ".annotations[\"org.criu.config\"] = \"$T/criu.conf\""
	starts
	checkpoint
	restore
	went_on
	ok cella delete --force "$ID"
}

# bats test_tags=criu
@test "in a user namespace" {
	not_in_a_vm "there is no checkpoint"
	counting mapped
	starts
	checkpoint --tcp-established
	restore --tcp-established
	went_on
	ok cella delete --force "$ID"
}

# bats test_tags=criu
@test "without what is in the network namespace; connections come back closed" {
	not_in_a_vm "there is no checkpoint"
	bundle forever
	ok cella run -d "$ID"
	checkpoint --empty-ns network --network-lock nftables --shell-job
	ok cella restore -d --empty-ns network --network-lock nftables --tcp-close --shell-job --image-path "$T/images" "$ID"
	status_is "$ID" running
	ok cella delete --force "$ID"
	refused cella restore -d --image-path "$T/images" --lsm-profile nothing:here "$ID"
	ok cella restore -d --image-path "$T/images" --link-remap --no-pivot --no-subreaper "$ID"
	ok cella delete --force "$ID"
	refused cella restore -d --image-path "$T/images" --empty-ns pid "$ID"
	# where there is no SELinux a context is of no use to any mount
	try cella restore -d --image-path "$T/images" --lsm-mount-context "system_u:object_r:usr_t:s0" "$ID"
	[ "$status" = 0 ] || refused cella state "$ID"
	ok cella delete --force "$ID"
}

# bats test_tags=criu
@test "--lsm-profile: it goes on under another AppArmor profile" {
	not_in_a_vm "there is no checkpoint"
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || skip "no AppArmor in this kernel"
	PATH=$PATH:/usr/sbin:/sbin
	for profile in cella-before cella-after; do
		apparmor_parser -r <<<"profile $profile flags=(attach_disconnected,mediate_deleted) { file, capability, signal, ptrace, network, umount, mount, }"
	done
	profile() { cat "/proc/$(pid_of "$ID")/attr/current"; }
	counting '.process.apparmorProfile = "cella-before"'
	starts
	is "$(profile)" "cella-before (enforce)"
	checkpoint --tcp-established
	restore --tcp-established --lsm-profile apparmor:cella-after
	is "$(profile)" "cella-after (enforce)"
	went_on
	ok cella delete --force "$ID"
	restore --tcp-established
	is "$(profile)" "cella-before (enforce)"
	ok cella delete --force "$ID"
	apparmor_parser -R <<<"profile cella-before {} profile cella-after {}"
}

# bats test_tags=criu
@test "memory goes to a page server instead of into the images" {
	not_in_a_vm "there is no checkpoint"
	counting '.process.args += ["4"]'
	starts
	mkdir "$T/images"
	timeout 60 criu page-server --images-dir "$T/images" --port 27001 --address 127.0.0.1 >"$T/server" 2>&1 3>&- &
	soon listening 6979
	checkpoint --tcp-established --page-server 127.0.0.1:27001
	wait
	[ "$(cat "$T"/images/pages-*.img | wc -c)" -gt $((4 << 20)) ]
	restore --tcp-established
	went_on
	ok cella delete --force "$ID"
}
listening() { grep -q ":$1 .* 0A " /proc/net/tcp; } # PORT in hexadecimal

# bats test_tags=criu
@test "--lazy-pages: memory stays where it was until it is touched" {
	not_in_a_vm "there is no checkpoint"
	criu check --feature uffd-noncoop >/dev/null 2>&1 || skip "no userfaultfd here"
	counting '.process.args += ["4"]'
	starts
	exec 7<>"$T/ready"
	exec_cella checkpoint --image-path "$T/images" --tcp-established --lazy-pages --page-server 127.0.0.1:27002 --status-fd 7 "$ID" \
		>"$T/stdout" 2>"$T/stderr" </dev/null 3>&- &
	background=$!
	soon test -s "$T/ready" || cat "$T/stderr"
	exec 7>&-
	is "$(od -An -tx1 "$T/ready")" " 00"
	timeout 60 criu lazy-pages --page-server --address 127.0.0.1 --port 27002 --images-dir "$T/images" \
		--work-dir "$T/images" >"$T/lazy" 2>&1 3>&- &
	local pages=$!
	soon test -S "$T/images/lazy-pages.socket"
	ID=${ID}b # the first one is there until all has been fetched
	counting '.process.args += ["4"]'
	restore --tcp-established --lazy-pages
	went_on
	ends_with $background 0
	ends_with $pages 0 # by its id: what reads the output of the restored one ends when that does
	ok cella delete --force "$ID"
}

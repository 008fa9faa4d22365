#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Many, at once, and killed half-way: nothing is left, ever. Small numbers here; `make stress` takes
# the large ones (RUNS, AT_ONCE, MOMENTS).
load helpers

@test "${RUNS:-50} runs in a row" {
	bundle 'args(["true"])'
	for ((i = 0; i < ${RUNS:-50}; i++)); do
		ok cella run "$ID"
	done
}

@test "${AT_ONCE:-20} runs at once" {
	bundle 'del(.linux.cgroupsPath) | sh("exit 5")'
	pids=()
	for ((i = 0; i < ${AT_ONCE:-20}; i++)); do
		jq --arg c "$CG/many-$i" 'if $ARGS.named.c | startswith("/") then .linux.cgroupsPath = $c else . end' config.json >"$T/$i.json"
		exec_cella run --config "$T/$i.json" "many-$i" </dev/null >"$T/out-$i" 2>&1 &
		pids+=($!)
	done
	for ((i = 0; i < ${AT_ONCE:-20}; i++)); do
		got=0
		wait "${pids[i]}" || got=$?
		[ "$got" = 5 ] || die "many-$i: exit status $got: $(<"$T/out-$i")"
	done
}

@test "${AT_ONCE:-20} runs and deletes of one id at once: every delete does it, and of the runs those that come in between" {
	only_cella
	bundle 'args(["sleep", "1000"])'
	pids=()
	for ((i = 0; i < 2 * ${AT_ONCE:-20}; i++)); do
		case $((i % 2)) in
		0) exec_cella run --detach "$ID" </dev/null >"$T/out-$i" 2>&1 3>&- & ;;
		1) exec_cella delete --force "$ID" </dev/null >"$T/out-$i" 2>&1 3>&- & ;;
		esac
		pids+=($!)
	done
	for ((i = 0; i < 2 * ${AT_ONCE:-20}; i++)); do
		wait "${pids[i]}" || true
		said=$(<"$T/out-$i")
		case $said in
		'' | "cella: $ID: container with given ID already exists" | "cella: $ID: was deleted while it was created") ;;
		*) die "$i: $said" ;;
		esac
		[ "$((i % 2))" = 0 ] || is "$said" ""
	done
	ok cella delete --force "$ID"
}

# Kill cella at a random moment of an operation; delete --force must leave nothing.
killed_at_some_moment() { # OPERATION
	case $1 in
	start | exec | delete) ok cella create "$ID" ;;
	esac
	case $1 in
	exec | delete) ok cella start "$ID" ;;
	esac
	case $1 in
	exec) set -- exec "$ID" sleep 1000 ;;
	delete) set -- delete --force "$ID" ;;
	*) set -- "$1" "$ID" ;;
	esac
	exec_cella "$@" </dev/null >/dev/null 2>&1 3>&- &
	victim=$!
	sleep "0.$(printf %03d $((RANDOM % ${LATEST_MS:-12})))"
	kill -9 $victim 2>/dev/null || true
	wait $victim 2>/dev/null || true
	ok cella delete --force "$ID"
	nothing_left
}

@test "kill -9 at ${MOMENTS:-40} moments of create, start, run, exec and delete" {
	only_cella
	bundle 'share | args(["sleep", "1000"])'
	operations=(create start run exec delete)
	for ((i = 0; i < ${MOMENTS:-40}; i++)); do
		killed_at_some_moment "${operations[i % 5]}" || die "moment $i, ${operations[i % 5]}"
	done
}

@test "a full disk under the state directory: one line, and nothing is left" {
	only_cella
	bundle 'args(["true"])'
	mkdir "$T/full"
	unshare -m sh -c '
		mount -t tmpfs -o size=4k,nr_inodes=2 full "$1"
		shift
		"$@"' sh "$T/full" "$CELLA" --root "$T/full/state" "${EXECUTOR[@]}" run "$ID" >"$T/stdout" 2>"$T/stderr" && die "no refusal"
	has "$(<"$T/stderr")" "No space left on device"
	is "$(wc -l <"$T/stderr")" 1
}

# So many system calls does it make itself: the container that it leaves is not waited for.
calls() {
	strace -qq -o "$T/calls" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@" >"$T/stdout" 2>"$T/stderr" </dev/null ||
		die "$*: $(<"$T/stderr")" || return
	count=$(wc -l <"$T/calls")
}

# What `create`, `state`, `delete` take with none alive and with MANY, and `list` and `top` for each of them.
crowd() { # MANY FILTER
	command -v strace >/dev/null || skip "strace is not here"
	[ -z "${ASAN_OPTIONS-}" ] || skip "the leak checker can't work where strace does"
	local i config alone first
	bundle "args([\"sleep\", \"1000\"]) | .linux.cgroupsPath = \"$(cgroups_path NAME)\" | $2"
	config=$(<config.json)
	for ((i = 0; i <= $1; i++)); do
		echo "${config//NAME/$ID-$i}" >config.json
		case $i in
		0)
			calls create "$ID-0"
			alone=$count
			calls state "$ID-0"
			alone="$alone $count"
			calls delete --force "$ID-0"
			alone="$alone $count"
			;;
		*) ok cella create "$ID-$i" ;;
		esac
	done
	calls list --quiet
	is "$(wc -l <"$T/stdout")" "$1"
	[ "$count" -lt $((200 + 60 * $1)) ] || die "list takes $count system calls"
	calls top --once --interval 1ms
	[ "$count" -lt $((200 + 400 * $1)) ] || die "top takes $count system calls"
	echo "${config//NAME/$ID-0}" >config.json
	for i in create state "delete --force"; do
		calls $i "$ID-0"
		first=${alone%% *} alone=${alone#* }
		# what comes over a bus comes in more parts or fewer
		[ "$CELLA_MANAGER" != systemd ] || first=$((first + first / 4))
		[ "$count" -le $((first + first / 20 + 5)) ] || die "$i takes $count system calls, and $first with none alive"
	done
	ok cella delete --force --regex "^$ID-"
}

@test "hundreds of containers alive: a further one takes as many system calls as the first; list and top a few for each" {
	only_cella
	not_in_a_vm "hundreds of kernels want memory and time that this machine has not: twenty are in microvm.bats"
	crowd "${ALIVE:-300}" .
}

# bats test_tags=testbed
@test "dozens of containers with limits alive: a further one takes as many system calls as the first" {
	only_cella
	not_in_a_vm "see above"
	crowd 20 '.linux.resources.pids.limit = 5'
}

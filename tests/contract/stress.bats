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

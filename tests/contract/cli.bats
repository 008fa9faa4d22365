#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line: help, version, logs, what is printed and not done.
load helpers

COMMANDS="create start run exec kill delete state list ps pause resume spec features completion"

@test "--help everywhere, with every flag's clause; it needs no container" {
	only_cella
	ok cella --help
	for command in $COMMANDS; do
		has "$output" "$command"
	done
	for command in $COMMANDS; do
		ok cella "$command" --help
		has "$output" "cella $command"
	done
}

@test "--version" {
	only_cella
	ok cella --version
	matches "$output" "^cella version [0-9]+\.[0-9]+\.[0-9]+"
	has "$output" "spec: 1.3.0"
}

@test "an unknown command or flag is named, with what was meant" {
	only_cella
	refused cella strat "$ID"
	has "$stderr" "did you mean start?"
	refused cella run --detatch "$ID"
	has "$stderr" "--detach"
	refused cella
	refused cella state
	refused cella state a b
}

@test "--log, --log-format text and json: the reason is in the file and on stderr" {
	only_cella
	refused cella --log "$T/text" state nobody
	has "$(<"$T/text")" 'level=error msg="nobody: container does not exist"'
	refused cella --log "$T/json" --log-format json state nobody
	is "$(jq -r .level "$T/json")" error
	is "$(jq -r .msg "$T/json")" "nobody: container does not exist"
	refused cella --log-format xml state nobody
	refused cella --log /no/such/folder/log state nobody
	has "$stderr" /no/such/folder/log
}

@test "--debug and --log-level tell what the executor was asked" {
	only_cella
	bundle 'args(["true"])'
	ok cella --debug --log "$T/log" run "$ID"
	has "$(<"$T/log")" "$CELLA_EXECUTOR executor: create $ID"
	ok cella --log-level debug --log "$T/log2" run "$ID"
	has "$(<"$T/log2")" "$CELLA_EXECUTOR executor: start $ID"
	ok cella --log-level warning --log "$T/log3" run "$ID"
	lacks "$(<"$T/log3")" "executor:"
}

@test "--cgroup-manager and --rootless take what works and name what does not" {
	only_cella
	bundle 'args(["true"])'
	ok cella --cgroup-manager cgroupfs --rootless auto run "$ID"
	refused cella --cgroup-manager systemd run "$ID"
	has "$stderr" systemd
	refused cella --systemd-cgroup run "$ID"
}

@test "--executor of another build is refused" {
	only_cella
	bundle '.'
	refused "$CELLA" --root "$ROOT" --executor teapot run "$ID"
	has "$stderr" "teapot"
}

@test "the program's name chooses the executor, before the config and behind --executor" {
	only_cella
	bundle 'args(["true"]) | .annotations = {"org.cella.executor": "teapot"}'
	refused "$CELLA" --root "$ROOT" run "$ID"
	has "$stderr" "teapot"
	mkdir "$T/bin"
	ln -s "$CELLA" "$T/bin/cella-$CELLA_EXECUTOR"
	ok "$T/bin/cella-$CELLA_EXECUTOR" --root "$ROOT" run "$ID"
	refused "$T/bin/cella-$CELLA_EXECUTOR" --root "$ROOT" --executor kettle run "$ID"
	has "$stderr" "kettle"
	ln -s "$CELLA" "$T/bin/cella-2.0"
	refused "$T/bin/cella-2.0" --root "$ROOT" run "$ID"
	has "$stderr" "teapot"
}

@test "run --dry-run and create --dry-run print the plan and change nothing" {
	only_cella
	bundle 'args(["true"]) | .hostname = "argo"'
	for command in run create; do
		ok cella $command --dry-run "$ID"
		jq -e . <<<"$output" >/dev/null
		is "$(jq -r '.process.args[0]' <<<"$output")" true
		[ ! -e "$ROOT/$ID" ]
		[ ! -e "$CGROUP" ]
	done
}

@test "run --config FILE takes another config than the bundle's" {
	only_cella
	bundle 'args(["false"])'
	jq '.process.args = ["sh", "-c", "exit 4"]' config.json >"$T/other.json"
	exits 4 cella run --config "$T/other.json" "$ID"
}

@test "create and run: --preserve-fds, --no-new-keyring, --no-subreaper" {
	bundle 'sh("cat <&3 >/share/three") | share'
	echo three >"$T/three"
	ok cella create --preserve-fds 1 --no-new-keyring "$ID" 3<"$T/three"
	ok cella start "$ID"
	soon grep -q three "$SHARE/three"
	soon has_status "$ID" stopped
	ok cella delete "$ID"
	only_cella
	bundle 'args(["true"])'
	ok cella run --no-subreaper "$ID"
}

@test "spec writes a config that runs as it is, and does not replace one" {
	only_cella
	mkdir "$BUNDLE"
	cp -a "$WORK/rootfs" "$BUNDLE/rootfs"
	ok cella spec --bundle "$BUNDLE"
	is "$(jq -r .ociVersion "$BUNDLE/config.json")" 1.3.0
	refused cella spec --bundle "$BUNDLE"
	has "$stderr" config.json
	ok cella run --dry-run --bundle "$BUNDLE" "$ID"
	jq '.process.terminal = false | .process.args = ["sh", "-c", "exit 3"]' "$BUNDLE/config.json" >"$BUNDLE/new"
	mv "$BUNDLE/new" "$BUNDLE/config.json"
	cd "$BUNDLE"
	[ -n "$CG" ] && jq --arg c "$CG/$ID" '.linux.cgroupsPath = $c' config.json >new && mv new config.json
	exits 3 cella run "$ID"
}

@test "spec --rootless maps the caller; spec --file writes elsewhere" {
	only_cella
	cd "$T"
	ok cella spec --rootless --file "$T/rootless.json"
	jq -e '.linux.uidMappings[0].containerID == 0 and (.linux.namespaces | any(.type == "user"))' rootless.json
}

@test "features is the document of the specification" {
	only_cella
	ok cella features
	jq -e '.ociVersionMax == "1.3.0" and .linux.cgroup.v2 and .linux.seccomp.enabled and
		(.mountOptions | index("rbind")) and (.linux.namespaces | length == 8) and (.hooks | length == 6)' <<<"$output"
}

@test "completion bash completes commands, flags and containers" {
	only_cella
	ok cella completion bash
	bash -n "$T/stdout"
	has "$output" "--console-socket"
	refused cella completion fish
}

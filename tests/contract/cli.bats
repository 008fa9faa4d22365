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
	matches "$output" "(^|
)[+]SYSTEMD [+]SELINUX [+]APPARMOR [+]CAP [+]SECCOMP [+]EBPF"
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

@test "what a terminal obeys is not printed with what is wrong" {
	only_cella
	refused cella state $'a\e\nm\xc2\x9b1mb\xffé'
	has "$stderr" "cella: a??m??1mb?é: a name"
	refused cella --log "$T/log" --log-format json state $'\xc2\x9b\xff'
	jq -e '.msg | startswith("\u009b\ufffd: ")' "$T/log"
	[ "$(grep -c $'\xc2\x9b' "$T/log")" = 0 ]
}

@test "an empty word is refused and shown, before anything is done" {
	only_cella
	refused cella ""
	has "$stderr" "'': unknown command"
	refused cella list ""
	has "$stderr" "'': one word too many"
	bundle 'forever'
	ok cella run --detach "$ID"
	refused cella kill "$ID" ""
	has "$stderr" "'': is empty: expected CONTAINER [SIGNAL]"
	refused cella delete --force --regex "" # it would match all
	has "$stderr" "'': is empty: expected CONTAINER"
	refused cella mounts add "$ID" ""
	has "$stderr" "expected add|remove CONTAINER FILE"
	status_is "$ID" running
	ok cella delete --force "$ID"
	for option in --bundle --config --pid-file --console-socket --pidfd-socket; do
		refused cella run $option "" "$ID"
		has "$stderr" "$option: needs a value"
		refused cella create $option= "$ID"
		has "$stderr" "$option: needs a value"
	done
	refused "$CELLA" --root "" list
	has "$stderr" "--root: needs a value: DIR"
	refused cella --log= list
	has "$stderr" "--log: needs a value: FILE"
	refused cella update --resources "" "$ID"
	has "$stderr" "--resources: needs a value: FILE"
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
	refused cella --log "file:$T/text" state anyone
	is "$(wc -l <"$T/text")" 2
	has "$(<"$T/text")" 'msg="anyone: container does not exist"'
	refused cella --log "file:$T/json" --log-format=json state anyone
	is "$(jq -r .msg "$T/json" | tail -n 1)" "anyone: container does not exist"
	refused cella --log file:/no/such/folder/log state nobody
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
	ok cella --cgroup-manager cgroupfs --rootless true run "$ID"
	ok cella --cgroup-manager cgroupfs --rootless=false run "$ID"
	refused cella --rootless maybe run "$ID"
	refused cella --cgroup-manager systemd run "$ID"
	has "$stderr" systemd
	refused cella --systemd-cgroup run "$ID"
}

@test "--cgroup-manager disabled leaves a container in the caller's cgroup, and refuses what wants one of its own" {
	not_in_a_vm "its cgroups are the guest's"
	only_cella
	bundle 'forever'
	ok cella --cgroup-manager disabled run --detach "$ID"
	[ ! -e "$CGROUP" ]
	is "$(cat "/proc/$(pid_of "$ID")/cgroup")" "$(cat /proc/self/cgroup)"
	ok cella exec "$ID" true
	refused cella pause "$ID"
	has "$stderr" cgroup
	refused cella exec --cgroup /x "$ID" true
	has "$stderr" "no cgroup"
	ok cella delete --force "$ID"
	bundle '.linux.resources.unified = {"cgroup.max.depth": "3"}'
	refused cella --cgroup-manager disabled run "$ID"
	has "$stderr" "--cgroup-manager is disabled"
}

@test "--rootless decides whether a cgroup that can't be made is an error" {
	only_cella
	not_in_a_vm "its monitor's room is the host's"
	bundle 'args(["true"])'
	mount --bind /sys/fs/cgroup /sys/fs/cgroup
	mount -o remount,bind,ro /sys/fs/cgroup
	try cella --rootless false run "$ID"
	[ "$status" != 0 ] && has "$stderr" "linux.cgroupsPath"
	ok cella --rootless true run "$ID"
	umount /sys/fs/cgroup
}

@test "a switch may be written with true and false" {
	only_cella
	bundle 'forever'
	ok cella run --detach=true "$ID"
	ok cella exec --tty=false "$ID" true
	refused cella delete --force=no "$ID"
	has "$stderr" "takes no value"
	refused cella delete --force=false "$ID"
	ok cella delete --force=true "$ID"
}

@test "the last line of a JSON log has the words that engines sort by" {
	only_cella
	last() { tail -n 1 "$T/json" | jq -r "$1"; }
	for program in no-such-program:"executable file not found in" /no/such/program:"no such file or directory" /etc/plain:"permission denied"; do
		bundle "args([\"${program%%:*}\"])"
		refused cella --log "$T/json" --log-format json create "$ID"
		is "$(last .level)" error
		has "$(last .msg)" "${program#*:}"
		matches "$(last .time)" "^20.*T.*Z$"
	done
	bundle 'forever'
	ok cella run --detach "$ID"
	for program in no-such-program:"executable file not found in" /no/such/program:"no such file or directory" /etc/plain:"permission denied"; do
		refused cella --log "$T/json" --log-format json exec "$ID" "${program%%:*}"
		has "$(last .msg)" "${program#*:}"
	done
	ok cella delete --force "$ID"
}

@test "who only looks makes no state directory" {
	only_cella
	ok "$CELLA" --root "$T/none" list -q
	is "$output" ""
	ok "$CELLA" --root "$T/none" delete --force "$ID"
	for command in "state $ID" "kill $ID" "delete $ID" "exec $ID true" "ps $ID"; do
		refused "$CELLA" --root "$T/none" $command
		has "$stderr" "$ID: container does not exist"
	done
	[ ! -e "$T/none" ]
	: >"$T/file"
	refused "$CELLA" --root "$T/file" list
	has "$stderr" "$T/file: open: Not a directory"
}

@test "--executor of another build is refused" {
	only_cella
	bundle '.'
	for command in "run $ID" list; do
		refused "$CELLA" --root "$ROOT" --executor teapot $command
		has "$stderr" "--executor: there is no executor 'teapot'"
	done
}

@test "the program's name chooses the executor, before the config and behind --executor" {
	only_cella
	bundle 'args(["true"]) | .annotations = {"org.cella.executor": "teapot"}'
	refused "$CELLA" --root "$ROOT" run "$ID"
	has "$stderr" "teapot"
	bundle 'args(["true"]) | .annotations = {"run.oci.handler": "wasm"}'
	refused "$CELLA" --root "$ROOT" run "$ID"
	has "$stderr" "run.oci.handler"
	bundle 'args(["true"]) | .annotations = {"org.cella.executor": "teapot"}'
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
		is "$(jq -r '.process.args[0]' <<<"$output")" "$(in_a_vm && echo /cella-vmm || echo true)" # whose room it is
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
	if in_a_vm; then
		refused cella create --preserve-fds 1 "$ID" 3<"$T/three"
		has "$stderr" "--preserve-fds"
		bundle 'args(["true"])'
		ok cella run --no-subreaper "$ID"
		return
	fi
	ok cella create --preserve-fds 1 --no-new-keyring "$ID" 3<"$T/three"
	ok cella start "$ID"
	soon grep -q three "$SHARE/three"
	soon has_status "$ID" stopped
	ok cella delete "$ID"
	only_cella
	bundle 'args(["true"])'
	ok cella run --no-subreaper "$ID"
	ok cella create --no-subreaper "$ID"
	ok cella delete --force "$ID"
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

@test "features validates against the specification's schema" {
	only_cella
	schema=${SHARED:-$BATS_TEST_DIRNAME/../../../shared}/oci-schema
	[ -e "$schema/features-schema.json" ] || skip "the specification's schemas are not there"
	python3 -c 'import jsonschema' 2>/dev/null || skip "no python3 with jsonschema"
	cella features >"$T/features.json"
	ok python3 -W ignore - "$schema" "$T/features.json" <<-'PYTHON'
		import json, os, sys
		from jsonschema import Draft7Validator, RefResolver
		folder, document = sys.argv[1:]
		load = lambda name: json.load(open(os.path.join(folder, name)))
		store = {}
		for name in os.listdir(folder):
		    if name.endswith(".json"):
		        schema = load(name)
		        store["file://" + os.path.abspath(os.path.join(folder, name))] = schema
		        if "$id" in schema:
		            store[schema["$id"]] = schema
		schema = load("features-schema.json")
		resolver = RefResolver("file://" + os.path.abspath(folder) + "/features-schema.json", schema, store)
		Draft7Validator(schema, resolver=resolver).validate(json.load(open(document)))
	PYTHON
}

@test "features tells the truth: what it says is there, is" {
	only_cella
	ok cella features
	jq -e '.linux.apparmor.enabled and .linux.selinux.enabled and .linux.netDevices.enabled
		and (.linux.intelRdt | .enabled and .schemata and .monitoring) and (.linux.seccomp.actions | index("SCMP_ACT_NOTIFY"))' <<<"$output"
	features=$output
	for action in $(jq -r '.linux.seccomp.actions[]' <<<"$features"); do
		bundle ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"/run/x\", syscalls: [{names: [\"mkdir\"], action: \"$action\"}]}"
		[ "$CELLA_EXECUTOR:$action" = microvm:SCMP_ACT_NOTIFY ] || ok cella run --dry-run "$ID"
	done
	for flag in $(jq -r '.linux.seccomp.supportedFlags[]' <<<"$features"); do
		bundle ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"/run/x\", flags: [\"$flag\"], syscalls: [{names: [\"mkdir\"], action: \"SCMP_ACT_NOTIFY\"}]}"
		[ "$CELLA_EXECUTOR" = microvm ] || ok cella run --dry-run "$ID"
	done
	for arch in $(jq -r '.linux.seccomp.archs[]' <<<"$features"); do
		bundle ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", architectures: [\"$arch\"]}"
		ok cella run --dry-run "$ID"
	done
}

@test "completion bash completes commands, flags and containers" {
	only_cella
	ok cella completion bash
	bash -n "$T/stdout"
	has "$output" "--console-socket"
	refused cella completion fish
}

@test "update says which numbers a flag takes, and that a file is wrong" {
	only_cella
	wrong() { # REASON WORD...
		refused cella update "${@:2}" "$ID"
		has "$stderr" "cella: $1"
	}
	wrong "--memory: '1.5g' is no size: write 512m, 1g or -1" --memory 1.5g
	wrong "--pids-limit: '-2' is no whole number from -1 on" --pids-limit -2
	wrong "--cpu-share: '-1' is no whole number from 0 on" --cpu-share=-1
	wrong "--blkio-weight: '1001' is no number from 10 to 1000" --blkio-weight 1001
	wrong "--cpu-idle: '2' is no number from 0 to 1" --cpu-idle 2
	wrong "--cpu-idle: '-1' is no number from 0 to 1" --cpu-idle -1
	wrong "--resources: /no/such: open: " --resources /no/such
	echo '{"memory": {"limit": "1g"}}' >"$T/resources.json"
	wrong "--resources: memory.limit: expected a number" -r "$T/resources.json"
}

@test "update: limits that only cgroup v1 had are refused by name" {
	only_cella
	for flag in --kernel-memory --kernel-memory-tcp --cpu-rt-period --cpu-rt-runtime; do
		refused cella update $flag 1000 "$ID"
		has "$stderr" "$flag: cgroup v2 has no such limit"
	done
}

@test "an update of nothing changes nothing" {
	bundle forever
	ok cella run -d "$ID"
	ok cella update "$ID"
	is "$output" ""
	exits 1 cella update no-such-id
	ok cella delete --force "$ID"
}

@test "features tells what it was made of" {
	only_cella
	ok cella features
	matches "$(jq -r '.annotations["io.github.seccomp.libseccomp.version"]' <<<"$output")" '^[0-9]+[.][0-9]+[.][0-9]+$'
	is "$(jq -r '.annotations | "cella version \(.["org.cella.version"])\ncommit: \(.["org.cella.commit"])"' <<<"$output")" "$(cella --version | head -n 2)"
	is "$(jq -r '.annotations["org.opencontainers.runc.checkpoint.enabled"]' <<<"$output")" "$(jq -r '.annotations["org.cella.checkpoint.enabled"]' <<<"$output")"
}

@test "features tells which annotations change what happens" {
	only_cella
	ok cella features
	jq -e '.potentiallyUnsafeConfigAnnotations == ["krun.", "org.cella.", "org.criu.config", "org.systemd.property.", "run.oci."]' <<<"$output"
}

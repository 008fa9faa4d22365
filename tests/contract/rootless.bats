#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A plain user, whose own id is all that is mapped.
load helpers

setup() {
	contract_setup
	chmod 777 "$T"
	export XDG_RUNTIME_DIR=$T/run
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid 54321 --regid 54322 --clear-groups)
		mkdir -m 700 "$XDG_RUNTIME_DIR"
		chown 54321:54322 "$XDG_RUNTIME_DIR"
		user=54321
	else
		as=()
		mkdir -m 700 "$XDG_RUNTIME_DIR"
		user=$(id -u)
	fi
	"${as[@]}" unshare -U true 2>/dev/null || skip "this host does not let plain users make user namespaces"
	mkdir -m 777 "$BUNDLE"
	cd "$BUNDLE"
	"${as[@]}" "$CELLA" spec --rootless --file "$T/spec.json"
}
plain() { "${as[@]}" timeout -k 5 30 "$CELLA" "${EXECUTOR[@]}" "$@"; }
config() {
	jq --arg root "$WORK/rootfs" "$WORDS .root.path = \$root | .process.terminal = false | $1" "$T/spec.json" >config.json
}

@test "rootless: spec --rootless runs as it is: root inside, the user outside" {
	only_cella
	config 'sh("id -u; cat /proc/self/uid_map; hostname")'
	ok plain run "$ID"
	matches "$output" "^0
 +0 +$user +1
cella$"
}

@test "rootless: the life of a container, with its state below XDG_RUNTIME_DIR" {
	only_cella
	config 'forever'
	ok plain create "$ID"
	[ -e "$XDG_RUNTIME_DIR/cella/$ID/state.json" ]
	ok plain start "$ID"
	ok plain exec "$ID" id -u
	is "$output" 0
	is "$(plain list -q)" "$ID"
	ok plain kill "$ID" KILL
	soon sh -c "${as[*]} $CELLA state $ID | grep -q stopped"
	ok plain delete "$ID"
	is "$(ls -A "$XDG_RUNTIME_DIR/cella")" ""
}

@test "rootless: without a user namespace it is refused, with the way out" {
	only_cella
	config 'no_ns("user") | del(.linux.uidMappings, .linux.gidMappings)'
	refused plain run "$ID"
	has "$stderr" "spec --rootless"
}

@test "rootless: other ids than one's own need newuidmap's consent" {
	only_cella
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1000}]'
	refused plain run "$ID"
	has "$stderr" "linux.uidMappings"
	[ ! -e "$XDG_RUNTIME_DIR/cella/$ID" ]
}

@test "rootless: without a cgroup top has its line, and events says why it has nothing" {
	only_cella
	config 'forever'
	ok plain run -d "$ID"
	[ "$("${as[@]}" jq .cgroup "$XDG_RUNTIME_DIR/cella/$ID/state.json")" = null ] || {
		plain delete --force "$ID"
		skip "this user has rights over cgroups"
	}
	ok plain top --once --interval 50ms
	matches "$output" "$ID +running +[0-9]+ +- +- +- +- +- +-$"
	refused plain events --stats "$ID"
	has "$stderr" "no cgroup"
	refused plain events "$ID"
	has "$stderr" "no cgroup"
	ok plain delete --force "$ID"
}

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

# A config as the host's root would have it.
default_config() {
	[ -e "$T/default.json" ] || "$CELLA" spec --file "$T/default.json"
	jq --arg root "$WORK/rootfs" "$WORDS .root.path = \$root | .process.terminal = false | $1" "$T/default.json" >config.json
}

@test "rootless: the default config runs as it is, in a user namespace that it has not" {
	only_cella
	default_config 'sh("id -u; test -c /dev/pts/ptmx && ls /sys/kernel >/dev/null && echo mounted")'
	ok plain run "$ID"
	is "$(xargs <<<"$output")" "0 mounted"
	default_config '.process.terminal = true | args(["sh", "-c", "tty"])'
	ok script -qec "${as[*]} $CELLA ${EXECUTOR[*]} run $ID" /dev/null
	has "$output" /dev/pts/0
	is "$(ls -A "$XDG_RUNTIME_DIR/cella")" ""
}

@test "rootless: who a config without a user namespace wants is the user outside" {
	only_cella
	not_in_a_vm "its ids are the guest's"
	local group
	group=$("${as[@]}" id -g)
	default_config '.process.user = {uid: 7, gid: 8} | sh("id -u; id -g; touch /dev/shm/x; stat -c %u:%g /dev/shm/x; cat /proc/self/uid_map /proc/self/gid_map")'
	without_subordinate_ids
	ok plain run "$ID"
	is "$(xargs <<<"$output")" "7 8 7:8 7 $user 1 8 $group 1"
	default_config 'no_ns("network") | sh("id -u; ls /sys/class >/dev/null && cat /proc/self/setgroups")'
	ok plain run "$ID"
	is "$(xargs <<<"$output")" "0 deny"
	default_config '.process.user.additionalGids = [5]'
	refused plain run "$ID"
	has "$stderr" "process.user.additionalGids"
}

@test "rootless: a user namespace of the config need not have a root" {
	only_cella
	not_in_a_vm "its monitor is root of its room"
	config ".linux.uidMappings[0].containerID = 7 | .linux.gidMappings[0].containerID = 8 | .process.user = {uid: 7, gid: 8} | forever"
	ok plain run -d "$ID"
	ok plain exec "$ID" sh -c 'cat /proc/self/uid_map; id -u; echo >/dev/null && echo written'
	is "$(xargs <<<"$output")" "7 $user 1 7 written"
	ok plain delete --force "$ID"
	config ".linux.uidMappings[0].containerID = 7 | .linux.gidMappings[0].containerID = 8"
	refused plain run "$ID"
	has "$stderr" "process.user.uid: 0 is not mapped"
}

@test "rootless: state, plan, exec, mounts and hooks know of a user namespace that the config has not" {
	only_cella
	not_in_a_vm "its ids are the guest's"
	local id
	for id in 0 7; do
		default_config ".process.user = {uid: $id, gid: $id} | forever |
			.hooks.createContainer = [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"id -u >$T/hook\"]}]"
		without_subordinate_ids
		ok plain run --dry-run "$ID"
		is "$(jq -c '[.namespaces[] | select(.type == "user")], .uidMappings' <<<"$output" | xargs)" \
			"[{type:user}] [{containerID:$id,hostID:$user,size:1}]"
		ok plain create "$ID"
		is "$("${as[@]}" cat "$XDG_RUNTIME_DIR/cella/$ID/state.json" | jq -c '.namespaces[0], .uidMappings' | xargs)" \
			"user [{containerID:$id,hostID:$user,size:1}]"
		ok plain start "$ID"
		echo '{"mounts": [{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}]}' >"$T/tmpfs.json"
		chmod 644 "$T/tmpfs.json"
		ok plain mounts add "$ID" "$T/tmpfs.json"
		ok plain exec "$ID" sh -c 'id -u; grep -c " /mnt " /proc/self/mountinfo'
		is "$(xargs <<<"$output") $(<"$T/hook")" "$id 1 $id"
		rm "$T/hook"
		refused plain exec --user 99 "$ID" true
		has "$stderr" "not mapped"
		ok plain delete --force "$ID"
	done
}

# A startContainer hook that says where it is, and what the program says of the same.
WITH_HOOK='def where: "id -u; hostname; for n in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$n; done";
	.hooks = {startContainer: [{path: "/bin/sh", args: ["sh", "-c", "{ \(where); } >/dev/shm/hook"], env: ["PATH=/bin"]}]}
	| sh("cat /dev/shm/hook; \(where)")'
twice_the_same() {
	is "$(head -n 9 <<<"$1")" "$(tail -n 9 <<<"$1")"
	matches "$1" "^0
cella
"
}

@test "rootless: hooks at startContainer run in the container, whoever starts it" {
	only_cella
	config "$WITH_HOOK"
	ok plain run "$ID"
	twice_the_same "$output"
	ok plain create "$ID"
	ok plain start "$ID"
	soon has_stopped
	ok plain delete "$ID"
	default_config "$WITH_HOOK"
	ok plain run "$ID"
	twice_the_same "$output"
	config "$WITH_HOOK"' | .hooks.startContainer[0].args[2] += "; echo wrong >&2; exit 3"'
	refused plain run "$ID"
	has "$stderr" "hooks.startContainer[0]: /bin/sh: exit status 3: wrong"
	is "$(ls -A "$XDG_RUNTIME_DIR/cella")" ""
}
has_stopped() { plain state "$ID" | grep -q '"stopped"'; }

@test "rootless: a container that is created and not started can be entered, and be started then" {
	only_cella
	config "$WITH_HOOK"' | sh("id -u >/dev/shm/program; exec sleep 1000")'
	ok plain create "$ID"
	ok plain exec "$ID" sh -c 'id -u; hostname; ls /dev/shm'
	is "$(xargs <<<"$output")" "0 cella"
	in_a_vm || {
		echo '{"mounts": [{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}]}' >"$T/tmpfs.json"
		chmod 644 "$T/tmpfs.json"
		ok plain mounts add "$ID" "$T/tmpfs.json"
	}
	ok plain exec "$ID" ls /dev/shm
	is "$output" ""
	ok plain start "$ID"
	ok plain exec "$ID" sh -c 'until [ -s /dev/shm/program ]; do sleep 0.02; done; wc -l </dev/shm/hook; cat /dev/shm/program'
	is "$(xargs <<<"$output")" "9 0"
	ok plain delete --force "$ID"
}

@test "rootless: other ids than one's own need newuidmap's consent" {
	only_cella
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1000}]'
	refused plain run "$ID"
	has "$stderr" "linux.uidMappings"
	[ ! -e "$XDG_RUNTIME_DIR/cella/$ID" ]
}

@test "rootless: id-mapped mounts are refused, and binds into a container that lives; a tmpfs is not" {
	only_cella
	config '.mounts += [{destination: "/mnt", type: "bind", source: "/tmp", options: ["bind", "idmap"]}]'
	refused plain run "$ID"
	has "$stderr" "needs the rights of the host's root"
	config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs"}] | forever'
	ok plain run -d "$ID"
	echo '{"mounts": [{"destination": "/mnt/x", "type": "bind", "source": "/tmp", "options": ["bind"]}]}' >"$T/bind.json"
	echo '{"mounts": [{"destination": "/mnt/x", "type": "tmpfs", "source": "tmpfs"}]}' >"$T/tmpfs.json"
	chmod 644 "$T"/*.json
	try plain mounts add "$ID" "$T/bind.json"
	echo "$stderr" >"$T/refusal"
	try plain mounts add "$ID" "$T/tmpfs.json"
	try plain exec "$ID" grep -c ' /mnt/x ' /proc/self/mountinfo
	plain delete --force "$ID"
	is "$output" 1
	has "$(<"$T/refusal")" "needs the rights of the host's root"
}

@test "rootless: without a cgroup top has its line, and events says why it has nothing" {
	only_cella
	config 'forever'
	ok plain run -d "$ID"
	[ "$("${as[@]}" cat "$XDG_RUNTIME_DIR/cella/$ID/state.json" | jq .cgroup)" = null ] || {
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

# A range of ids for the user, as newuidmap(1) looks for it.
with_range() {
	type newuidmap >/dev/null || skip "this host has no newuidmap"
	if [ "$(id -u)" = 0 ]; then
		cp /etc/passwd "$T/passwd"
		echo "rower:x:54321:54322::/:/bin/sh" >>"$T/passwd"
		echo "rower:200000:65536" >"$T/range"
		for file in passwd:passwd range:subuid range:subgid; do
			[ -e "/etc/${file#*:}" ] || skip "this host has no /etc/${file#*:}"
			mount --bind "$T/${file%:*}" "/etc/${file#*:}"
		done
		range=200000
	else
		range=$(awk -F: -v name="$(id -un)" -v id="$user" '$1 == name || $1 == id { print $2; exit }' /etc/subuid)
		[ -n "$range" ] || skip "this user has no range of ids in /etc/subuid"
	fi
	ranges=".linux.uidMappings = [{containerID: 0, hostID: $user, size: 1}, {containerID: 1, hostID: $range, size: 65535}] |
		.linux.gidMappings = [{containerID: 0, hostID: $("${as[@]}" id -g), size: 1}, {containerID: 1, hostID: $range, size: 65535}]"
}
without_range() { [ "$(id -u)" != 0 ] || umount /etc/passwd /etc/subuid /etc/subgid; }

# For tests of who has none: one whom an engine's tests gave some would have them.
without_subordinate_ids() {
	[ -z "$(awk -F: -v name="$("${as[@]}" id -un 2>/dev/null)" -v id="$user" '$1 == name || $1 == id' /etc/subuid 2>/dev/null)" ] ||
		skip "this user has a range of ids in /etc/subuid"
}

@test "rootless: a user namespace that the config has not has the user's range of ids around its user" {
	only_cella
	not_in_a_vm "its ids are the guest's"
	with_range
	[ "$(id -u)" = 0 ] || without_range
	local group maps size
	group=$("${as[@]}" id -g)
	size=$(awk -F: -v first="$range" '$2 == first { print $3; exit }' /etc/subuid)
	default_config '.process.user = {uid: 0, gid: 0, additionalGids: [5]} | sh("id -G; stat -c %g /dev/pts/ptmx; cat /proc/self/uid_map /proc/self/setgroups")'
	ok plain run "$ID"
	maps=$output
	default_config '.process.user = {uid: 7, gid: 8} | sh("id -u; id -g; cat /proc/self/uid_map")'
	ok plain run "$ID"
	is "$(xargs <<<"$maps")" "0 5 0 0 $user 1 1 $range $size allow"
	is "$(xargs <<<"$output")" "7 8 7 $user 1 0 $range 7 8 $((range + 7)) $((size - 7))"
	default_config 'forever'
	ok plain run --detach "$ID"
	ok plain exec --user 7:8 --additional-gids 9 "$ID" sh -c 'id -u; id -G'
	is "$(xargs <<<"$output")" "7 8 9"
	ok plain delete --force "$ID"
	without_range
}

@test "rootless: several ranges are one after the other, broken lines give nothing, and without newuidmap it is one id" {
	only_cella
	not_in_a_vm "its ids are the guest's"
	[ "$(id -u)" = 0 ] || skip "only root can show it another /etc/subuid"
	with_range
	printf '%s\n' rower rower:5 rower:5:x 54321:300000:10 rower:200000:2 rower:200001:5 rower:54321:1 >"$T/range"
	default_config 'sh("cat /proc/self/uid_map")'
	ok plain run "$ID"
	is "$(xargs <<<"$output")" "0 $user 1 1 300000 10 11 200000 2"
	mkdir "$T/bin"
	ln -s "$(command -v timeout)" "$T/bin/timeout"
	ok env PATH="$T/bin" "$(command -v setpriv)" --reuid 54321 --regid 54322 --clear-groups "$CELLA" run "$ID"
	without_range
	is "$(xargs <<<"$output")" "0 $user 1"
	has "$stderr" "newuidmap is not there"
}

@test "rootless: a range of ids by newuidmap: other users, groups, and files of theirs" {
	only_cella
	not_in_a_vm "its ids are the guest's"
	with_range
	config "$ranges | .process.user = {uid: 1000, gid: 1001, additionalGids: [2000]} | tmpfs(\"/mnt\"; [\"mode=1777\"]) | sh(\"id -u; id -G; touch /mnt/mine; stat -c %u:%g /mnt/mine; cat /proc/self/uid_map\")"
	ok plain run "$ID"
	is "$(xargs <<<"$output")" "1000 1001 2000 1000:1001 0 $user 1 1 $range 65535"
	config "$ranges | forever"
	ok plain run --detach "$ID"
	ok plain exec --user 7:8 --additional-gids 9 "$ID" sh -c 'id -u; id -G'
	is "$(xargs <<<"$output")" "7 8 9"
	ok plain delete --force "$ID"
	without_range
}

@test "rootless: a range that the user was not given is refused, and nothing is left" {
	only_cella
	with_range
	config ".linux.uidMappings = [{containerID: 0, hostID: $user, size: 1}, {containerID: 1, hostID: 1, size: 1000}]"
	refused plain run "$ID"
	has "$stderr" "linux.uidMappings"
	is "$(ls -A "$XDG_RUNTIME_DIR/cella")" ""
	without_range
}

@test "rootless: no limit without a cgroup, no privileged mount, no device of the host's" {
	only_cella
	config '.linux.resources.pids.limit = 5'
	try plain run "$ID"
	[ "$status" = 0 ] || has "$stderr" "linux.resources.pids.limit"
	config 'mount("/mnt"; "ext4"; "/dev/loop0"; [])'
	refused plain run "$ID"
	has "$stderr" "mounts["
	config '.linux.devices = [{type: "c", major: 1, minor: 11, path: "/dev/kmsg-of-mine"}]'
	try plain run "$ID"
	[ "$status" = 0 ] || has "$stderr" "linux.devices[0]"
}

@test "rootless: a cgroup that can't be made is left out, with a line for --debug" {
	only_cella
	config 'sh("echo here")'
	ok plain --debug --log "$T/log" run "$ID"
	is "$output" here
	[ -n "$(grep "done without" "$T/log")" ] || skip "this user has rights over cgroups"
	refused plain --rootless false run "$ID"
	has "$stderr" "linux.cgroupsPath"
	ok plain --cgroup-manager disabled run "$ID"
}

@test "rootless: root of a user namespace, as engines have it, keeps its state with the user's" {
	only_cella
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings | sh("echo here")'
	ok "${as[@]}" unshare --user --map-root-user "$CELLA" "${EXECUTOR[@]}" run "$ID"
	is "$output" here
	[ -d "$XDG_RUNTIME_DIR/cella" ]
	config 'no_ns("user") | del(.linux.uidMappings, .linux.gidMappings) | sh("echo there")' # the one that it is in
	ok "${as[@]}" unshare --user --map-root-user "$CELLA" "${EXECUTOR[@]}" run "$ID"
	is "$output" there
	config 'no_ns("user") | del(.linux.uidMappings, .linux.gidMappings) | .process.user.additionalGids = [0]'
	refused "${as[@]}" unshare --user --map-root-user "$CELLA" "${EXECUTOR[@]}" run "$ID"
	has "$stderr" "process.user.additionalGids: no groups can be set"
}

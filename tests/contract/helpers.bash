# SPDX-License-Identifier: Apache-2.0
# Words for the contract tests. `load helpers` at the head of a file; see tests/run-contract.
#
#   bundle FILTER        make $BUNDLE/config.json: the base config through a jq filter; cd there
#   cella ARGS…          the program, with --root and --executor of this run
#   ok COMMAND…          must exit 0; then $output, $stderr
#   exits N COMMAND…     must exit N; likewise
#   refused COMMAND…     must exit non-zero with one line on stderr
#   is A B, has TEXT PART, lacks TEXT PART, matches TEXT REGEX
#   soon COMMAND…        must come true within 10 seconds
#   status_is ID STATUS  what `state` says
#   has_processes ID N   so many run in it, by `ps`
#   new_device           a block device of this test's own: $device is its name, $number its number
#   scheduler NAME       who is to order its requests
#   limit_of ID FILE     what a file of its cgroup says, of whichever kernel keeps that limit
#   shared FILTER        instead of bundle and run: a container that tests of a file share, who only look at it
#   $ID                  the name of this test's container
#   $T                   a folder of this test
#   $CG                  the cgroup of this test's containers
#   $CGROUP              the folder of $ID's cgroup; cgroup_dir ID is that of another

[ -n "${WORK-}" ] || {
	echo "contract tests are run by tests/run-contract" >&2
	exit 2
}

case ${CELLA##*/} in
crun | runc) PEER=yes EXECUTOR=() ;;
*) PEER=no EXECUTOR=(--executor "$CELLA_EXECUTOR" --cgroup-manager "$CELLA_MANAGER") ;;
esac

# The plain user who runs cella (CELLA_USER), in front of a command; nothing: root does.
read -ra AS <<<"${CELLA_AS-}"
not_rootless() { [ "${#AS[@]}" = 0 ] || skip "for a plain user: $1"; }

# For what only cella promises, when a peer tries the tests.
only_cella() { [ "$PEER" = no ] || skip "${CELLA##*/}: not its promise${1:+: $1}"; }

# What a virtual machine of its own can't have, or has otherwise; for a part of a test there is in_a_vm.
not_in_a_vm() { ! in_a_vm || skip "in a virtual machine: $1"; }
in_a_vm() { [ "$CELLA_EXECUTOR" = microvm ]; }

# --- jq words for bundle ------------------------------------------------------------------------

WORDS='
def args(a): .process.args = a;
def sh(s): .process.args = ["sh", "-c", s];
def env(e): .process.env += e;
def mount(d; t; s; o): .mounts += [{destination: d, type: t, source: s, options: o}];
def bind(d; s): mount(d; "bind"; s; ["rbind", "rw"]);
def bind(d; s; o): mount(d; "bind"; s; (["bind"] + o));
def tmpfs(d; o): mount(d; "tmpfs"; "tmpfs"; o);
def no_ns(t): .linux.namespaces |= map(select(.type != t));
def new_ns(t): no_ns(t) | .linux.namespaces += [{type: t}];
def join_ns(t; p): no_ns(t) | .linux.namespaces += [{type: t, path: p}];
def ids(u): new_ns("user") | .linux.uidMappings = u | .linux.gidMappings = u;
def mapped: ids([{containerID: 0, hostID: 100000, size: 65536}]);
def caps(c): .process.capabilities = c;
def all_caps(c): caps({bounding: c, effective: c, permitted: c, inheritable: [], ambient: []});
def writable: .root.readonly = false;
def share: bind("/share"; env.SHARE);
def forever: sh("trap \"exit 0\" TERM; while :; do sleep 1000 & wait; done");
'

bundle() {
	mkdir -p "$BUNDLE" && cd "$BUNDLE" || return
	jq --arg share "$SHARE" --arg t "$T" --arg cgroup "$(cgroups_path "$ID")" --arg work "$WORK" \
		"$WORDS .linux.cgroupsPath = \$cgroup | ${1:-.}" "$WORK/base.json" >config.json
}

# What linux.cgroupsPath is for a container, and where its cgroup is then: by either manager.
cgroups_path() {
	if [ "$CELLA_MANAGER" = systemd ]; then echo "cella.slice:$UNITS:$1"; else echo "$CG/$1"; fi
}
cgroup_dir() {
	if [ "$CELLA_MANAGER" = systemd ]; then echo "/sys/fs/cgroup${CELLA_SERVICE-}/cella.slice/$UNITS-$1.scope"; else echo "/sys/fs/cgroup$CG/$1"; fi
}

# A root file system of this test's own, to be written to.
own_rootfs() {
	mkdir -p "$BUNDLE"
	cp -a "$WORK/rootfs" "$BUNDLE/rootfs"
}

# A network namespace of the test's: NETWORK is the process that holds it, which end_network ends. With FLAGS, other
# namespaces too.
new_network() { # [FLAGS]
	unshare -n "$@" sleep 7200 3>&- &
	NETWORK=$!
	soon is_another_network "$NETWORK"
}
is_another_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink "/proc/$$/ns/net")" ]; }
end_network() { # PID
	kill "$1"
	wait "$1" || true
}

# --- the program --------------------------------------------------------------------------------

cella() { timeout --foreground -k 5 "${LIMIT:-30}" "${AS[@]}" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"; }
# The program itself, to be put into the background: $! is its pid.
exec_cella() { exec "${AS[@]}" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"; }

# --- what came ----------------------------------------------------------------------------------

die() {
	echo "$*"
	return 1
}
report() {
	echo "$1"
	echo "-- stdout: $output"
	echo "-- stderr: $stderr"
	return 1
}
try() {
	status=0
	"$@" >"$T/stdout" 2>"$T/stderr" </dev/null || status=$?
	content output "$T/stdout"
	content stderr "$T/stderr"
}
# VARIABLE=$(<FILE) without the process that this takes.
content() {
	local -n into=$1
	IFS= read -r -d '' into <"$2" || true
	into=${into%"${into##*[!$'\n']}"}
}
ok() {
	try "$@"
	[ "$status" = 0 ] || report "exit status $status, expected 0: $*"
}
exits() {
	local wanted=$1
	shift
	try "$@"
	[ "$status" = "$wanted" ] || report "exit status $status, expected $wanted: $*"
}
refused() {
	try "$@"
	[ "$status" != 0 ] || report "exit status 0, expected a refusal: $*" || return
	[ "$PEER" = no ] || return 0
	[ -z "$output" ] || report "something on stdout: $*" || return
	[[ $stderr == "cella: "* && $stderr != *$'\n'* ]] || report "stderr is not one line 'cella: …': $*"
}
is() { [ "$1" = "$2" ] || die "is '$1', expected '$2'"; }
has() { [[ $1 == *"$2"* ]] || die "'$1' has no '$2'"; }
lacks() { [[ $1 != *"$2"* ]] || die "'$1' has '$2'"; }
matches() { [[ $1 =~ $2 ]] || die "'$1' does not match '$2'"; }
soon() {
	local i
	for ((i = 0; i < ${PATIENCE:-10} * 50; i++)); do
		if "$@" >/dev/null 2>&1; then return 0; fi
		sleep 0.02
	done
	die "not within ${PATIENCE:-10} seconds: $*"
}
of_state() { cella state "$1" | jq -r ".$2"; }
status_of() { of_state "$1" status; }
has_status() { [ "$(status_of "$1")" = "$2" ]; }
status_is() { is "$(status_of "$1")" "$2"; }
pid_of() { of_state "$1" pid; }
has_processes() { [ "$(cella ps --format json "$1" | jq length)" = "$2" ]; }
limit_of() {
	case $2 in
	memory.* | pids.*) if in_a_vm; then cella exec "$1" cat "/sys/fs/cgroup/$2"; return; fi ;;
	esac
	cat "$(cgroup_dir "$1")/$2"
}
gone() { ! kill -0 "$1"; }

# 64 MiB, and its requests cost nothing.
new_device() {
	modprobe null_blk nr_devices=0 2>/dev/null || skip "this kernel has no null_blk"
	device=cella-$UNITS
	in_configfs "mkdir $device && cd $device && echo 64 >size && echo 1 >memory_backed && echo 1 >power"
	[ -e "/sys/block/$device" ] || device=nullb$(in_configfs "cat $device/index") # before Linux 6.0
	number=$(<"/sys/block/$device/dev")
	[ "$CELLA_MANAGER" = cgroupfs ] || soon test -b "/dev/block/$number" # by which name systemd finds it
}
scheduler() { echo "$1" >"/sys/block/$device/queue/scheduler" || skip "this kernel has no $1"; }
in_configfs() {
	unshare -m sh -ec "mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config; cd /sys/kernel/config/nullb; $1"
}
no_device() {
	in_configfs "rmdir cella-$UNITS"
	modprobe -r bfq 2>/dev/null || true # what is there next is what was there before
}

# Run $ID in the background and wait until its program runs; $background is cella.
run_in_background() {
	exec_cella run "$@" "$ID" >"$T/stdout" 2>"$T/stderr" </dev/null &
	background=$!
	ran=
	soon begun || return
	[ -n "$ran" ] || die "it never ran: $(<"$T/stderr")"
}
begun() { if has_status "$ID" running; then ran=yes; else ended $background; fi; }
ended() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0 # it may go while we look
	[[ $stat == *") Z "* ]]
}
ends_with() { # PID STATUS
	local got=0
	soon ended "$1" || return
	wait "$1" || got=$?
	[ "$got" = "$2" ] || die "exit status $got, expected $2: $(<"$T/stderr")"
}

# --- nothing is left ----------------------------------------------------------------------------

# Processes that are not ours: with a pid namespace of our own, all that came after setup; else those
# that run a program of the run.
new_processes() {
	local pid
	# no subshell: it would see itself
	for pid in /proc/[0-9]*; do
		pid=${pid#/proc/}
		[[ $PIDS_BEFORE != *" $pid "* && $pid != "$BASHPID" ]] || continue
		if [ "$ISOLATED" = no ]; then
			case $(readlink "/proc/$pid/exe" 2>/dev/null) in
			"$CELLA" | "$WORK"/*) ;;
			*) continue ;;
			esac
		fi
		[ -e "/proc/$pid/stat" ] || continue
		LEFT=$pid
		return 0
	done
	return 1
}
no_new_processes() { ! new_processes; }

# By the bus, not by systemd's own socket, which knows only pids of the first pid namespace.
systemctl_show() {
	if [ "${#AS[@]}" -gt 0 ]; then
		"${AS[@]}" env SYSTEMCTL_FORCE_BUS=1 systemctl --user "$@"
	else
		setpriv --reuid 65534 --regid 65534 --clear-groups systemctl "$@"
	fi
}
units() { systemctl_show list-units --all --plain --no-legend "$UNITS-$ID*"; }
no_units() { [ -z "$(units)" ] && [ ! -e "$CGROUP" ]; }

nothing_left() {
	local i
	for ((i = 0; i < 100; i++)); do # a program that was told to end may take a moment
		new_processes || break
		sleep 0.02
	done
	if new_processes; then
		die "a process is left: $LEFT: $(tr '\0' ' ' <"/proc/$LEFT/cmdline") $(grep State "/proc/$LEFT/status")" || return
	fi
	local mounts left
	content mounts /proc/self/mountinfo
	if [ "$mounts" != "$MOUNTS_BEFORE" ]; then
		die "mounts have changed: $(diff <(echo "$MOUNTS_BEFORE") /proc/self/mountinfo)" || return
	fi
	left=("/sys/fs/cgroup$CG"/*/)
	if [ -n "$CG" ] && [ -d "${left[0]}" ]; then
		die "a cgroup is left: $(find "${left[@]}" -type d)" || return
	fi
	if [ "$CELLA_MANAGER" = systemd ]; then
		soon no_units || die "systemd still has $(units)" || return
	fi
	for left in "$ROOT"/* "$ROOT"/.[!.]*; do
		[ "$PEER" = yes ] || [ ! -e "$left" ] || [ "$left" = "$ROOT/.seccomp" ] || # filters made before stay
			die "the state directory has: $(ls -A "$ROOT")" || return
	done
}

# So that the tests after a failed one start from nothing.
sweep() {
	[ -n "${PIDS_BEFORE-}" ] || return 0 # the setup did not come so far
	local i dir cgroups=("/sys/fs/cgroup$CG"/*/)
	[ -n "$CG" ] && [ -d "${cgroups[0]}" ] || cgroups=()
	for dir in "${cgroups[@]}"; do echo 0 >"$dir/cgroup.freeze"; echo 1 >"$dir/cgroup.kill"; done
	for ((i = 0; i < 500; i++)); do # some can't be ended, or are nobody's to wait for
		new_processes && kill -9 "$LEFT" 2>/dev/null || break
		wait "$LEFT" 2>/dev/null || true
		sleep 0.02
	done
	[ "${#cgroups[@]}" = 0 ] || find "${cgroups[@]}" -depth -type d -exec rmdir {} +
	rm -rf --one-file-system "$ROOT"
}

# Names of this test's container, or of the one that tests share.
own_names() { names "c$BATS_TEST_NUMBER" "$T" "$BATS_TEST_NUMBER"; }
shared_names() { names shared "$BATS_FILE_TMPDIR" shared; }
names() { # ID FOLDER CGROUP
	UNITS=${BATS_TEST_FILENAME##*/}
	UNITS=${UNITS%.bats}
	ID=$1 BUNDLE=$2/bundle ROOT=$2/root CG=
	[ -z "$TEST_CGROUP" ] || CG=$TEST_CGROUP/$3
	CGROUP=$(cgroup_dir "$ID")
}
look_around() {
	content MOUNTS_BEFORE /proc/self/mountinfo
	local pids=(/proc/[0-9]*)
	PIDS_BEFORE=" ${pids[*]#/proc/} "
}

# Started by the first who wants it, and again where one has left it otherwise than he found it.
shared() { # FILTER
	shared_names
	! has_status "$ID" running 2>/dev/null || return 0
	end_shared 2>/dev/null || true
	[ -z "$CG" ] || mkdir "/sys/fs/cgroup$CG"
	bundle "$1"
	ok cella run -d "$ID" 3>&-
	look_around
}
end_shared() {
	cella delete --force "$ID"
	[ -z "$CG" ] || rmdir "/sys/fs/cgroup$CG"
}

contract_setup() {
	set +T # bats notes where it is at each command of what it calls, half of the time of a test: that of the test will do
	T=$BATS_TEST_TMPDIR
	chmod 755 "$T" "${T%/*}" "${T%/*/*}"
	export SHARE=$T/share
	mkdir -m 777 "$SHARE"
	own_names
	[ -z "$CG" ] || "${AS[@]}" mkdir "/sys/fs/cgroup$CG"
	[ "${#AS[@]}" = 0 ] || install -d -m 700 -o "$CELLA_USER" "$ROOT"
	look_around
}
contract_teardown() {
	local result=0
	cd /
	own_names
	if [ -n "${BATS_TEST_COMPLETED-}" ] && [ -z "${BATS_TEST_SKIPPED-}" ]; then
		nothing_left || result=1
	fi
	sweep 2>/dev/null || true
	[ -z "${device-}" ] || no_device || result=1
	[ -z "$CG" ] || rmdir "/sys/fs/cgroup$CG" || result=1
	return $result
}
setup() { contract_setup; }
teardown() { contract_teardown; }
teardown_file() {
	[ -d "$BATS_FILE_TMPDIR/bundle" ] || return 0
	shared_names
	end_shared
}

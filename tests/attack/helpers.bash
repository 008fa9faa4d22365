# SPDX-License-Identifier: Apache-2.0
# Words for the attacks. An attack is a function that says `broke_in` when it did, and fails where it
# could not be tried; against() tries it on the program, where it must do nothing, and then on one
# without a defence (weak/NAME.patch, `make weak`), where it must succeed: else it shows nothing.
#
#   against WEAK ATTACK
#   race A B COMMAND…     the command again and again while A and B change places all the time
load ../contract/helpers

broke_in() {
	BROKEN=yes
	HOW=$*
}

attempt() { # ATTACK
	BROKEN=no HOW= STOP=$T/outside
	rm -rf --one-file-system "$BUNDLE" "$T/outside"
	mkdir -p "$T/outside"
	"$1" || die "the attack could not be tried: $1" || return
	cd /
	cella delete --force "$ID" >/dev/null 2>&1 || true
}

against() { # WEAK ATTACK
	PRODUCT=$CELLA
	[ -x "$WEAK/$1" ] || die "$WEAK/$1 is not there: run it by 'make attack'" || return
	attempt "$2" || return
	[ $BROKEN = no ] || die "broken into: $HOW" || return
	CELLA=$WEAK/$1
	attempt "$2" || return
	CELLA=$PRODUCT
	[ $BROKEN = yes ] || die "without the defence it does not succeed either: the test shows nothing"
}

# A root file system that the attacker has in his hands.
hostile_rootfs() {
	own_rootfs
	cp "$ATTACKER" "$BUNDLE/rootfs/bin/attacker"
	rootfs=$BUNDLE/rootfs
}

# RUNS (40) runs at least, and 2,000 changes; what appears at $STOP ends it. Without the defence up to a hundred times as many.
race() { # A B COMMAND…
	local a=$1 b=$2 said runs=${RUNS:-40} changes succeeded
	shift 2
	[ "$CELLA" = "$PRODUCT" ] || runs=$((100 * runs))
	said=$(timeout 100 "$ATTACKER" race "$runs" "$a" "$b" "$STOP" "$@" 2>"$T/race.stderr")
	read -r runs changes succeeded <<<"$said"
	echo "# ${CELLA##*/}: $runs runs, $succeeded of them with success, $changes changes"
	[ "$CELLA" != "$PRODUCT" ] || { ((changes >= 2000)) && ((succeeded > 0)); } ||
		die "that shows nothing: $(tail -n 3 "$T/race.stderr")"
}
racing_cella() { race "$1" "$2" "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "${@:3}"; }
setup() {
	contract_setup
	only_cella
	not_in_a_vm "its rooms are attacked one by one"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The six hook points: order, place, state, failure.
load helpers

POINTS="prestart createRuntime createContainer startContainer poststart poststop"

# A hook for each point that writes its name and the state to the log of the test. What runs inside
# has /share.
hooks='def hook(p; dir): {(p): [{path: "/bin/sh", args: ["sh", "-c", "cat >\(dir)/\(p).json; echo \(p) >>\(dir)/order"], env: ["PATH=/usr/bin:/bin"]}]};
	.hooks = (reduce ("prestart", "createRuntime", "createContainer", "poststart", "poststop") as $p ({}; . + hook($p; $share))
	+ hook("startContainer"; "/share")) | share |'

@test "all six run in order, each with the state of its moment on stdin" {
	only_cella
	bundle "$hooks args([\"true\"])"
	ok cella run "$ID"
	is "$(tr '\n' ' ' <"$SHARE/order")" "$POINTS "
	for point in $POINTS; do
		is "$(jq -r .id "$SHARE/$point.json")" "$ID"
		is "$(jq -r .bundle "$SHARE/$point.json")" "$BUNDLE"
	done
	is "$(jq -r .status "$SHARE/createRuntime.json")" creating
	is "$(jq -r .status "$SHARE/startContainer.json")" created
	is "$(jq -r .status "$SHARE/poststart.json")" running
	is "$(jq -r .status "$SHARE/poststop.json")" stopped
	[ "$(jq -r .pid "$SHARE/createRuntime.json")" -gt 0 ]
	is "$(jq -r .pid "$SHARE/poststop.json")" 0
}

@test "create runs the first three, start the next two, delete the last" {
	only_cella
	bundle "$hooks forever"
	ok cella create "$ID"
	is "$(wc -l <"$SHARE/order")" 3
	ok cella start "$ID"
	is "$(wc -l <"$SHARE/order")" 5
	ok cella delete --force "$ID"
	is "$(wc -l <"$SHARE/order")" 6
}

@test "createContainer hooks are in the container's namespaces, startContainer hooks in its root too" {
	only_cella
	bundle 'share | .hostname = "argo" | .hooks = {createContainer: [{path: "/bin/sh", args: ["sh", "-c", "uname -n >\($share)/cc; test -e /etc/plain || echo host-root >>\($share)/cc"]}],
		startContainer: [{path: "/bin/sh", args: ["sh", "-c", "hostname >/share/sc; cat /etc/plain >>/share/sc"]}]}'
	ok cella run "$ID"
	is "$(<"$SHARE/cc")" "argo
host-root"
	is "$(<"$SHARE/sc")" "argo
not a program"
}

@test "a hook that fails at each point but the last ends the container and leaves nothing" {
	only_cella
	for point in prestart createRuntime createContainer startContainer poststart; do
		bundle "forever | .hooks = {$point: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"exit 3\"]}]}"
		refused cella run "$ID"
		has "$stderr" "hooks.$point[0]"
		has "$stderr" "exit status 3"
		refused cella state "$ID"
	done
	bundle '.hooks = {poststop: [{path: "/bin/false"}]}'
	ok cella run "$ID"
	has "$stderr" "hooks.poststop[0]"
}

@test "a hook's timeout" {
	only_cella
	bundle '.hooks = {createRuntime: [{path: "/bin/sleep", args: ["sleep", "600"], timeout: 1}]}'
	refused cella run "$ID"
	has "$stderr" "1 s"
	bundle '.hooks = {startContainer: [{path: "/bin/sleep", args: ["sleep", "600"], timeout: 1}]}'
	refused cella run "$ID"
	has "$stderr" "hooks.startContainer[0]"
}

@test "a hook that is not there is named" {
	only_cella
	bundle '.hooks = {prestart: [{path: "/no/such/hook"}]}'
	refused cella run "$ID"
	has "$stderr" "/no/such/hook"
	has "$stderr" "No such file or directory"
}

# A hook that writes what it has: arguments, environment, working directory, the state.
SHOW='def show(f): {path: "/bin/sh", args: ["sh", "-c", "{ env | grep -v ^_= | sort; echo \"$0 $@\"; cat; } >\(f)", "one", "two words"]};'

@test "a hook has its own arguments and environment, and no other" {
	only_cella
	for point in prestart createRuntime createContainer poststart poststop; do
		bundle "$SHOW .hooks = {$point: [show(\"\(\$share)/$point\") + {env: [\"COLOR=red\", \"EMPTY=\"]}]}"
		ok env SECRET=mine "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
		has "$(<"$SHARE/$point")" "COLOR=red
EMPTY="
		has "$(<"$SHARE/$point")" "one two words"
		lacks "$(<"$SHARE/$point")" SECRET
	done
	bundle "$SHOW share | .hooks = {startContainer: [show(\"/share/startContainer\") + {env: [\"COLOR=red\"]}]}"
	ok env SECRET=mine "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" run "$ID"
	has "$(<"$SHARE/startContainer")" "COLOR=red"
	lacks "$(<"$SHARE/startContainer")" SECRET
}

# A hook that writes where it is, and its environment.
WHERE='def where(f): {path: "/bin/sh", args: ["sh", "-c", "{ pwd -P; env; } >\(f)"]};
	def wheres(more): .hooks = (reduce ("prestart", "createRuntime", "createContainer", "poststart", "poststop") as $p ({}; .[$p] = [where("\($share)/\($p)") + more])
		| .startContainer = [where("/share/startContainer") + more]) | share;'
env_of() { sed 1d "$SHARE/$1"; }
folder_of() { head -n 1 "$SHARE/$1"; }
# Of a caller who is elsewhere and has a variable of its own.
from_afar() { cd / && ok env SECRET=mine "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"; }

@test "a hook without env has the caller's environment outside, and the container's inside" {
	only_cella
	bundle "$WHERE wheres({}) | env([\"COLOR=red\"]) | args([\"true\"])"
	from_afar run --bundle "$BUNDLE" "$ID"
	for point in prestart createRuntime poststart poststop; do
		has "$(env_of $point)" "SECRET=mine"
		has "$(env_of $point)" "PATH=$PATH"
		lacks "$(env_of $point)" "COLOR=red"
	done
	for point in createContainer startContainer; do
		has "$(env_of $point)" "COLOR=red"
		lacks "$(env_of $point)" SECRET
	done
	has "$(env_of startContainer)" "HOME=" # as its program
	lacks "$(env_of createContainer)" "HOME="
}

@test "a start and a delete give hooks without env what they have themselves" {
	only_cella
	bundle "$WHERE wheres({}) | forever"
	ok cella create "$ID"
	from_afar start "$ID"
	from_afar delete --force "$ID"
	for point in poststart poststop; do has "$(env_of $point)" "SECRET=mine"; done
	for point in prestart startContainer; do lacks "$(env_of $point)" SECRET; done
}

@test "a hook whose env is empty has an empty environment at each point" {
	only_cella
	bundle "$WHERE wheres({env: []}) | env([\"COLOR=red\"]) | args([\"true\"])"
	from_afar run --bundle "$BUNDLE" "$ID"
	for point in $POINTS; do
		for variable in SECRET COLOR HOME; do lacks "$(env_of $point)" "$variable="; done
	done
}

@test "hooks are in the bundle, and those at startContainer where the program will be" {
	only_cella
	bundle "$WHERE wheres({}) | .process.cwd = \"/tmp\" | args([\"true\"])"
	from_afar run --bundle "$BUNDLE" "$ID"
	for point in prestart createRuntime createContainer poststart poststop; do is "$(folder_of $point)" "$BUNDLE"; done
	is "$(folder_of startContainer)" /tmp
	for options in "" --force; do
		rm "$SHARE/poststop"
		from_afar run -d --bundle "$BUNDLE" "$ID"
		soon has_status "$ID" stopped
		from_afar delete $options "$ID"
		is "$(folder_of poststop)" "$BUNDLE"
	done
	bundle "$WHERE wheres({}) | .hooks.createRuntime = [{path: \"/bin/false\"}]"
	rm "$SHARE/poststop"
	cd /
	refused cella create --bundle "$BUNDLE" "$ID"
	is "$(folder_of poststop)" "$BUNDLE"
}

@test "a container's root that has no way to its bundle has its createContainer hooks there" {
	only_cella
	bundle "$WHERE wheres({}) | mapped | args([\"true\"]) | del(.hooks.startContainer)"
	chmod 777 "$SHARE"
	mkdir -m 700 "$T/closed"
	mv "$BUNDLE" "$T/closed/bundle"
	from_afar run --bundle "$T/closed/bundle" "$ID"
	is "$(folder_of createContainer)" "$T/closed/bundle"
}

@test "the poststop hooks of a bundle that is gone are in /" {
	only_cella
	bundle "$WHERE wheres({}) | forever"
	mkdir "$T/next"
	cp config.json "$T/next"
	cd "$T"
	ok cella create --bundle "$T/next" "$ID"
	rm -r "$T/next"
	ok cella start "$ID"
	is "$(folder_of poststart)" /
	ok cella delete --force "$ID"
	is "$(folder_of poststop)" /
	is "$stderr" ""
	refused cella state "$ID"
}

@test "each hook has the whole state of its moment: version, annotations, pid" {
	only_cella
	bundle "$hooks"' .annotations = {color: "red"} | args(["true"])'
	ok cella run "$ID"
	for point in $POINTS; do
		is "$(jq -r '.annotations.color' "$SHARE/$point.json")" red
		matches "$(jq -r .ociVersion "$SHARE/$point.json")" "^1\."
	done
	# creating until create has done its work, created until start, running, stopped
	for point in prestart createRuntime createContainer; do is "$(jq -r .status "$SHARE/$point.json")" creating; done
	[ "$CELLA_EXECUTOR" = microvm ] || is "$(jq -s 'map(.pid) | unique | length' "$SHARE"/{prestart,createRuntime,createContainer,startContainer,poststart}.json)" 1
	is "$(jq -r '.pid // 0' "$SHARE/poststop.json")" 0
}

@test "poststop hooks all run, whatever the others did, also when create failed" {
	only_cella
	bundle '.hooks = {poststop: [{path: "/bin/false"}, {path: "/no/such/hook"}, {path: "/bin/sh", args: ["sh", "-c", "echo \"$0\" >>\($share)/after", "last"]}]}'
	ok cella run "$ID"
	has "$stderr" "hooks.poststop[0]"
	has "$stderr" "hooks.poststop[1]"
	is "$(<"$SHARE/after")" last
	rm "$SHARE/after"
	bundle '.hooks = {createRuntime: [{path: "/bin/false"}], poststop: [{path: "/bin/sh", args: ["sh", "-c", "cat >\($share)/after"]}]}'
	refused cella create "$ID"
	has "$stderr" "hooks.createRuntime[0]"
	is "$(jq -r .status "$SHARE/after")" stopped
	refused cella state "$ID"
}

@test "a startContainer or poststart hook that fails makes start fail and stops the container" {
	only_cella
	for point in startContainer poststart; do
		bundle "forever | .hooks = {$point: [{path: \"/bin/false\"}]}"
		ok cella create "$ID"
		refused cella start "$ID"
		has "$stderr" "hooks.$point[0]"
		soon has_status "$ID" stopped
		ok cella delete "$ID"
	done
}

@test "a poststart hook that fails late harms nobody who has got the name meanwhile" {
	only_cella
	bundle 'forever'
	cp -r "$BUNDLE" "$T/next"
	cat >"$T/hook" <<-EOF
		#!/bin/sh
		"$CELLA" --root "$ROOT" delete --force "$ID"
		"$CELLA" --root "$ROOT" --executor $CELLA_EXECUTOR run -d --bundle "$T/next" "$ID" >/dev/null 2>&1 </dev/null
		exit 1
	EOF
	chmod +x "$T/hook"
	bundle "forever | .hooks = {poststart: [{path: \"$T/hook\", env: [\"PATH=$PATH\"]}]}"
	ok cella create "$ID"
	refused cella start "$ID"
	status_is "$ID" running
	ok cella exec "$ID" true
	ok cella delete --force "$ID"
}

@test "a hook that is still running at its timeout is killed, with each point's name in the error" {
	only_cella
	for point in prestart createRuntime createContainer poststart; do
		[ "$CELLA_EXECUTOR:$point" != microvm:createContainer ] || continue
		bundle "forever | .hooks = {$point: [{path: \"/bin/sleep\", args: [\"sleep\", \"600\"], timeout: 1}]}"
		refused cella run "$ID"
		has "$stderr" "hooks.$point[0]"
		has "$stderr" "1 s"
	done
	bundle '.hooks = {poststop: [{path: "/bin/sleep", args: ["sleep", "600"], timeout: 1}]}'
	ok cella run "$ID"
	has "$stderr" "hooks.poststop[0]"
}

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

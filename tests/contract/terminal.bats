#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Terminals: in the foreground, over --console-socket, of exec.
load helpers

# A terminal around COMMAND (a line for sh), with what is written to fd 9 typed in; its screen is
# $T/screen, its own name $T/tty, its exit status $T/code.
terminal() {
	cat >"$T/session" <<-EOS
		tty >"$T/tty"
		stty rows ${ROWS:-24} cols ${COLUMNS_:-80}
		$1
		echo \$? >"$T/code"
	EOS
	mkfifo "$T/keys"
	script -qfec "sh $T/session" /dev/null <"$T/keys" >"$T/screen" 2>&1 3>&- &
	exec 9>"$T/keys"
}
typed() { printf '%b' "$1" >&9; }
shows() { soon grep -qa -- "$1" "$T/screen" || report_screen; }
report_screen() {
	cat -v "$T/screen"
	return 1
}
closed() { # STATUS
	soon test -s "$T/code" || report_screen || return
	exec 9>&-
	wait
	is "$(<"$T/code")" "$1" || report_screen
}
line() { printf '%q ' "$CELLA" --root "$ROOT" "${EXECUTOR[@]}" "$@"; }

@test "a program with a terminal has it as stdin, stdout, stderr and controlling terminal" {
	bundle '.process.terminal = true | sh("tty; test -t 0 && test -t 1 && test -t 2 && echo all-three; echo to-tty >/dev/tty; test -c /dev/console && echo console; exit 6")'
	terminal "$(line run "$ID")"
	closed 6
	for word in /dev/ all-three to-tty console; do shows $word; done
	shows "^/dev/\(pts/0\|console\)"
}

@test "without a terminal there is none" {
	bundle 'sh("test -t 0 || test -t 1 || test -t 2 || echo none; : >/dev/tty") | .process.terminal = false'
	exits 1 cella run "$ID"
	is "$output" none
}

@test "a shell with job control: stop, list, kill" {
	bundle '.process.terminal = true | args(["sh"]) | env(["PS1=ready> "])'
	terminal "$(line run "$ID")"
	shows "ready> "
	typed 'echo pid $$\n'
	shows "pid 1"
	typed 'sleep 1003\n'
	soon cella exec "$ID" sh -c 'ps | grep -q "[1]003"'
	typed '\032' # ^Z
	shows "Stopped"
	typed 'jobs; kill -9 %1; echo $((40 + 2))\n'
	shows "^42"
	typed 'exit 9\nexit 9\n' # the first may still see the job
	closed 9
}

@test "^C reaches the program, not the runtime" {
	bundle '.process.terminal = true | sh("trap \"echo caught; exit 8\" INT; echo ready; while :; do sleep 1000 & wait; done")'
	terminal "$(line run "$ID")"
	shows ready
	typed '\003'
	closed 8
	shows caught
}

@test "keys come raw: no echo of the outer terminal, all bytes" {
	bundle '.process.terminal = true | sh("stty raw -echo; echo ready; dd bs=1 count=5 2>/dev/null | od -An -tx1; exit 0")'
	terminal "$(line run "$ID")"
	shows ready
	typed '\003\032\021\004x'
	closed 0
	shows "03 1a 11 04 78"
}

@test "the outer terminal is as it was afterwards, also after a refusal" {
	bundle '.process.terminal = true | args(["true"])'
	terminal "stty -g >$T/before; $(line run "$ID"); stty -g >$T/between; $(line run nowhere -b /nowhere); stty -g >$T/after"
	closed 0
	is "$(<"$T/between")" "$(<"$T/before")"
	is "$(<"$T/after")" "$(<"$T/before")"
}

@test "the program's terminal has the size of the caller's and follows it" {
	bundle '.process.terminal = true | sh("trap \"stty size\" WINCH; stty size; while :; do sleep 1000 & wait; done")'
	ROWS=33 COLUMNS_=44
	terminal "$(line run "$ID")"
	shows "33 44"
	stty rows 51 cols 62 <"$(<"$T/tty")"
	shows "51 62"
	ok cella kill "$ID" KILL
	closed 137
}

@test "--console-socket gets the terminal; create" {
	bundle '.process.terminal = true | sh("read line; echo got $line; tty; exit 0")'
	printf 'hello\n' | "$WORK/console" "$T/console.sock" >"$T/screen" 3>&- &
	soon test -S "$T/console.sock"
	ok cella create --console-socket "$T/console.sock" "$ID"
	ok cella start "$ID"
	shows "got hello"
	soon has_status "$ID" stopped
	ok cella delete "$ID"
	wait
}

@test "--console-socket gets the terminal; run --detach; consoleSize" {
	bundle '.process.terminal = true | .process.consoleSize = {height: 37, width: 119} | sh("stty size; exec sleep 1000")'
	"$WORK/console" "$T/console.sock" >"$T/screen" </dev/null 3>&- &
	soon test -S "$T/console.sock"
	ok cella run --detach --console-socket "$T/console.sock" "$ID"
	shows "37 119"
	status_is "$ID" running
	ok cella delete --force "$ID"
	wait
}

@test "a terminal without anybody to take it is refused, and so is the other way round" {
	bundle '.process.terminal = true | args(["true"])'
	refused cella create "$ID"
	has "$stderr" "console-socket"
	refused cella run --detach "$ID"
	has "$stderr" "console-socket"
	only_cella
	bundle '.process.terminal = false | args(["true"])'
	"$WORK/console" "$T/console.sock" >"$T/screen" 2>&1 </dev/null 3>&- &
	background=$!
	soon test -S "$T/console.sock"
	refused cella create --console-socket "$T/console.sock" "$ID"
	has "$stderr" "terminal"
	kill -9 $background 2>/dev/null || true # it ends with the first connection
	wait $background || true
}

@test "a console socket that is not there fails the create, which leaves nothing" {
	bundle '.process.terminal = true | args(["true"])'
	refused cella create --console-socket "$T/nowhere.sock" "$ID"
	has "$stderr" nowhere.sock
	refused cella state "$ID"
	: >"$T/file"
	refused cella create --console-socket "$T/file" "$ID"
	refused cella state "$ID"
}

@test "exec --tty: a second shell in a terminal of its own" {
	bundle forever
	ok cella run -d "$ID"
	terminal "$(line exec -t -e 'PS1=second> ' "$ID" sh)"
	shows "second> "
	typed 'tty; stty size; test -t 0 && echo is-$((1 + 1))\n'
	shows "^/dev/pts/"
	shows "24 80"
	shows is-2
	typed 'exit 12\n'
	closed 12
	status_is "$ID" running
	ok cella delete --force "$ID"
}

@test "exec --tty beside a terminal of the container" {
	bundle '.process.terminal = true | args(["sh"])'
	"$WORK/console" "$T/console.sock" >"$T/first" </dev/null 3>&- &
	soon test -S "$T/console.sock"
	ok cella run -d --console-socket "$T/console.sock" "$ID"
	terminal "$(line exec --tty "$ID" sh -c 'tty; exit 3')"
	closed 3
	shows "^/dev/pts/1"
	ok cella delete --force "$ID"
}

@test "exec --tty --detach --console-socket" {
	bundle forever
	ok cella run -d "$ID"
	"$WORK/console" "$T/console.sock" >"$T/screen" </dev/null 3>&- &
	soon test -S "$T/console.sock"
	ok cella exec --tty --detach --console-socket "$T/console.sock" --pid-file "$T/pid" "$ID" sh -c 'tty; exec sleep 1000'
	shows "^/dev/pts/"
	kill -9 "$(<"$T/pid")"
	wait
	only_cella
	refused cella exec --tty --detach "$ID" true
	has "$stderr" console-socket
	ok cella delete --force "$ID"
}

@test "an exec's ^C ends its program only" {
	bundle forever
	ok cella run -d "$ID"
	terminal "$(line exec -t "$ID" sleep 1004)"
	soon cella exec "$ID" sh -c 'ps | grep -q "[s]leep 1004"'
	typed '\003'
	closed 130
	status_is "$ID" running
	ok cella delete --force "$ID"
}

@test "megabytes over a terminal come whole" {
	bundle '.process.terminal = true | sh("stty -onlcr; seq 100000; echo the-end")'
	terminal "stty -opost; $(line run "$ID")"
	closed 0
	is "$(grep -ac '^[0-9]*$' "$T/screen")" 100000
	shows the-end
}

@test "/dev/pts of the container is its own" {
	bundle '.process.terminal = true | sh("ls /dev/pts | xargs echo; stat -L -c %t:%T /dev/ptmx /dev/pts/ptmx | xargs echo")'
	terminal "$(line run "$ID")"
	closed 0
	shows "^0 ptmx"
	shows "5:2 5:2"
}

@test "top draws until q, and leaves the terminal as it was" {
	only_cella
	bundle forever
	ok cella run -d "$ID"
	terminal "stty -a >$T/before; $(line top --interval 100ms); code=\$?; stty -a >$T/after; (exit \$code)"
	shows "$ID  *running"
	typed x
	soon sh -c "[ \$(grep -ac '$ID  *running' $T/screen) -ge 3 ]"
	typed q
	closed 0
	is "$(<"$T/after")" "$(<"$T/before")"
	ok cella delete --force "$ID"
}

@test "top puts the terminal right when it is told to end" {
	only_cella
	terminal "stty -a >$T/before; $(line top); code=\$?; stty -a >$T/after; (exit \$code)"
	shows "0 containers"
	typed '\003'
	closed 0
	is "$(<"$T/after")" "$(<"$T/before")"
	tail -c 100 "$T/screen" | grep -qaF $'\e[?1049l'
}

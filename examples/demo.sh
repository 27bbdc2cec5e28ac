#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
#	make demo
#
# A real redis-server goes back and forth between three of its snapshots. Every
# command is shown before what it prints; every value that redis answers is checked,
# and the first that is wrong ends the demonstration with status 1. The catalog is one
# of its own; in the end no process and no file of it is left.
#
# B is the build directory; without it this is `make demo`, which builds first.
set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
[ -n "${B-}" ] || exec make -C "$here/.." demo

work=$(mktemp -d "${TMPDIR:-/tmp}/snapsh-demo-XXXXXX") || exit 1
port=0
pid=
export SNAPSH_CATALOG=$work/catalog LC_ALL=C
unset REDISCLI_AUTH

# Each within a minute: a demonstration that hangs is one that fails.
snapsh()
{
	timeout 60 "$B/snapsh" "$@"
}

redis()
{
	timeout 60 redis-cli -p "$port" "$@"
}

say()
{
	printf '\n# %s\n' "$*"
}

fail()
{
	printf '\ndemo: FAILED: %s\n' "$*" >&2
	exit 1
}

# The redis-server, its keeper and its console.
ours()
{
	timeout 10 "$B/snapsh" --json apps redis 2>/dev/null | tr ',' '\n' |
		sed -n 's/.*"\(keeper_\|console_\|\)pid": *\([1-9][0-9]*\).*/\2/p'
}

clean()
{
	local status=$? pids each try

	trap '' HUP INT TERM
	pids=$(ours)
	timeout 10 "$B/snapsh" kill redis >/dev/null 2>&1
	for each in $pids; do # keeper and console end by themselves, a little later
		for try in $(seq 50); do
			[ "$try" -lt 50 ] || kill -9 "$each" 2>/dev/null
			kill -0 "$each" 2>/dev/null || break
			sleep 0.1
		done
	done
	rm -rf "$work"
	exit "$status"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# Shows a command as a person would type it, and runs it. DIFF: status 1 is no failure.
run()
{
	local status word

	printf '$'
	for word; do
		case $word in
		*' '*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	"$@"
	status=$?
	[ $status = 0 ] || [ "$2 $status" = "diff 1" ] || fail "'$*' ended with status $status"
}

# Asks redis and holds it to its answer: expect ANSWER COMMAND...
expect()
{
	local wanted=$1 answer

	shift
	answer=$(redis "$@") || fail "redis-cli $*: no answer"
	printf '$ redis-cli %s\n%s\n' "$*" "$answer"
	[ "$answer" = "$wanted" ] || fail "redis-cli $*: it answers '$answer', not '$wanted'"
}

# The pid of the redis-server that answers on our port.
answering()
{
	redis info server 2>/dev/null | tr -d '\r' | sed -n 's/^process_id://p'
}

# On a port nobody listens on; should somebody else be quicker, on another.
start_redis()
{
	local server started

	server=$(PATH=$PATH:/usr/sbin command -v redis-server) || fail "there is no redis-server"
	for _ in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 10000))
		! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
		started=$(snapsh run -d -n redis -- "$server" --port "$port" --bind 127.0.0.1 \
			--save '' --enable-debug-command local --dir "$work") ||
			fail "redis-server was not started"
		pid=${started##* }
		for _ in $(seq 100); do
			[ "$(answering)" = "$pid" ] && echo "$started" && return
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		timeout 10 "$B/snapsh" kill redis >/dev/null 2>&1
	done
	fail "redis-server does not answer: $(tail -n 3 "$SNAPSH_CATALOG/apps/redis.console")"
}

fill()
{
	seq "$1" | awk '{ print "SET key:" $1 " value-" $1 "-of-a-hundred-thousand" }' |
		redis --pipe >/dev/null || fail "redis-cli --pipe"
}

# One number that every key and value goes into.
digest()
{
	redis debug digest
}

# The data are those of a moment: check_moment MOOD KEYS DIGEST
check_moment()
{
	expect "$1" get mood
	expect "$2" dbsize
	expect "$3" debug digest
}

printf '# A real redis-server, started under snapsh; its catalog is %s\n' "$SNAPSH_CATALOG"
start_redis
fill 100000

say 'Three snapshots, and changes between them.'
expect OK set mood calm
calm=$(digest)
run snapsh snap redis -m '100,000 keys' -t calm
expect OK set mood busy
expect 3 del key:1 key:2 key:3
busy=$(digest)
run snapsh snap redis -m 'three keys fewer'
expect OK flushall
expect OK set mood gone
gone=$(digest)
run snapsh snap redis -m 'after a flushall that nobody wanted'

say 'What there is, and what differs.'
run snapsh list redis
run snapsh diff redis@1 redis@2

say 'Back to the first, in place: the same process goes on.'
run snapsh revert redis@calm
check_moment calm 100001 "$calm"
[ "$(answering)" = "$pid" ] || fail "another process than $pid answers"

say 'That was a mistake? A revert can be taken back.'
run snapsh undo redis
check_moment gone 1 "$gone"

if snapsh check | grep -q '^yes  *clone3_set_tid '; then
	say "Killed with kill -9 $pid; the second comes back, with the same pid."
	kill -9 "$pid" || fail "kill -9 $pid"
	for _ in $(seq 100); do
		redis ping >/dev/null 2>&1 || break
		sleep 0.1
	done
	! redis ping 2>/dev/null || fail "something still answers on port $port"
	run snapsh restore -d redis@2
	check_moment busy 99998 "$busy"
	[ "$(answering)" = "$pid" ] || fail "another process than $pid answers"
else
	say 'Restore is skipped: this user may not make a process with a pid of its choice.'
	snapsh check | grep -A 1 '^no  *clone3_set_tid '
	say 'Back to the second, in place.'
	run snapsh revert redis@2
	check_moment busy 99998 "$busy"
fi

printf '\ndemo: done, and every value was right\n'

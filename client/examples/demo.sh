#!/bin/bash
# What Lethe does, in a minute: a private daemon, a script, a runaway that is killed, a leak that does
# not survive. Ends with status 0 only if everything was as it says. usage: demo.sh BIN_FOLDER
set -euo pipefail
bin=$(realpath "$1")
folder=$(mktemp -d)
export LETHE_SOCKET=$folder/lethe.sock

bold='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# A command as it would be typed.
show() {
  local word line='$'
  for word; do
    case $word in
    *[!A-Za-z0-9_./:=,@-]*) line+=" '$word'" ;;
    *) line+=" $word" ;;
    esac
  done
  printf '%s\n' "$line"
}
fail() { echo "demo: $*" >&2; exit 1; }
# Runs `lethe` with the further arguments, shows it and its output, which must be the first argument.
expect() {
  local wanted=$1 output
  shift
  show lethe "$@"
  output=$("$bin/lethe" "$@")
  printf '%s\n' "$output"
  [ "$output" = "$wanted" ] || fail "expected $wanted"
}
# The same for a script that must run into a limit: its output must have the first argument, with exit status 3.
expect_limit() {
  local wanted=$1 status=0 output
  shift
  show lethe "$@"
  output=$("$bin/lethe" "$@" 2>&1) || status=$?
  printf '%s\n' "$output"
  [[ $status = 3 && $output = *"$wanted"* ]] || fail "expected $wanted and exit status 3, got $status"
}

daemon=
clean_up() {
  [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
  wait
  rm -rf "$folder"
}
trap clean_up EXIT

say "A private daemon, as an ordinary user could start it:"
show lethed --socket "$LETHE_SOCKET" --state-dir "$folder/state" --cache-dir "$folder/cache" --set pool.default.workers=2
mkfifo "$folder/log"
"$bin/lethed" --socket "$LETHE_SOCKET" --state-dir "$folder/state" --cache-dir "$folder/cache" \
  --set pool.default.workers=2 2>"$folder/log" &
daemon=$!
exec 3<"$folder/log"
while read -r -u 3 line; do
  echo "$line"
  case $line in *"ready on"*) break ;; esac
done
kill -0 "$daemon" || fail "the daemon did not start"
cat <&3 >/dev/null &

say "JavaScript runs in it:"
expect 42 eval '6 * 7'

say "A script is registered once and called by name, with a JSON value:"
cat >"$folder/greet.js" <<'JS'
let visits = 0;
function greet(user) {
  visits += 1;
  return `Hello ${user.name}, visit number ${visits}`;
}
function spin() {
  return /(a+)+$/.test('a'.repeat(40) + 'b');
}
JS
cat "$folder/greet.js"
show lethe script put acme/greet greet.js
"$bin/lethe" script put acme/greet "$folder/greet.js"
expect '"Hello Ada, visit number 1"' call acme/greet greet '{"name": "Ada"}'

say "It has counted. Does the count survive into the next request? No:"
expect '"Hello Grace, visit number 1"' call acme/greet greet '{"name": "Grace"}'

say "Nor does anything that a careless script does to the world:"
expect '"polluted"' eval 'Array.prototype.map = () => "polluted"; [1].map(x => x)'
expect '[2,4]' eval '[1, 2].map(x => 2 * x)'

say "A regular expression that would run for hours gets 100 ms, and tells where it was:"
expect_limit deadline_exceeded call acme/greet spin --deadline 100

say "A script that wants all memory gets its share and no more:"
expect_limit memory_limit eval 'const hoard = []; for (;;) hoard.push([hoard.length])' --deadline 30000

say "And the service? As if nothing had happened:"
expect '"Hello Edsger, visit number 1"' call acme/greet greet '{"name": "Edsger"}'

say "A login flow of three actions, each in clean state, as one request:"
login=$(realpath "$(dirname "$0")")/login
for action in check-account claims second-factor; do
  show lethe script put "login/$action" "$action.js"
  "$bin/lethe" script put "login/$action" "$login/$action.js"
done
chain=(chain login/check-account:onLogin login/claims:onLogin login/second-factor:onLogin)
show lethe "${chain[@]}" --input @contexts/medium.json
"$bin/lethe" "${chain[@]}" --input "@$login/contexts/medium.json" | cut -c1-200

say "Stopped in order:"
show kill -TERM "$daemon"
kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ended with status $?"
daemon=
[ ! -e "$LETHE_SOCKET" ] || fail "the socket file is left over"
echo "done"

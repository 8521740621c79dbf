#!/bin/bash
# Runs test programs one after the other, and the tests of each side by side, but for those that measure how late a deadline is.
# What failed is run once more, alone: beside others, on two processors, what measures time may come late. That it did is said, and
# it fails if it fails again, or if so many have failed that chance is no reason. No test hangs for ever.
# usage: [TEST=SUITE/NAME] run.sh PROGRAM …
set -u
most_by_chance=3

run() { timeout 900 "$@" --timeout 300; }

failed=() again=()
for program; do
  echo "== $program"
  options=("--tap=$program.tap")
  case $program in
  */limits) options+=(-j1) ;;
  */system | */fault) options+=("-j$(($(nproc) * 3 / 2))") ;; # most of these wait, for a start or a deadline
  esac
  [ -z "${TEST:-}" ] || options+=(--filter "$TEST")
  rm -f "$program.tap"
  run "$program" "${options[@]}" && continue
  mapfile -t names < <(sed -n 's/^not ok - \([^ ]*\)::\([^ ]*\) .*/\1\/\2/p' "$program.tap")
  [ ${#names[@]} -gt 0 ] || failed+=("$program")
  for name in "${names[@]}"; do again+=("$program $name"); done
done
if [ ${#again[@]} -gt $most_by_chance ]; then
  failed+=("${again[@]}")
  again=()
fi
for test in "${again[@]}"; do
  echo "== $test, once more, alone"
  output=$(run "${test% *}" --filter "${test#* }" 2>&1) && [[ $output == *"Tested: 1 "* ]] || failed+=("$test")
  echo "$output"
done
[ ${#again[@]} = 0 ] || printf 'failed beside others: %s\n' "${again[@]}"
[ ${#failed[@]} = 0 ] || { printf 'failed: %s\n' "${failed[@]}" >&2; exit 1; }

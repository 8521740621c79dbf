#!/bin/bash
# Compares two folders of packages that were built from one commit: they must be the same bytes.
# usage: reproducible.sh FOLDER AGAIN
set -euo pipefail
one=$1 other=$2
diff <(cd "$one" && ls) <(cd "$other" && ls)
status=0
for package in "$one"/*; do
  cmp "$package" "$other/${package##*/}" && continue
  status=1
  if command -v diffoscope >/dev/null; then diffoscope --max-report-size 20000 "$package" "$other/${package##*/}" || true; fi
done
[ $status = 0 ] || { echo "two builds of one commit differ" >&2; exit 1; }
echo "built twice, the same bytes: $(cd "$one" && echo *)"

#!/bin/bash
# Prints the newest release of CHANGELOG.md as the changelog of a package.
# usage: changelog.sh debian|rpm VERSION   with SOURCE_DATE_EPOCH set
set -euo pipefail
form=$1 version=$2
maintainer='Lethe maintainers <lethe@lethe.example>'
# The entries, one a line: wrapped lines joined, marks of Markdown gone.
entries=$(awk '
  /^## / { if (++releases > 1) exit; next }
  releases != 1 { next }
  /^- / { if (entry) print entry; entry = substr($0, 3); next }
  /^  / { sub(/^ +/, " "); entry = entry $0 }
  END { if (entry) print entry }' CHANGELOG.md | tr -d '`')
case $form in
debian)
  printf 'lethe (%s) unstable; urgency=medium\n\n' "$version"
  while IFS= read -r entry; do
    fold -s -w 74 <<<"$entry" | sed -e 's/ *$//' -e '1s/^/  * /' -e '2,$s/^/    /'
  done <<<"$entries"
  printf '\n -- %s  %s\n' "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
  ;;
rpm)
  printf '* %s %s - %s\n' "$(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')" "$maintainer" "$version"
  while IFS= read -r entry; do echo "- $entry"; done <<<"$entries"
  ;;
esac

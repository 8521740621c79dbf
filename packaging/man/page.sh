#!/bin/sh
# Makes a manual page: a line "!COMMAND" of the template becomes the command's output, @DATE@ and @VERSION@ are set.
# usage: page.sh TEMPLATE DATE VERSION > PAGE
set -eu
awk -v date="$2" -v version="$3" '
  /^!/ { fflush(); if (system(substr($0, 2)) != 0) exit 1; next }
  { gsub(/@DATE@/, date); gsub(/@VERSION@/, version); print }' "$1"

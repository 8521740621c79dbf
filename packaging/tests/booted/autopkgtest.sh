#!/bin/bash
# The tests that the Debian source package brings with it.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

for name in service library; do
  echo "-- $name"
  "$sources/debian/tests/$name"
done

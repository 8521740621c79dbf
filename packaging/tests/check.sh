#!/bin/bash
# Installs the packages that were built for a suite into a system of that suite that boots, and tests them there.
# Needs root, and a network only for what the packages depend on.
# usage: check.sh SUITE BUILD_FOLDER [TEST …]   tests of packaging/tests/booted, all unless named
set -euo pipefail
suite=$1 build=$2
shift 2
here=$(dirname "$(realpath "$0")")
root=$build/roots/$suite-test packages=$(realpath "$build/deb/$suite")
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(install first_use hardening development autopkgtest reload restart kills watchdog instances upgrade v8_upgrade removal)

# apt is to find what the packages need without a network, as packages in its cache.
archives=$build/roots/$suite-archives
mkdir -p "$archives/partial"
archives=$(realpath "$archives")
"$here/../in-root.sh" "$root" sh -ec "apt-get -qq -y -o APT::Sandbox::User=root -o Dir::Cache::archives=$archives \
  --download-only install $packages/lethe_*.deb $packages/liblethe*_*.deb" >/dev/null

results=$build/package-tests/$suite
rm -rf "$results"
mkdir -p "$results"
echo "== packages in a booted $suite"
status=0
"$here/boot-nspawn.sh" "$root" "$results" --bind-ro="$packages:/packages" --bind-ro="$here/..:/tests" \
  --bind="$archives:/var/cache/apt/archives" -- /tests/tests/booted/run.sh "${tests[@]}" || status=$?
cat "$results/log" || true
[ "$status" = 0 ] || { echo "failed; see $results" >&2; exit 1; }

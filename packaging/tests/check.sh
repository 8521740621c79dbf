#!/bin/bash
# Installs the packages that were built for a suite into a system of that suite that boots, and tests them there.
# Needs root, and a network only for what the packages depend on.
# usage: check.sh SUITE BUILD_FOLDER [TEST …]   tests of packaging/tests/booted, all of the service unless named
# Exit status: 75 if what the packages depend on could not be downloaded.
set -euo pipefail
suite=$1 build=$2
shift 2
here=$(dirname "$(realpath "$0")")
root=$build/roots/$suite-test packages=$(realpath "$build/deb/$suite")
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(install first_use hardening control_groups development python autopkgtest reload restart kills watchdog slow_start instances upgrade v8_upgrade removal)
wanted=("$packages"/lethe_*.deb "$packages"/liblethe*_*.deb "$packages"/python3-lethe_*.deb) binds=()
if [ "${tests[0]}" = rpm ]; then # with what the Debian packages depend on, and without them
  wanted+=(rpm)
  binds+=(--bind-ro="$(realpath "$build/rpm"):/rpms")
fi

# apt is to find what the packages need without a network, as packages in its cache.
archives=$build/roots/$suite-archives
mkdir -p "$archives/partial"
archives=$(realpath "$archives")
"$here/../in-root.sh" "$root" apt-get -qq -y -o APT::Sandbox::User=root -o "Dir::Cache::archives=$archives" \
  --download-only install "${wanted[@]}" >/dev/null || { echo "can't download what the packages depend on" >&2; exit 75; }

results=$build/package-tests/$suite-${tests[0]}
rm -rf "$results"
mkdir -p "$results"
echo "== packages in a booted $suite: ${tests[*]}"
status=0
"$here/boot-nspawn.sh" "$root" "$results" --bind-ro="$packages:/packages" --bind-ro="$here/..:/tests" "${binds[@]}" \
  --bind="$archives:/var/cache/apt/archives" -- /tests/tests/booted/run.sh "${tests[@]}" || status=$?
cat "$results/log" || true
[ "$status" = 0 ] || { echo "failed; see $results" >&2; exit 1; }

#!/bin/bash
# The part of the packages' tests that goes before every change: builds this system's Debian packages, installs them in a
# system that boots, and tests the service there. Where the machine does not allow that, it says so and succeeds: what
# can be done is found out by doing it.
# usage: ci.sh BUILD_FOLDER SECONDS   as many as it may take
set -euo pipefail
build=$1 limit=$2
here=$(dirname "$(realpath "$0")")
SECONDS=0

skip() {
  echo "SKIPPED: packages are neither built nor tested: $*"
  exit 0
}
left() { echo $((limit - SECONDS)); }
# A command that must be over in the time that is left, with its output in a file. Its failure is ours, its slowness the
# machine's.
in_time() { # LOG COMMAND …
  local status=0
  [ "$(left)" -gt 0 ] || skip "there is no time left"
  timeout --kill-after=10 "$(left)" "${@:2}" >"$1" 2>&1 || status=$?
  case $status in
  124 | 137) skip "not done within $limit s: ${*:2}" ;;
  esac
  return "$status"
}

[ "$(id -u)" = 0 ] || skip "needs root"
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
case $suite in
bookworm | trixie) ;;
*) skip "there are packages for Debian 12 and 13, this is ${suite:-something else}" ;;
esac
[ "$(left)" -ge 120 ] || skip "there is no time left"
# shellcheck disable=SC2016
unshare --mount --propagation private --pid --fork sh -ec 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/a /mnt/b /mnt/c &&
  mount -t overlay -o lowerdir=/,upperdir=/mnt/a,workdir=/mnt/b overlay /mnt/c && umount -R /sys/fs/cgroup &&
  mount -t cgroup2 cgroup2 /sys/fs/cgroup' 2>/dev/null || skip "no namespaces, overlays or control groups of one's own"
tools_are_there() { command -v mmdebstrap >/dev/null && command -v systemd-nspawn >/dev/null; }
if ! tools_are_there; then
  (apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends mmdebstrap systemd-container) \
    >/dev/null 2>&1 || true
  tools_are_there || skip "mmdebstrap and systemd-container can't be installed"
fi

log=$build/package-tests/ci
mkdir -p "$log"
in_time "$log/root.log" make --no-print-directory SUITE="$suite" "$build/roots/$suite-test" ||
  skip "no Debian system can be made here; see $log/root.log"
LIMIT_S=60 "$here/boot-nspawn.sh" "$build/roots/$suite-test" "$log" -- true ||
  skip "systemd does not boot in a container here; see $log/console"
in_time "$log/root.log" make --no-print-directory SUITE="$suite" "$build/roots/$suite-build" ||
  skip "no Debian system to build in can be made here; see $log/root.log"

in_time "$log/deb.log" make --no-print-directory SUITE="$suite" deb || { tail -n 40 "$log/deb.log"; exit 1; }
tail -n 8 "$log/deb.log"
check() {
  status=0
  LIMIT_S=$(($(left) + 30)) in_time "$log/check.log" "$here/check.sh" "$suite" "$build" || status=$?
  cat "$log/check.log"
  [ "$status" != 75 ] || skip "no network"
}
check
# On a machine that is busy with other things a test may meet what it does not expect; a defect is there the next time, too.
if [ "$status" != 0 ] && [ "$(left)" -ge 120 ]; then
  echo "packages: failed; once more"
  check
fi
[ "$status" = 0 ] || exit 1
echo "packages: built and tested on $suite in $SECONDS s"

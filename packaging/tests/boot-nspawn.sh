#!/bin/bash
# Boots a Debian root with its systemd as PID 1 in a container without a network, and runs one command there as a unit.
# What it writes is gone afterwards, but for what is bound. Exit status: 0 if the command succeeded. Needs root.
# usage: boot-nspawn.sh ROOT RESULTS_FOLDER [--bind=…|--bind-ro=…] … -- COMMAND [ARGUMENT …]
#   the command's output goes to RESULTS_FOLDER/log, the journal to RESULTS_FOLDER/journal
set -euo pipefail
root=$(realpath "$1") results=$(realpath "$2")
shift 2
binds=()
while [ "$1" != -- ]; do
  binds+=("$1")
  shift
done
shift
command -v systemd-nspawn >/dev/null || { echo "systemd-nspawn is missing: apt-get install systemd-container" >&2; exit 1; }

unit=$results/package-tests.service
cat >"$unit" <<EOF
[Unit]
SuccessAction=exit-force
FailureAction=exit-force
SuccessActionExitStatus=0
FailureActionExitStatus=42
After=basic.target dbus.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
StandardOutput=append:/results/log
StandardError=append:/results/log
ExecStart=$*
ExecStopPost=sh -c "journalctl --no-pager -o short-precise > /results/journal"
EOF

# A control group tree and a /run of its own, gone with the mount namespace. nspawn's own system call filter would break
# Landlock, which workers use.
# shellcheck disable=SC2016  # expanded by the inner shell
timeout --kill-after=10 "${LIMIT_S:-900}" unshare --mount --propagation private bash -c '
  root=$1 results=$2 id=lethe-test-$$
  shift 2
  mount -t tmpfs tmpfs /run || exit 90
  umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 91
  mkdir /sys/fs/cgroup/$id && echo $$ > /sys/fs/cgroup/$id/cgroup.procs || exit 92
  SYSTEMD_SECCOMP=0 systemd-nspawn --quiet --directory="$root" --machine=$id --volatile=overlay --boot --register=no \
    --keep-unit --console=pipe --private-network --capability=all --bind="$results:/results" \
    --bind-ro="$results/package-tests.service:/etc/systemd/system/package-tests.service" "$@" \
    systemd.unit=multi-user.target systemd.wants=package-tests.service > "$results/console" 2>&1 </dev/null
  status=$?
  echo $$ > /sys/fs/cgroup/cgroup.procs
  find /sys/fs/cgroup/$id -depth -type d -exec rmdir {} \; 2>/dev/null
  exit $status' boot "$root" "$results" "${binds[@]}"

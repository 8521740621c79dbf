#!/bin/bash
# Runs a command in a Debian root that stays as it is: what the command writes there is gone afterwards. It finds this
# working copy under the same path, where what it writes stays. Needs root.
# OFFLINE=1: it has no network.
# usage: in-root.sh ROOT COMMAND [ARGUMENT …]
set -euo pipefail
root=$(realpath "$1")
shift
# Mounts are private to this process, and gone with it.
# shellcheck disable=SC2016  # expanded by the inner shell
exec unshare ${OFFLINE:+--net} --mount --propagation private --pid --fork --kill-child bash -euc '
  root=$1 here=$PWD
  shift
  mount -t tmpfs -o size=90% layers /mnt
  mkdir /mnt/{written,work,merged}
  mount -t overlay -o "lowerdir=$root,upperdir=/mnt/written,workdir=/mnt/work" overlay /mnt/merged
  cd /mnt/merged
  mount -t proc proc proc
  mount --rbind /dev dev
  mount -t tmpfs tmp tmp
  mkdir -p ".$here"
  mount --bind "$here" ".$here"
  cp /etc/resolv.conf etc/resolv.conf
  exec chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
    SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-}" ${CCACHE_DISABLE:+CCACHE_DISABLE=1} ${TZ:+TZ="$TZ"} sh -ec "cd \"\$0\" && exec \"\$@\"" "$here" "$@"' in-root "$root" "$@"

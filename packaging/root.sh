#!/bin/bash
# Makes a Debian root with mmdebstrap. Needs root.
# usage: root.sh build|test|vm SUITE FOLDER
#   build  what packages are built with: build-dependencies, lintian, rpm
#   test   boots under systemd-nspawn; has a compiler
#   vm     boots under qemu; otherwise as test
set -euo pipefail
kind=$1 suite=$2 root=$3
here=$(realpath "$(dirname "$0")")
command -v mmdebstrap >/dev/null || { echo "mmdebstrap is missing: apt-get install mmdebstrap" >&2; exit 1; }
mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
[ -n "$mirror" ] || mirror=http://deb.debian.org/debian

built_with=ccache,elfutils,lintian,mandoc,rpm,rpmlint,systemd
booted=systemd,systemd-sysv,dbus,procps,gcc,g++,pkgconf
# shellcheck disable=SC2016  # $1 is the hook's
case $kind in
build)
  options=(--variant=buildd --include="$built_with"
    --customize-hook='mkdir "$1/lethe"' --customize-hook="copy-in $here/debian /lethe"
    --customize-hook='chroot "$1" apt-get -q -y build-dep /lethe' --customize-hook='rm -r "$1/lethe"')
  ;;
  # apt's lists stay: it is to find our packages' dependencies without a network.
test) options=(--variant=minbase --include="$booted" --skip=cleanup/apt/lists) ;;
vm) options=(--variant=minbase --include="$booted,e2fsprogs,linux-image-cloud-amd64,initramfs-tools" --skip=cleanup/apt/lists) ;;
*)
  echo "usage: root.sh build|test|vm SUITE FOLDER" >&2
  exit 2
  ;;
esac

mkdir -p "$(dirname "$root")"
rm -rf "$root.part"
mmdebstrap --quiet --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
  --aptopt='Acquire::Check-Valid-Until "false"' \
  --dpkgopt='path-exclude=/usr/share/locale/*' "${options[@]}" "$suite" "$root.part" \
  "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
rm -rf "$root"
mv "$root.part" "$root"

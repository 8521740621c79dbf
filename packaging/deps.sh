#!/bin/bash
# Installs what the build and the tests need, from Debian's archive only. Does nothing when all is there.
# usage: deps.sh BUILD_DIR [LIST …], with further lists of packages
set -euo pipefail
build=$1
here=$(dirname "$0")

mapfile -t wanted < <(sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$here/build-packages" "${@:2}")
missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
updated=
update() {
  [ -n "$updated" ] || as_root apt-get -q -o Acquire::Retries=3 update
  updated=yes
}
install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 install --no-install-recommends "$@"; }

# npm comes with another vendor's nodejs where that is installed; Debian's would clash with it.
if ! command -v npm >/dev/null; then missing+=(npm); fi
if [ ${#missing[@]} -gt 0 ]; then
  update
  install "${missing[@]}"
fi

# libnode-dev: installed, else installable, else unpacked under the build folder without touching the system.
if dpkg-query -W -f='${Status}' libnode-dev 2>/dev/null | grep -q 'ok installed'; then exit 0; fi
prefix=$build/deps/node
if [ -e "$prefix/complete" ]; then exit 0; fi
update
if apt-get -q -s install --no-install-recommends libnode-dev >/dev/null 2>&1; then
  install libnode-dev
  exit 0
fi
architecture=$(gcc -print-multiarch)
version=$(apt-cache policy libnode-dev | awk '/Candidate:/{print $2}')
library=$(apt-cache show "libnode-dev=$version" | sed -n 's/^Depends:.*\b\(libnode[0-9]\+\) (=.*/\1/p')
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
(cd "$scratch" && apt-get -q -o APT::Sandbox::User=root download "libnode-dev=$version" "$library=$version")
rm -rf "$prefix"
mkdir -p "$prefix"
for package in "$scratch"/*.deb; do dpkg-deb -x "$package" "$prefix"; done
# What libnode itself needs and is not installed.
needs=$(LD_LIBRARY_PATH="$prefix/usr/lib/$architecture" ldd "$prefix/usr/lib/$architecture"/libnode.so.[0-9]* | awk '/not found/{print $1}')
if [ -n "$needs" ]; then
  mapfile -t libraries < <(dpkg-deb -f "$scratch/$library"_*.deb Depends | tr ',' '\n' | awk '{print $1}' | grep -E '^(lib|zlib)')
  install "${libraries[@]}"
fi
touch "$prefix/complete"
echo "libnode $version unpacked in $prefix"

#!/bin/bash
# Installs what make bench-peers compares with: packages of npm, as the lock file has them, and Debian's PHP, unpacked where it
# is not installed. Nothing outside the folder changes, but for libraries that PHP needs.
# usage: install.sh FOLDER
set -euo pipefail
folder=$1
here=$(dirname "$0")

mkdir -p "$folder"
cp "$here"/{package.json,package-lock.json,.npmrc} "$folder"
(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# php-fpm: installed, else unpacked. Its package would start a service.
unpack_php() {
  local version php=$1 scratch needs libraries
  as_root apt-get -q -o Acquire::Retries=3 update
  version=$(apt-cache depends php-fpm | sed -n 's/^ *Depends: php\([0-9.]*\)-fpm$/\1/p' | head -n 1)
  scratch=$(mktemp -d)
  chmod 755 "$scratch"
  (cd "$scratch" && apt-get -q -o APT::Sandbox::User=root download "php$version-fpm" "php$version-common" "php$version-opcache")
  mkdir -p "$php"
  for package in "$scratch"/*.deb; do dpkg-deb -x "$package" "$php"; done
  needs=$(ldd "$php"/usr/sbin/php-fpm* | awk '/not found/{print $1}')
  if [ -n "$needs" ]; then
    mapfile -t libraries < <(dpkg-deb -f "$scratch/php$version-fpm"_*.deb Depends | tr ',' '\n' |
      awk '$1 ~ /^(lib|zlib)/{print $1}')
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 install --no-install-recommends "${libraries[@]}"
  fi
  rm -r "$scratch"
}
if ! compgen -G '/usr/sbin/php-fpm*' >/dev/null && ! compgen -G "$folder/php/usr/sbin/php-fpm*" >/dev/null; then
  unpack_php "$folder/php" || true # without it, the benchmark says so
fi

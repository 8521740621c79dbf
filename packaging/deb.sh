#!/bin/bash
# Builds the Debian packages from a source tarball, and checks them with lintian. Runs in the suite's root (in-root.sh).
# usage: deb.sh TARBALL SUITE OUTPUT_FOLDER   with SOURCE_DATE_EPOCH set
set -euo pipefail
tarball=$(realpath "$1") suite=$2 output=$3
rm -rf "$output"
mkdir -p "$output"
output=$(realpath "$output")
# What was compiled before and has not changed (CCACHE_DISABLE=1: compile everything).
export PATH=/usr/lib/ccache:$PATH CCACHE_DIR=$PWD/build/ccache

# One build for each suite, and an upgrade from one to the next brings that one's.
# shellcheck source=/dev/null
. /etc/os-release
release=${VERSION_ID:-unreleased}
upstream=$(basename "$tarball" .tar.gz)
version=${upstream#lethe-}-1~deb${release}u1

# The same folder each time: it would show in debug symbols if the compiler did not map it away.
mkdir /tmp/package
cd /tmp/package
tar -xf "$tarball"
cd "$upstream"
cp -r packaging/debian debian
packaging/changelog.sh debian "$version" >debian/changelog
DEB_BUILD_OPTIONS=parallel=$(nproc)
export DEB_BUILD_OPTIONS
dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary
for page in build/man/*.[1-8]; do mandoc -T lint -W warning "$page"; done
lintian --allow-root --fail-on error,warning --display-info --tag-display-limit 0 ../*.changes

cp ../*.deb "$output"
echo "packages for $suite:"
ls -l "$output"

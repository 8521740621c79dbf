#!/bin/bash
# Builds RPM packages from a source tarball, with Debian's rpm. Runs in a build root (in-root.sh).
# usage: rpm.sh TARBALL OUTPUT_FOLDER   with SOURCE_DATE_EPOCH set
set -euo pipefail
tarball=$(realpath "$1") output=$2
rm -rf "$output"
mkdir -p "$output"
output=$(realpath "$output")
export PATH=/usr/lib/ccache:$PATH CCACHE_DIR=$PWD/build/ccache

mkdir -p /tmp/rpm/SOURCES
cp "$tarball" systemd/lethe.sysusers /tmp/rpm/SOURCES
upstream=$(basename "$tarball" .tar.gz)
version=${upstream#lethe-}
packaging/changelog.sh rpm "$version-1" >/tmp/rpm/changelog
sed -e "s/@VERSION@/$version/" -e '/@CHANGELOG@/{r /tmp/rpm/changelog' -e 'd}' packaging/rpm/lethe.spec.in >/tmp/rpm/lethe.spec
# Where deb.sh builds, too: then ccache knows what was compiled there.
mkdir /tmp/package
# Build requirements are Fedora's names; Debian's packages of the same are there.
rpmbuild -bb --nodeps --load packaging/rpm/debian.macros --define '_topdir /tmp/rpm' --define '_builddir /tmp/package' /tmp/rpm/lethe.spec

cp /tmp/rpm/RPMS/*/*.rpm /tmp/rpm/lethe.spec "$output"
rpmlint --strict -c packaging/rpm/rpmlint.toml "$output" # warnings are errors
ls -l "$output"

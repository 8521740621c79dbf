#!/bin/bash
# Makes this system into the image of a virtual machine that runs tests when it boots. Runs in a root (in-root.sh).
# usage: image.sh PACKAGES ARCHIVES IMAGE TEST …
set -euo pipefail
packages=$1 archives=$2 image=$3
shift 3
sources=$(realpath "$(dirname "$0")/../..")
export DEBIAN_FRONTEND=noninteractive

mkdir /packages
cp "$packages"/*.deb /packages
apt-get -q -y -o APT::Sandbox::User=root -o Dir::Cache::archives="$archives" install /packages/lethe_*.deb /packages/liblethe*_*.deb
cp -r "$sources" /tests
mkdir -p /results /var/tmp/lethe-tests
# Compiling takes long where the processor is emulated.
read -ra flags <<<"$(pkg-config --cflags --libs lethe)"
gcc -O2 /tests/tests/load.c -o /var/tmp/lethe-tests/load -lpthread "${flags[@]}"

# Emulated, and on a busy machine: limits of time are generous, as they are not what is tested here.
mkdir -p /etc/systemd/system/lethed.service.d
printf '[Service]\nTimeoutStartSec=10min\nWatchdogSec=5min\n' >/etc/systemd/system/lethed.service.d/slow.conf
printf '[pool.default]\nload_deadline_ms = 600000\ndeadline_ms = 600000\n' >/etc/lethe/conf.d/slow.toml

cat >/etc/systemd/system/package-tests.service <<EOF
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=LC_ALL=C.UTF-8 first_deadline_ms=600000
StandardOutput=file:/dev/ttyS1
StandardError=inherit
ExecStart=sh -c "echo kernel \$\$(uname -r); /tests/tests/booted/run.sh $* && echo all passed"
EOF

# Seen through a mount of its own, the root is without /proc and all else that is mounted over it.
mkdir /tmp/system
mount --bind / /tmp/system
truncate -s 3G "$image"
mke2fs -q -F -t ext4 -d /tmp/system "$image"

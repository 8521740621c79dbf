#!/bin/bash
# Installation with apt: the socket listens, the service waits for its first client.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

apt-get -q -y install "$packages"/lethe_*.deb
expect "the socket unit" active "$(systemctl is-active lethed.socket)"
expect "the socket unit is enabled" enabled "$(systemctl is-enabled lethed.socket)"
expect "the service before its first client" inactive "$(systemctl is-active lethed.service || true)"
expect "permissions of the socket" "660 root lethe" "$(stat -c '%a %U %G' "$socket")"
systemd-analyze verify --recursive-errors=yes --man=no lethed.service lethed.socket lethed@blue.service lethed@blue.socket

#!/bin/bash
# A further instance has its own socket, configuration and scripts.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

mkdir /etc/lethe@blue
printf '[pool.default]\nworkers = 1\n' >/etc/lethe@blue/lethe.toml
systemctl enable --now lethed@blue.socket
blue=(lethe --socket /run/lethe@blue/lethe.sock)
expect "the instance" 42 "$("${blue[@]}" eval '6*7')"
expect "the instance's unit" active "$(systemctl is-active lethed@blue.service)"
"${blue[@]}" config | grep -q '/etc/lethe@blue/lethe.toml:2' || fail "the instance has another configuration"
if "${blue[@]}" call hello greet '"x"'; then fail "the instance has the other's scripts"; fi
systemctl reload lethed@blue

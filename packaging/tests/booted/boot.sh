#!/bin/bash
# After a boot the socket listens without anyone's doing, and the first call starts the service.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

expect "the socket unit" active "$(systemctl is-active lethed.socket)"
expect "the service before its first client" inactive "$(systemctl is-active lethed.service || true)"
expect "the first evaluation" 42 "$(lethe eval --deadline "${first_deadline_ms:-60000}" '6*7')"
lethe script put hello "$sources/tests/hello.js"

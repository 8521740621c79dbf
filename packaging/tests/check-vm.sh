#!/bin/bash
# Installs the packages that were built for a suite into a virtual machine's image, boots it, and proves there what needs
# a kernel of one's own: limits of memory. Needs root, and a network for what the packages depend on.
# usage: check-vm.sh SUITE BUILD_FOLDER [TEST …]   tests of packaging/tests/booted
set -euo pipefail
suite=$1 build=$2
shift 2
here=$(dirname "$(realpath "$0")")
root=$build/roots/$suite-vm packages=$(realpath "$build/deb/$suite")
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(boot memory control_groups)

results=$build/package-tests/$suite-vm
rm -rf "$results"
mkdir -p "$results" "$build/roots/$suite-archives/partial"
echo "== packages in a virtual machine with $suite"
"$here/../in-root.sh" "$root" "$here/vm/image.sh" "$packages" "$(realpath "$build/roots/$suite-archives")" \
  "$(realpath "$results")/image" "${tests[@]}" >"$results/image.log" 2>&1 || { tail -n 20 "$results/image.log"; exit 1; }
"$here/boot-qemu.sh" "$root" "$results/image" "$results" \
  systemd.unit=multi-user.target systemd.wants=package-tests.service 2>"$results/qemu.log" || { cat "$results/qemu.log"; exit 1; }
tr -d '\r' <"$results/serial"
rm "$results/image"
grep -q '^all passed' "$results/serial" || { echo "failed; see $results" >&2; exit 1; }

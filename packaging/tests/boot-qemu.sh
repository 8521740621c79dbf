#!/bin/bash
# Boots a file system image in a virtual machine, with the kernel of the root that it was made from: for what a container
# can't show. The processor is emulated: KVM is there on few of the machines that tests run on, and broken on some of these.
# (no_timer_check: on a busy machine the kernel thinks that its timer does not work.) The image stays as it was; there is
# no network.
# usage: boot-qemu.sh ROOT IMAGE RESULTS_FOLDER [KERNEL_PARAMETER …]
#   what the guest writes to its second serial port goes to RESULTS_FOLDER/serial, its console to RESULTS_FOLDER/console
set -euo pipefail
root=$1 image=$2 results=$3
shift 3
command -v qemu-system-x86_64 >/dev/null || { echo "qemu is missing: apt-get install qemu-system-x86" >&2; exit 1; }
exec timeout --kill-after=10 "${LIMIT_S:-900}" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1024 \
  -nodefaults -no-user-config -display none -no-reboot -kernel "$root"/boot/vmlinuz-* -initrd "$root"/boot/initrd.img-* \
  -append "root=/dev/vda rw console=ttyS0 quiet panic=-1 no_timer_check systemd.show_status=0 $*" \
  -drive "file=$image,if=virtio,format=raw,cache=unsafe,snapshot=on" -device virtio-rng-pci \
  -serial "file:$results/console" -serial "file:$results/serial"

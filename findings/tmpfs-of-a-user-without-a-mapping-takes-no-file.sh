#!/bin/bash
# One would guess: a process in a user namespace of its own that has all capabilities there, and has just mounted a tmpfs in its own
# mount namespace, can make a folder in it; or it gets EACCES or EPERM.
#
# What happens: as long as the namespace's uid_map and gid_map are not written, mkdir and open with O_CREAT fail with EOVERFLOW, "Value
# too large for defined data type", whatever the capabilities: the process' user and group have no number in the namespace of the file
# system, so that nothing can be made that would belong to them. To mount works, and the mounted folder is there with all bits set.
# With the maps written before (by the process itself, for its own user), it works.
#
# Who meets it: sandboxes that give a process an empty root of its own: unshare, mount tmpfs, mkdir for pivot_root; where the maps are
# left for later or forever, as nothing in the new namespace needs a user, the mkdir is what fails, and the error leads to file sizes
# and 32-bit programs.
#
# Documented: not in manuals: open(2) has EOVERFLOW for large files, mkdir(2) and user_namespaces(7) have none. Reported as
# https://bugzilla.kernel.org/show_bug.cgi?id=183461; it is so since Linux 4.8.
# Seen with Linux 6.18, util-linux 2.38.1 (Debian 12).
set -euo pipefail
uname -sr
unshare --version
try='mount -t tmpfs none /mnt || exit; mkdir /mnt/folder && echo made; : > /mnt/file && echo written; exit 0'
{
  echo "without maps:"
  LC_ALL=C unshare --user --keep-caps --mount bash -c "$try" 2>&1 | sed 's/.*: //'
  echo "with maps:"
  LC_ALL=C unshare --user --keep-caps --mount --map-root-user bash -c "$try" 2>&1 | sed 's/.*: //'
} | tee /dev/stderr | diff - <(printf '%s\n' 'without maps:' 'Value too large for defined data type' 'Value too large for defined data type' \
  'with maps:' made written)

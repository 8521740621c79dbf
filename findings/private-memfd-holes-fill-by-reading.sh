#!/bin/bash
# One would guess: reading a hole of a memfd costs nothing. read(2) gives zeros and leaves the hole; a load from a private
# mapping of anonymous memory maps the one zero page.
#
# What happens: a load from a *private* mapping of a memfd fills the hole with a page of the file, as shmem has no zero page to
# map. So does reading the mapping through /proc/PID/mem, by another process that only looks. The file grows to its full size
# and stays so for all who have it, though nobody ever wrote.
#
# Who meets it: whoever keeps an image of memory in a sparse memfd and maps it privately (checkpoints, snapshots of virtual
# machines, zygotes): a scan of all pages, a debugger or a checker doubles the memory in use. Ask the pagemap, or
# lseek(SEEK_DATA), before looking. A sealed memfd (F_SEAL_WRITE, F_SEAL_GROW) does not prevent it.
#
# Documented: memfd_create(2) says that its pages are anonymous memory, not this; Documentation/filesystems/tmpfs.rst says
# nothing of reading holes.
# Seen with Linux 6.18 and 6.1, Python 3.11 (Debian 12).
set -euo pipefail
echo "Linux $(uname -r)"
output=$(/usr/bin/python3 - <<'PY'
import fcntl, mmap, os, resource
page = resource.getpagesize()
pages = 64

def sparse():
    file = os.memfd_create("image", os.MFD_ALLOW_SEALING)
    os.ftruncate(file, pages * page)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return file

def filled(file):
    return os.fstat(file).st_blocks * 512 // page

file = sparse()
os.pread(file, pages * page, 0)
print("read(2):", filled(file), "pages")

file = sparse()
private = mmap.mmap(file, pages * page, mmap.MAP_PRIVATE, mmap.PROT_READ)
for offset in range(0, pages * page, page):
    private[offset]
print("loads from a private mapping:", filled(file), "pages")

file = sparse()
private = mmap.mmap(file, pages * page, mmap.MAP_PRIVATE, mmap.PROT_READ)
for line in open("/proc/self/maps"):
    if "memfd:image" in line and int(line.split()[4]) == os.fstat(file).st_ino:
        begin = int(line.split("-")[0], 16)
with open("/proc/self/mem", "rb", 0) as memory:
    memory.seek(begin)
    memory.read(pages * page)
print("/proc/PID/mem:", filled(file), "pages")
PY
)
echo "$output"
[ "$output" = "read(2): 0 pages
loads from a private mapping: 64 pages
/proc/PID/mem: 64 pages" ] || { echo "this has changed" >&2; exit 1; }

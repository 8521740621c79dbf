#!/bin/bash
# One would guess: what fits into an int64 is written as it is, in as few bytes as hold it.
#
# What happens: libmpack looks at the lower 32 bits of a negative integer only, to choose how many bytes it needs. Below -2^32 each
# number whose lower half has its highest bit set (one half of all) loses its upper half: -5000000000 is written as the int32
# -705032704, and -4294967297 as the one byte of -1. No error is raised, and every reader gets a well-formed number. Libmpack reads
# all of them right, and writes positive ones right.
#
# Who meets it: programs in C that use libmpack, and Lua's lua-mpack, which packs with it: nanoseconds, file offsets, identifiers
# that are signed hashes, and dates before 1970 in milliseconds (from 12 November 1969 back).
#
# Documented: no. https://github.com/libmpack/libmpack/issues/49 tells of -129 and -32769, which come back as 127 and 32767 for
# another reason in the same place; mending that does not mend this.
# Seen with libmpack 1.0.5-3 and, as reader, Python's msgpack 1.0.3 (Debian 12); likewise through lua-mpack 1.0.7-2.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
multiarch=$(gcc -print-multiarch)
apt-get -q -o APT::Sandbox::User=root download libmpack-dev=1.0.5-3 libmpack0=1.0.5-3 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
cat > write.c <<'C'
#include <mpack.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **numbers) {
  for (int i = 1; i < count; ++i) {
    mpack_token_t token = mpack_pack_sint(strtoll(numbers[i], NULL, 10));
    mpack_tokbuf_t buffer;
    mpack_tokbuf_init(&buffer);
    char bytes[16], *end = bytes;
    size_t left = sizeof bytes;
    if (mpack_write(&buffer, &end, &left, &token) != MPACK_OK) return 1;
    fwrite(bytes, 1, (size_t)(end - bytes), stdout);
  }
}
C
gcc -Wall -Iusr/include -o write write.c "usr/lib/$multiarch/libmpack.so"
cat > read.py <<'PY'
import msgpack, sys
print("Python's msgpack", ".".join(map(str, msgpack.version)))
for number, read in zip(sys.argv[1:], msgpack.Unpacker(sys.stdin.buffer)):
    print(number, "is read as", read, "" if int(number) == read else "(!)")
PY
numbers=(-2147483649 -4294967296 -4294967297 -5000000000 -6442450945 -62135596800000 5000000000)
echo "libmpack $(dpkg-deb -f libmpack0_*.deb Version)"
LD_LIBRARY_PATH=usr/lib/$multiarch ./write "${numbers[@]}" | /usr/bin/python3 read.py "${numbers[@]}" | sed 's/ $//' | tee result
tail -n +2 result | diff - <(cat <<'R'
-2147483649 is read as -2147483649
-4294967296 is read as -4294967296
-4294967297 is read as -1 (!)
-5000000000 is read as -705032704 (!)
-6442450945 is read as -6442450945
-62135596800000 is read as -304928768 (!)
5000000000 is read as 5000000000
R
)

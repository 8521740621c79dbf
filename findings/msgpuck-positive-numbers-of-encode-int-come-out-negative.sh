#!/bin/bash
# One would guess: mp_encode_int(data, number) takes an int64_t and writes this number, as packing a signed integer does in every
# other MessagePack library.
#
# What happens: it is for numbers below zero only. The comment in the header has that as a precondition, which an assert() checks;
# where NDEBUG is set, as in most programs that are shipped, a number from zero on is cut to five bits and written as a small
# negative one: 5 as -27, 100 as -28, 40000 as -32. mp_sizeof_int() agrees that one byte is enough, and nothing fails. Who has a
# signed variable must ask for its sign first, and call mp_encode_uint() for the one half.
#
# Who meets it: C programs with counters, balances or temperatures in signed variables, once they are built without assertions;
# tests are built with them, and often only see what comes back through the same library, which reads the wrong number, too.
#
# Documented: "\pre num < 0" at the function in msgpuck.h; not what follows if it isn't.
# Seen with libmsgpuck-dev 1.0.3-1.1+b1, gcc 12.2 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -q -o APT::Sandbox::User=root download libmsgpuck-dev=1.0.3-1.1+b1 >/dev/null
dpkg-deb -x ./*.deb .
cat > numbers.c <<'C'
#include <msgpuck.h>
#include <stdio.h>

int main(void) {
  const int64_t numbers[] = {-5, 5, 31, 32, 100, 40000};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
    char bytes[16];
    const char *read = bytes;
    const char *end = mp_encode_int(bytes, numbers[i]);
    printf("%d: %d byte, which is %d\n", (int)numbers[i], (int)(end - bytes), (int)mp_decode_int(&read));
  }
}
C
gcc -O1 -DNDEBUG -Iusr/include numbers.c "usr/lib/$(gcc -print-multiarch)/libmsgpuck.a" -o numbers
basename ./*.deb
./numbers | tee result
diff result - <<'R'
-5: 1 byte, which is -5
5: 1 byte, which is -27
31: 1 byte, which is -1
32: 1 byte, which is -32
100: 1 byte, which is -28
40000: 1 byte, which is -32
R

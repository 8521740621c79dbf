#!/bin/bash
# Programs in C and C++, built with nothing but the -dev package and what pkg-config says.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

apt-get -q -y install "$packages"/liblethe*.deb
cp -r /usr/share/doc/liblethe-dev/examples examples
cd examples
read -ra flags <<<"$(pkg-config --cflags --libs lethe)"
gcc -Wall -Wextra -Werror call.c -o call "${flags[@]}"
g++ -std=c++20 -Wall -Wextra -Werror host_call.cc -o host_call "${flags[@]}"
gcc call.c -o call_static "$(pkg-config --variable=libdir lethe)/liblethe.a" -lstdc++
ldd call | grep liblethe.so.0
if ldd call_static | grep liblethe; then fail "the static program needs the shared library"; fi
expect "a call from C" '"Hello, C!"' "$(./call hello greet '["C"]')"
expect "a call from static C" '"Hello, C!"' "$(./call_static hello greet '["C"]')"
gcc -O2 -Wall -Wextra -Werror "$sources/tests/load.c" -o "$work/load" -lpthread "${flags[@]}"

# Symbols of the library are those of the symbols file, exactly.
nm -D --defined-only --with-symbol-versions "$(pkg-config --variable=libdir lethe)/liblethe.so.0" |
  awk '$2 != "A" { sub(/@@/, "@", $3); print $3 }' | sort >symbols.found
awk '/^ / && $1 !~ /^LETHE_/ { print $1 }' /var/lib/dpkg/info/liblethe0:*.symbols | sort >symbols.declared
diff symbols.declared symbols.found

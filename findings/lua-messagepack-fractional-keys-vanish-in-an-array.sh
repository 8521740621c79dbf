#!/bin/bash
# One would guess: a Lua table is packed as an array if its keys are 1 to n, and as a map if they are anything else.
#
# What happens: lua-MessagePack takes a table for an array when all keys are positive numbers and the largest is as large as their
# count. A fraction counts like a whole number: {[0.5] = "half", [2] = "two"} has two keys, the largest is 2, and so it becomes the
# array [nil, "two"]. "half" is gone without an error. A map that somebody has sent is hurt in the same way by a program that
# unpacks it, changes something else, and packs it again. set_array "always_as_map" prevents it.
#
# Who meets it: histograms, price lists and tables of thresholds, whose keys are measured values: they pass each test until one
# with just so many entries comes along.
#
# Documented: no. Neither the comments in MessagePack.lua nor the test of set_array in its repository knows of other keys than
# whole numbers and texts.
# Seen with lua-MessagePack 0.5.2-1, Lua 5.3.6-2 and, as the other end, Python's msgpack 1.0.3 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -q -o APT::Sandbox::User=root download lua-messagepack=0.5.2-1 lua5.3=5.3.6-2 libreadline8=8.2-1.3 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
cat > relay.lua <<'LUA'
local messagepack = require "MessagePack"
if arg[1] then messagepack.set_array(arg[1]) end
io.write(messagepack.pack(messagepack.unpack(io.read "a")))
LUA
cat > ends.py <<'PY'
import msgpack, subprocess

def relayed(value, *option):
    done = subprocess.run(["usr/bin/lua5.3", "relay.lua", *option], input=msgpack.packb(value), stdout=subprocess.PIPE, check=True)
    answer = msgpack.unpackb(done.stdout, strict_map_key=False)
    return dict(sorted(answer.items())) if isinstance(answer, dict) else answer

print({0.5: "half", 1: "one"}, "comes back as", relayed({0.5: "half", 1: "one"}))
print({0.5: "half", 2: "two"}, "comes back as", relayed({0.5: "half", 2: "two"}))
print({0.5: "half", 2: "two"}, "comes back as", relayed({0.5: "half", 2: "two"}, "always_as_map"), "with always_as_map")
PY
multiarch=$(gcc -print-multiarch)
export LUA_PATH="$scratch/usr/share/lua/5.3/?.lua" LD_LIBRARY_PATH="$scratch/usr/lib/$multiarch"
usr/bin/lua5.3 -e 'print("lua-MessagePack " .. require "MessagePack"._VERSION, _VERSION)'
/usr/bin/python3 ends.py | tee result
diff result - <<'R'
{0.5: 'half', 1: 'one'} comes back as {0.5: 'half', 1: 'one'}
{0.5: 'half', 2: 'two'} comes back as [None, 'two']
{0.5: 'half', 2: 'two'} comes back as {0.5: 'half', 2: 'two'} with always_as_map
R

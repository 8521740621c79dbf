#!/bin/bash
# One would guess: a Packer that meets a value which it can't pack raises an error for that value, and packs the next one.
#
# What happens: mpack's Packer (Lua) has been marked as busy when the error is raised, and is never marked as free again. From then on
# it refuses every value, nil and 42 as well, and says that it is already working and that its user wants to pack from an ext
# handler, of which there is none. The error of a handler that is there does the same. Its Unpacker after bytes that are not
# MessagePack goes on as it should; after an error in an ext handler of its own it does not.
#
# Who meets it: a server or a plugin that keeps one Packer, as the library's options suggest, and catches errors by request: one
# function, userdata or thread in one reply, and it answers nobody any more, with a message that leads away from the cause. A new
# Packer for each message, or mpack.pack, is right.
#
# Documented: no. https://github.com/libmpack/libmpack-lua has the message, for calls from within a handler.
# Seen with lua-mpack 1.0.7-2, libmpack0 1.0.5-3, Lua 5.3.6 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -q -o APT::Sandbox::User=root download lua-mpack=1.0.7-2 libmpack0=1.0.5-3 lua5.3=5.3.6-2 libreadline8=8.2-1.3 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
cat > replies.lua <<'LUA'
local mpack = require "mpack"
local kept = mpack.Packer()
local replies = { { id = 1 }, { id = 2, log = print }, { id = 3 }, 42 }
for number, reply in ipairs(replies) do
  for name, pack in pairs { ["one Packer for all"] = kept, ["a Packer for each"] = mpack.Packer() } do
    local done, result = pcall(pack, reply)
    print(name .. ", " .. number .. ": " .. (done and #result .. " bytes" or result:match "^[^.]*"))
  end
end
LUA
multiarch=$(gcc -print-multiarch)
run() {
  LD_LIBRARY_PATH=usr/lib/$multiarch:lib/$multiarch LUA_CPATH="usr/lib/$multiarch/lua/5.3/?.so" usr/bin/lua5.3 "$@"
}
run -e 'print(_VERSION .. ", mpack 1.0.7")'
run replies.lua | sort | tee result
diff result - <<'R'
a Packer for each, 1: 5 bytes
a Packer for each, 2: can't serialize object
a Packer for each, 3: 5 bytes
a Packer for each, 4: 1 bytes
one Packer for all, 1: 5 bytes
one Packer for all, 2: can't serialize object
one Packer for all, 3: Packer instance already working
one Packer for all, 4: Packer instance already working
R

-- SPDX-License-Identifier: Apache-2.0
-- lethe script put hello client/examples/hello.js; lua5.3 call.lua Ada 2. Needs lua-messagepack and lua-socket (../LIBRARIES.md).
local mp = require 'MessagePack'
local unix = require 'socket.unix'
mp.set_string 'string'

local name, times = ...
local socket = unix.stream()
assert(socket:connect(os.getenv 'LETHE_SOCKET' or '/run/lethe/lethe.sock'))
socket:send(mp.pack { 0, 1, 'call', { 'hello', 'greet', { name, math.tointeger(tonumber(times)) }, { deadline_ms = 100 } } })
local _, message = mp.unpacker(function() return socket:receive(1) end)()
if not message then error 'the connection was closed' end
local problem, result = message[3], message[4]
if problem then
  local place = problem.line and string.format(' (%s:%d)', problem.script, problem.line) or ''
  io.stderr:write(problem.code, ': ', problem.message, place, '\n')
  os.exit(1)
end
print(result)

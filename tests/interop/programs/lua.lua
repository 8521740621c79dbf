-- SPDX-License-Identifier: Apache-2.0
-- usage: lua.lua MessagePack|mpack SOCKET
local library, path = ...
local unix = require 'socket.unix'

-- A time is a table of its own, as Lua has none.
local Time = {}
local function time_of(data)
  local seconds, nanoseconds
  if #data == 4 then seconds, nanoseconds = string.unpack('>I4', data), 0
  elseif #data == 8 then
    local both = string.unpack('>I8', data)
    seconds, nanoseconds = both & 0x3ffffffff, both >> 34
  else nanoseconds, seconds = string.unpack('>I4i8', data) end
  return setmetatable({ seconds = seconds, nanoseconds = nanoseconds }, Time)
end
local function data_of(time) return string.pack('>I4i8', time.nanoseconds, time.seconds) end

local pack, messages, null
if library == 'MessagePack' then
  local mp = require 'MessagePack'
  mp.set_array 'with_hole'
  mp.set_string 'string'
  mp.build_ext = function(tag, data) if tag == -1 then return time_of(data) end end
  local table_packer = mp.packers['table']
  mp.packers['table'] = function(buffer, value)
    if getmetatable(value) == Time then mp.packers['ext'](buffer, -1, data_of(value)) else table_packer(buffer, value) end
  end
  pack = mp.pack
  messages = function(read)
    local next_message = mp.unpacker(read)
    return function()
      local _, message = next_message()
      return message
    end
  end
else
  local mpack = require 'mpack'
  null = mpack.NIL
  local options = { ext = { [-1] = function(_, data) return time_of(data) end, [Time] = function(time) return -1, data_of(time) end } }
  pack = function(value) return mpack.Packer(options)(value) end -- one that has failed once packs nothing more
  messages = function(read)
    local unpacker, data, at = mpack.Unpacker(options), '', 1
    return function()
      while true do
        local message
        if at <= #data then message, at = unpacker(data, at) end
        if message ~= nil then return message end
        data, at = read(), 1
        if not data then return nil end
      end
    end
  end
end

-- A result, and the console lines that came before; an error map is raised. One connection for each.
local function call(name, arguments, options, host)
  local socket = assert(unix.stream and unix.stream() or unix())
  assert(socket:connect(path))
  socket:settimeout(5)
  local params = { 'interop', name, arguments or {} }
  params[4] = options
  assert(socket:send(pack { 0, 1, 'call', params }))
  local function read()
    local first, problem = socket:receive(1)
    if not first then return nil, problem end
    socket:settimeout(0)
    local _, _, rest = socket:receive '*a'
    socket:settimeout(5)
    return first .. (rest or '')
  end
  local console = {}
  for message in messages(read) do
    if message[1] == 0 then
      local problem, result = host(message[4][2], message[4][3])
      if problem then result = false end -- a nil at the end of a table is lost
      assert(socket:send(pack { 1, message[2], problem or null, result }))
    elseif message[1] == 2 then
      table.insert(console, { message[3][2], message[3][3] })
    else
      socket:close()
      if message[3] ~= nil and message[3] ~= null then error(message[3]) end
      return message[4], console
    end
  end
  error('connection closed', 0)
end

local function show(value)
  if type(value) ~= 'table' then
    return math.type(value) == 'float' and string.format('%.17g', value) .. ' (float)' or type(value) == 'string' and string.format('%q', value) or
      tostring(value)
  end
  local members = {}
  for key, inner in pairs(value) do table.insert(members, show(key) .. '=' .. show(inner)) end
  table.sort(members)
  return (getmetatable(value) == Time and 'time ' or '') .. '{' .. table.concat(members, ', ') .. '}'
end

local function say(case, attempt, ...)
  local right, outcome = pcall(attempt, ...)
  if type(outcome) == 'table' then
    local parts = {}
    for _, key in ipairs { 'code', 'name', 'message' } do table.insert(parts, outcome[key]) end
    outcome = table.concat(parts, ' ')
  end
  if not right then outcome = tostring(outcome):gsub('^.-:%d+: ', '') end
  print(case .. '\t' .. tostring(outcome))
end

local deep = {}
for _ = 2, 250 do deep = { deep } end
local function at(seconds, nanoseconds) return setmetatable({ seconds = seconds, nanoseconds = nanoseconds }, Time) end
local nothing = null -- what stands for nil in a table
local values = {
  booleans = { true, false }, integers = { 0, 7, -7, 300, -70000, 1 << 40 }, largest_safe = (1 << 53) - 1, beyond_safe = (1 << 53) + 1,
  largest_uint64 = -1, smallest_int64 = math.mininteger, float = 1.5, whole_float = 1e18, minus_zero = -0.0, infinity = math.huge,
  nan = 0 / 0, text = 'grüße 😀', long_text = '\u{feff}' .. ('long '):rep(60), digits = '42', bytes = '\x00\xff\x80',
  date = at(1706696430, 250000000), date_before_1970 = at(-14182940, 500000000), date_in_3000 = at(32503680000, 0), array = { 1, { 'a', nothing } },
  empty_array = {}, map = { name = 'Ada', tags = { admin = true } }, empty_map = {}, map_by_numbers = { [1] = 'one', [-2] = 'minus two' },
  map_by_arrays = { [{ 1, 2 }] = 'a pair' }, map_with_proto = { ['__proto__'] = { admin = true }, name = 'Ada' }, deep = deep,
}
if null then
  values['nil'] = null
  values.map_with_nil = { [null] = 'Session', name = 'Ada' }
end
for _, name in ipairs { 'nil', 'booleans', 'integers', 'largest_safe', 'beyond_safe', 'largest_uint64', 'smallest_int64', 'float', 'whole_float',
  'minus_zero', 'infinity', 'nan', 'text', 'long_text', 'digits', 'bytes', 'date', 'date_before_1970', 'date_in_3000', 'array', 'empty_array',
  'map', 'empty_map', 'map_by_numbers', 'map_by_arrays', 'map_with_nil', 'map_with_proto', 'deep' } do
  local value = values[name]
  if value ~= nil then say('to.' .. name, function() return (call('take', { value })) end) end
  say('from.' .. name, function()
    local given = call('give', { name })
    local seen, own = show(given), show(value)
    return (seen == own or (given ~= given and value ~= value)) and 'same' or seen
  end)
end
say('error', call, 'fail')
say('deadline', call, 'spin', {}, { deadline_ms = 100 })
say('true_option', function()
  local _, console = call('log', {}, { console = true })
  return table.concat(console[1], ' ')
end)
say('no_options', call, 'log', {}, {})
say('host_call', call, 'ask', {}, nil, function(_, arguments) return nil, arguments[1] + arguments[2] end)
say('host_error', call, 'ask_in_vain', {}, nil, function() return 'not allowed', nil end)

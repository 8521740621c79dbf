# SPDX-License-Identifier: Apache-2.0
# lethe script put hello client/examples/hello.js; ruby call.rb Ada 2. Needs ruby-msgpack (../LIBRARIES.md).
require 'msgpack'
require 'socket'

# Dates go both ways as Time.
factory = MessagePack::Factory.new
factory.register_type(-1, Time, packer: MessagePack::Time::Packer, unpacker: MessagePack::Time::Unpacker)

name, times = ARGV
UNIXSocket.open(ENV.fetch('LETHE_SOCKET', '/run/lethe/lethe.sock')) do |socket|
  socket.write(factory.dump([0, 1, 'call', ['hello', 'greet', [name, times.to_i], { deadline_ms: 100 }]]))
  _type, _id, error, result = factory.unpacker(socket).read
  if error
    place = error['line'] && " (#{error['script']}:#{error['line']})"
    abort "#{error['code']}: #{error['message']}#{place}"
  end
  puts result
end

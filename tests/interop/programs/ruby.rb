# SPDX-License-Identifier: Apache-2.0
# usage: ruby.rb SOCKET
require 'msgpack'
require 'socket'

FACTORY = MessagePack::Factory.new
FACTORY.register_type(-1, Time, packer: MessagePack::Time::Packer, unpacker: MessagePack::Time::Unpacker)

class Refused < StandardError
  attr_reader :error

  def initialize(error)
    super()
    @error = error
  end
end

# A result, and the console lines that came before. One connection for each.
def call(function, *arguments, options: nil, host: nil)
  UNIXSocket.open(ARGV[0]) do |socket|
    socket.write(FACTORY.dump([0, 1, 'call', ['interop', function, arguments, options]]))
    console = []
    FACTORY.unpacker(socket).each do |type, *rest|
      case type
      when 0 then socket.write(FACTORY.dump([1, rest[0], *host.call(*rest[2][1..])]))
      when 2 then console << rest[1][1..]
      else
        raise Refused, rest[1] if rest[1]

        return rest[2], console
      end
    end
    raise EOFError, 'connection closed'
  end
end

def say(name)
  outcome = yield
rescue Refused => e
  outcome = e.error.values_at('code', 'name', 'message').compact.join(' ')
rescue StandardError, SystemStackError => e
  outcome = "#{e.class}: #{e.message}"
ensure
  puts "#{name}\t#{outcome}"
end

def same(value, other)
  return value.nan? if other.is_a?(Float) && other.nan? && value.is_a?(Float)
  return 1 / value == 1 / other && value.is_a?(Float) if other.is_a?(Float) && other.zero?

  value.eql?(other) && (!other.is_a?(String) || value.encoding == other.encoding)
end

values = {
  nil: nil, booleans: [true, false], integers: [0, 7, -7, 300, -70_000, 2**40], largest_safe: 2**53 - 1, beyond_safe: 2**53 + 1,
  largest_uint64: 2**64 - 1, smallest_int64: -2**63, float: 1.5, whole_float: 1e18, minus_zero: -0.0, infinity: Float::INFINITY,
  nan: Float::NAN, text: 'grüße 😀', long_text: "\ufeff#{'long ' * 60}", digits: '42', bytes: "\x00\xff\x80".b,
  date: Time.utc(2024, 1, 31, 10, 20, Rational(30_250, 1000)), date_before_1970: Time.utc(1969, 7, 20, 20, 17, Rational(40_500, 1000)),
  date_in_3000: Time.utc(3000), array: [1, ['a', nil]], empty_array: [], map: { 'name' => 'Ada', 'tags' => { 'admin' => true } }, empty_map: {},
  map_by_numbers: { 1 => 'one', -2 => 'minus two' }, map_by_arrays: { [1, 2] => 'a pair' }, map_with_nil: { nil => 'Session', 'name' => 'Ada' },
  map_with_proto: { '__proto__' => { 'admin' => true }, 'name' => 'Ada' }, deep: (1...250).reduce([]) { |value| [value] }
}
values.each do |name, value|
  say("to.#{name}") { call('take', value)[0] }
  say("from.#{name}") do
    given = call('give', name.to_s)[0]
    same(given, value) ? 'same' : given.inspect
  end
end
say('error') { call('fail') }
say('deadline') { call('spin', options: { deadline_ms: 100 }) }
say('true_option') { call('log', options: { console: true })[1][0].join(' ') }
say('no_options') { call('log', options: {})[0] }
say('host_call') { call('ask', host: ->(_, arguments) { [nil, arguments.sum] })[0] }
say('host_error') { call('ask_in_vain', host: ->(*) { ['not allowed', nil] })[0] }

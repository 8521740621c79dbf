# SPDX-License-Identifier: Apache-2.0
# usage: ruby_neovim.rb SOCKET. Ruby's client of Neovim.
require 'neovim'
require 'timeout'

# Asks in a fiber, while `run` hands what the daemon sends to its block. One client for each, as not all of them come back.
def say(name)
  outcome = 'no answer in 3 s'
  console = []
  session = Neovim.attach_unix(ARGV[0]).session
  call = ->(function, arguments = [], options = nil) { session.request('call', 'interop', function, arguments, options) }
  Timeout.timeout(3) do
    Fiber.new do
      outcome = yield call, console, session
    rescue StandardError => e
      outcome = "#{e.class}: #{e.message}"
    ensure
      session.stop
    end.resume
    session.run do |message|
      if message.sync?
        _, wanted, arguments = message.arguments
        wanted == 'add' ? session.respond(message.id, arguments.sum) : session.respond(message.id, nil, 'not allowed')
      elsif message.method_name == 'console'
        console << "console #{message.arguments[1..].join(' ')}"
      end
    end
  end
rescue Timeout::Error
  outcome
ensure
  puts "#{name}\t#{outcome}"
end

say('result') { |call| call.call('give', ['map']) }
say('error') { |call| call.call('fail') }
say('no_such_script') { |_, _, session| session.request('call', 'none', 'give', []) }
say('console') { |call, console| "#{call.call('log', [], { console: true })}, #{console.join}" }
say('host_call') { |call| call.call('ask') }
say('host_error') { |call| call.call('ask_in_vain') }
say('date') { |call| call.call('give', ['date']) }
say('map_by_numbers') { |call| call.call('give', ['map_by_numbers']) }

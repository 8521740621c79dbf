<?php
// SPDX-License-Identifier: Apache-2.0
// usage: php.php SOCKET
class Refused extends Exception { public function __construct(public array $error) { parent::__construct(); } }

$pack = [new MessagePack(false), 'pack'];

// A result, and the console lines that came before. One connection for each.
function call($function, $arguments = [], $options = null, $host = null, $unpacker = new MessagePackUnpacker(false)) {
  global $argv, $pack;
  $socket = stream_socket_client("unix://$argv[1]");
  fwrite($socket, $pack([0, 1, 'call', ['interop', $function, $arguments, $options]]));
  $console = [];
  for ($received = ''; ($data = fread($socket, 65536)) != '';) {
    for ($unpacker->feed($data); $unpacker->execute(); $unpacker->reset()) {
      $message = $unpacker->data();
      if ($message[0] == 0) fwrite($socket, $pack([1, $message[1], ...$host(...array_slice($message[3], 1))]));
      elseif ($message[0] == 2) $console[] = array_slice($message[2], 1);
      elseif ($message[2] !== null) throw new Refused($message[2]);
      else return [$message[3], $console];
    }
  }
  throw new Exception('connection closed');
}

function say($case, $attempt) {
  try {
    $outcome = $attempt();
  } catch (Refused $refused) {
    $error = $refused->error;
    $outcome = implode(' ', array_filter([$error['code'], $error['name'] ?? '', $error['message']]));
  } catch (Throwable $error) {
    $outcome = get_class($error) . ': ' . $error->getMessage();
  }
  echo "$case\t$outcome\n";
}

for ($deep = [], $i = 1; $i < 250; ++$i) $deep = [$deep];
$values = [
  'nil' => null, 'booleans' => [true, false], 'integers' => [0, 7, -7, 300, -70000, 2 ** 40], 'largest_safe' => 2 ** 53 - 1,
  'beyond_safe' => 2 ** 53 + 1, 'smallest_int64' => PHP_INT_MIN, 'largest_uint64' => 18446744073709551615, 'float' => 1.5, 'whole_float' => 1e18, 'minus_zero' => -0.0, 'infinity' => INF,
  'nan' => NAN, 'text' => 'grüße 😀', 'long_text' => "\u{feff}" . str_repeat('long ', 60), 'digits' => '42', 'bytes' => "\x00\xff\x80",
  'array' => [1, ['a', null]], 'empty_array' => [],
  'map' => ['name' => 'Ada', 'tags' => ['admin' => true]], 'empty_map' => (object) [], 'map_by_numbers' => [1 => 'one', -2 => 'minus two'],
  'map_with_nil' => ['' => 'Session', 'name' => 'Ada'], 'map_with_proto' => ['__proto__' => ['admin' => true], 'name' => 'Ada'], 'deep' => $deep,
];
// What PHP has no value for that the extension would send.
$values += array_fill_keys($lacking = ['date', 'date_before_1970', 'date_in_3000', 'map_by_arrays'], 'none');
foreach ($values as $name => $value) {
  if (!in_array($name, $lacking)) say("to.$name", fn() => call('take', [$value])[0]);
  say("from.$name", function () use ($name, $value) {
    [$given] = call('give', [$name]);
    return var_export($given, true) === var_export($value, true) ? 'same' : preg_replace('/\s+/', ' ', var_export($given, true));
  });
}
// What the extension makes of a map with a nil key unless it is told otherwise: an object of the class that is named there.
class Session { public $name; public function __wakeup() { $this->name .= ', woken up'; } }
say('from.map_with_nil_by_default', function () {
  [$given] = call('give', ['map_with_nil'], null, null, new MessagePackUnpacker());
  return get_class($given) . " $given->name";
});
say('error', fn() => call('fail'));
say('deadline', fn() => call('spin', [], ['deadline_ms' => 100]));
say('true_option', fn() => implode(' ', call('log', [], ['console' => true])[1][0]));
say('no_options', fn() => call('log', [], [])[0]);
say('host_call', fn() => call('ask', [], null, fn($name, $arguments) => [null, array_sum($arguments)])[0]);
say('host_error', fn() => call('ask_in_vain', [], null, fn() => ['not allowed', null])[0]);

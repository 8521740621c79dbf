<?php
// SPDX-License-Identifier: Apache-2.0
// lethe script put hello client/examples/hello.js; php call.php Ada 2. Needs php-msgpack (../LIBRARIES.md).
[, $name, $times] = $argv;
$socket = stream_socket_client('unix://' . (getenv('LETHE_SOCKET') ?: '/run/lethe/lethe.sock'));
// With false the results of scripts make no PHP objects.
fwrite($socket, (new MessagePack(false))->pack([0, 1, 'call', ['hello', 'greet', [$name, (int) $times], ['deadline_ms' => 100]]]));
for ($unpacker = new MessagePackUnpacker(false); !$unpacker->execute(); $unpacker->feed($data)) {
  $data = fread($socket, 65536);
  if ($data == '') exit("the connection was closed\n");
}
[, , $error, $result] = $unpacker->data();
if ($error !== null) {
  fwrite(STDERR, "$error[code]: $error[message]" . (isset($error['line']) ? " ($error[script]:$error[line])" : '') . "\n");
  exit(1);
}
echo "$result\n";

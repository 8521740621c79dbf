<?php
// The same actions in PHP. FastCGI's query string names the function, the body has its arguments as JSON.
// There are no prototypes to change, and a script has no variables that outlive the request of themselves.

class State { public static int $visits = 0; }

function tiny($x) { return $x + 1; }

function order($value) {
  $is_item = fn($item) => is_string($item['name'] ?? null) && in_array($item['kind'] ?? null, ['book', 'music', 'tool'], true)
    && is_int($item['price'] ?? null) && $item['price'] >= 0;
  $items = $value['items'] ?? [];
  if (($value['id'] ?? '') === '' || count($items) < 1 || count(array_filter($items, $is_item)) < count($items))
    throw new InvalidArgumentException('not an order');
  usort($items, fn($a, $b) => strcmp($a['name'], $b['name']));
  $sums = [];
  foreach ($items as $item) {
    $sums[$item['kind']]['names'][] = $item['name'];
    $sums[$item['kind']]['sum'] = ($sums[$item['kind']]['sum'] ?? 0) + $item['price'];
  }
  $key = hex2bin('000102030405060708090a0b0c0d0e0f');
  $iv = hex2bin('0f0e0d0c0b0a09080706050403020100');
  $text = json_encode(['id' => $value['id'], 'sums' => $sums]);
  return [
    'sums' => $sums,
    'signature' => hash_hmac('sha256', $text, 'secret'),
    'sealed' => openssl_encrypt($text, 'aes-128-cbc', $key, 0, $iv),
  ];
}

function leave() {
  State::$visits += 1;
  $GLOBALS['left'] = true;
  return true;
}
function look() { return ['global' => isset($GLOBALS['left']), 'variable' => State::$visits > 0]; }

function loop() { while (true); }
function regular_expression() { return preg_match('/(a+)+$/', str_repeat('a', 40) . 'b'); }
function native_loop() { return count(array_fill(0, 1000000000, 0)); }
function bomb() {
  $a = [];
  for (;;) $a[] = ['n' => count($a)];
}

$names = ['tiny', 'order', 'leave', 'look', 'loop', 'regular_expression', 'native_loop', 'bomb'];
$name = $_SERVER['QUERY_STRING'];
header('Content-Type: application/json');
try {
  if (!in_array($name, $names, true)) throw new InvalidArgumentException("no function $name");
  $answer = ['result' => $name(...json_decode(file_get_contents('php://input'), true))];
} catch (Throwable $error) {
  $answer = ['error' => $error->getMessage()];
}
echo json_encode($answer);

// What the programs of tests/interop ask: a value of each row of the table of values, and what the script sees of the program's own.
const values = {
  nil: null,
  booleans: [true, false],
  integers: [0, 7, -7, 300, -70000, 2 ** 40],
  largest_safe: Number.MAX_SAFE_INTEGER,
  beyond_safe: 9007199254740993n,
  largest_uint64: 18446744073709551615n,
  smallest_int64: -9223372036854775808n,
  float: 1.5,
  whole_float: 1e18,
  minus_zero: -0,
  infinity: Infinity,
  nan: NaN,
  text: 'grüße 😀',
  long_text: '\ufeff' + 'long '.repeat(60),
  digits: '42',
  bytes: Uint8Array.of(0, 0xff, 0x80),
  date: new Date('2024-01-31T10:20:30.250Z'),
  date_before_1970: new Date('1969-07-20T20:17:40.500Z'),
  date_in_3000: new Date('3000-01-01T00:00:00.000Z'),
  array: [1, ['a', null]],
  empty_array: [],
  map: { name: 'Ada', tags: { admin: true } },
  empty_map: {},
  map_by_numbers: new Map([[1, 'one'], [-2, 'minus two']]),
  map_by_arrays: new Map([[[1, 2], 'a pair']]),
  map_with_nil: new Map([[null, 'Session'], ['name', 'Ada']]),
  map_with_proto: { ['__proto__']: { admin: true }, name: 'Ada' },
  deep: JSON.parse('['.repeat(250) + ']'.repeat(250)),
};

function give(name) { return values[name]; }

function take(value) { return describe(value); }

// Of a nested value only how deep it is.
function describe(value) {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return value.length > 60 ? `text of ${value.length}, the first U+${value.charCodeAt(0).toString(16)}` : JSON.stringify(value);
  if (value instanceof Date) return isNaN(value) ? 'an invalid Date' : value.toISOString();
  if (value instanceof Uint8Array) return `bytes ${[...value].map(byte => byte.toString(16).padStart(2, '0')).join(' ')}`;
  if (Array.isArray(value)) {
    let depth = 1;
    for (let inner = value; inner.length === 1 && Array.isArray(inner[0]); inner = inner[0]) depth += 1;
    return depth > 20 ? `${depth} arrays` : `[${value.map(describe).join(', ')}]`;
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const members = entries.map(([key, inner]) => `${describe(key)}: ${describe(inner)}`).sort().join(', ');
  return value instanceof Map ? `Map {${members}}` : `{${members}}`;
}

function fail() {
  const error = new TypeError('no such user');
  error.user = 'Ada';
  throw error;
}

function spin() { for (;;); }

function log() { console.log('heard'); return 'done'; }

async function ask() { return `the answer is ${await host.call('add', 40, 2)}`; }

async function ask_in_vain() {
  try {
    return await host.call('refuse');
  } catch (error) {
    return `${error.constructor.name}: ${error.message}`;
  }
}

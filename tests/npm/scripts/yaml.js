import { parse, parseDocument, stringify } from 'yaml';

export function run(text) {
  const document = parseDocument(text);
  document.setIn(['server', 'port'], 8443);
  return { value: parse(text), changed: document.toString(), made: stringify({ list: [1, { a: 'x: y' }], text: 'two\nlines\n' }) };
}

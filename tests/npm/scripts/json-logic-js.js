import jsonLogic from 'json-logic-js';

jsonLogic.add_operation('starts', (text, start) => text.startsWith(start));

export function run(rules, data) {
  return rules.map((rule) => jsonLogic.apply(rule, data));
}

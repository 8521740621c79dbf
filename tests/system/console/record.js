// SPDX-License-Identifier: Apache-2.0
// What console.log of Node.js 20 prints, recorded for the test that Lethe prints the same:
// node record.js > recorded.json. A line is an expression: a value, or below them a list of arguments.
'use strict';
const { format, inspect } = require('node:util');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const [values, calls] = readFileSync(join(__dirname, 'expressions.txt'), 'utf8').split('\n\n').map((part) => part.split('\n').filter(Boolean));
const evaluate = (expression) => (0, eval)(`(${expression})`);
const options = [{ showHidden: true }, { depth: 0 }, { depth: null, compact: false }, { compact: true, breakLength: 60 }, { sorted: true, getters: true, numericSeparator: true }];
const recorded = [];
for (const value of values) recorded.push([`console.log(${value})`, format(evaluate(value))]);
for (const list of calls) recorded.push([`console.log.apply(null, ${list})`, format(...evaluate(list))]);
// What the built-ins themselves have depends on V8's version.
const own = values.filter((value) => !/^[A-Z]\w*(\.prototype)?$/.test(value));
for (const option of options) for (const value of own.filter((_, i) => i % options.length === options.indexOf(option))) recorded.push([`console.dir(${value}, ${JSON.stringify(option)})`, inspect(evaluate(value), { customInspect: false, ...option })]);
console.log(`[\n${recorded.map((row) => JSON.stringify(row)).join(",\n")}\n]`);

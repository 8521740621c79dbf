// SPDX-License-Identifier: Apache-2.0
// Regular expressions with the flag v become such that every V8 of Lethe knows: literals, and RegExp with constant texts.
import { parse } from 'acorn';
import rewritePattern from 'regexpu-core';

// Whether a file may have one, without parsing it.
export const flagV = /\/[dgimsy]*v[dgimsy]*(?![\w$])|RegExp\s*\([^]*["'`][dgimsy]*v[dgimsy]*["'`]/;

const isFlagged = (flags) => typeof flags === 'string' && /^[dgimsyu]*v[dgimsyu]*$/.test(flags);
function constantText(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  return node?.type === 'TemplateLiteral' && node.expressions.length === 0 ? node.quasis[0].value.cooked : undefined;
}

function* expressions(node) {
  if (Array.isArray(node)) for (const each of node) yield* expressions(each);
  else if (node && typeof node.type === 'string') {
    if (node.type === 'Literal' && node.regex && isFlagged(node.regex.flags)) yield { node, pattern: node.regex.pattern, flags: node.regex.flags };
    if ((node.type === 'NewExpression' || node.type === 'CallExpression') && node.callee.name === 'RegExp') {
      const [pattern, flags] = node.arguments.map(constantText);
      if (pattern !== undefined && isFlagged(flags)) yield { node, pattern, flags };
    }
    for (const value of Object.values(node)) if (value && typeof value === 'object') yield* expressions(value);
  }
}

function syntaxTree(text) {
  const options = { ecmaVersion: 'latest', allowHashBang: true, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true };
  for (const sourceType of ['module', 'script']) {
    try {
      return parse(text, { ...options, sourceType });
    } catch {} // esbuild says what is wrong with it
  }
  return undefined;
}

// {code, patterns: [as they were]}
export function withoutFlagV(text) {
  const patterns = [];
  let code = '';
  let end = 0;
  for (const { node, pattern, flags } of [...expressions(syntaxTree(text))].sort((a, b) => a.node.start - b.node.start)) {
    const compiled = rewritePattern(pattern, flags, { unicodeSetsFlag: 'transform', modifiers: 'transform' });
    code += `${text.slice(end, node.start)}new RegExp(${JSON.stringify(compiled)}, ${JSON.stringify(flags.replace('v', 'u'))})`;
    end = node.end;
    patterns.push(`/${pattern.length > 40 ? `${pattern.slice(0, 40)}…` : pattern}/${flags}`);
  }
  return { code: code + text.slice(end), patterns };
}

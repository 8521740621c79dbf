// SPDX-License-Identifier: Apache-2.0
// Errors as text: the stack, with the class's name where the stack has another one.
'use strict';
import { TextOf, append, endsWith, errorText, includes, indented, indexOf, isArray, joined, lastIndexOf, list, positionOf, removeAt, repeat, slice, splitLines, startsWith } from './builtins.js';

const stackOf = (error) => (error.stack ? TextOf(error.stack) : errorText(error));

// Frames of the prelude are not the script's.
function withoutPrelude(frames) {
  const kept = list();
  for (let i = 0; i < frames.length; ++i) {
    const place = lastIndexOf(frames[i], ' ');
    if (!(startsWith(frames[i], '    at ') && (includes(frames[i], '(lethe:') || startsWith(slice(frames[i], place + 1), 'lethe:')))) append(kept, frames[i]);
  }
  return kept;
}

// Where at least four lines of one stack are also in another.
function commonFrames(frames, others) {
  for (let i = 0; i < frames.length - 3; ++i) {
    const at = positionOf(others, frames[i]);
    let count = 1;
    while (at >= 0 && i + count < frames.length && at + count < others.length && frames[i + count] === others[at + count]) ++count;
    if (at >= 0 && count > 3) return { __proto__: null, at: i, count };
  }
  return undefined;
}

// Without the lines that the cause's stack has too.
function framesOf(view, error, stack) {
  let frames = splitLines(stack);
  let cause;
  try {
    cause = error.cause;
  } catch {
    return frames;
  }
  if (cause === null || cause === undefined || !view.isError(cause)) return frames;
  const causeStack = stackOf(cause);
  const start = indexOf(causeStack, '\n    at');
  const common = start < 0 ? undefined : commonFrames(frames, splitLines(slice(causeStack, start + 1)));
  if (common === undefined) return frames;
  const shorter = list();
  for (let i = 0; i < frames.length; ++i)
    if (i === common.at + 1) append(shorter, `    ... ${common.count - 2} lines matching cause stack trace ...`);
    else if (i <= common.at || i >= common.at + common.count - 1) append(shorter, frames[i]);
  return shorter;
}

const isIn = (text, characters) => {
  for (let i = 0; i < text.length; ++i) if (!includes(characters, text[i])) return false;
  return true;
};
const lettersOfNames = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ []()-';

// The name at the start of a stack whose error has no class: "Name: …" or "Name\n    at".
function nameInStack(stack) {
  const colon = indexOf(stack, ':');
  const line = indexOf(stack, '\n    at');
  const end = colon < 0 ? line : line < 0 ? colon : min(colon, line);
  if (end >= 2 && stack[0] >= 'A' && stack[0] <= 'Z' && isIn(slice(stack, 0, end), lettersOfNames)) return slice(stack, 0, end);
  return end < 0 && endsWith(stack, 'Error') && isIn(stack, lettersOfNames) ? stack : '';
}
const min = (a, b) => (a < b ? a : b);

// A stack begins with the error's name; where its class has another one, this is shown, too.
function withClass(stack, className, prefix, name) {
  let length = name.length;
  const isUsual = endsWith(name, 'Error') && startsWith(stack, name) && (stack.length === length || stack[length] === ':' || stack[length] === '\n');
  if (className !== null && !isUsual) return stack;
  let fallback = 'Error';
  if (className === null) {
    const found = nameInStack(stack);
    length = found.length;
    fallback = found || 'Error';
  }
  const wanted = slice(prefix(fallback), 0, -1);
  if (name === wanted) return stack;
  if (!includes(wanted, name)) return `${wanted} [${name}]${slice(stack, length)}`;
  return length === 0 ? `${wanted}: ${stack}` : `${wanted}${slice(stack, length)}`;
}

function hideWhatTheStackShows(view, error, stack, keys) {
  if (view.showHidden) return;
  const shown = ['name', 'message', 'stack'];
  for (let i = 0; i < shown.length; ++i) {
    const at = positionOf(keys, shown[i]);
    if (at >= 0 && includes(stack, TextOf(error[shown[i]]))) removeAt(keys, at);
  }
}

// `keys`, the properties to show beside the stack, is changed accordingly. `prefix(fallback)` is the
// class's name with its tag.
export function shownError(view, error, className, prefix, keys) {
  const name = error.name === undefined || error.name === null ? 'Error' : TextOf(error.name);
  let stack = stackOf(error);
  hideWhatTheStackShows(view, error, stack, keys);
  if ('cause' in error && positionOf(keys, 'cause') < 0) append(keys, 'cause');
  if (isArray(error.errors) && positionOf(keys, 'errors') < 0) append(keys, 'errors');
  stack = withClass(stack, className, prefix, name);

  const message = error.message ? TextOf(error.message) : '';
  const at = message === '' ? -1 : indexOf(stack, message);
  const start = indexOf(stack, '\n    at', at <= 0 ? 0 : at + message.length);
  let frames = start < 0 ? undefined : withoutPrelude(framesOf(view, error, slice(stack, start + 1)));
  if (start < 0) stack = `[${stack}]`;
  else stack = frames.length === 0 ? `[${slice(stack, 0, start)}]` : `${slice(stack, 0, start)}\n${joined(frames, '\n')}`;
  return indented(stack, repeat(' ', view.indentation));
}

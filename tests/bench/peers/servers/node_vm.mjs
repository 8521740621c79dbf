// node:vm, in Node.js or Bun: a new context for each request, the script compiled once. Its documentation wants
// `microtaskMode: 'afterEvaluate'` where a time limit is to hold for promises as well. The script and its call are run
// as one, as each run with a time limit takes a thread of its own.
import vm from 'node:vm';
import {call_of_global, outcome_of, scripts, serve} from './serve.mjs';

const compiled = Object.fromEntries(
  Object.entries(scripts).map(([name, text]) => [name, new vm.Script(text + call_of_global, {filename: `${name}.js`})]),
);

serve(async (request) => {
  const context = {request: JSON.stringify(request)};
  compiled[request.script].runInNewContext(context, {timeout: request.deadline_ms, microtaskMode: 'afterEvaluate'});
  // Bun has one queue of microtasks for all contexts.
  if (context.outcome === undefined) await new Promise(setImmediate);
  return outcome_of(context.outcome);
});

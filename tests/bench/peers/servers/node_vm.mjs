// node:vm, in Node.js or Bun: a new context for each request, the script compiled once. Its documentation wants
// `microtaskMode: 'afterEvaluate'` where a time limit is to hold for promises as well.
import vm from 'node:vm';
import {call_with_outcome, outcome_of, scripts, serve} from './serve.mjs';

const compiled = Object.fromEntries(
  Object.entries(scripts).map(([name, text]) => [name, new vm.Script(text, {filename: `${name}.js`})]),
);

serve(async (request) => {
  const end = performance.now() + request.deadline_ms;
  const remaining = () => ({timeout: Math.max(1, Math.ceil(end - performance.now()))});
  const context = vm.createContext(vm.constants?.DONT_CONTEXTIFY ?? {}, {microtaskMode: 'afterEvaluate'});
  compiled[request.script].runInContext(context, remaining());
  vm.runInContext(call_with_outcome(request), context, remaining());
  // Bun has one queue of microtasks for all contexts.
  if (context.outcome === undefined) await new Promise(setImmediate);
  return outcome_of(context.outcome);
});

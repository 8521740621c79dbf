// quickjs-emscripten: QuickJS in WebAssembly, a new runtime and context for each request, with its memory limit and
// its interrupt handler.
import {getQuickJS, shouldInterruptAfterDeadline} from 'quickjs-emscripten';
import {call_with_outcome, memory_mb, outcome_of, scripts, serve} from './serve.mjs';

// QuickJS has none, and ajv wants one.
const console = 'globalThis.console = {log() {}, warn() {}, error() {}};';
const quickjs = await getQuickJS();

serve(async (request) => {
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(memory_mb * 1024 * 1024);
  runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + request.deadline_ms));
  const context = runtime.newContext();
  try {
    if (request.script === 'libraries') context.unwrapResult(context.evalCode(console)).dispose();
    context.unwrapResult(context.evalCode(scripts[request.script])).dispose();
    context.unwrapResult(context.evalCode(call_with_outcome(request))).dispose();
    const jobs = runtime.executePendingJobs();
    if (jobs.error) context.unwrapResult(jobs);
    return outcome_of(context.getProp(context.global, 'outcome').consume(context.dump));
  } finally {
    context.dispose();
    runtime.dispose();
  }
});

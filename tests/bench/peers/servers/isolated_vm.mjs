// isolated-vm. FRESH=context: a new context in one of WORKERS isolates for each request. FRESH=isolate: a new isolate,
// the script compiled from V8's code cache.
import ivm from 'isolated-vm';
import {Pool, call, memory_mb, scripts, serve, workers} from './serve.mjs';

const source = (request) => `(async () => JSON.stringify({result: await ${call(request)}}))()`;

function make_isolate() {
  return new ivm.Isolate({
    memoryLimit: memory_mb,
    // V8 has lost control: what its documentation wants.
    onCatastrophicError: () => process.abort(),
  });
}

// `timeout` is for what runs; a loop that awaits gives way to it, and is ended with its isolate.
async function run(isolate, script, request) {
  const end = performance.now() + request.deadline_ms;
  const remaining = () => Math.max(1, Math.ceil(end - performance.now()));
  const watch = setTimeout(() => isolate.isDisposed || isolate.dispose(), request.deadline_ms + 20);
  const context = await isolate.createContext();
  try {
    await script.run(context, {timeout: remaining()});
    return await context.eval(source(request), {timeout: remaining(), promise: true, copy: true});
  } finally {
    clearTimeout(watch);
    if (!isolate.isDisposed) context.release();
  }
}

const lent = new Pool();

async function make_worker() {
  const isolate = make_isolate();
  const compiled = {};
  for (const [name, text] of Object.entries(scripts)) compiled[name] = await isolate.compileScript(text);
  return {isolate, compiled};
}

async function in_new_context(request) {
  let worker = await lent.take();
  try {
    return await run(worker.isolate, worker.compiled[request.script], request);
  } finally {
    if (worker.isolate.isDisposed) worker = await make_worker();
    lent.give(worker);
  }
}

const cached = {};

async function in_new_isolate(request) {
  const turn = await lent.take();
  const isolate = make_isolate();
  try {
    const script = await isolate.compileScript(scripts[request.script], {cachedData: cached[request.script]});
    return await run(isolate, script, request);
  } finally {
    if (!isolate.isDisposed) isolate.dispose();
    lent.give(turn);
  }
}

if (process.env.FRESH === 'isolate') {
  const isolate = make_isolate();
  for (const [name, text] of Object.entries(scripts))
    cached[name] = (await isolate.compileScript(text, {produceCachedData: true})).cachedData;
  isolate.dispose();
}
for (let i = 0; i < workers; ++i) lent.give(process.env.FRESH === 'isolate' ? i + 1 : await make_worker());
serve(process.env.FRESH === 'isolate' ? in_new_isolate : in_new_context);

// Deno's HTTP server on a Unix socket. FRESH=worker: a new Web Worker without permissions for each request, terminated
// at its end or at the deadline; FRESH=: the action runs in the server itself, and nothing ends it.
const environment = (name) => Deno.env.get(name) ?? '';
const scripts = Object.fromEntries(
  ['actions', 'libraries'].map((name) => [name, Deno.readTextFileSync(`${environment('SCRIPTS')}/${name}.js`)]),
);

function in_new_worker(request) {
  const worker = new Worker(new URL('./deno_worker.mjs', import.meta.url), {
    type: 'module',
    deno: {permissions: 'none'},
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('deadline exceeded')), request.deadline_ms);
    worker.onmessage = ({data}) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage({...request, source: scripts[request.script]});
    worker.finish = () => clearTimeout(timer);
  }).finally(() => {
    worker.finish();
    worker.terminate();
  });
}

async function in_the_server(request) {
  return JSON.stringify({result: await globalThis[request.function](...request.args)});
}

// As a classic script, its functions become global.
if (!environment('FRESH')) for (const text of Object.values(scripts)) (0, eval)(text);
const handle = environment('FRESH') ? in_new_worker : in_the_server;
Deno.serve({path: environment('SOCKET'), onListen() {}}, async (message) => {
  try {
    return new Response(await handle(await message.json()));
  } catch (error) {
    return new Response(JSON.stringify({error: String(error.message)}));
  }
});

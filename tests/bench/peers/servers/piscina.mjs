// piscina: worker threads that keep their state. A task that is aborted ends its thread, which is replaced.
import {Piscina} from 'piscina';
import {memory_mb, serve, workers} from './serve.mjs';

const pool = new Piscina({
  filename: new URL('./piscina_worker.mjs', import.meta.url).href,
  minThreads: workers,
  maxThreads: workers,
  resourceLimits: {maxOldGenerationSizeMb: memory_mb},
});

serve((request) => pool.run(request, {signal: AbortSignal.timeout(request.deadline_ms)}));

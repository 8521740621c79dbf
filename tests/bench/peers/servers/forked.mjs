// A pool of forked Node.js processes that keep their state. One that is late is killed and replaced.
import child_process from 'node:child_process';
import {Pool, memory_mb, serve, workers} from './serve.mjs';

const lent = new Pool();

function start() {
  const child = child_process.fork(new URL('./forked_child.mjs', import.meta.url), {
    execArgv: [`--max-old-space-size=${memory_mb}`],
  });
  child.once('message', () => lent.give(child));
  child.once('exit', () => {
    child.gone = true;
    start();
  });
}

function run(request) {
  return new Promise((resolve, reject) => {
    let child;
    let done = false;
    const timer = setTimeout(() => {
      child?.kill('SIGKILL');
      finish(reject, new Error('deadline exceeded'));
    }, request.deadline_ms);
    const exited = () => finish(reject, new Error('the process ended'));
    const answered = (reply) => {
      lent.give(child);
      finish(resolve, reply);
    };
    function finish(settle, value) {
      done = true;
      clearTimeout(timer);
      child?.off('exit', exited).off('message', answered);
      settle(value);
    }
    async function send() {
      let taken;
      do taken = await lent.take();
      while (taken.gone);
      if (done) return lent.give(taken); // too late
      child = taken;
      child.on('exit', exited).on('message', answered);
      child.send(request);
    }
    send();
  });
}

for (let i = 0; i < workers; ++i) start();
serve(run);

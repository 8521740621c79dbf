// A process of forked.mjs.
import {run} from './warm.mjs';

process.on('message', async (request) => {
  let reply;
  try {
    reply = await run(request);
  } catch (error) {
    reply = JSON.stringify({error: String(error)});
  }
  process.send(reply);
});
process.send('ready');

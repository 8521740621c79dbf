// SPDX-License-Identifier: Apache-2.0
// usage: node.js CLIENT SOCKET. Clients of MessagePack-RPC; NODE_PATH has them.
'use strict';
const net = require('node:net');
process.env.NVIM_NODE_LOG_FILE = '/dev/null';

const [client, path] = process.argv.slice(2);
const lines = [];
const notified = (method, [, level, text]) => lines.push(`${method} ${level} ${text}`);
const asked = (method, [, name, numbers], response) => {
  if (name === 'add') response.send(numbers[0] + numbers[1]);
  else response.send('not allowed', true);
};

// `request`: of a method with its parameters, for each client.
const request = {
  neovim: () => {
    const nvim = require('neovim').attach({ socket: path });
    nvim.on('notification', notified).on('request', asked);
    return (method, params) => nvim.request(method, params);
  },
  msgpack5rpc: () => {
    const Session = require('msgpack5rpc');
    const session = new Session();
    const socket = net.connect(path);
    session.attach(socket, socket);
    session.on('notification', notified).on('request', asked);
    return (method, params) =>
      new Promise((resolve, reject) => session.request(method, params, (error, result) => (error ? reject(error) : resolve(result))));
  },
}[client]();

const call = (name, parameters = [], options = null) => request('call', ['interop', name, parameters, options]);

async function say(name, attempt) {
  let outcome;
  try {
    const patience = new Promise((resolve, reject) => setTimeout(reject, 5000, new Error('no answer in 5 s')).unref());
    outcome = await Promise.race([attempt(), patience]);
  } catch (error) {
    outcome = `${error.code ?? error.name}: ${error.message}`;
  }
  process.stdout.write(`${name}\t${outcome}\n`);
}

process.on('uncaughtException', error => {
  process.stdout.write(`uncaught\t${error.message}\n`);
  process.exit();
});
(async () => {
  await say('result', async () => JSON.stringify(await call('give', ['map'])));
  await say('error', () => call('fail'));
  await say('no_such_script', () => request('call', ['none', 'give', []]));
  await say('console', async () => `${await call('log', [], { console: true })}, ${lines}`);
  await say('host_call', () => call('ask'));
  await say('host_error', () => call('ask_in_vain'));
  await say('map_by_numbers', async () => JSON.stringify(await call('give', ['map_by_numbers'])));
  await say('date', async () => (await call('give', ['date'])).toISOString());
  process.exit();
})();

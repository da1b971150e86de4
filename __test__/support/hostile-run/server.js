'use strict';

// The server of a hostile run, in a process of its own. `report(keys)` gives what it saw and sent since the last report:
// { writes: [{ method, path, parameters }], sent: [text of a body that arrived whole] }.

const net = require('node:net');
const { fork } = require('node:child_process');
const { Dice } = require('../random');
const { HttpReader } = require('../http-reader');
const { makeAnswer } = require('./answers');

/** A silence ends after this, as calls without a timeout would wait for ever. */
const SILENCE_MS = 300;

async function startServer(seed) {
  const child = fork(__filename, [String(seed)], { serialization: 'advanced', execArgv: [] });
  const answer = () => new Promise((resolve) => child.once('message', resolve));
  const port = await answer();
  return {
    host: `127.0.0.1:${port}`,
    report() {
      child.send('report');
      return answer();
    },
    stop() {
      child.disconnect();
    },
  };
}

let seen = { writes: [], sent: [] };
let answers = 0;

/** The names and values of the query and of a form, as etcd reads them. */
function parametersOf({ query, body }) {
  return [...new URLSearchParams(query), ...new URLSearchParams(body)];
}

function serve(socket, dice) {
  const reader = new HttpReader((request) => {
    if (request.method !== 'GET') {
      seen.writes.push({ method: request.method, path: request.path, parameters: parametersOf(request) });
    }
    answers += 1;
    const { bytes, sent, after } = makeAnswer(dice, request, answers);
    if (sent !== undefined && sent.length < 10_000) seen.sent.push(sent);
    socket.write(bytes);
    if (after === 'close') socket.end();
    if (after === 'reset') socket.resetAndDestroy();
    if (after === 'silence') setTimeout(() => socket.destroy(), SILENCE_MS);
  });
  socket.on('data', (bytes) => reader.feed(bytes));
  socket.on('error', () => {}); // the client may go away
}

function main() {
  const dice = new Dice(Number(process.argv[2]), 1);
  const server = net
    .createServer((socket) => serve(socket, dice))
    .listen(0, '127.0.0.1', () => {
      process.send(server.address().port);
    });
  process.on('message', () => {
    process.send(seen);
    seen = { writes: [], sent: [] };
  });
  process.on('disconnect', () => process.exit());
}

if (require.main === module) main();

module.exports = { startServer };

'use strict';

// A server that answers what it should not, in a process of its own. A request for the key `good-…` gets a good reply
// whose value is that name; for the key `NAME`, what `hostile.define({ NAME: how })` said:
//
//   { raw, endless, pauseMs, after }   the bytes `raw` (or a list of [delay in ms, bytes]), then `endless` for ever with
//                                      pauses between, then 'close' or 'reset' or, without `after`, nothing more
//
// `eagerHost` is a second address, which answers each connection before there is a request, and then like the first.

const net = require('node:net');
const { fork } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { HttpReader } = require('./http-reader');

/** A reply of etcd's, as bytes. */
function goodReply(value) {
  const body = JSON.stringify({ action: 'get', node: { key: `/${value}`, value, modifiedIndex: 7, createdIndex: 7 } });
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Etcd-Index: 7\r\nContent-Length: ${body.length}\r\n`;
  return Buffer.from(`${head}\r\n${body}`);
}

async function startHostile() {
  const child = fork(__filename, [], { serialization: 'advanced', execArgv: [] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const answer = () => new Promise((resolve) => child.once('message', resolve));
  const [port, eagerPort] = await answer();
  return {
    host: `127.0.0.1:${port}`,
    eagerHost: `127.0.0.1:${eagerPort}`,
    define(replies) {
      child.send(replies);
      return answer();
    },
    stop() {
      child.disconnect();
      return ended;
    },
  };
}

const replies = new Map();

function serve(socket) {
  let turn = Promise.resolve();
  const reader = new HttpReader(({ path }) => {
    turn = turn.then(() => play(socket, path.split('/').at(-1)));
  });
  socket.setNoDelay(true);
  socket.on('data', (bytes) => reader.feed(bytes));
  socket.on('error', () => {}); // the client may go away
}

async function play(socket, name) {
  if (name.startsWith('good-')) return write(socket, goodReply(name));
  const { raw, endless, pauseMs, after } = replies.get(name) ?? { raw: '', after: 'close' };
  for (const [delayMs, bytes] of Array.isArray(raw) ? raw : [[0, raw]]) {
    if (delayMs > 0) await sleep(delayMs);
    await write(socket, bytes);
  }
  while (endless && !socket.destroyed) {
    await write(socket, endless);
    if (pauseMs) await sleep(pauseMs);
  }
  if (after === 'close') socket.end();
  if (after === 'reset') socket.resetAndDestroy();
}

function write(socket, bytes) {
  if (socket.destroyed || bytes.length === 0) return undefined;
  return new Promise((resolve) => {
    socket.once('close', resolve);
    socket.write(bytes, () => {
      socket.off('close', resolve);
      resolve();
    });
  });
}

function listen(accept) {
  return new Promise((resolve) => {
    const server = net.createServer(accept).listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
      resolve(server.address().port);
    });
  });
}

async function main() {
  const eager = (socket) => {
    socket.write(goodReply('eager'));
    serve(socket);
  };
  process.on('message', (defined) => {
    for (const [name, how] of Object.entries(defined)) replies.set(name, how);
    process.send('defined');
  });
  process.on('disconnect', () => process.exit());
  process.send(await Promise.all([listen(serve), listen(eager)]));
}

if (require.main === module) main();

module.exports = { goodReply, startHostile };

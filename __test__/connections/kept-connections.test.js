'use strict';

// Connections that are kept for the next request. Servers and proxies close them for being idle: at any moment one may be
// closing as a request goes out. And what they say unasked, or before they have read all, must not reach the next request.

const assert = require('node:assert/strict');
const net = require('node:net');
const { describe, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('../..');
const { cleanUp, scripted } = require('../support/clean-up');
const { HttpReader } = require('../support/http-reader');
const { printedBy } = require('../support/node-script');
const { rejection } = require('../support/promises');
const { random } = require('../support/random');

const IDLE_MS = 50;
const WRITES = 200;
const replyWith = (body, status = '200 OK') => `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const replyOf = (value) =>
  replyWith(JSON.stringify({ action: 'set', node: { key: '/k', value, modifiedIndex: 7, createdIndex: 7 } }));
const REPLY = replyOf('1');

/** A server whose connections are handled so. */
async function startServer(onConnection) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket.setNoDelay(true));
    socket.on('error', () => {}); // the client may have reset it
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `127.0.0.1:${server.address().port}`;
}

/** A server that closes connections which are idle for so long, without announcing it. `seen.taken` counts requests. */
async function startImpatient() {
  const seen = { taken: 0 };
  const host = await startServer((socket) => {
    const reader = new HttpReader(() => {
      seen.taken += 1;
      socket.write(REPLY);
    });
    socket.setTimeout(IDLE_MS, () => socket.end());
    socket.on('data', (bytes) => reader.feed(bytes));
  });
  return { host, seen };
}

/** A server that answers with the path, and when it is asked for /say, says something to everybody else first. */
async function startTalkative() {
  const others = new Set();
  return startServer((socket) => {
    const reader = new HttpReader(({ path }) => {
      if (path === '/say') for (const other of others) other.write(replyOf('unasked'));
      else others.add(socket);
      socket.write(replyOf(path));
    });
    socket.on('data', (bytes) => reader.feed(bytes));
    socket.on('close', () => others.delete(socket));
  });
}

describe('a write that must not be sent again', () => {
  for (const options of [{ maxRetries: 0 }, { resendWrites: false }]) {
    test(`meets no connection that closes for being idle: ${JSON.stringify(options)}`, async () => {
      const server = await startImpatient();
      const etcd = new Etcd(server.host, options);
      const next = random(Number(process.env.SEED ?? 7));
      const failed = [];
      for (let i = 0; i < WRITES; i++) {
        await sleep(IDLE_MS - 4 + next() * 6);
        await etcd.set('k', i).catch((err) => failed.push(err.errors[0].httperror.code));
      }
      assert.deepEqual(failed, []);
      assert.equal(server.seen.taken, WRITES);
    });
  }

  test('leaves the connection that it does not use to others', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const etcd = new Etcd(wire.host, { maxRetries: 0 });
    await etcd.get('k');
    await sleep(100);
    await etcd.set('k', 1);
    assert.equal(await wire.connections(), 2);
    for (let i = 0; i < 20; i++) await Promise.all([etcd.get('k'), etcd.get('k')]);
    assert.equal(await wire.connections(), 2);
  });
});

describe('a connection of which the server says how long it keeps it', () => {
  const keeping = (value) => ({ fallback: { echo: { headers: { 'keep-alive': value } } } });

  test('is not used again when that is no longer than a request may take', async () => {
    for (const value of ['timeout=1', 'Timeout = 0, max=100']) {
      const wire = await scripted([], keeping(value));
      const etcd = new Etcd(wire.host);
      for (let i = 0; i < 3; i++) await etcd.get('k');
      assert.equal(await wire.connections(), 3, value);
    }
  });

  test('is used again before', async () => {
    for (const value of ['timeout=60', 'max=100', 'timeout=soon']) {
      const wire = await scripted([], keeping(value));
      const etcd = new Etcd(wire.host);
      for (let i = 0; i < 3; i++) await etcd.get('k');
      assert.equal(await wire.connections(), 1, value);
    }
  });
});

describe('what a server says unasked', () => {
  const source = `
    const Etcd = require('.');
    const [host, method] = process.argv.slice(1);
    (async () => {
      const etcd = new Etcd(host);
      const values = [];
      for (let i = 0; i < 20; i++) {
        const outcome = await etcd[method]('k' + i);
        values.push((outcome.body ?? outcome).node.value);
        // When this is answered, what was said is here as well.
        await fetch('http://' + host + '/say');
      }
      console.log(JSON.stringify(values));
    })();`;

  for (const method of ['get', 'getSync']) {
    test(`is not the answer of the next request: ${method}`, async () => {
      const host = await startTalkative();
      const asked = Array.from({ length: 20 }, (_, i) => `/v2/keys/k${i}`);
      assert.deepEqual(await printedBy(source, { args: [host, method] }), asked);
    });
  }
});

test('a connection closes on which a large write was answered before all was read', async () => {
  const size = 32 * 1024 * 1024;
  const refusal = replyWith(JSON.stringify({ errorCode: 210, message: 'Invalid POST form' }), '400 Bad Request');
  let connection;
  const host = await startServer((socket) => {
    connection = socket;
    socket.once('data', () => socket.pause().write(refusal));
  });
  const etcd = new Etcd(host);
  assert.equal((await rejection(etcd.set('k', 'x'.repeat(size)))).errorCode, 210);
  // Now the server reads on: to the end of the connection, which comes long before that of the write.
  const closed = new Promise((resolve) => connection.once('close', resolve));
  connection.resume();
  await closed;
  assert.ok(connection.bytesRead < size / 2, `${connection.bytesRead} bytes`);
});

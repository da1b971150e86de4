'use strict';

// Servers and proxies that close connections for being idle: at any moment one may be closing as a request goes out.

const assert = require('node:assert/strict');
const net = require('node:net');
const { describe, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('../..');
const { cleanUp, scripted } = require('../support/clean-up');
const { HttpReader } = require('../support/http-reader');
const { random } = require('../support/random');

const IDLE_MS = 50;
const WRITES = 200;
const BODY = JSON.stringify({ action: 'set', node: { key: '/k', value: '1', modifiedIndex: 7, createdIndex: 7 } });
const REPLY = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** A server that closes connections which are idle for so long, without announcing it. `seen.taken` counts requests. */
async function startImpatient() {
  const seen = { taken: 0 };
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket.setNoDelay(true).setTimeout(IDLE_MS));
    const reader = new HttpReader(() => {
      seen.taken += 1;
      socket.write(REPLY);
    });
    socket.on('data', (bytes) => reader.feed(bytes));
    socket.on('timeout', () => socket.end());
    socket.on('error', () => {}); // the client may have reset it
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { host: `127.0.0.1:${server.address().port}`, seen };
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

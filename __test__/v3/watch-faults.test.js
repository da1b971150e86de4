'use strict';

// What may happen to a watch on v3 between its registration and an event: members that hang, connections that break, and
// gateways that say things twice or not at all.

const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const { once } = require('node:events');
const { describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { cleanUp, keep } = require('../support/clean-up');
const { waitUntil } = require('../support/promises');
const { encode } = require('../support/raw-v3');

const LOOPBACK = '127.0.0.1';
const LIVENESS = 400;

/** Starts a server for the time of a test: its `host:port`. */
async function listening(server) {
  const sockets = new Set();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  cleanUp(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `${LOOPBACK}:${server.address().port}`;
}

/** A way to etcd: its connections in order, which end when `isClosed`, as new ones do. */
async function wayTo(port) {
  const way = { connections: [], isClosed: false, refused: 0 };
  const server = net.createServer((socket) => {
    if (way.isClosed) {
      way.refused += 1;
      socket.resetAndDestroy();
      return;
    }
    const onwards = net.connect(port, LOOPBACK).on('error', () => socket.destroy());
    way.connections.push(socket);
    socket.on('close', () => onwards.destroy());
    socket.pipe(onwards).pipe(socket);
  });
  way.host = await listening(server);
  return way;
}

/** A gateway that answers watches as `watch(number, from, say)` does, and all else with its place. */
function gateway(watch) {
  const header = (revision) => ({ cluster_id: '1', member_id: '1', revision: String(revision), raft_term: '1' });
  let number = 0;
  const server = http.createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    if (request.url !== '/v3/watch') return response.end(JSON.stringify({ header: header(10), succeeded: true }));
    const say = (result) => response.write(`${JSON.stringify({ result: { header: header(10), ...result } })}\n`);
    number += 1;
    return watch(number, Number(JSON.parse(text).create_request.start_revision), say);
  });
  return listening(server);
}

/** The put of a key as a watch tells it. */
const put = (key, revision) => ({
  kv: {
    key: encode(key),
    value: encode('v'),
    create_revision: String(revision),
    mod_revision: String(revision),
    version: '1',
  },
});

describe('a watch on v3', { timeout: 60_000 }, () => {
  for (const api of ['v3', 'v3-json']) {
    test(`whose member hangs before it is registered is tried again, over ${api}`, async () => {
      const server = keep(await startEtcd({ etcd: findEtcdV3() }));
      const etcd = new Etcd(server.host, { api });
      await etcd.set('k', '1');
      server.pause();
      cleanUp(() => server.resume());
      const watcher = keep(etcd.watcher('k', null, { liveness: LIVENESS }));
      let reconnects = 0;
      watcher.on('reconnect', () => {
        reconnects += 1;
      });
      await waitUntil(() => reconnects > 0);
      server.resume();
      await waitUntil(() => watcher.index !== null);
    });
  }

  test('is told of the directory that was removed above it, though nobody could be asked at that moment', async () => {
    const server = keep(await startEtcd({ etcd: findEtcdV3() }));
    const direct = new Etcd(server.host, { api: 'v3' });
    const { node } = await direct.set('a/b/c', '1');
    const way = await wayTo(server.port);
    const watcher = keep(new Etcd(way.host, { api: 'v3' }).watcher('a/b/c', node.modifiedIndex + 1));
    const told = [];
    watcher.on('change', (body) => told.push(`${body.action} ${body.node.key}`));
    await direct.set('a/b/c', '2');
    await waitUntil(() => told.length === 1);
    // The first connection is that of calls; the second one goes on to carry the watch.
    way.isClosed = true;
    way.connections[0].resetAndDestroy();
    await direct.del('a', { recursive: true });
    await waitUntil(() => told.length > 1 || way.refused > 0);
    way.isClosed = false;
    await waitUntil(() => told.length > 1);
    assert.deepEqual(told, ['set /a/b/c', 'delete /a']);
  });

  test('is told once of what a gateway says twice', async () => {
    const host = await gateway((_, from, say) => {
      say({ created: true });
      if (from > 6) return;
      say({ events: [put('/k', 5)] });
      say({ events: [put('/k', 5)] });
      say({ events: [put('/k', 6)] });
    });
    const indexes = [];
    const watcher = keep(new Etcd(host, { api: 'v3-json' }).watcher('k', 5));
    watcher.on('change', ({ node }) => indexes.push(node.modifiedIndex));
    await waitUntil(() => indexes.at(-1) === 6);
    assert.deepEqual(indexes, [5, 6]);
  });

  /** What a watch from 5 is asked again for, of a gateway at 10 whose first watch tells nothing. */
  async function askedAgain(again) {
    const asked = [];
    const host = await gateway((number, from, say) => {
      asked.push(from);
      say(number === 2 ? again : { created: true });
    });
    const watcher = keep(new Etcd(host, { api: 'v3-json' }).watcher('k', 5, { liveness: LIVENESS }));
    let resyncs = 0;
    watcher.on('resync', () => {
      resyncs += 1;
    });
    await waitUntil(() => asked.length > 2);
    return { asked, resyncs };
  }

  test('that was told nothing of the past asks for that again', async () => {
    const { asked, resyncs } = await askedAgain({ created: true });
    assert.deepEqual([asked.slice(0, 2), resyncs], [[5, 5], 0]);
  });

  test('that was told nothing of the past, which was compacted then, is told by resync', async () => {
    const { asked, resyncs } = await askedAgain({ created: true, canceled: true, compact_revision: '8' });
    assert.deepEqual([asked.slice(0, 2), resyncs], [[5, 5], 1]);
  });
});

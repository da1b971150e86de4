'use strict';

// A store that is not the one any more that was watched: it was wiped or restored, or another cluster has its name. A
// member that merely lags is no such case.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { once } = require('node:events');
const Etcd = require('../..');
const { keep, scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { rejection, waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

const MESSAGE = 'The store went back to an earlier state, or another one took its place';
/** From the connection on, by the promise. Against a machine that is busy: twice as long. */
const PROMISED_MS = 2 * 5000;

async function wipe(server) {
  await server.kill();
  fs.rmSync(server.dataDir, { recursive: true });
  await server.start();
}

/** What a watcher emits, in order: indexes, and names. */
function record(watcher) {
  const seen = [];
  watcher.on('change', ({ node }) => seen.push(node.modifiedIndex));
  watcher.on('resync', () => seen.push('resync'));
  return seen;
}

/** Where a store is, by the headers of an answer. */
const at = (index, store = 'a') => ({ 'X-Etcd-Index': String(index), 'X-Etcd-Cluster-Id': store });
const event = (index, headers) => ({
  match: /wait=/,
  reply: {
    headers,
    json: { action: 'set', node: { key: '/k', value: 'v', modifiedIndex: index, createdIndex: index } },
  },
});
/** A poll that waits. */
const waiting = (headers, times = 1) => ({ match: /wait=/, times, reply: { headers, chunks: [], hold: true } });
/** Cut as soon as its headers were seen. */
const cut = (headers) => ({ match: /wait=/, cut: { headers, body: 'x', bytes: 0 } });
const read = (headers, times = 1000) => ({ match: /quorum=true/, times, reply: { headers, json: {} } });

describe('a watcher of a store that was wiped', { timeout: 120_000 }, () => {
  const t = withClient('replaced');

  /** The index of the last of so many changes. */
  async function filled(count) {
    let index;
    for (let i = 0; i < count; i++) index = (await t.etcd.set('k', i)).node.modifiedIndex;
    return index;
  }

  test('is told by one resync, and then of every change of the new one', async () => {
    const index = await filled(50);
    const watcher = keep(t.connect().watcher('k', index));
    const seen = record(watcher);
    await once(watcher, 'change');
    const resync = once(watcher, 'resync');
    await wipe(t.server);
    const start = Date.now();
    const [err] = await resync;
    assert.ok(Date.now() - start < PROMISED_MS, `${Date.now() - start} ms`);
    assert.deepEqual([err.message, err.errorCode, err.error.index], [MESSAGE, 401, watcher.index]);
    assert.match(err.error.cause, new RegExp(`^it is at index \\d+, and was at index ${index}$`));
    const indexes = [];
    for (let i = 0; i < 3; i++) indexes.push((await t.etcd.set('k', i)).node.modifiedIndex);
    await waitUntil(() => seen.length >= 5);
    assert.deepEqual(seen, [index, 'resync', ...indexes]);
  });

  test('ends a loop with the error', async () => {
    const index = await filled(50);
    const changes = t.connect().watcher('k', index)[Symbol.asyncIterator]();
    await changes.next();
    const [error] = await Promise.all([rejection(changes.next()), wipe(t.server)]);
    assert.deepEqual([error.message, error.errorCode], [MESSAGE, 401]);
  });

  test('is told so of an index that was kept from before, as is watchIndex', async () => {
    const index = await filled(50);
    await wipe(t.server);
    const etcd = t.connect();
    const watcher = keep(etcd.watcher('k', index + 1));
    const [error, [resync]] = await Promise.all([rejection(etcd.watchIndex('k', index + 1)), once(watcher, 'resync')]);
    for (const err of [error, resync]) assert.deepEqual([err.message, err.errorCode], [MESSAGE, 401]);
    const [again] = await Promise.all([etcd.watchIndex('k', error.error.index), etcd.set('k', 'new')]);
    assert.equal(again.node.value, 'new');
  });
});

describe('in-order keys', { timeout: 60_000 }, () => {
  const t = withClient('replaced');

  test('are made by a client that knew the store before', async () => {
    for (let i = 0; i < 20; i++) await t.etcd.create('queue', i);
    await wipe(t.server);
    const keys = [];
    for (let i = 0; i < 3; i++) keys.push((await t.etcd.create('queue', i)).node.key);
    assert.deepEqual(keys.toSorted(), keys);
    assert.equal(new Set(keys).size, 3);
    for (const key of keys) assert.ok(Number(key.slice('/queue/'.length)) < 20, key);
  });
});

describe('a watcher', { timeout: 60_000 }, () => {
  test('that comes to another cluster is told at once, also if its index is higher', async () => {
    for (const index of [2, 900]) {
      const steps = [event(5, at(4)), cut(at(5)), waiting(at(index, 'b')), event(index + 1, at(index + 1, 'b'))];
      const wire = await scripted(steps, { fallback: waiting(at(index + 1, 'b')) });
      const watcher = keep(new Etcd(wire.host).watcher('k', 5, { liveness: 2000 }));
      const seen = record(watcher);
      const [err] = await once(watcher, 'resync');
      assert.match(err.error.cause, new RegExp(`^it is b at index ${index}, and was a at index 5$`));
      assert.equal(err.error.index, index + 1);
      await waitUntil(() => seen.length >= 3);
      assert.deepEqual(seen, [5, 'resync', index + 1]);
      assert.ok((await wire.requests()).every(({ url }) => !url.includes('quorum')));
    }
  });

  test('of a member that lags is told nothing, and misses nothing', async () => {
    const late = event(8, at(3));
    late.reply.chunks = [{ data: JSON.stringify(late.reply.json), delayMs: 6000 }];
    late.reply.json = undefined;
    const steps = [event(7, at(6)), { match: /wait=/, ...late }, read(at(7)), event(9, at(9))];
    const wire = await scripted(steps, { fallback: waiting(at(9)) });
    const watcher = keep(new Etcd(wire.host).watcher('k', 7));
    const seen = record(watcher);
    for (const name of ['reconnect', 'error']) watcher.on(name, () => seen.push(name));
    await waitUntil(() => seen.length >= 3);
    assert.deepEqual(seen, [7, 8, 9]);
    assert.ok((await wire.requests()).some(({ url }) => url.includes('quorum=true')));
  });
});

'use strict';

// A store in this process that two threads use at once.

const assert = require('node:assert/strict');
const path = require('node:path');
const { once } = require('node:events');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const Etcd = require('../..');

const SCRIPT = path.join(__dirname, '..', 'support', 'loads', 'increments.js');
const HOST = 'memory:threads';
const KEY = '/counters';
const COUNTERS = 4;
const COUNT = 3000;

test('two threads lose no update, and no event is lost, doubled or out of order', { timeout: 120_000 }, async (t) => {
  const etcd = new Etcd(HOST);
  const names = Array.from({ length: COUNTERS }, (_, i) => `${KEY}/${i}`);
  const indexes = names.map((name) => etcd.setSync(name, 0).body.node.modifiedIndex);
  const workerData = { host: HOST, key: KEY, since: indexes.at(-1) + 1, counters: COUNTERS, count: COUNT };
  const workers = [1, 2].map(() => new Worker(SCRIPT, { workerData }));
  const nextOfAll = () => Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  const done = await nextOfAll();
  const written = done.flatMap((result) => result.written).sort((one, other) => one - other);
  const seen = nextOfAll();
  for (const worker of workers) worker.postMessage(written.at(-1));
  for (const result of await seen) assert.deepEqual(result.seen, written);
  assert.equal(new Set(written).size, 2 * COUNT);
  const sum = names.reduce((total, name) => total + Number(etcd.getSync(name).body.node.value), 0);
  assert.equal(sum, 2 * COUNT);
  const lost = done.map((result) => result.lost);
  t.diagnostic(`${lost} times another one was quicker`);
  assert.ok(
    lost.every((count) => count > 0),
    'they worked at the same time',
  );
});

'use strict';

// How processes end that use a store of their own, and what large, deep and wrong input does to it.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { printedBy } = require('../support/node-script');

const PRELUDE = `
  const assert = require('node:assert/strict');
  const fs = require('node:fs');
  const Etcd = require('.');
  const store = Etcd.memory();
  const etcd = new Etcd('memory:');
  const print = (value) => console.log(JSON.stringify(value));`;

const printed = (source, options) => printedBy(PRELUDE + source, { timeoutMs: 30_000, ...options });

const onLinux = { skip: process.platform !== 'linux' && 'threads are counted in /proc' };

test('requests that nothing is ordered for start no thread', onLinux, async () => {
  const threads = await printed(`
    const count = () => fs.readdirSync('/proc/self/task').length;
    const before = count();
    (async () => {
      await etcd.set('a', '1', { ttl: 60 });
      etcd.getSync('a');
      store.advance(1000);
      print([count() - before, (await etcd.get('a')).node.value]);
    })();`);
  assert.deepEqual(threads, [0, '1']);
});

test('a process ends by itself that has a store and a client, unused', async () => {
  assert.equal(await printed(`print('named');`), 'named');
});

test('a process ends by itself with TTLs that have not ended, and with failures and delays in store', async () => {
  const values = await printed(`
    store.fail({ key: 'never' });
    store.delay(Infinity, { key: 'never' });
    (async () => {
      await etcd.set('a', '1', { ttl: 3600 });
      print(etcd.getSync('a').body.node.value);
    })();`);
  assert.equal(values, '1');
});

test('a process stays for a watcher until it is stopped, also over a TTL', async () => {
  const seen = await printed(`
    etcd.setSync('a', '1', { ttl: 1 });
    const watcher = etcd.watcher('a');
    watcher.on('expire', ({ prevNode }) => { watcher.stop(); print(prevNode.value); });`);
  assert.equal(seen, '1');
});

test('a process stays for a poll that waits', async () => {
  const seen = await printed(`
    etcd.setSync('a', '1', { ttl: 1 });
    etcd.watch('a', (err, body) => print(body.action));`);
  assert.equal(seen, 'expire');
});

test('a process does not stay for a watcher that is unref', async () => {
  assert.equal(await printed(`etcd.watcher('a').unref(); print('watching');`), 'watching');
});

test('a process can exit with watchers and delayed requests under way', async () => {
  const seen = await printed(`
    store.delay(Infinity, { method: 'PUT', times: 50 });
    for (let i = 0; i < 50; i++) etcd.set('k', i, () => print('called'));
    for (let i = 0; i < 10; i++) etcd.watcher('k');
    setImmediate(() => { print('exits'); process.exit(0); });`);
  assert.equal(seen, 'exits');
});

test('threads can be ended with watchers and delayed requests under way, and the store stays', async () => {
  const seen = await printed(`
    const { Worker } = require('node:worker_threads');
    const { once } = require('node:events');
    const work = \`
      const { parentPort, workerData } = require('node:worker_threads');
      const etcd = new (require(workerData))('memory:');
      require(workerData).memory().delay(Infinity, { key: 'slow', times: 3 });
      for (let i = 0; i < 3; i++) etcd.set('slow', i, () => {});
      etcd.watcher('/', 1, { recursive: true }).once('change', () => parentPort.postMessage('watches'));
      etcd.setSync('thread', '1');\`;
    (async () => {
      for (let i = 0; i < 10; i++) {
        const workerData = require.resolve('.');
        const workers = Array.from({ length: 3 }, () => new Worker(work, { eval: true, workerData }));
        await Promise.all(workers.map((worker) => once(worker, 'message')));
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
      store.reset();
      await etcd.set('main', '2');
      print(store.dump());
    })();`);
  assert.deepEqual(seen, { '/main': '2' });
});

test('what callbacks throw is each an uncaught exception', async () => {
  const seen = await printed(`
    const thrown = [];
    process.on('uncaughtException', ({ message }) => thrown.push(message));
    for (const text of ['one', 'two']) etcd.set('a', text, () => { throw new Error(text); });
    process.on('exit', () => print(thrown));`);
  assert.deepEqual(seen, ['one', 'two']);
});

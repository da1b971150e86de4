'use strict';

// Aborting and closing without a connection, and input that is large, deep or wrong.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { beforeEach, describe, test } = require('node:test');
const Etcd = require('../..');
const { keep } = require('../support/clean-up');
const { rejection } = require('../support/promises');

const store = Etcd.memory();
let etcd;

beforeEach(() => {
  store.reset();
  etcd = new Etcd('memory:');
});

describe('aborting', () => {
  test('right away sends nothing', async () => {
    const token = etcd.set('a', '1');
    token.abort();
    assert.equal((await rejection(token)).name, 'AbortError');
    await etcd.set('b', '1');
    assert.deepEqual(store.dump(), { '/b': '1' });
  });

  test('by a signal that has fired sends nothing', async () => {
    const error = await rejection(etcd.set('a', '1', { signal: AbortSignal.abort() }));
    assert.equal(error.code, 'ABORT_ERR');
    assert.deepEqual(store.requests(), []);
  });

  test('a poll by a signal ends the watch in the store too', async () => {
    const controller = new AbortController();
    const pending = rejection(etcd.watch('a', { signal: controller.signal }));
    const watches = async () => (await etcd.raw('GET', 'v2/stats/store')).watchers;
    while ((await watches()) === 0);
    controller.abort();
    assert.equal((await pending).name, 'AbortError');
    while ((await watches()) > 0);
  });
});

describe('close()', () => {
  test('waits for what is delayed, and refuses what comes later; the store stays for others', async () => {
    store.delay(20);
    const pending = etcd.set('a', '1');
    await etcd.close();
    assert.equal((await pending).node.value, '1');
    assert.equal((await rejection(etcd.get('a'))).code, 'ERR_CLIENT_CLOSED');
    assert.equal(etcd.getSync('a').err.code, 'ERR_CLIENT_CLOSED');
    assert.equal((await new Etcd('memory:').get('a')).node.value, '1');
  });

  test('stops watchers and polls, and with abort what is delayed', async () => {
    store.delay(Infinity, { method: 'PUT' });
    const [poll, write] = [rejection(etcd.watch('a')), rejection(etcd.set('a', '1'))];
    const watcher = keep(etcd.watcher('a'));
    const stopped = once(watcher, 'stop');
    await etcd.close({ abort: true });
    await stopped;
    assert.deepEqual([(await poll).name, (await write).name], ['AbortError', 'AbortError']);
    assert.deepEqual(store.dump(), {});
  });
});

describe('a store in this process', () => {
  // A debug build takes minutes for the larger one.
  const MEGABYTES = process.env.ADDON_BUILD === 'release' ? 64 : 1;

  test(`keeps a value of ${MEGABYTES} MB`, async () => {
    const value = 'ä'.repeat(MEGABYTES * 2 ** 19);
    const { node } = await etcd.set('large', value);
    assert.equal(node.value, value);
    assert.equal(etcd.getSync('large').body.node.value, value);
    assert.equal((await etcd.compareAndDelete('large', value)).action, 'compareAndDelete');
  });

  test('keeps a tree 10,000 deep', async () => {
    const key = '/d'.repeat(10_000);
    await etcd.set(key, 'bottom');
    assert.equal((await etcd.get(key)).node.value, 'bottom');
    const watcher = keep(etcd.watcher('/', 4, { recursive: true }));
    assert.equal((await once(watcher, 'change'))[0].node.key, key);
    const text = JSON.stringify(store.dump());
    assert.equal(text, JSON.stringify({ [key]: 'bottom' }));
    store.load(JSON.parse(text));
    assert.equal((await etcd.get(key)).node.value, 'bottom');
    assert.equal((await etcd.rmdir('d', { recursive: true })).action, 'delete');
    assert.deepEqual(store.dump(), {});
  });

  test('lists a tree 1,000 deep', async () => {
    await etcd.set('/d'.repeat(1000), 'bottom');
    let { node } = await etcd.get('/', { recursive: true });
    let depth = 0;
    while (node.nodes) {
      [node] = node.nodes;
      depth += 1;
    }
    assert.deepEqual([depth, node.value], [1000, 'bottom']);
  });

  test('ends 5,000 keys at once, each with its event', async () => {
    const entries = Array.from({ length: 5_000 }, (_, i) => [`/k/${i}`, { value: 'v', ttl: 10 }]);
    store.load(Object.fromEntries(entries));
    const watcher = keep(etcd.watcher('/k', null, { recursive: true }));
    let expired = 0;
    const all = new Promise((resolve) => watcher.on('expire', () => ++expired === entries.length && resolve()));
    while (watcher.index === null) await etcd.version();
    store.advance(10_000);
    await all;
    assert.deepEqual(store.dump(), { '/k/': {} });
  });

  const REFUSED = [
    ['a directory read as its parent', () => etcd.get('file/below'), 104, '/file'],
    ['a key that is not there', () => etcd.get('nowhere'), 100, '/nowhere'],
    ['a write of a directory', () => etcd.set('dir', '1'), 102, '/dir'],
    ['a TTL that is no number', () => etcd.set('a', '1', { ttl: 'soon' }), 202, 'invalid value for "ttl"'],
    ['an index that is no number', () => etcd.set('a', '1', { prevIndex: 'x' }), 203, 'invalid value for "prevIndex"'],
    ['a flag that is none', () => etcd.get('file', { recursive: 'maybe' }), 209, 'invalid value for "recursive"'],
    ['an empty condition', () => etcd.compareAndSwap('file', 'x', ''), 201, '"prevValue" cannot be empty'],
    ['another value', () => etcd.compareAndSwap('file', 'x', 'y'), 101, '[y != v]'],
    ['a key that exists', () => etcd.set('file', 'x', { prevExist: false }), 105, '/file'],
    ['a full directory', () => etcd.rmdir('dir'), 108, '/dir'],
    ['the root', () => etcd.set('/', 'x'), 107, '/'],
    ['a refresh with a value', () => etcd.set('file', 'x', { refresh: true, prevExist: true, ttl: 1 }), 211],
    ['a refresh without a TTL', () => etcd.set('file', null, { refresh: true, prevExist: true }), 212],
  ];
  for (const [what, work, code, cause] of REFUSED) {
    test(`refuses ${what} with etcd's error ${code}`, async () => {
      store.load({ '/file': 'v', '/dir/a': 'b' });
      const error = await rejection(work());
      assert.equal(error.errorCode, code);
      if (cause !== undefined) assert.equal(error.error.cause, cause);
      assert.equal(error.errors, undefined);
      assert.deepEqual(store.dump(), { '/dir/a': 'b', '/file': 'v' });
    });
  }

  test('refuses a key with a segment .. before it is asked', async () => {
    assert.equal((await rejection(etcd.get('a/../b'))).code, 'ERR_INVALID_KEY');
    assert.equal(etcd.setSync('.', '1').err.code, 'ERR_INVALID_KEY');
    assert.deepEqual(store.requests(), []);
  });

  test('has no other paths than etcd', async () => {
    assert.equal(await etcd.raw('GET', 'elsewhere'), '404 page not found\n');
    assert.equal(await etcd.raw('POST', 'version'), 'Method Not Allowed\n');
    assert.equal(await etcd.raw('PATCH', 'v2/keys/a'), 'Method Not Allowed\n');
  });
});

'use strict';

// What is particular about watching v2 on v3: compaction, removals above, and where a watch begins.

const assert = require('node:assert/strict');
const { after, before, beforeEach, describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { keep } = require('../support/clean-up');
const { freshPrefix } = require('../support/etcd');
const { rejection, waitUntil } = require('../support/promises');
const { RawV3 } = require('../support/raw-v3');

for (const api of ['v3', 'v3-json']) {
  describe(`over ${api}`, () => {
    let server;
    let raw;
    let etcd;
    let key;
    before(async () => {
      server = await startEtcd({ etcd: findEtcdV3() });
      raw = new RawV3(server.url);
      etcd = new Etcd(server.host, { api, maxRetries: 0 });
    });
    after(() => server?.stop());
    beforeEach(() => {
      key = `/${freshPrefix('watching')}`;
    });

    const indexOf = async (promise) => (await promise).node.modifiedIndex;
    const compact = async (revision) => raw.call('kv/compaction', { revision: String(revision), physical: true });

    /** What a watcher tells, in short: actions and keys, and names of what else it emits. */
    function record(name, index, options) {
      const told = [];
      const watcher = keep(etcd.watcher(name, index, options));
      watcher.on('change', ({ action, node }) => told.push(`${action} ${node.key.slice(key.length) || '.'}`));
      for (const other of ['resync', 'reconnect', 'error']) watcher.on(other, () => told.push(other));
      return told;
    }

    test('a poll for what was compacted is refused with 401, its cause and index', async () => {
      const first = await indexOf(etcd.set(key, '1'));
      const last = await indexOf(etcd.set(key, '2'));
      await compact(last);
      const { errorCode, error } = await rejection(etcd.watchIndex(key, first));
      assert.deepEqual([errorCode, error.index], [401, last]);
      assert.equal(error.cause, `the requested history has been cleared [${last}/${first}]`);
      assert.equal((await etcd.watchIndex(key, last)).node.value, '2', 'what remains can be asked for');
    });

    test('a watcher of what was compacted emits resync once, and goes on', async () => {
      const first = await indexOf(etcd.set(key, '1'));
      await compact(await indexOf(etcd.set(key, '2')));
      const told = record(key, first);
      await waitUntil(() => told.length > 0);
      await etcd.set(key, '3');
      await waitUntil(() => told.at(-1) === 'set .');
      assert.deepEqual([...new Set(told)], ['resync', 'set .']);
    });

    test('a directory that is removed is told to all who watch it, something in it, or what is above, by its own name', async () => {
      await etcd.set(`${key}/a/b/f`, '1');
      await etcd.set(`${key}/a/_h/f`, '1');
      const index = await indexOf(etcd.set(`${key}/a/b-x`, '1'));
      const watched = {
        [key]: true,
        [`${key}/a`]: false,
        [`${key}/a/b`]: true,
        [`${key}/a/b/f`]: false,
        [`${key}/a/_h`]: true,
        [`${key}/a/nothing`]: false,
      };
      const told = Object.entries(watched).map(([name, recursive]) => record(name, index + 1, { recursive }));
      const { node } = await etcd.del(`${key}/a`, { recursive: true });
      assert.equal(node.createdIndex < index, true);
      await waitUntil(() => told.slice(0, 5).every(({ length }) => length > 0));
      assert.deepEqual(told, [...Array(5).fill(['delete /a']), []]);
    });

    test('a directory whose TTL is over ends as one', async () => {
      await etcd.mkdir(`${key}/d`, { ttl: 100 });
      await etcd.set(`${key}/d/x/y`, '1');
      const index = await indexOf(etcd.set(`${key}/d/z`, '1', { ttl: 200 }));
      const told = [record(key, index + 1, { recursive: true }), record(`${key}/d/x/y`, index + 1)];
      await etcd.mkdir(`${key}/d`, { ttl: 2, prevExist: true });
      assert.deepEqual(
        (await etcd.get(`${key}/d`)).node.nodes.map(({ modifiedIndex }) => modifiedIndex <= index),
        [true, true],
      );
      await waitUntil(() => told.every(({ length }) => length > 0) && told[0].length > 1);
      assert.deepEqual(told, [['update /d', 'expire /d'], ['expire /d']]);
      assert.equal((await rejection(etcd.get(`${key}/d`))).errorCode, 100);
    });

    test('another TTL of a directory with too much in it is refused, and nothing changes', async () => {
      await etcd.mkdir(key, { ttl: 100 });
      await Promise.all(Array.from({ length: 80 }, (_, i) => etcd.set(`${key}/${i}`, 'v')));
      const { errorCode, error } = await rejection(etcd.mkdir(key, { ttl: 200, prevExist: true }));
      assert.deepEqual([errorCode, error.cause.includes('too much is in it')], [300, true]);
      assert.ok((await etcd.get(key)).node.ttl <= 100);
    });
  });
}

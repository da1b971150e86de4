'use strict';

// How far a watcher reads ahead of whom it tells.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const Etcd = require('../..');
const { keep, scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { blockFor } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('buffer');

/** Of an event in the tests of bytes. */
const VALUE = 'v'.repeat(50_000);
const COUNT = 40;

/** Watches from now on: with the index, nothing depends on when the watch is registered. */
async function watchFromNow(options) {
  const { node } = await t.etcd.set(`${t.key}-start`, 0);
  return keep(t.etcd.watcher(t.key, node.modifiedIndex + 1, options));
}

async function take(count, changes) {
  const indexes = [];
  for await (const { node } of changes) {
    assert.equal(node.value, VALUE);
    if (indexes.push(node.modifiedIndex) === count) break;
  }
  return indexes;
}

describe('the buffer of a watcher', { timeout: 60_000 }, () => {
  test('is bounded by bytes, and nothing is lost beyond them', async () => {
    const watcher = await watchFromNow({ bufferBytes: 4 * VALUE.length });
    let told = 0;
    watcher.on('change', () => {
      told += 1;
    });
    const changes = watcher[Symbol.asyncIterator]();
    const other = take(COUNT, await watchFromNow());
    for (let i = 0; i < COUNT; i++) await t.etcd.set(t.key, VALUE);
    const all = await other;
    assert.ok(told <= 4, `${told} were read`);
    assert.deepEqual(await take(COUNT, changes), all);
  });

  test('takes an event that is larger, alone', async () => {
    const watcher = await watchFromNow({ bufferBytes: 1 });
    const [indexes] = await Promise.all([
      take(3, watcher),
      (async () => {
        for (let i = 0; i < 3; i++) await t.etcd.set(t.key, VALUE);
      })(),
    ]);
    assert.equal(indexes.length, 3);
  });

  test('is filled by notices too, such as resync', async () => {
    const outdated = (index) => ({ reply: { status: 400, json: { errorCode: 401, message: 'outdated', index } } });
    const steps = Array.from({ length: 2000 }, (_, at) => outdated(10 + at));
    const wire = await scripted(steps, { fallback: { stall: true } });
    const watcher = keep(new Etcd(wire.host).watcher('k', 3, { buffer: 5 }));
    await once(watcher, 'resync');
    await wire.forget();
    blockFor(500);
    const { length } = await wire.requests();
    assert.ok(length <= 20, `${length} requests`);
  });

  test('is at least one event and one byte', () => {
    for (const name of ['buffer', 'bufferBytes']) {
      for (const value of [0, -1, '1', Number.NaN]) {
        assert.throws(() => keep(t.etcd.watcher(t.key, 1, { [name]: value })), new RegExp(`"options.${name}"`));
      }
    }
    keep(t.etcd.watcher(t.key, null, { buffer: Infinity, bufferBytes: Infinity }));
  });
});

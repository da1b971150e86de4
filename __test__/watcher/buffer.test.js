'use strict';

// How far a watcher reads ahead of whom it tells.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const Etcd = require('../..');
const { keep, scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { blockFor, rejection, waitUntil } = require('../support/promises');
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

describe('maxResponseSize', { timeout: 60_000 }, () => {
  const limited = { maxResponseSize: 10_000 };

  test('bounds a read, whatever its parameters are', async () => {
    await t.etcd.set(t.key, VALUE);
    const etcd = t.connect(limited);
    for (const options of [{}, { stream: true }, { stream: true, recursive: true }]) {
      const { errors } = await rejection(etcd.get(t.key, options));
      assert.equal(errors[0].httperror.code, 'ERR_RESPONSE_TOO_LARGE');
    }
  });

  test('is told of an event beyond it as an error, once, and the watch goes on behind it', async () => {
    const { node } = await t.etcd.set(t.key, 'first');
    const large = [];
    for (let i = 0; i < 3; i++) large.push((await t.etcd.set(t.key, VALUE)).node.modifiedIndex);
    const last = await t.etcd.set(t.key, 'last');
    const watcher = keep(t.connect(limited).watcher(t.key, node.modifiedIndex));
    const told = [];
    for (const name of ['reconnect', 'resync']) watcher.on(name, () => told.push(name));
    watcher.on('change', (body) => told.push(body.node.value));
    watcher.on('error', (err) => told.push([err.code, err.message, watcher.index]));
    await waitUntil(() => watcher.index > last.node.modifiedIndex);
    const error = (index) => [
      'ERR_RESPONSE_TOO_LARGE',
      `The change at index ${index} is larger than maxResponseSize (10000 bytes)`,
      index + 1,
    ];
    // The last one also holds the value that was there before.
    assert.deepEqual(told, ['first', ...large.map(error), error(last.node.modifiedIndex)]);
    const change = once(watcher, 'change');
    await t.etcd.set(t.key, 'next');
    assert.equal((await change)[0].node.value, 'next');
  });

  test('ends a loop with the error, as the event is lost to it', async () => {
    const { node } = await t.etcd.set(t.key, 'first');
    await t.etcd.set(t.key, VALUE);
    const changes = t.connect(limited).watcher(t.key, node.modifiedIndex)[Symbol.asyncIterator]();
    assert.equal((await changes.next()).value.node.value, 'first');
    assert.equal((await rejection(changes.next())).code, 'ERR_RESPONSE_TOO_LARGE');
  });
});

'use strict';

// The promise of the watcher: every event exactly once and in order, as long as the server still has it. SEED=… repeats
// what is random in a run.

const assert = require('node:assert/strict');
const path = require('node:path');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { keep } = require('../support/clean-up');
const { at, connectTo, withClient } = require('../support/etcd');
const { startFaultProxy } = require('../support/fault-proxy');
const { blockFor, waitUntil } = require('../support/promises');
const { Dice, chooseSeed } = require('../support/random');
const { before, describe, test } = require('../support/test');

const WRITER = path.join(__dirname, '..', 'support', 'loads', 'writes.js');
const KEYS = 50;
const COUNT = 10_000;

const seed = chooseSeed();
const dice = new Dice(seed);
before(() => console.log(`# SEED=${seed}`));

const t = withClient('lossless');

/** Watches, and keeps what is emitted: { watcher, indexes, values, names }. */
function record(hosts, name, index, options) {
  const watcher = keep(connectTo(hosts).watcher(name, index, options));
  const seen = { watcher, indexes: [], values: [], names: [] };
  watcher.on('change', ({ node }) => {
    seen.indexes.push(node.modifiedIndex);
    seen.values.push(node.value);
  });
  for (const other of ['reconnect', 'resync', 'error']) watcher.on(other, () => seen.names.push(other));
  return seen;
}

/** A proxy before etcd, for the time of the test. */
const proxied = async () => keep(await startFaultProxy(t.port));

/** Resolves with the indexes that etcd confirmed, in order, once all values are written. */
async function write(prefix, from, to, concurrency, pause = 0) {
  const args = [t.host, prefix, from, to, KEYS, concurrency, pause].map(String);
  const { code, stdout, stderr } = await t.runBeside(WRITER, { args, timeoutMs: 80_000 });
  assert.equal(code, 0, stderr);
  const { indexes } = JSON.parse(stdout);
  return indexes.map(([index]) => index).sort((a, b) => a - b);
}

/** The index after the newest event of the store. */
async function nextIndex() {
  return (await t.etcd.set(`${t.key}-start`, 1)).node.modifiedIndex + 1;
}

async function foreign(count) {
  await write(`${t.key}-foreign`, 0, count, 8);
}

describe('a recursive watcher', { timeout: 200_000 }, () => {
  for (const writers of [1, 8]) {
    test(`sees 20,000 sets of ${writers === 1 ? 'one writer' : `${writers} writers at once`}`, async () => {
      const seen = record(t.host, t.key, await nextIndex(), { recursive: true });
      const indexes = await write(t.key, 0, 2 * COUNT, writers);
      await waitUntil(() => seen.indexes.length >= indexes.length);
      assert.deepEqual(seen.indexes, indexes);
      assert.deepEqual(seen.names, []);
    });
  }

  test('sees 20,000 sets of 32 writers at once, or says which it missed', async () => {
    const start = await nextIndex();
    const seen = record(t.host, t.key, start, { recursive: true });
    // So many that the server may drop a reader and, before it is noticed, the history of 1,000 events too.
    const gaps = [];
    seen.watcher.on('resync', ({ error }) =>
      gaps.push({ after: seen.indexes.at(-1) ?? start - 1, before: error.index }),
    );
    const indexes = await write(t.key, 0, 2 * COUNT, 32);
    await waitUntil(() => seen.indexes.at(-1) >= indexes.at(-1));
    assertIncreasing(seen.indexes);
    const known = new Set(seen.indexes);
    const isTold = (index) => gaps.some(({ after, before }) => after < index && index < before);
    assert.deepEqual(
      indexes.filter((index) => !known.has(index) && !isTold(index)),
      [],
    );
  });

  test('sees 10,000 sets when its thread is busy for 2 s in their midst', async () => {
    const seen = record(t.host, t.key, await nextIndex(), { recursive: true });
    const busyAt = 1 + dice.below(COUNT / 2);
    seen.watcher.on('change', () => {
      if (seen.indexes.length === busyAt) blockFor(2000);
    });
    const indexes = await write(t.key, 0, COUNT, 8);
    await waitUntil(() => seen.indexes.length >= indexes.length);
    assert.deepEqual(seen.indexes, indexes);
    assert.deepEqual(seen.names, []);
  });

  test('sees what was written before and after etcd was killed', async () => {
    const seen = record(t.host, t.key, await nextIndex(), { recursive: true });
    const writing = write(t.key, 0, 400, 1);
    const killAt = 1 + dice.below(200);
    await waitUntil(() => seen.indexes.length >= killAt);
    await t.server.kill();
    await sleep(dice.below(500));
    await t.server.start();
    const indexes = await writing;
    await waitUntil(() => seen.indexes.at(-1) >= indexes.at(-1));
    assertIncreasing(seen.indexes);
    // A write may have taken place though its answer was lost: then the watcher saw it, and the writer's repetition.
    const known = new Set(seen.indexes);
    assert.deepEqual(
      indexes.filter((index) => !known.has(index)),
      [],
    );
    assert.ok(seen.indexes.length - indexes.length <= 1);
    assert.ok(!seen.names.includes('resync'));
  });

  test('goes on with another host when its own dies', async () => {
    const proxies = await Promise.all([proxied(), proxied()]);
    const hosts = proxies.map(({ host }) => at(host));
    const seen = record(hosts, t.key, await nextIndex(), { recursive: true });
    // Slowly: each cut costs a pause, and the history is 1,000 events.
    const writing = write(t.key, 0, 1000, 1, 1);
    await waitUntil(() => seen.indexes.length >= 1 + dice.below(50));
    await proxies[dice.below(2)].close();
    for (let i = 0; i < 3; i++) {
      await sleep(dice.below(200));
      await Promise.all(proxies.map((proxy) => proxy.cut()));
    }
    const indexes = await writing;
    await waitUntil(() => seen.indexes.length >= indexes.length);
    assert.deepEqual(seen.indexes, indexes);
    assert.ok(!seen.names.includes('resync'));
  });
});

describe('a recursive watcher of two hosts', { timeout: 80_000 }, () => {
  test('sees 10,000 sets of 8 writers at once while its connections are cut, but what a resync says', async () => {
    const proxies = await Promise.all([proxied(), proxied()]);
    const hosts = proxies.map(({ host }) => at(host));
    const seen = record(hosts, t.key, await nextIndex(), { recursive: true });
    const gaps = [];
    seen.watcher.on('resync', ({ error }) => gaps.push([seen.indexes.at(-1) ?? 0, error.index]));
    const writing = write(t.key, 0, COUNT, 8);
    let isWriting = true;
    writing.finally(() => {
      isWriting = false;
    });
    let cuts = 0;
    for (; isWriting; cuts++) {
      const proxy = dice.pick(proxies);
      await (dice.below(2) ? proxy.cut() : proxy.close());
      await sleep(dice.below(100));
      await proxy.open();
    }
    const indexes = await writing;
    await waitUntil(() => seen.indexes.at(-1) >= indexes.at(-1));
    assertIncreasing(seen.indexes);
    // At this rate etcd's history lasts for less than a second, which a busy machine can need to connect again.
    const known = new Set(seen.indexes);
    const isAnnounced = (index) => gaps.some(([after, upTo]) => index > after && index < upTo);
    const unannounced = indexes.filter((index) => !known.has(index) && !isAnnounced(index));
    assert.deepEqual(unannounced, []);
    assert.ok(cuts > 10);
  });
});

describe('a watcher of a quiet key', { timeout: 60_000 }, () => {
  test('does not need the history that foreign events have pushed out', async () => {
    const proxy = await proxied();
    const seen = record(at(proxy.host), t.key, await nextIndex());
    await foreign(800);
    await Promise.all([once(seen.watcher, 'reconnect'), proxy.cut()]);
    await sleep(6000); // so long that its new poll has settled
    await foreign(700);
    await Promise.all([once(seen.watcher, 'reconnect'), proxy.cut()]);
    const change = once(seen.watcher, 'change');
    const again = setInterval(() => t.etcd.set(t.key, 'v'), 50);
    await change;
    clearInterval(again);
    assert.deepEqual(seen.names, ['reconnect', 'reconnect']);
  });

  test('emits resync once when events may be lost for good, and goes on', async () => {
    const proxy = await proxied();
    const seen = record(at(proxy.host), t.key, await nextIndex());
    await t.etcd.set(t.key, 'first');
    await waitUntil(() => seen.values.length === 1);
    await foreign(1100);
    await Promise.all([once(seen.watcher, 'resync'), proxy.cut()]);
    await t.etcd.set(t.key, 'second');
    await waitUntil(() => seen.values.length === 2);
    assert.deepEqual(seen.values, ['first', 'second']);
    assert.deepEqual(seen.names, ['reconnect', 'resync']);
  });
});

function assertIncreasing(indexes) {
  const unordered = indexes.filter((index, at) => at > 0 && index <= indexes[at - 1]);
  assert.deepEqual(unordered, []);
}

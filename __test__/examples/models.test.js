'use strict';

// What the programs of examples/ are made of, where the programs cannot show it: what is lost, and what other habits give.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { once } = require('node:events');
const util = require('node:util');
const bluebird = require('bluebird');
const Etcd = require('../..');
const { LiveDirectory } = require('../../examples/live-directory');
const { Lock } = require('../../examples/lock');
const { Registration } = require('../../examples/testing/registration');
const { WorkQueue } = require('../../examples/work-queue');
const { cleanUp } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('models');

/** The shortest TTL of all stores, in seconds. */
const SHORT = 2;

const lockOf = (owner, ttl = 600) => new Lock(t.etcd, `${t.key}/lock`, { owner, ttl });
const aborted = ({ signal }) => signal.aborted || once(signal, 'abort');

describe('a lock', () => {
  test('that is had cannot be had, until it is released', async () => {
    const held = await lockOf('ann').tryAcquire();
    assert.equal(await lockOf('bob').tryAcquire(), undefined);
    const waiting = lockOf('bob').acquire();
    await held.release();
    const next = await waiting;
    assert.ok(next.fence > held.fence);
    await next.release();
    await assert.rejects(t.etcd.get(`${t.key}/lock`), { errorCode: 100 });
  });

  test('that was lost is not taken from its next holder', async () => {
    const ann = await lockOf('ann').acquire();
    await t.etcd.del(`${t.key}/lock`);
    const bob = await lockOf('bob').acquire();
    await ann.release();
    assert.match((await t.etcd.get(`${t.key}/lock`)).node.value, /^bob /);
    await bob.release();
  });

  test('is told to its holder as lost when somebody else has it', async () => {
    const ann = await lockOf('ann', SHORT).acquire();
    await t.etcd.set(`${t.key}/lock`, 'bob');
    await aborted(ann);
    await ann.release();
    assert.equal((await t.etcd.get(`${t.key}/lock`)).node.value, 'bob');
  });

  test('is told to its holder as lost when etcd cannot be reached for its TTL', async () => {
    const ann = await lockOf('ann', SHORT).acquire();
    await t.server.kill();
    await aborted(ann);
    await t.server.start();
    await ann.release();
  });

  test('is no longer waited for once the signal aborts', async () => {
    const ann = await lockOf('ann').acquire();
    const giveUp = new AbortController();
    const waiting = lockOf('bob').acquire(giveUp.signal);
    giveUp.abort();
    assert.equal(await waiting, undefined);
    await ann.release();
  });
});

describe('a live directory', () => {
  const live = () => {
    const directory = new LiveDirectory(t.etcd, `/${t.key}`);
    cleanUp(() => directory.close());
    return directory;
  };
  const valuesOf = ({ values }) =>
    Object.fromEntries([...values].map(([key, value]) => [key.slice(t.key.length + 2), value]));

  test('has what is there at once, and follows every kind of change', async () => {
    await t.etcd.set(`${t.key}/a`, 1);
    await t.etcd.set(`${t.key}/deep/b`, 2);
    const directory = live();
    assert.deepEqual(valuesOf(directory), { a: '1', 'deep/b': '2' });
    const changes = [];
    directory.on('change', (key, value, before) => changes.push([key.slice(t.key.length + 2), value, before]));
    await t.etcd.compareAndSwap(`${t.key}/a`, 3, 1);
    await t.etcd.set(`${t.key}/a`, 3); // no change
    await t.etcd.create(`${t.key}/in-order`, 4);
    await t.etcd.rmdir(`${t.key}/deep`, { recursive: true });
    await t.etcd.mkdir(`${t.key}/a`); // takes the place of the key
    await t.etcd.set(`${t.key}/end`, 'x', { ttl: 1 });
    await waitUntil(() => changes.at(-1)?.[0] === 'end' && changes.at(-1)[1] === undefined);
    const name = changes[1][0];
    assert.match(name, /^in-order\/\d{20}$/);
    assert.deepEqual(changes, [
      ['a', '3', '1'],
      [name, '4', undefined],
      ['deep/b', undefined, '2'],
      ['a', undefined, '3'],
      ['end', 'x', undefined],
      ['end', undefined, 'x'],
    ]);
    assert.deepEqual(valuesOf(directory), { [name]: '4' });
  });

  test('is empty while its directory is not there, and when one above it goes', async () => {
    const directory = new LiveDirectory(t.etcd, `/${t.key}/above/below`);
    cleanUp(() => directory.close());
    assert.equal(directory.values.size, 0);
    await t.etcd.set(`${t.key}/above/below/k`, 'v');
    await waitUntil(() => directory.values.size === 1);
    await t.etcd.rmdir(`${t.key}/above`, { recursive: true });
    await waitUntil(() => directory.values.size === 0);
  });

  test('reads again after a resync, and goes on', async () => {
    await t.etcd.set(`${t.key}/old`, 1);
    await t.etcd.set(`${t.key}/kept`, 1);
    for (let i = 0; i < 50; i++) await t.etcd.set(`${t.key}/kept`, 1); // the store is at a later index than the next one
    const directory = live();
    const resync = once(directory.watcher, 'resync');
    await t.server.kill();
    fs.rmSync(t.server.dataDir, { recursive: true });
    await t.server.start();
    await t.etcd.set(`${t.key}/kept`, 2);
    await resync;
    // It may have read the new store when nothing was in it.
    await waitUntil(() => directory.values.get(`/${t.key}/kept`) === '2');
    assert.deepEqual(valuesOf(directory), { kept: '2' });
    await t.etcd.set(`${t.key}/new`, 3);
    await waitUntil(() => directory.values.size === 2);
  });
});

/** A client by other habits: its methods give promises that others made. */
const HABITS = {
  'promises of the methods': () => t.etcd,
  'util.promisify': () => {
    const promisified = ['compareAndDelete', 'create', 'del', 'get', 'set'].map((name) => [
      name,
      util.promisify(t.etcd[name]).bind(t.etcd),
    ]);
    return { ...unchanged(t.etcd), ...Object.fromEntries(promisified) };
  },
  "bluebird's promisifyAll": () => {
    class Client extends Etcd {}
    bluebird.promisifyAll(Client.prototype);
    const etcd = new Client(t.host, t.options);
    const promisified = ['compareAndDelete', 'create', 'del', 'get', 'set'].map((name) => [
      name,
      (...args) => etcd[`${name}Async`](...args),
    ]);
    return { ...unchanged(etcd), ...Object.fromEntries(promisified) };
  },
};

/** What gives no promise anyway. */
const unchanged = (etcd) => ({ getSync: etcd.getSync.bind(etcd), watcher: etcd.watcher.bind(etcd) });

for (const [habit, clientOf] of Object.entries(HABITS)) {
  describe(`by ${habit}`, () => {
    test('a lock passes from one to the next', async () => {
      const etcd = clientOf();
      const [ann, bob] = ['ann', 'bob'].map((owner) => new Lock(etcd, `${t.key}/lock`, { owner }));
      const held = await ann.acquire();
      assert.equal(await bob.tryAcquire(), undefined);
      const waiting = bob.acquire();
      await held.release();
      await (await waiting).release();
    });

    test('a queue has each job done once', async () => {
      const etcd = clientOf();
      const end = new AbortController();
      const queues = ['ann', 'bob'].map((owner) => new WorkQueue(etcd, `/${t.key}/queue`, { owner }));
      for (const job of ['one', 'two', 'three']) await queues[0].add(job);
      const done = [];
      const perform = async (job) => {
        if (done.push(job) === 3) end.abort();
      };
      await Promise.all(queues.map((queue) => queue.work(perform, end.signal)));
      assert.deepEqual(done.sort(), ['one', 'three', 'two']);
    });

    test('a service is announced, renewed, announced again and taken off', async () => {
      const etcd = clientOf();
      const registration = new Registration(etcd, t.key, '10.0.0.1:80');
      cleanUp(() => clearInterval(registration.timer));
      await registration.start();
      assert.equal(await registration.renew(), true);
      await t.etcd.del(`services/${t.key}`);
      assert.equal(await registration.renew(), false);
      assert.equal((await t.etcd.get(`services/${t.key}`)).node.value, '10.0.0.1:80');
      await registration.stop();
      await assert.rejects(t.etcd.get(`services/${t.key}`), { errorCode: 100 });
    });
  });
}

test('a service that is taken off while it is announced again stays off', async () => {
  const registration = new Registration(t.etcd, t.key, '10.0.0.1:80');
  await registration.start();
  await t.etcd.del(`services/${t.key}`);
  registration.renewal = registration.renew(); // as the timer does
  await registration.stop();
  await registration.renewal;
  await assert.rejects(t.etcd.get(`services/${t.key}`), { errorCode: 100 });
});

test('a queue leaves the job of a worker that fails to others', async () => {
  const queue = new WorkQueue(t.etcd, `/${t.key}/queue`);
  await queue.add('hard');
  const never = new AbortController().signal;
  const failing = queue.work(() => Promise.reject(new Error('too hard')), never);
  await assert.rejects(failing, { message: 'too hard' });
  const end = new AbortController();
  const done = [];
  await queue.work((job) => {
    done.push(job);
    end.abort();
  }, end.signal);
  assert.deepEqual(done, ['hard']);
  assert.equal((await t.etcd.get(`${t.key}/queue/jobs`)).node.nodes, undefined);
});

test('with bluebird and several arguments a watcher begins behind what was read', async () => {
  class Client extends Etcd {}
  bluebird.promisifyAll(Client.prototype, { multiArgs: true });
  const etcd = new Client(t.host, t.options);
  await etcd.setAsync(t.key, 'before');
  const [body, headers] = await etcd.getAsync(t.key);
  await etcd.setAsync(t.key, 'after');
  const watcher = etcd.watcher(t.key, Number(headers['x-etcd-index']) + 1);
  const [{ node, prevNode }] = await once(watcher, 'change');
  watcher.stop();
  assert.deepEqual([body.node.value, prevNode.value, node.value], ['before', 'before', 'after']);
});

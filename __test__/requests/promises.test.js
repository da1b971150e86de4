'use strict';

const assert = require('node:assert/strict');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { freePort, withClient } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { called, rejection } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('promises');

describe('a call without a callback', () => {
  test('can be awaited, and resolves with the body', async () => {
    assert.equal((await t.etcd.set(t.key, 'v')).action, 'set');
    assert.equal((await t.etcd.get(t.key)).node.value, 'v');
  });

  test('rejects with the error that a callback would get', async () => {
    const err = await rejection(t.etcd.get(t.key));
    const [other] = await called((done) => t.etcd.get(t.key, done));
    assert.deepEqual([err.message, err.errorCode, err.error], [other.message, 100, other.error]);
  });

  test('can be awaited in every method', async () => {
    await t.etcd.mkdir(t.key);
    const created = await t.etcd.create(t.key, 'v');
    const name = created.node.key;
    const index = created.node.modifiedIndex;
    assert.equal((await t.etcd.watchIndex(name, index)).action, 'create');
    assert.equal((await t.etcd.watch(name, { waitIndex: index })).action, 'create');
    assert.equal((await t.etcd.compareAndSwap(name, 'w', 'v')).action, 'compareAndSwap');
    assert.equal((await t.etcd.testAndSet(name, 'x', 'w')).action, 'compareAndSwap');
    assert.equal((await t.etcd.compareAndDelete(name, 'x')).action, 'compareAndDelete');
    assert.equal((await rejection(t.etcd.testAndDelete(name, 'x'))).errorCode, 100);
    assert.equal((await t.etcd.post(t.key, 'v')).action, 'create');
    assert.equal((await t.etcd.rmdir(t.key, { recursive: true })).action, 'delete');
    assert.equal((await rejection(t.etcd.del(t.key))).errorCode, 100);
    assert.equal((await rejection(t.etcd.delete(t.key))).errorCode, 100);
    assert.equal((await t.etcd.raw('GET', 'version')).etcdserver, t.version);
  });

  test('has then, catch and finally, which return promises', async () => {
    assert.equal(await t.etcd.set(t.key, 'v').then((body) => body.node.value), 'v');
    assert.equal(await t.etcd.get(`${t.key}-none`).catch((err) => err.errorCode), 100);
    let calls = 0;
    const body = await t.etcd.get(t.key).finally(() => {
      calls += 1;
    });
    assert.deepEqual([body.node.value, calls], ['v', 1]);
    const token = t.etcd.get(t.key);
    for (const promise of [token.then(), token.catch(), token.finally()]) assert.ok(promise instanceof Promise);
  });

  test('gives the same outcome to all who ask, before and after the end', async () => {
    const token = t.etcd.set(t.key, 'v');
    const [one, two] = await Promise.all([token, token]);
    assert.equal(one, two);
    assert.equal(await token, one);
    const failing = t.etcd.get(`${t.key}-none`);
    assert.equal(await rejection(failing), await rejection(failing));
  });

  test('works in Promise.all, allSettled and race', async () => {
    const bodies = await Promise.all([1, 2, 3].map((n) => t.etcd.set(`${t.key}/${n}`, n)));
    assert.deepEqual(
      bodies.map(({ node }) => node.value),
      ['1', '2', '3'],
    );
    const settled = await Promise.allSettled([t.etcd.get(`${t.key}/1`), t.etcd.get(`${t.key}/none`)]);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    const watch = t.etcd.watch(t.key);
    const quickest = await Promise.race([watch, t.etcd.get(`${t.key}/2`)]);
    watch.abort();
    assert.equal(quickest.node.value, '2');
  });

  test('can be awaited although it has ended long ago', async () => {
    const good = t.etcd.set(t.key, 'v');
    const bad = t.etcd.get(`${t.key}-none`);
    await t.etcd.version();
    while (bad.headers === undefined || good.headers === undefined) await t.etcd.version();
    assert.equal((await good).node.value, 'v');
    assert.equal((await rejection(bad)).errorCode, 100);
  });

  test('tells the headers on its token', async () => {
    const token = t.etcd.set(t.key, 'v');
    const { node } = await token;
    assert.equal(token.headers['x-etcd-index'], String(node.modifiedIndex));
    const failing = t.etcd.get(`${t.key}-none`);
    const { error } = await rejection(failing);
    assert.equal(failing.headers['x-etcd-index'], String(error.index));
  });
});

describe('a failure that nobody looks at', () => {
  test('is no unhandled rejection', async () => {
    const source = `
      process.on('unhandledRejection', (err) => { console.error('unhandled', err); process.exitCode = 1; });
      const Etcd = require('.');
      const [host, nobody] = process.argv.slice(1);
      const etcd = new Etcd(host);
      const tokens = [etcd.get('no-such-key'), etcd.get('..'), new Etcd(nobody, { maxRetries: 0 }).get('k')];
      etcd.watch('k').abort();
      etcd.watch('k', { signal: AbortSignal.abort() });
      process.on('exit', () => console.log(JSON.stringify(tokens.map((token) => token.errors.length))));`;
    const printed = await printedBy(source, { args: [t.host, `127.0.0.1:${await freePort()}`] });
    assert.deepEqual(printed, [0, 0, 1]);
  });

  test('is one once the token was asked for its promise', async () => {
    const source = `
      const caught = [];
      process.on('unhandledRejection', (err) => caught.push(err.errorCode));
      const Etcd = require('.');
      new Etcd(process.argv[1]).get('no-such-key').then(() => {});
      process.on('exit', () => console.log(JSON.stringify(caught)));`;
    assert.deepEqual(await printedBy(source, { args: [t.host] }), [100]);
  });
});

describe('a call with a callback', () => {
  test('returns a token that cannot be awaited', async () => {
    let token;
    const [err] = await called((done) => {
      token = t.etcd.set(t.key, 'v', done);
    });
    assert.equal(err, null);
    for (const name of ['then', 'catch', 'finally']) assert.equal(token[name], undefined);
    assert.equal(await token, token);
    assert.equal(token.headers['x-etcd-cluster-id'].length > 0, true);
  });

  test('may return its token from an async function', async () => {
    let outcome;
    async function start() {
      return t.etcd.watch(t.key, (...args) => outcome(args));
    }
    const token = await start();
    assert.equal(token.isAborted(), false);
    const event = new Promise((resolve) => {
      outcome = resolve;
    });
    await t.etcd.set(t.key, 'v', { prevExist: false });
    // The watch may have been registered after the first write.
    const again = setInterval(() => t.etcd.set(t.key, 'w'), 50);
    const [err, { node }] = await event;
    clearInterval(again);
    assert.deepEqual([err, node.key], [null, `/${t.key}`]);
  });

  test('is no different with null options', async () => {
    let token;
    await called((done) => {
      token = t.etcd.set(t.key, 'v', null, done);
    });
    assert.equal(token.then, undefined);
  });
});

test('a request is sent at once, not when it is awaited, and once only', async () => {
  const wire = await scripted([], { fallback: { echo: true } });
  const token = new Etcd(wire.host).set('k', 'v');
  await wire.waitFor(1);
  await token;
  await token.then();
  assert.equal((await wire.requests()).length, 1);
});

test('a token is a CancellationToken in both forms', async () => {
  const token = t.etcd.get('no-such-key', () => {});
  const pending = t.etcd.get('no-such-key');
  assert.ok(token instanceof Etcd.CancellationToken);
  assert.ok(pending instanceof Etcd.CancellationToken);
  await rejection(pending);
});

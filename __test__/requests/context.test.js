'use strict';

// When and in what context callbacks and listeners run.

const assert = require('node:assert/strict');
const { AsyncLocalStorage, executionAsyncId } = require('node:async_hooks');
const { once } = require('node:events');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { freePort, withClient } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { called } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('context');

describe('AsyncLocalStorage reaches', () => {
  const storage = new AsyncLocalStorage();

  test('the callback of each request', async () => {
    const stores = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        storage.run(i, () => called((done) => t.etcd.set(`${t.key}/${i}`, i, () => done(storage.getStore())))),
      ),
    );
    assert.deepEqual(
      stores.flat(),
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  test('the callback of a request that fails', async () => {
    const host = `127.0.0.1:${await freePort()}`;
    const client = new Etcd(host, { maxRetries: 1 });
    for (const start of [
      (done) => t.etcd.get(`${t.key}/none`, done),
      (done) => client.get(t.key, done),
      (done) => t.etcd.get('..', done),
    ]) {
      const [store] = await storage.run('context', () => called((done) => start(() => done(storage.getStore()))));
      assert.equal(store, 'context');
    }
  });

  test('what follows an await', async () => {
    await storage.run('context', async () => {
      await t.etcd.set(t.key, 'v');
      assert.equal(storage.getStore(), 'context');
      await t.etcd.get(`${t.key}/none`).catch(() => assert.equal(storage.getStore(), 'context'));
    });
  });

  test('the listeners of a watcher, at every event, from where it was started', async () => {
    const { node } = await t.etcd.set(t.key, 0);
    const stores = [];
    const watcher = storage.run('watcher', () => t.etcd.watcher(t.key, node.modifiedIndex));
    const third = storage.run('listener', () => {
      return new Promise((resolve) => {
        watcher.on('change', () => {
          if (stores.push(storage.getStore()) === 3) resolve();
        });
      });
    });
    await storage.run('writer', async () => {
      await t.etcd.set(t.key, 1);
      await t.etcd.set(t.key, 2);
    });
    await third;
    watcher.stop();
    assert.deepEqual(stores, ['watcher', 'watcher', 'watcher']);
  });

  test('the listeners of a watcher after a pause', async () => {
    const wire = await scripted([{ reset: true }], { fallback: { reset: true } });
    const watcher = storage.run('watcher', () => new Etcd(wire.host).watcher('k', 1, { maxRetries: 0 }));
    const stores = [];
    watcher.on('reconnect', () => stores.push(storage.getStore()));
    await once(watcher, 'reconnect');
    await once(watcher, 'reconnect');
    watcher.stop();
    assert.deepEqual(stores, ['watcher', 'watcher']);
  });
});

describe('a callback', () => {
  test('never runs before the call has returned', async () => {
    const order = [];
    const starts = [
      (done) => t.etcd.get(t.key, done),
      (done) => t.etcd.get('..', done),
      (done) => new Etcd('h.invalid:1', { maxRetries: 0 }).get(t.key, done),
      (done) => new Etcd([], { maxRetries: 0 }).get(t.key, done),
      (done) => t.etcd.raw('NO WAY', 'x', null, done),
    ];
    await Promise.all(
      starts.map((start, i) =>
        called((done) => {
          start(() => done(order.push(`callback ${i}`)));
          order.push(`returned ${i}`);
        }),
      ),
    );
    assert.deepEqual(
      order.slice(0, 5),
      [0, 1, 2, 3, 4].map((i) => `returned ${i}`),
    );
    assert.equal(order.length, 10);
  });

  test('has the stack of the event loop to itself', async () => {
    const ids = new Set();
    await Promise.all(
      Array.from({ length: 5 }, () => called((done) => t.etcd.get(t.key, () => done(ids.add(executionAsyncId()))))),
    );
    assert.equal(ids.size, 5);
  });

  test('is called without a this', async () => {
    const [that] = await called((done) =>
      t.etcd.get(t.key, function callback() {
        done(this);
      }),
    );
    assert.equal(that, undefined);
  });

  test('has had its microtasks and ticks run when the next one is called', async () => {
    const order = [];
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        called((done) =>
          t.etcd.get(t.key, () => {
            order.push(`${i} callback`);
            Promise.resolve().then(() => order.push(`${i} microtask`));
            process.nextTick(() => {
              order.push(`${i} tick`);
              done();
            });
          }),
        ),
      ),
    );
    await new Promise(setImmediate);
    assert.equal(order.length, 150);
    for (let i = 0; i < 150; i += 3) {
      const [n] = order[i].split(' ');
      assert.deepEqual(order.slice(i, i + 3).sort(), [`${n} callback`, `${n} microtask`, `${n} tick`]);
    }
  });
});

describe('a callback that throws', () => {
  test('is one uncaught exception, and the other callbacks go on', async () => {
    const source = `
      const Etcd = require('.');
      const [host] = process.argv.slice(1);
      const etcd = new Etcd(host);
      const caught = [];
      const called = [];
      process.on('uncaughtException', (err, origin) => caught.push([err.message, origin]));
      for (let i = 0; i < 20; i++) {
        etcd.get('no-such-key', () => {
          called.push(i);
          if (i % 5 === 0) throw new Error('thrown by ' + i);
        });
      }
      process.on('exit', () => console.log(JSON.stringify({ caught: caught.sort(), called: called.length })));`;
    const { caught, called: calls } = await printedBy(source, { args: [t.host] });
    const expected = [0, 10, 15, 5].map((i) => [`thrown by ${i}`, 'uncaughtException']);
    assert.deepEqual([caught, calls], [expected, 20]);
  });

  test('ends a process that does not handle it, with the error', async () => {
    const source = `
      const Etcd = require('.');
      process.on('uncaughtExceptionMonitor', (err) => console.log(JSON.stringify(err.message)));
      process.on('exit', (code) => { process.exitCode = code === 1 ? 0 : 9; });
      new Etcd(process.argv[1]).get('k', () => { throw new Error('on purpose'); });`;
    assert.equal(await printedBy(source, { args: [t.host] }), 'on purpose');
  });

  test('reaches the domain or handler once for a failed request too', async () => {
    const source = `
      const Etcd = require('.');
      const caught = [];
      process.on('uncaughtException', (err) => caught.push(err.message));
      const etcd = new Etcd(process.argv[1], { maxRetries: 0 });
      etcd.get('k', (err) => { throw err; });
      etcd.get('..', (err) => { throw new Error(err.code); });
      process.on('exit', () => console.log(JSON.stringify(caught.sort())));`;
    const args = [`127.0.0.1:${await freePort()}`];
    assert.deepEqual(await printedBy(source, { args }), ['All servers returned error', 'ERR_INVALID_KEY']);
  });
});

'use strict';

const assert = require('node:assert/strict');
const { getEventListeners } = require('node:events');
const Etcd = require('../..');
const { cleanUp, scripted } = require('../support/clean-up');
const { freePort, withClient } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { called, rejection } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('cancellation');

/** A callback that must not be called, and how often it was. */
function forbidden() {
  const callback = () => {
    callback.calls += 1;
  };
  callback.calls = 0;
  return callback;
}

/** A server that answers nothing below /v2/keys/stalled and everything else. */
const stalling = () => scripted([], { fallback: { echo: true } });
const STALL = { match: /stalled/, times: 100, stall: true };

describe('abort', () => {
  test('in flight closes the connection, and the callback is never called', async () => {
    const wire = await scripted([STALL], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    const callback = forbidden();
    const token = client.get('stalled', callback);
    await wire.waitFor(1);
    assert.equal(token.isAborted(), false);
    assert.equal(token.abort(), undefined);
    assert.deepEqual([token.isAborted(), token.wasAborted(), token.aborted], [true, true, true]);
    await wire.waitFor(([request]) => request.aborted);
    await client.get('other');
    assert.equal(callback.calls, 0);
  });

  test('right after the call sends nothing more, and the callback is never called', async () => {
    const wire = await stalling();
    const client = new Etcd(wire.host);
    const callback = forbidden();
    for (let i = 0; i < 20; i++) client.get(`${i}`, callback).abort();
    for (let i = 0; i < 5; i++) await client.get('other');
    assert.equal(callback.calls, 0);
    assert.ok((await wire.requests()).length <= 25);
  });

  test('when the reply has come while the thread was busy silences the callback', async () => {
    const wire = await stalling();
    const client = new Etcd(wire.host);
    const callback = forbidden();
    const token = client.get('k', callback);
    // No callback can run while these block, so the reply has to wait.
    for (let i = 0; i < 20; i++) assert.equal(client.getSync('sync').err, null);
    token.abort();
    await client.get('other');
    assert.equal(callback.calls, 0);
  });

  test('within its own callback does nothing', async () => {
    let token;
    const [err, body] = await new Promise((resolve) => {
      token = t.etcd.set(t.key, 'v', (...args) => {
        token.abort();
        resolve(args);
      });
    });
    assert.deepEqual([err, body.action, token.isAborted()], [null, 'set', true]);
  });

  test('in the callback of another request silences this one', async () => {
    const wire = await scripted([STALL], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    const callback = forbidden();
    const token = client.get('stalled', callback);
    await called((done) => client.get('other', (...args) => done(token.abort(), ...args)));
    await wire.waitFor((requests) => requests.every(({ path, aborted }) => path === '/v2/keys/other' || aborted));
    assert.equal(callback.calls, 0);
  });

  test('twice is as once; after the end it does nothing', async () => {
    const watch = t.etcd.watch(t.key);
    watch.abort();
    watch.abort();
    assert.equal((await rejection(watch)).name, 'AbortError');
    const done = t.etcd.set(t.key, 'v');
    await done;
    done.abort();
    assert.equal((await done).node.value, 'v');
  });

  test('rejects a promise, whether it was asked for before or after', async () => {
    const asked = t.etcd.watch(t.key);
    const before = rejection(asked);
    asked.abort();
    const late = t.etcd.watch(t.key);
    late.abort();
    for (const err of [await before, await rejection(late)]) {
      assert.ok(err instanceof Error);
      assert.deepEqual([err.name, err.code, 'cause' in err], ['AbortError', 'ABORT_ERR', false]);
    }
  });

  test('leaves other requests alone', async () => {
    const watches = Array.from({ length: 20 }, (_, i) => t.etcd.watch(`${t.key}/${i}`, { waitIndex: 1 }));
    const events = watches.filter((_, i) => i % 2 === 0);
    for (const [i, watch] of watches.entries()) if (i % 2 === 1) watch.abort();
    await Promise.all(watches.map((_, i) => t.etcd.set(`${t.key}/${i}`, i)));
    const values = (await Promise.all(events)).map(({ node }) => Number(node.value));
    assert.deepEqual(values, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  });

  test('can be called without its token, as cancel and wasAborted with it', async () => {
    const { abort, isAborted } = t.etcd.watch(t.key, forbidden());
    abort();
    assert.equal(isAborted(), true);
    const token = t.etcd.watch(t.key, forbidden());
    token.cancel();
    assert.equal(token.wasAborted(), true);
  });

  test('during the wait for a retry lets the process end at once', async () => {
    const source = `
      const Etcd = require('.');
      const etcd = new Etcd(process.argv[1]);
      const done = (...args) => console.log('called', args);
      const token = etcd.get('k', { maxRetries: 3 }, done);
      const look = setInterval(() => {
        if (token.retries < 2) return; // the next wait takes 1.6 s, the one after it 25.6 s
        clearInterval(look);
        token.abort();
        process.on('exit', () => console.log(JSON.stringify([token.retries, token.errors.length])));
      }, 5);`;
    // An abort that waited for the retry would be killed at the deadline.
    const options = { args: [`127.0.0.1:${await freePort()}`], timeoutMs: 20_000 };
    assert.deepEqual(await printedBy(source, options), [2, 2]);
  });

  test('of a watch lets the process end', async () => {
    const source = `
      const Etcd = require('.');
      const token = new Etcd(process.argv[1]).watch('k', () => console.log('called'));
      setTimeout(() => token.abort(), 50);
      process.on('exit', () => console.log(JSON.stringify(token.isAborted())));`;
    assert.equal(await printedBy(source, { args: [t.host] }), true);
  });
});

describe('a token', () => {
  test('tells the hosts, the retries allowed and those made, and the errors so far', async () => {
    const hosts = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const token = new Etcd(hosts).get('k', { maxRetries: 1 });
    assert.deepEqual([...token.servers].sort(), hosts.map((host) => `http://${host}`).sort());
    assert.deepEqual([token.maxRetries, token.retries, token.errors, token.headers], [1, 0, [], undefined]);
    const err = await rejection(token);
    assert.deepEqual([token.retries, token.errors.length], [1, 4]);
    assert.equal(err.errors, token.errors);
    assert.deepEqual(
      token.errors.map((entry) => entry.server),
      [...token.servers, ...token.servers],
    );
  });
});

describe('a signal', () => {
  const listeners = (signal) => getEventListeners(signal, 'abort').length;

  test('that is aborted already sends nothing', async () => {
    const wire = await stalling();
    const client = new Etcd(wire.host);
    const callback = forbidden();
    const signal = AbortSignal.abort();
    const token = client.set('k', 'v', { signal }, callback);
    assert.equal(token.isAborted(), true);
    assert.equal((await rejection(client.set('k', 'v', { signal }))).name, 'AbortError');
    await client.get('other');
    assert.deepEqual([callback.calls, (await wire.requests()).length, listeners(signal)], [0, 1, 0]);
  });

  test('aborts the request, closes its connection and is its error’s cause', async () => {
    const wire = await scripted([STALL], { fallback: { echo: true } });
    const controller = new AbortController();
    const { signal } = controller;
    const client = new Etcd(wire.host);
    const token = client.get('stalled', { signal });
    const callback = forbidden();
    const silent = client.get('stalled', { signal }, callback);
    await wire.waitFor(2);
    assert.equal(listeners(signal), 1);
    const reason = new Error('enough');
    controller.abort(reason);
    const err = await rejection(token);
    assert.deepEqual([err.name, err.code, err.cause], ['AbortError', 'ABORT_ERR', reason]);
    assert.deepEqual([token.isAborted(), silent.isAborted(), listeners(signal)], [true, true, 0]);
    await wire.waitFor((requests) => requests.every(({ aborted }) => aborted));
    await client.get('other');
    assert.equal(callback.calls, 0);
  });

  test('is no longer listened to after the end, however that came', async () => {
    const { signal } = new AbortController();
    await t.etcd.set(t.key, 'v', { signal });
    await rejection(t.etcd.get(`${t.key}/none`, { signal }));
    await called((done) => t.etcd.get(t.key, { signal }, done));
    await rejection(new Etcd(`127.0.0.1:${await freePort()}`, { maxRetries: 0 }).get(t.key, { signal }));
    await rejection(t.etcd.get('..', { signal }));
    const aborted = t.etcd.watch(t.key, { signal });
    aborted.abort();
    await rejection(aborted);
    t.etcd.getSync(t.key, { signal });
    assert.throws(() => t.etcd.set(t.key, {}, { signal }));
    assert.throws(() => t.etcd.watcher(t.key, null, { signal, x: {} }));
    assert.throws(() => t.etcd.watcher(t.key, 'x', { signal }));
    const refused = t.etcd.watcher('..', null, { signal });
    await new Promise((resolve) => refused.once('error', resolve));
    assert.equal(listeners(signal), 0);
  });

  test('has one listener for any number of calls and watchers, which end in their order', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const warnings = [];
    const warned = (warning) => warnings.push(warning.name);
    process.on('warning', warned);
    const wire = await scripted([], { fallback: { stall: true } });
    const client = new Etcd(wire.host);
    cleanUp(() => client.close({ abort: true }));
    const ends = [];
    const expected = [];
    for (let i = 0; i < 30; i += 1) {
      client.get('k', { signal }).catch(() => ends.push(`call ${i}`));
      const watcher = client.watcher('k', null, { signal }).on('stop', () => ends.push(`watcher ${i}`));
      client.watcher('k', null, { signal }).stop();
      assert.equal(watcher.stopped, false);
      expected.push(`watcher ${i}`);
    }
    assert.equal(listeners(signal), 1);
    controller.abort();
    // Watchers tell at once, promises a little later.
    assert.deepEqual(ends, expected);
    await new Promise(setImmediate);
    assert.deepEqual(
      ends.slice(30),
      [...Array(30).keys()].map((i) => `call ${i}`),
    );
    assert.deepEqual([listeners(signal), warnings], [0, []]);
    process.off('warning', warned);
  });

  test('ends all the others when a listener of one throws', async () => {
    const source = `
      const Etcd = require('.');
      const controller = new AbortController();
      const { signal } = controller;
      const client = new Etcd('127.0.0.1:1');
      const told = [];
      process.on('uncaughtException', (error) => told.push(error.message));
      signal.addEventListener('abort', () => told.push('mine, which is older'));
      const watch = (name) => client.watcher('k', null, { signal }).on('stop', () => told.push(name));
      watch('first').on('stop', () => third.stop());
      watch('second').on('stop', () => { throw new Error('thrown'); });
      const third = watch('third');
      client.get('k', { signal }).catch(({ name }) => told.push(name));
      controller.abort();
      setImmediate(() => console.log(JSON.stringify(told)));`;
    const told = ['mine, which is older', 'first', 'third', 'second', 'thrown', 'AbortError'];
    assert.deepEqual(await printedBy(source), told);
  });

  test('is not listened to when a watcher cannot be made', async () => {
    const { signal } = new AbortController();
    await t.etcd.close();
    assert.throws(() => t.etcd.watcher(t.key, null, { signal }), { code: 'ERR_CLIENT_CLOSED' });
    assert.equal(listeners(signal), 0);
  });

  test('works with every method', async () => {
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const wire = await scripted([], { fallback: { stall: true } });
    const client = new Etcd(wire.host);
    const tokens = [
      client.set('k', 'v', options),
      client.get('k', options),
      client.del('k', options),
      client.delete('k', options),
      client.create('k', 'v', options),
      client.post('k', 'v', options),
      client.mkdir('k', options),
      client.rmdir('k', options),
      client.compareAndSwap('k', 'v', 'w', options),
      client.testAndSet('k', 'v', 'w', options),
      client.compareAndDelete('k', 'w', options),
      client.testAndDelete('k', 'w', options),
      client.watch('k', options),
      client.watchIndex('k', 1, options),
      client.raw('GET', 'k', null, options),
      client.machines(options),
      client.leader(options),
      client.leaderStats(options),
      client.selfStats(options),
      client.version(options),
    ];
    await wire.waitFor(tokens.length);
    controller.abort();
    for (const token of tokens) assert.equal((await rejection(token)).code, 'ABORT_ERR');
    await wire.waitFor((requests) => requests.every(({ aborted }) => aborted));
  });

  test('with a timeout ends a watch', async () => {
    const err = await rejection(t.etcd.watch(t.key, { signal: AbortSignal.timeout(20) }));
    assert.deepEqual([err.name, err.cause.name], ['AbortError', 'TimeoutError']);
  });

  test('may abort within the call of a listener that was there before', async () => {
    const controller = new AbortController();
    let token;
    controller.signal.addEventListener('abort', () => token.abort());
    token = t.etcd.watch(t.key, { signal: controller.signal });
    controller.abort();
    assert.equal((await rejection(token)).code, 'ABORT_ERR');
  });
});

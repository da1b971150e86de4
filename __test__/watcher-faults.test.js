'use strict';

// What a watcher does when the server, the network or a listener fails.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { afterEach, beforeEach, describe, test } = require('node:test');
const Etcd = require('..');
const { printedBy, scriptedServers } = require('./support/calls');
const { freePort, freshPrefix, withEtcd } = require('./support/etcd');

const server = withEtcd();
const watchers = [];
let key;

beforeEach(() => {
  key = freshPrefix('watcher');
});

afterEach(() => {
  for (const watcher of watchers.splice(0)) watcher.stop();
});
// Stops its servers after the watchers.
const scripted = scriptedServers();

/** A watcher that does not repeat its polls before it reconnects. */
function watch(host, name, index) {
  const watcher = new Etcd(host).watcher(name, index, { maxRetries: 0 });
  watchers.push(watcher);
  return watcher;
}

const event = (index) => ({
  headers: { 'X-Etcd-Index': String(index) },
  json: { action: 'set', node: { key: '/k', value: 'v', modifiedIndex: index, createdIndex: index } },
});
const urlsOf = (requests) => requests.map(({ url }) => url);

describe('a watcher whose server', { timeout: 60_000 }, () => {
  test('is killed and started again reconnects, and sees what happened in between', async () => {
    const etcd = new Etcd(server.host);
    const { node } = await etcd.set(key, 'first');
    const watcher = watch(server.host, key, node.modifiedIndex);
    await once(watcher, 'change');
    const reconnect = once(watcher, 'reconnect');
    await server.server.kill();
    const [err] = await reconnect;
    assert.equal(err.message, 'Connection error, reconnecting.');
    assert.deepEqual([err.reconnectCount, err.error.message], [0, 'All servers returned error']);
    assert.match(err.error.errors[0].httperror.code, /^ECONN/);
    const values = [];
    const last = new Promise((resolve) => {
      watcher.on('change', (body) => {
        values.push(body.node.value);
        if (body.node.value === 'last') resolve();
      });
    });
    await server.server.start();
    for (const value of ['second', 'third', 'last']) await etcd.set(key, value);
    await last;
    assert.deepEqual([values, watcher.retryAttempts], [['second', 'third', 'last'], 0]);
  });

  test('is not there counts its attempts', async () => {
    const watcher = watch(`127.0.0.1:${await freePort()}`, 'k');
    const [first] = await once(watcher, 'reconnect');
    assert.equal(watcher.retryAttempts, 1);
    const [second] = await once(watcher, 'reconnect');
    assert.deepEqual([first.reconnectCount, second.reconnectCount, watcher.index], [0, 1, null]);
    assert.equal(first.error.errors[0].httperror.code, 'ECONNREFUSED');
  });

  test('drops the connection asks again for the same index', async () => {
    const steps = [{ reset: true }, { cut: { ...event(4), bytes: 9 } }, { reply: event(4) }];
    const wire = await scripted(steps, { fallback: { stall: true } });
    const watcher = watch(wire.host, 'k', 3);
    const reconnects = [];
    watcher.on('reconnect', (err) => reconnects.push(err.error.errors[0].httperror.code));
    const [body] = await once(watcher, 'change');
    assert.deepEqual([body.node.modifiedIndex, reconnects], [4, ['ECONNRESET', 'ECONNRESET']]);
    const again = '/v2/keys/k?waitIndex=3&wait=true';
    assert.deepEqual(urlsOf(await wire.waitFor(4)), [again, again, again, '/v2/keys/k?waitIndex=5&wait=true']);
  });

  test('refuses goes on asking', async () => {
    const denied = { errorCode: 110, message: 'The request requires user authentication', index: 0 };
    const steps = [{ reply: { status: 401, json: denied } }, { reply: event(3) }];
    const wire = await scripted(steps, { fallback: { stall: true } });
    const watcher = watch(wire.host, 'k');
    const [err] = await once(watcher, 'reconnect');
    assert.equal(err.error.errorCode, 110);
    assert.equal((await once(watcher, 'change'))[0].node.modifiedIndex, 3);
  });

  test('ends a poll without an event reconnects with the headers, and asks again', async () => {
    const empty = { headers: { 'X-Etcd-Index': '8' } };
    const wire = await scripted([{ reply: event(3) }, { reply: empty }, { reply: event(9) }], {
      fallback: { stall: true },
    });
    const watcher = watch(wire.host, 'k');
    await once(watcher, 'change');
    const [err] = await once(watcher, 'reconnect');
    assert.equal(err.message, 'Etcd timed out watcher, reconnecting.');
    assert.deepEqual([err.headers['x-etcd-index'], err.error], ['8', undefined]);
    assert.equal((await once(watcher, 'change'))[0].node.modifiedIndex, 9);
    assert.equal(urlsOf(await wire.requests())[2], '/v2/keys/k?waitIndex=4&wait=true');
  });

  test('no longer has the events of its index emits resync and goes on from where etcd is', async () => {
    const etcd = new Etcd(server.host);
    await etcd.set(key, 'old');
    for (let round = 0; round < 11; round++) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => etcd.set(`${key}-other`, i)));
    }
    const watcher = watch(server.host, key, 1);
    const events = [];
    watcher.on('change', (body) => events.push(body.node.value));
    const [err] = await once(watcher, 'resync');
    assert.deepEqual([err.errorCode, err.error.errorCode], [401, 401]);
    assert.equal(watcher.index, err.error.index);
    const change = once(watcher, 'change');
    await etcd.set(key, 'new');
    await change;
    assert.deepEqual(events, ['new']);
  });
});

describe('an answer that is no event', { timeout: 60_000 }, () => {
  const odd = [
    ['a page', { body: '<html>' }, '<html>'],
    ['JSON without a node', { json: { health: 'true' } }, { health: 'true' }],
    ['nothing, from a server that is no etcd', {}, undefined],
    ['a text with a status of 404', { status: 404, body: '404 page not found\n' }, '404 page not found\n'],
    [
      'a node without an index',
      { json: { action: 'get', node: { dir: true } } },
      { action: 'get', node: { dir: true } },
    ],
  ];

  for (const [what, reply, response] of odd) {
    test(`such as ${what} is an error event, and the watcher goes on`, async () => {
      const wire = await scripted([{ reply }, { reply: event(5) }], { fallback: { stall: true } });
      const watcher = watch(wire.host, 'k');
      const [err] = await once(
        watcher.on('error', () => {}),
        'error',
      ).catch((error) => [error]);
      assert.equal(err.message, 'Received unexpected response');
      assert.deepEqual(err.response, response);
      assert.equal((await once(watcher, 'change'))[0].node.modifiedIndex, 5);
    });
  }

  test('is a process warning if nobody listens for errors', async () => {
    const wire = await scripted([{ reply: { body: '<html>' } }, { reply: event(5) }], { fallback: { stall: true } });
    const source = `
      const Etcd = require('.');
      const watcher = new Etcd(process.argv[1]).watcher('key');
      const seen = [];
      process.on('warning', ({ message }) => seen.push(message));
      watcher.on('change', ({ node }) => {
        watcher.stop();
        console.log(JSON.stringify([...seen, node.modifiedIndex]));
      });`;
    const [warning, index, ...rest] = await printedBy(source, { args: [wire.host] });
    assert.match(warning, /'key'.*unexpected response/);
    assert.deepEqual([index, rest], [5, []]);
  });
});

describe('a listener that throws', { timeout: 60_000 }, () => {
  for (const name of ['change', 'set']) {
    test(`for ${name} is an uncaught exception, and the watch goes on`, async () => {
      const etcd = new Etcd(server.host);
      const { node } = await etcd.set(key, 1);
      for (const value of [2, 3]) await etcd.set(key, value);
      const source = `
        const Etcd = require('.');
        const [host, key, index, name] = process.argv.slice(1);
        const seen = [];
        process.on('uncaughtException', (err) => seen.push(err.message));
        const watcher = new Etcd(host).watcher(key, Number(index));
        watcher.on(name, ({ node }) => {
          if (node.value === '3') watcher.stop();
          throw new Error('thrown at ' + node.value);
        });
        watcher.on('stop', () => setImmediate(() => console.log(JSON.stringify(seen))));`;
      const args = [server.host, key, String(node.modifiedIndex), name];
      assert.deepEqual(await printedBy(source, { args }), ['thrown at 1', 'thrown at 2', 'thrown at 3']);
    });
  }

  test('ends a process that does not handle it', async () => {
    const etcd = new Etcd(server.host);
    const { node } = await etcd.set(key, 1);
    const source = `
      const Etcd = require('.');
      const [host, key, index] = process.argv.slice(1);
      process.on('exit', (code) => {
        console.log(code);
        process.exitCode = 0;
      });
      new Etcd(host).watcher(key, Number(index)).on('change', () => { throw new Error('on purpose'); });`;
    assert.equal(await printedBy(source, { args: [server.host, key, String(node.modifiedIndex)] }), 1);
  });
});

describe('during a pause', { timeout: 60_000 }, () => {
  // The pause is a timer: without one, nothing of the watcher's is left to wait for.
  const script = (stop) => `
    const Etcd = require('.');
    const controller = new AbortController();
    const options = { maxRetries: 0, signal: controller.signal };
    const watcher = new Etcd(process.argv[1]).watcher('k', null, options);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    watcher.once('reconnect', () => setImmediate(() => {
      const before = timers();
      ${stop};
      console.log(JSON.stringify([before, timers(), watcher.stopped]));
    }));`;

  test('stop ends the pause, and the process can end', async () => {
    const wire = await scripted([], { fallback: { reset: true } });
    assert.deepEqual(await printedBy(script('watcher.stop()'), { args: [wire.host] }), [1, 0, true]);
    assert.equal((await wire.requests()).length, 1);
  });

  test('so does a signal', async () => {
    const wire = await scripted([], { fallback: { reset: true } });
    assert.deepEqual(await printedBy(script('controller.abort()'), { args: [wire.host] }), [1, 0, true]);
    assert.equal((await wire.requests()).length, 1);
  });
});

test('a watcher keeps the process alive until it is stopped', async () => {
  const etcd = new Etcd(server.host);
  const source = `
    const Etcd = require('.');
    const [host, key] = process.argv.slice(1);
    const watcher = new Etcd(host).watcher(key);
    watcher.on('change', ({ node }) => {
      watcher.stop();
      console.log(JSON.stringify(node.value));
    });`;
  const again = setInterval(() => etcd.set(key, 'v'), 100);
  const printed = await printedBy(source, { args: [server.host, key] });
  clearInterval(again);
  assert.equal(printed, 'v');
});

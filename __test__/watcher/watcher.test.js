'use strict';

const assert = require('node:assert/strict');
const { EventEmitter, getEventListeners, once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('../..');
const { keep, scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { blockFor, waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('watcher');

const watch = (client, ...args) => keep(client.watcher(...args));

/** Resolves with what the first `count` events were emitted with. */
function collect(watcher, name, count) {
  const events = [];
  return new Promise((resolve) => {
    watcher.on(name, (...args) => {
      if (events.push(args) === count) resolve(events);
    });
  });
}

/** Writes now and then until the watcher, which starts from now on, has seen something. */
async function writeUntil(event, write) {
  await write();
  const again = setInterval(write, 50);
  const result = await event;
  clearInterval(again);
  return result;
}

/** An event that comes while its poll is open: the header says where the store was when that began. */
const event = (index, action = 'set', name = 'k') => ({
  headers: { 'X-Etcd-Index': String(index - 1) },
  json: { action, node: { key: `/${name}`, value: 'v', modifiedIndex: index, createdIndex: index } },
});

describe('a watcher', { timeout: 60_000 }, () => {
  test('emits change and an event named after the action, with body and headers', async () => {
    const { node } = await t.etcd.set(t.key, 0);
    const watcher = watch(t.etcd, t.key, node.modifiedIndex);
    const seen = [];
    const actions = ['set', 'update', 'compareAndSwap', 'delete', 'create', 'compareAndDelete', 'expire'];
    for (const name of ['change', ...actions]) {
      watcher.on(name, (body, headers) => seen.push([name, body.action, body.node.key, headers['x-etcd-index']]));
    }
    const all = collect(watcher, 'change', 8);
    await t.etcd.set(t.key, 1, { prevExist: true });
    await t.etcd.compareAndSwap(t.key, 2, 1);
    await t.etcd.del(t.key);
    await t.etcd.set(t.key, 3, { prevExist: false });
    await t.etcd.compareAndDelete(t.key, 3);
    await t.etcd.set(t.key, 4, { ttl: 1 });
    const bodies = (await all).map(([body]) => body);
    await new Promise(setImmediate); // the last event's action event follows its change
    const order = ['set', 'update', 'compareAndSwap', 'delete', 'create', 'compareAndDelete', 'set', 'expire'];
    assert.deepEqual(
      seen.map(([name, action]) => [name, action]),
      order.flatMap((action) => [
        ['change', action],
        [action, action],
      ]),
    );
    for (const [, , name, index] of seen) {
      assert.equal(name, `/${t.key}`);
      assert.match(index, /^\d+$/);
    }
    assert.deepEqual([bodies[1].prevNode.value, bodies[1].node.value], ['0', '1']);
  });

  test('sees only what happens to its key', async () => {
    await t.etcd.mkdir(t.key);
    const { node } = await t.etcd.set(`${t.key}/other`, 1);
    const watcher = watch(t.etcd, `${t.key}/k`, node.modifiedIndex);
    const events = collect(watcher, 'change', 2);
    for (const name of ['k', 'other', 'k/']) await t.etcd.set(`${t.key}/${name}`, name);
    assert.deepEqual(
      (await events).map(([body]) => body.node.value),
      ['k', 'k/'],
    );
  });

  test('sees all that is below a directory with recursive', async () => {
    const { node } = await t.etcd.mkdir(t.key);
    const watcher = watch(t.etcd, t.key, node.modifiedIndex + 1, { recursive: true });
    const events = collect(watcher, 'change', 3);
    await t.etcd.set(`${t.key}/a`, 1);
    await t.etcd.set(`${t.key}/b/c`, 2);
    await t.etcd.rmdir(t.key, { recursive: true });
    assert.deepEqual(
      (await events).map(([{ action, node }]) => [action, node.key]),
      [
        ['set', `/${t.key}/a`],
        ['set', `/${t.key}/b/c`],
        ['delete', `/${t.key}`],
      ],
    );
  });

  test('starts with the first event from its index on and misses none', async () => {
    await t.etcd.set(t.key, 'before');
    const { node } = await t.etcd.set(t.key, 0);
    for (let i = 1; i < 50; i++) await t.etcd.set(t.key, i);
    const events = await collect(watch(t.etcd, t.key, node.modifiedIndex), 'change', 50);
    assert.deepEqual(
      events.map(([body]) => Number(body.node.value)),
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  test('starts from now on without an index', async () => {
    await t.etcd.set(t.key, 'before');
    for (const index of [undefined, null]) {
      const watcher = watch(t.etcd, t.key, index);
      assert.equal(watcher.index, null);
      const [body] = await writeUntil(once(watcher, 'change'), () => t.etcd.set(t.key, 'after'));
      assert.equal(body.node.value, 'after');
      assert.equal(watcher.index, body.node.modifiedIndex + 1);
    }
  });

  test('is an EventEmitter with the fields of node-etcd', async () => {
    const options = { recursive: true };
    const watcher = watch(t.etcd, t.key, 7, options);
    assert.ok(watcher instanceof EventEmitter);
    assert.ok(watcher instanceof Etcd.Watcher);
    const { key: name, index, etcd: client, stopped, retryAttempts } = watcher;
    assert.deepEqual([name, index, client, stopped, retryAttempts], [t.key, 7, t.etcd, false, 0]);
    assert.deepEqual(watcher.options, options);
  });

  test('can be made with new', async () => {
    const { node } = await t.etcd.set(t.key, 'v');
    const watcher = new Etcd.Watcher(t.etcd, t.key, node.modifiedIndex);
    keep(watcher);
    assert.equal((await once(watcher, 'set'))[0].node.value, 'v');
  });

  test('can be started by a method without its object', async () => {
    const { watcher } = t.etcd;
    const { node } = await t.etcd.set(t.key, 'v');
    const started = watcher(t.key, node.modifiedIndex);
    keep(started);
    assert.equal((await once(started, 'change'))[0].node.value, 'v');
  });

  test('asks with its options and the next index', async () => {
    const steps = [{ reply: event(3, 'set', 'a b/c') }, { reply: event(9, 'delete', 'a b') }];
    const wire = await scripted(steps, { fallback: { stall: true } });
    const watcher = watch(new Etcd(wire.host), 'a b', null, { recursive: true, maxRetries: 0, x: 1 });
    const requests = await wire.waitFor(3);
    assert.deepEqual(
      requests.map(({ method, url }) => `${method} ${url}`),
      [
        'GET /v2/keys/a%20b?recursive=true&x=1&wait=true',
        'GET /v2/keys/a%20b?recursive=true&x=1&waitIndex=4&wait=true',
        'GET /v2/keys/a%20b?recursive=true&x=1&waitIndex=10&wait=true',
      ],
    );
    await waitUntil(() => watcher.index === 10);
  });

  test('takes what comes without an index, whatever its headers say', async () => {
    for (const headers of [{ 'X-Etcd-Index': '3' }, { 'X-Etcd-Index': '90' }, {}]) {
      const wire = await scripted([{ reply: { ...event(3), headers } }], { fallback: { stall: true } });
      const watcher = watch(new Etcd(wire.host), 'k');
      assert.equal((await once(watcher, 'change'))[0].node.modifiedIndex, 3);
    }
  });

  test('does not change its options, which two watchers can share, frozen too', async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    const client = new Etcd(wire.host);
    const options = Object.freeze({ recursive: true });
    watch(client, 'a', 5, options);
    watch(client, 'b', null, options);
    await wire.waitFor(2);
    const token = client.get('c', options);
    const urls = (await wire.waitFor(3)).map(({ url }) => url);
    token.abort();
    assert.deepEqual(urls.sort(), [
      '/v2/keys/a?recursive=true&waitIndex=5&wait=true',
      '/v2/keys/b?recursive=true&wait=true',
      '/v2/keys/c?recursive=true',
    ]);
    assert.deepEqual(Object.keys(options), ['recursive']);
  });

  test("waits for an event longer than the client's timeout", async () => {
    const late = JSON.stringify(event(5).json);
    const reply = { headers: { 'X-Etcd-Index': '4' }, chunks: [{ data: late, delayMs: 400 }] };
    const wire = await scripted([{ reply }], { fallback: { stall: true } });
    const watcher = watch(new Etcd(wire.host, { timeout: 100 }), 'k');
    const seen = [];
    watcher.on('reconnect', (err) => seen.push(err));
    const [body] = await once(watcher, 'change');
    assert.deepEqual([body.node.modifiedIndex, seen], [5, []]);
  });
});

describe('stop', { timeout: 60_000 }, () => {
  test('emits stop at once, with a message, and tells whether somebody listened', async () => {
    const heard = t.etcd.watcher(t.key);
    const messages = [];
    heard.on('stop', (message) => messages.push(message));
    assert.equal(heard.stop(), true);
    assert.deepEqual([messages, heard.stopped], [[`Watcher for '${t.key}' aborted.`], true]);
    const unheard = t.etcd.watcher(t.key);
    assert.equal(unheard.stop(), false);
    assert.equal(unheard.stopped, true);
  });

  test('closes the connection, and nothing is emitted afterwards', async () => {
    const wire = await scripted([{ match: /wait/, times: 10, stall: true }], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    const watcher = watch(client, 'k');
    const seen = [];
    for (const name of ['change', 'reconnect', 'resync', 'error']) watcher.on(name, () => seen.push(name));
    await wire.waitFor(1);
    watcher.stop();
    await wire.waitFor(([poll]) => poll.aborted);
    await client.get('other');
    assert.deepEqual(seen, []);
    assert.equal((await wire.requests()).length, 2);
  });

  for (const name of ['change', 'set']) {
    test(`in a ${name} listener is the end, whatever was read ahead`, async () => {
      const wire = await scripted(
        [3, 4, 5].map((index) => ({ reply: event(index) })),
        { fallback: { stall: true } },
      );
      const watcher = watch(new Etcd(wire.host), 'k');
      const seen = [];
      for (const other of ['change', 'set', 'stop', 'reconnect', 'error']) watcher.on(other, () => seen.push(other));
      const expected = name === 'change' ? ['change', 'stop'] : ['change', 'set', 'stop'];
      watcher.prependListener('stop', () => assert.equal(watcher.stopped, true));
      await new Promise((resolve) => {
        watcher.on(name, () => resolve(watcher.stop()));
      });
      await waitUntil(async () => (await wire.openConnections()).length === 0);
      const asked = (await wire.requests()).length;
      await sleep(50);
      assert.deepEqual(seen, expected);
      assert.equal((await wire.requests()).length, asked);
    });
  }

  test('drops what waits for listeners already', async () => {
    await t.etcd.set(t.key, 0);
    const { node } = await t.etcd.set(t.key, 1);
    for (let i = 2; i <= 20; i++) await t.etcd.set(t.key, i);
    const watcher = watch(t.etcd, t.key, node.modifiedIndex);
    const values = [];
    watcher.on('change', (body) => {
      values.push(body.node.value);
      if (values.length === 1) blockFor(200); // all are read meanwhile
      if (values.length === 3) watcher.stop();
    });
    await once(watcher, 'stop');
    await sleep(50);
    assert.deepEqual(values, ['1', '2', '3']);
  });

  test('can be called twice, and says so twice', () => {
    const watcher = t.etcd.watcher(t.key);
    const messages = [];
    watcher.on('stop', (message) => messages.push(message));
    assert.deepEqual([watcher.stop(), watcher.stop(), messages.length], [true, true, 2]);
  });

  test('can be called without its object', () => {
    const watcher = t.etcd.watcher(t.key);
    const { stop } = watcher;
    stop();
    assert.equal(watcher.stopped, true);
  });

  test('leaves other watchers of the same key alone', async () => {
    const { node } = await t.etcd.set(t.key, 'v');
    const one = watch(t.etcd, t.key, node.modifiedIndex + 1);
    const two = watch(t.etcd, t.key, node.modifiedIndex + 1);
    one.on('change', () => assert.fail('was stopped'));
    one.stop();
    const [[body]] = await Promise.all([once(two, 'change'), t.etcd.set(t.key, 'w')]);
    assert.equal(body.node.value, 'w');
  });

  test('is what a signal does', async () => {
    const controller = new AbortController();
    const watcher = watch(t.etcd, t.key, null, { signal: controller.signal });
    const messages = [];
    watcher.on('stop', (message) => messages.push(message));
    controller.abort();
    assert.deepEqual([watcher.stopped, messages], [true, [`Watcher for '${t.key}' aborted.`]]);
  });

  test('leaves no listener on the signal', async () => {
    const controller = new AbortController();
    const { node } = await t.etcd.set(t.key, 'v');
    const watcher = watch(t.etcd, t.key, node.modifiedIndex, { signal: controller.signal });
    await once(watcher, 'change');
    watcher.stop();
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    const messages = [];
    watcher.on('stop', (message) => messages.push(message));
    controller.abort();
    assert.deepEqual(messages, []);
  });

  test('is nothing that a signal does to a watcher that was refused', () => {
    const { signal } = new AbortController();
    for (const refused of [{ recursive: {} }, { liveness: 1 }, { buffer: 'much' }, { quorum: true }]) {
      assert.throws(() => t.etcd.watcher(t.key, null, { signal, ...refused }), { name: 'TypeError' });
    }
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('is what a signal that is aborted already does, before anything is sent', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    const watcher = watch(client, 'k', null, { signal: AbortSignal.abort() });
    assert.equal(watcher.stopped, true);
    await client.get('other');
    assert.equal((await wire.requests()).length, 1);
  });
});

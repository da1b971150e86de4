'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { connectTo, freePort, withClient } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { called } = require('../support/promises');
const { beforeEach, describe, test } = require('../support/test');

const t = withClient('sync');

/** The body of a Sync call that went well. */
function bodyOf({ err, body, headers }) {
  assert.equal(err, null);
  assert.match(headers['x-etcd-index'], /^\d+$/);
  return body;
}

describe('the Sync methods', () => {
  test('set, get and delete', () => {
    const { action, node } = bodyOf(t.etcd.setSync(t.key, 'v', { ttl: 100 }));
    assert.deepEqual([action, node.value, node.ttl], ['set', 'v', 100]);
    assert.equal(bodyOf(t.etcd.getSync(t.key)).node.value, 'v');
    assert.equal(bodyOf(t.etcd.delSync(t.key)).prevNode.value, 'v');
    assert.equal(t.etcd.getSync(t.key).err.errorCode, 100);
  });

  test('make, list and remove directories', () => {
    assert.equal(bodyOf(t.etcd.mkdirSync(t.key)).node.dir, true);
    bodyOf(t.etcd.setSync(`${t.key}/b`, 1));
    bodyOf(t.etcd.setSync(`${t.key}/a`));
    const { nodes } = bodyOf(t.etcd.getSync(t.key, { sorted: true })).node;
    assert.deepEqual(
      nodes.map(({ value }) => value),
      ['', '1'],
    );
    assert.equal(t.etcd.mkdirSync(t.key).err.errorCode, 102);
    assert.equal(t.etcd.rmdirSync(t.key).err.errorCode, 108);
    assert.equal(bodyOf(t.etcd.rmdirSync(t.key, { recursive: true })).action, 'delete');
  });

  test('take null options', () => {
    bodyOf(t.etcd.setSync(t.key, 'v', null));
    bodyOf(t.etcd.getSync(t.key, null));
    bodyOf(t.etcd.delSync(t.key, null));
    bodyOf(t.etcd.mkdirSync(t.key, null));
    bodyOf(t.etcd.rmdirSync(t.key, null));
  });

  test('return err, body and headers, in this order, in every case', async () => {
    const nobody = new Etcd(`127.0.0.1:${await freePort()}`, { maxRetries: 0 });
    const good = t.etcd.setSync(t.key, 'v');
    const bad = t.etcd.getSync(`${t.key}-none`);
    const lost = nobody.getSync(t.key);
    for (const result of [good, bad, lost]) assert.deepEqual(Object.keys(result), ['err', 'body', 'headers']);
    assert.deepEqual([bad.err.errorCode, bad.body, typeof bad.headers], [100, '', 'object']);
    assert.deepEqual([lost.err.message, lost.body, lost.headers], ['All servers returned error', undefined, undefined]);
  });
});

describe('synchronous', () => {
  test('makes every method block', () => {
    const sync = { synchronous: true };
    assert.equal(bodyOf(t.etcd.set(t.key, 'v', sync)).action, 'set');
    assert.equal(bodyOf(t.etcd.get(t.key, sync)).node.value, 'v');
    assert.equal(bodyOf(t.etcd.compareAndSwap(t.key, 'w', 'v', sync)).action, 'compareAndSwap');
    assert.equal(bodyOf(t.etcd.testAndSet(t.key, 'x', 'w', sync)).action, 'compareAndSwap');
    assert.equal(bodyOf(t.etcd.watch(t.key, { ...sync, waitIndex: 1 })).action, 'set');
    assert.equal(bodyOf(t.etcd.watchIndex(t.key, 1, sync)).action, 'set');
    assert.equal(bodyOf(t.etcd.compareAndDelete(t.key, 'x', sync)).action, 'compareAndDelete');
    assert.equal(t.etcd.testAndDelete(t.key, 'x', sync).err.errorCode, 100);
    assert.equal(bodyOf(t.etcd.mkdir(t.key, sync)).node.dir, true);
    assert.equal(bodyOf(t.etcd.create(t.key, 'v', sync)).action, 'create');
    assert.equal(bodyOf(t.etcd.post(t.key, 'v', sync)).action, 'create');
    assert.equal(t.etcd.del(t.key, sync).err.errorCode, 102);
    assert.equal(t.etcd.delete(t.key, sync).err.errorCode, 102);
    assert.equal(bodyOf(t.etcd.rmdir(t.key, { ...sync, recursive: true })).action, 'delete');
    assert.equal(t.etcd.version(sync).body.etcdserver, t.version);
  });

  test('is no parameter, and the options are not changed', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const options = Object.freeze({ synchronous: true, x: 1 });
    new Etcd(wire.host).mkdir('d', options);
    assert.equal((await wire.requests())[0].url, '/v2/keys/d?x=1&dir=true');
  });

  test('ignores a callback', async () => {
    let calls = 0;
    const callback = () => {
      calls += 1;
    };
    bodyOf(t.etcd.set(t.key, 'v', { synchronous: true }, callback));
    await called((done) => t.etcd.get(t.key, done)); // its callback would have come before this one
    assert.equal(calls, 0);
  });

  test('does not block for anything but true', async () => {
    bodyOf(t.etcd.setSync(t.key, 'v'));
    for (const synchronous of [false, undefined, 1])
      assert.equal((await t.etcd.get(t.key, { synchronous })).node.value, 'v');
  });
});

describe('a Sync call works', () => {
  beforeEach(() => bodyOf(t.etcd.setSync(t.key, 'v')));

  test('inside the callback of a get', async () => {
    const inside = await new Promise((resolve) => t.etcd.get(t.key, () => resolve(t.etcd.getSync(t.key))));
    assert.equal(bodyOf(inside).node.value, 'v');
  });

  test('inside the callback of the callback of a get', async () => {
    const results = await new Promise((resolve) => {
      t.etcd.get(t.key, (_err, first) => {
        const second = t.etcd.getSync(t.key).body;
        t.etcd.get(t.key, (_err, third) => resolve([first, second, third, t.etcd.getSync(t.key).body]));
      });
    });
    assert.deepEqual(
      results.map(({ node }) => node.value),
      ['v', 'v', 'v', 'v'],
    );
  });

  test("inside a watcher's listener", async () => {
    const watcher = t.etcd.watcher(t.key, 1);
    const inside = await new Promise((resolve) => watcher.once('change', () => resolve(t.etcd.getSync(t.key))));
    watcher.stop();
    assert.equal(bodyOf(inside).node.value, 'v');
  });

  test('inside a promise, a timer, an immediate and a microtask', async () => {
    const read = () => bodyOf(t.etcd.getSync(t.key)).node.value;
    assert.equal(await t.etcd.get(t.key).then(read), 'v');
    assert.equal(await new Promise((resolve) => setTimeout(() => resolve(read()), 1)), 'v');
    assert.equal(await new Promise((resolve) => setImmediate(() => resolve(read()))), 'v');
    assert.equal(await new Promise((resolve) => queueMicrotask(() => resolve(read()))), 'v');
    assert.equal(await new Promise((resolve) => process.nextTick(() => resolve(read()))), 'v');
  });

  test('inside a worker thread, next to the main one', async () => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const Etcd = require(workerData.package);
      const etcd = new Etcd(workerData.host, workerData.options);
      const values = [etcd.getSync(workerData.key).body.node.value];
      etcd.get(workerData.key, (err, body) => {
        values.push(body.node.value, etcd.getSync(workerData.key).body.node.value);
        parentPort.postMessage(values);
      });`;
    const workerData = { package: require.resolve('../..'), host: t.host, options: t.options, key: t.key };
    const workers = [1, 2].map(() => new Worker(source, { eval: true, workerData }));
    const messages = Promise.all(workers.map((worker) => once(worker, 'message')));
    const ends = Promise.all(workers.map((worker) => once(worker, 'exit')));
    assert.equal(bodyOf(t.etcd.getSync(t.key)).node.value, 'v');
    for (const [values] of await messages) assert.deepEqual(values, ['v', 'v', 'v']);
    assert.deepEqual(await ends, [[0], [0]]);
  });
});

describe('a Sync call blocks', () => {
  const delayed = (ms) => ({ delayMs: ms, reply: { json: { action: 'get', node: { value: 'late' } } } });

  test('timers, microtasks and other callbacks until it returns', async () => {
    const wire = await scripted([{ match: '/v2/keys/slow', ...delayed(200) }], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    const order = [];
    const callback = called((done) => client.get('quick', done)).then(() => order.push('callback'));
    const timer = sleep(10).then(() => order.push('timer'));
    queueMicrotask(() => order.push('microtask'));
    process.nextTick(() => order.push('tick'));
    assert.equal(client.getSync('slow').body.node.value, 'late');
    order.push('sync');
    await Promise.all([callback, timer]);
    assert.equal(order[0], 'sync');
    assert.deepEqual([...order].sort(), ['callback', 'microtask', 'sync', 'tick', 'timer']);
  });

  test('and answers never mix with those of requests in flight', async () => {
    const wire = await scripted([], { fallback: { echo: true, delayMs: 5 } });
    const client = new Etcd(wire.host);
    const pending = Array.from({ length: 20 }, (_, i) => client.get(`async/${i}`));
    for (let i = 0; i < 10; i++) assert.equal(client.getSync(`sync/${i}`).body.node.key, `/sync/${i}`);
    const bodies = await Promise.all(pending);
    assert.deepEqual(
      bodies.map(({ node }) => node.key),
      Array.from({ length: 20 }, (_, i) => `/async/${i}`),
    );
  });

  test('and uses its connection again', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    for (let i = 0; i < 10; i++) assert.equal(client.setSync('k', i).body.node.value, String(i));
    assert.equal(await wire.connections(), 1);
  });
});

describe('a Sync call that fails', () => {
  test('reports a refused host after its retries', async () => {
    const source = `
      const Etcd = require('.');
      const { err, body, headers } = new Etcd(process.argv[1]).getSync('k');
      const codes = err.errors.map((entry) => entry.httperror.code);
      console.log(JSON.stringify({ message: err.message, retries: err.retries, codes, rest: [body, headers] }));`;
    const options = { args: [`127.0.0.1:${await freePort()}`], env: { RUNNING_UNIT_TESTS: 'true' } };
    assert.deepEqual(await printedBy(source, options), {
      message: 'All servers returned error',
      retries: 3,
      codes: ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED'],
      rest: [null, null],
    });
  });

  test('by timeout is over, and the next one works', async () => {
    const wire = await scripted([{ stall: true }], { fallback: { echo: true } });
    const client = new Etcd(wire.host, { timeout: 50 });
    const { err } = client.getSync('k');
    assert.deepEqual([err.errors[0].httperror.code, err.errors[0].httperror.connect], ['ESOCKETTIMEDOUT', false]);
    assert.equal(client.getSync('k', { timeout: 5000 }).body.node.key, '/k');
  });

  test('goes on to another host', async () => {
    const client = connectTo([`127.0.0.1:${await freePort()}`, t.host]);
    for (let i = 0; i < 10; i++) bodyOf(client.setSync(t.key, i));
  });

  test('is not what follows when the server has closed the connection between two calls', async () => {
    for (const how of ['close', 'reset']) {
      const wire = await scripted([], { fallback: { echo: true } });
      const client = new Etcd(wire.host, { maxRetries: 0 });
      assert.equal(client.setSync('k', 1).err, null);
      await wire.closeConnections(how);
      // One more turn of the server's event loop: only then is the FIN out.
      await wire.requests();
      assert.equal(client.setSync('k', 2).err, null, how);
    }
  });

  test('with a signal that is aborted already sends nothing', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const reason = new Error('no longer');
    const { err, body, headers } = new Etcd(wire.host).getSync('k', { signal: AbortSignal.abort(reason) });
    assert.deepEqual(
      [err.name, err.code, err.cause, body, headers],
      ['AbortError', 'ABORT_ERR', reason, undefined, undefined],
    );
    assert.deepEqual(await wire.requests(), []);
  });
});

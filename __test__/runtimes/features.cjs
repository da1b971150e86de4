'use strict';

// What users rely on, feature by feature, with nothing but plain assertions: it runs under Node, Bun and Deno.
//   node features.cjs <name of a feature>
// needs HOST, HTTPS_HOST and CA (a file) in the environment. Prints `ok` and must then end by itself.

const assert = require('node:assert');
const { AsyncLocalStorage } = require('node:async_hooks');
const childProcess = require('node:child_process');
const diagnostics = require('node:diagnostics_channel');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const util = require('node:util');
const vm = require('node:vm');
const { Worker } = require('node:worker_threads');
const { called, rejection } = require('../support/promises');

const PACKAGE = path.join(__dirname, '..', '..');
const CHILD = path.join(__dirname, 'child.cjs');
const { HOST, HTTPS_HOST, CA } = process.env;

/** Not at the top: some features are about who loads the package first. */
const load = () => require(PACKAGE);
const connect = (options) => new (load())(HOST, options);
const key = `runtimes/${process.pid}`;

async function watched(watcher, write, count) {
  const values = [];
  const all = new Promise((resolve) => {
    watcher.on('change', ({ node }) => {
      if (values.push(node.value) === count) resolve();
    });
  });
  await write();
  await all;
  watcher.stop();
  return values;
}

/**
 * Runs source in a worker thread, where `etcd`, `key` and `parentPort` are. Resolves with the worker, its first message and
 * a promise of its end.
 */
async function inWorker(source) {
  const prelude = `
    const { parentPort, workerData } = require('node:worker_threads');
    const Etcd = require(workerData.package);
    const etcd = new Etcd(workerData.host);
    const key = workerData.key;`;
  const worker = new Worker(prelude + source, { eval: true, workerData: { package: PACKAGE, host: HOST, key } });
  const ended = once(worker, 'exit');
  const [message] = await Promise.race([
    once(worker, 'message'),
    ended.then(([code]) => assert.fail(`the worker ended with ${code} and sent nothing`)),
  ]);
  return { worker, message, ended };
}

const MIXED = `
  etcd.set(key + '/worker', 'value', (err) => {
    if (err) throw err;
    parentPort.postMessage(etcd.getSync(key + '/worker').body.node.value);
  });`;

const FEATURES = {
  async callbacks() {
    const etcd = connect();
    const [err, body, headers] = await called((done) => etcd.set(key, 'value', done));
    assert.strictEqual(err, null);
    assert.strictEqual(body.node.value, 'value');
    assert.match(headers['x-etcd-index'], /^\d+$/);
    const [missing] = await called((done) => etcd.get(`${key}-none`, done));
    assert.strictEqual(missing.errorCode, 100);
    assert.ok(missing instanceof Error);
  },

  async 'promises and promisify'() {
    const etcd = connect();
    assert.strictEqual((await etcd.set(key, 'ä€😀')).node.value, 'ä€😀');
    assert.strictEqual((await rejection(etcd.get(`${key}-none`))).errorCode, 100);
    const get = util.promisify(etcd.get).bind(etcd);
    assert.strictEqual((await get(key)).node.value, 'ä€😀');
  },

  async 'Sync methods'() {
    const etcd = connect();
    let timer = false;
    setTimeout(() => {
      timer = true;
    }, 0);
    for (let i = 0; i < 100; i++) {
      assert.strictEqual(etcd.setSync(key, i).err, null);
      assert.strictEqual(etcd.getSync(key).body.node.value, String(i));
    }
    assert.strictEqual(etcd.delSync(`${key}-none`).err.errorCode, 100);
    assert.strictEqual(timer, false);
  },

  async 'Sync methods inside callbacks'() {
    const etcd = connect();
    const [value] = await called((done) =>
      etcd.set(key, 'outer', () => {
        etcd.setSync(key, 'inner');
        etcd.get(key, (_, body) => done(etcd.getSync(key).body.node.value + body.node.value));
      }),
    );
    assert.strictEqual(value, 'innerinner');
  },

  async 'the watcher'() {
    const etcd = connect();
    const { node } = await etcd.set(`${key}/0`, 'first');
    const watcher = etcd.watcher(key, node.modifiedIndex + 1, { recursive: true });
    const expected = Array.from({ length: 300 }, (_, i) => String(i));
    const write = () =>
      expected.reduce((before, i) => before.then(() => etcd.set(`${key}/${i % 7}`, i)), Promise.resolve());
    assert.deepStrictEqual(await watched(watcher, write, 300), expected);
  },

  async 'loops over a watcher, and close()'() {
    const etcd = connect();
    const { node } = await etcd.set(key, 0);
    const watcher = etcd.watcher(key, node.modifiedIndex + 1);
    const writing = [1, 2, 3].reduce((before, i) => before.then(() => etcd.set(key, i)), Promise.resolve());
    const values = [];
    for await (const change of watcher) {
      if (values.push(change.node.value) === 3) break;
    }
    assert.deepStrictEqual([values, watcher.stopped], [['1', '2', '3'], true]);
    await writing;
    await etcd.close();
    assert.strictEqual(etcd.getSync(key).err.code, 'ERR_CLIENT_CLOSED');
  },

  async 'AbortSignal and abort()'() {
    const etcd = connect();
    const controller = new AbortController();
    const waiting = rejection(etcd.watch(key, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    assert.strictEqual((await waiting).name, 'AbortError');
    const token = etcd.watch(key, () => assert.fail('called after the abort'));
    token.abort();
    assert.strictEqual(token.isAborted(), true);
    const watcher = etcd.watcher(key, null, { signal: AbortSignal.timeout(20) });
    await once(watcher, 'stop');
  },

  async https() {
    const Etcd = load();
    const etcd = new Etcd(HTTPS_HOST, { ca: fs.readFileSync(CA) });
    await etcd.set(key, 'secret');
    assert.strictEqual(etcd.getSync(key).body.node.value, 'secret');
    const distrustful = new Etcd(HTTPS_HOST, { maxRetries: 0 });
    const error = await rejection(distrustful.get(key));
    assert.match(error.errors[0].httperror.code, /CERT|SIGNED|VERIFY/);
  },

  async 'failover and errors'() {
    const Etcd = load();
    const etcd = new Etcd(['127.0.0.1:1', HOST]);
    for (let i = 0; i < 10; i++) await etcd.set(key, i);
    const [err] = await called((done) => new Etcd('127.0.0.1:1', { maxRetries: 0 }).get(key, done));
    assert.strictEqual(err.errors[0].httperror.code, 'ECONNREFUSED');
    assert.throws(() => etcd.get(1), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  },

  async '5,000 requests, 64 at once'() {
    const etcd = connect();
    let next = 0;
    const one = async () => {
      while (next < 5000) {
        const i = next++;
        assert.strictEqual((await etcd.set(`${key}/${i % 100}/${i}`, i)).node.value, String(i));
      }
    };
    await Promise.all(Array.from({ length: 64 }, one));
  },

  async 'an exception in a callback is an uncaughtException'() {
    const etcd = connect();
    const caught = called((done) => process.once('uncaughtException', done));
    etcd.get(`${key}-none`, () => {
      throw new Error('on purpose');
    });
    assert.strictEqual((await caught)[0].message, 'on purpose');
    await etcd.set(key, 'and goes on');
  },

  async AsyncLocalStorage() {
    const etcd = connect();
    const storage = new AsyncLocalStorage();
    const store = (name, start) => storage.run(name, () => called((done) => start(() => done(storage.getStore()))));
    const stores = await Promise.all([
      store('a', (done) => etcd.set(key, 1, done)),
      store('b', (done) => etcd.get(`${key}-none`, done)),
    ]);
    assert.deepStrictEqual(stores, [['a'], ['b']]);
    await storage.run('c', async () => {
      await etcd.get(key);
      assert.strictEqual(storage.getStore(), 'c');
    });
  },

  async 'diagnostics channels'() {
    const messages = [];
    const channel = diagnostics.channel('node-etcd-native:request:reply');
    const listener = (message) => messages.push(message);
    channel.subscribe(listener);
    await connect().set(key, 'value');
    channel.unsubscribe(listener);
    assert.deepStrictEqual(
      messages.map(({ method, target, status }) => [method, target, status]),
      [['PUT', key, 201]],
    );
  },

  async 'ES modules'() {
    const module = await import('../../index.mjs');
    assert.strictEqual(module.default, load());
    assert.strictEqual(module.Etcd, module.default);
    assert.strictEqual((await new module.Etcd(HOST).set(key, 'value')).action, 'set');
  },

  async 'subclasses, new and old'() {
    const Etcd = load();
    class Client extends Etcd {
      get(name, ...rest) {
        return super.get(`${key}/${name}`, ...rest);
      }
    }
    function Old(host) {
      Etcd.call(this, host);
    }
    util.inherits(Old, Etcd);
    await new Old(HOST).set(`${key}/own`, 'value');
    assert.strictEqual((await new Client(HOST).get('own')).node.value, 'value');
  },

  async 'worker threads, the package in both'() {
    await connect().set(`${key}/main`, 'value');
    const { message, ended } = await inWorker(MIXED);
    assert.strictEqual(message, 'value');
    assert.deepStrictEqual(await ended, [0]);
  },

  async 'several worker threads that load it at once'() {
    const workers = await Promise.all(Array.from({ length: 6 }, () => inWorker(MIXED)));
    assert.deepStrictEqual(
      workers.map(({ message }) => message),
      Array(6).fill('value'),
    );
    assert.strictEqual(connect().getSync(`${key}/worker`).body.node.value, 'value');
  },

  async 'worker threads ended with requests in flight'() {
    for (let i = 0; i < 5; i++) {
      const { worker } = await inWorker(`
        for (let i = 0; i < 20; i++) etcd.watch(key + '/nothing', () => {});
        etcd.watcher(key + '/nothing');
        for (let i = 0; i < 20; i++) etcd.set(key + '/ended', i, () => parentPort.postMessage(i));`);
      await worker.terminate();
    }
    await connect().get(`${key}/ended`);
  },

  async 'child_process.fork'() {
    const child = childProcess.fork(CHILD, [HOST, key]);
    const [message] = await once(child, 'message');
    assert.strictEqual(message, 'from a child');
    assert.deepStrictEqual((await once(child, 'exit'))[0], 0);
  },

  async cluster() {
    const cluster = require('node:cluster');
    load(); // in the primary as well
    cluster.setupPrimary({ exec: CHILD, args: [HOST, key] });
    const workers = [cluster.fork(), cluster.fork()];
    const exits = Promise.all(workers.map((worker) => once(worker, 'exit')));
    const messages = await Promise.all(workers.map((worker) => once(worker, 'message')));
    assert.deepStrictEqual(
      messages.map(([message]) => message),
      ['from a child', 'from a child'],
    );
    await exits;
  },

  async 'vm contexts'() {
    // Arrays, objects, functions and errors of another realm.
    const source = `
      const etcd = new Etcd([host], { timeout: 5000 });
      etcd.set(key, 'value', { ttl: 60 }, (err, body) => {
        etcd.get(key, { quorum: true }).then((reply) => done(err, body.node.ttl, reply.node.value), done);
      });`;
    const answer = await called((done) => vm.runInNewContext(source, { Etcd: load(), host: HOST, key, done }));
    assert.deepStrictEqual(answer, [null, 60, 'value']);
  },

  async 'loaded anew, as test runners do'() {
    const before = load();
    const watcher = new before(HOST).watcher(key);
    for (const file of Object.keys(require.cache)) if (file.startsWith(PACKAGE)) delete require.cache[file];
    const after = load();
    assert.notStrictEqual(after, before);
    const values = await Promise.all([before, after].map((Etcd) => new Etcd(HOST).set(key, 'value')));
    assert.deepStrictEqual(
      values.map(({ node }) => node.value),
      ['value', 'value'],
    );
    watcher.stop();
  },

  async 'process.exit() with requests in flight'() {
    const child = childProcess.fork(CHILD, [HOST, key, 'exit']);
    assert.deepStrictEqual(await once(child, 'exit'), [7, null]);
  },

  async 'a process waits for its requests and no longer'() {
    // Nothing else holds the event loop while this waits; the harness sees that the process ends.
    const etcd = connect();
    const { node } = await etcd.set(key, 0);
    const event = etcd.watchIndex(key, node.modifiedIndex + 1);
    await etcd.set(key, 1);
    assert.strictEqual((await event).node.value, '1');
    etcd.watch(key, () => {}).abort();
  },
};

async function main(name) {
  await FEATURES[name]();
  console.log('ok');
}

if (require.main === module) {
  main(process.argv[2]).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { FEATURES };

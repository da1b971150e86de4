'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { Worker } = require('node:worker_threads');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { freshPrefix, withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { after, before, describe, test } = require('../support/test');

const server = withEtcd();

/** Passes connections on to etcd and counts them. Its clients are other processes. */
class CountingProxy {
  accepted = 0;
  sockets = new Set();

  constructor(port) {
    this.server = net.createServer((client) => {
      this.accepted += 1;
      const upstream = net.connect({ port, host: '127.0.0.1', noDelay: true });
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ]) {
        this.sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => this.sockets.delete(from));
        from.pipe(to);
      }
      client.setNoDelay(true);
    });
  }

  async start() {
    await once(this.server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }), 'listening');
    return `127.0.0.1:${this.server.address().port}`;
  }

  async stop() {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/** Runs `total` mixed requests, `width` at a time, and prints how often each callback was called. */
const MIXED = `
  const Etcd = require('.');
  const [host, prefix, total, width] = process.argv.slice(1);
  const etcd = new Etcd(host);
  const calls = new Uint8Array(Number(total));
  const wrong = [];
  const kinds = [
    ['set', (key, i, done) => etcd.set(key, i, done), (err, body, i) => body.node.value === String(i)],
    ['get', (key, i, done) => etcd.get(prefix + '/fixed', done), (err, body) => body.node.value === 'fixed'],
    ['missing', (key, i, done) => etcd.get(key + '/none', done), (err) => err.errorCode === 100],
    ['create', (key, i, done) => etcd.create(prefix + '/queue', i, done), (err, body, i) => body.node.value === String(i)],
    ['mkdir', (key, i, done) => etcd.mkdir(key, done), (err, body, i) => body.node.key.endsWith('/' + i)],
    ['compare', (key, i, done) => etcd.compareAndSwap(prefix + '/fixed', 'x', 'y', done), (err) => err.errorCode === 101],
    ['version', (key, i, done) => etcd.version(done), (err, body) => 'etcdserver' in body],
    ['delete', (key, i, done) => etcd.del(key + '/none', done), (err) => err.errorCode === 100],
    ['refused', (key, i, done) => etcd.get('..', done), (err) => err.code === 'ERR_INVALID_KEY'],
    ['large', (key, i, done) => etcd.set(key, 'v'.repeat(20000), done), (err, body) => body.node.value.length === 20000],
  ];
  let next = 0;
  function start() {
    if (next === calls.length) return;
    const i = next++;
    const [name, call, isRight] = kinds[i % kinds.length];
    call(prefix + '/' + i, i, (err, body) => {
      calls[i] += 1;
      let right = false;
      try { right = isRight(err, body, i); } catch {}
      if (!right) wrong.push([name, i, String(err)]);
      start();
    });
  }
  etcd.set(prefix + '/fixed', 'fixed', () => {
    for (let i = 0; i < Number(width); i++) start();
  });
  process.on('exit', () => {
    const once = calls.filter((count) => count === 1).length;
    console.log(JSON.stringify({ once, more: calls.filter((count) => count > 1).length, wrong: wrong.slice(0, 5) }));
  });`;

describe('10,000 requests at 64 in flight', () => {
  let proxy;
  let host;
  before(async () => {
    proxy = new CountingProxy(server.port);
    host = await proxy.start();
  });
  after(() => proxy.stop());

  test('call every callback once with its own answer, over 64 connections at most, and the process ends', async () => {
    const printed = await printedBy(MIXED, { args: [host, freshPrefix('load'), '10000', '64'], timeoutMs: 120_000 });
    assert.deepEqual(printed, { once: 10_000, more: 0, wrong: [] });
    assert.ok(proxy.accepted <= 64, `${proxy.accepted} connections`);
  });
});

test('10,000 requests one after the other use one connection', async () => {
  const proxy = new CountingProxy(server.port);
  try {
    const host = await proxy.start();
    const source = `
      const Etcd = require('.');
      const [host, key] = process.argv.slice(1);
      const etcd = new Etcd(host);
      (async () => {
        for (let i = 0; i < 2500; i++) {
          await etcd.set(key, i);
          await etcd.get(key);
          await etcd.del(key);
          await etcd.get(key).catch(() => {});
        }
        console.log('true');
      })();`;
    assert.equal(await printedBy(source, { args: [host, freshPrefix('load')], timeoutMs: 120_000 }), true);
    assert.equal(proxy.accepted, 1);
  } finally {
    await proxy.stop();
  }
});

test('1,000 requests at once all get their answers', async () => {
  const wire = await scripted([], { fallback: { echo: true } });
  const etcd = new Etcd(wire.host);
  const bodies = await Promise.all(Array.from({ length: 1000 }, (_, i) => etcd.set(`${i}`, i)));
  assert.ok(bodies.every(({ node }, i) => node.key === `/${i}` && node.value === String(i)));
  assert.equal(new Set((await wire.requests()).map(({ url }) => url)).size, 1000);
});

test('many open watches leave room for other requests, and each gets its own event', async () => {
  const etcd = server.connect();
  const key = freshPrefix('load');
  const { node } = await etcd.mkdir(key);
  const watches = Array.from({ length: 250 }, (_, i) => etcd.watchIndex(`${key}/${i}`, node.modifiedIndex + 1));
  assert.equal((await etcd.get(key)).node.dir, true);
  await Promise.all(watches.map((_, i) => etcd.set(`${key}/${i}`, i)));
  const events = await Promise.all(watches);
  assert.deepEqual(
    events.map((event) => event.node.value),
    watches.map((_, i) => String(i)),
  );
});

test('a worker thread can be terminated with requests in flight, again and again', async () => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const Etcd = require(workerData.package);
    const etcd = new Etcd(workerData.host, workerData.options);
    for (let i = 0; i < 50; i++) etcd.watch('nothing/' + i, () => {});
    for (let i = 0; i < 50; i++) etcd.set('worker', i, () => parentPort.postMessage(i));`;
  const workerData = { package: require.resolve('../..'), host: server.host, options: server.options };
  for (let i = 0; i < 10; i++) {
    const worker = new Worker(source, { eval: true, workerData });
    await once(worker, 'message');
    assert.equal(await worker.terminate(), 1);
  }
  assert.equal((await server.connect().get('worker')).action, 'get');
});

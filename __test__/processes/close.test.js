'use strict';

// etcd.close(): what is under way ends, connections are freed, and nothing begins any more.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { once } = require('node:events');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { freePort, withClient } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { called, rejection, waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('close');

describe('close()', { timeout: 60_000 }, () => {
  test('waits for the requests under way, also for one that is yet to leave', async () => {
    const wire = await scripted([], { fallback: { echo: true, delayMs: 200 } });
    const client = new Etcd(wire.host);
    const ends = [];
    client.set(t.key, 1, (err) => ends.push(['callback', err]));
    client.get(t.key).then(() => ends.push(['promise', null]));
    await client.close();
    assert.deepEqual(ends.sort(), [
      ['callback', null],
      ['promise', null],
    ]);
  });

  test('stops watchers and gives up watches, which would not end by themselves', async () => {
    const watcher = t.etcd.watcher(t.key, 1);
    const stopped = once(watcher, 'stop');
    const loop = watcher[Symbol.asyncIterator]().next();
    const silent = t.etcd.watch(t.key, () => assert.fail('called back'));
    const raw = t.etcd.raw('GET', `v2/keys/${t.key}?wait=true`);
    const rejected = rejection(raw);
    await t.etcd.close();
    await stopped;
    assert.deepEqual([watcher.stopped, silent.aborted, (await rejected).code], [true, true, 'ABORT_ERR']);
    assert.deepEqual(await loop, { done: true, value: undefined });
  });

  test('closes all though a listener of stop throws, which is an uncaught exception', async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    const source = `
      const Etcd = require('.');
      const etcd = new Etcd(process.argv[1]);
      const seen = [];
      process.on('uncaughtException', (err) => seen.push(err.message));
      for (const name of ['a', 'b', 'c']) {
        etcd.watcher(name).on('stop', () => {
          seen.push(name);
          throw new Error('thrown for ' + name);
        });
      }
      const loop = etcd.watcher('d');
      loop.on('stop', () => { throw new Error('thrown for d'); });
      const single = etcd.watcher('e');
      single.on('stop', () => { throw new Error('thrown for e'); });
      etcd.get('k', (err, body) => seen.push('called back'));
      (async () => {
        await loop[Symbol.asyncIterator]().return();
        await single.close();
        await etcd.close({ abort: true });
        while (seen.length < 8) await new Promise(setImmediate);
        console.log(JSON.stringify(seen));
      })();`;
    const seen = await printedBy(source, { args: [wire.host] });
    assert.deepEqual(seen.sort(), ['a', 'b', 'c', ...['a', 'b', 'c', 'd', 'e'].map((name) => `thrown for ${name}`)]);
  });

  test('waits for writes, whatever their key and options say of waiting', async () => {
    const wire = await scripted([], { fallback: { echo: true, delayMs: 100 } });
    const client = new Etcd(wire.host);
    const writes = [
      client.set('a?wait=true', 1),
      client.set('b', 1, { wait: true }),
      client.raw('PUT', 'v2/keys/c?wait=true', 1),
      client.raw('GET', 'v2/keys/d?wait=false&wait=true'),
      client.raw('GET', 'v2/keys/e?wait=false', null, { wait: true }),
    ];
    await client.close();
    for (const write of writes) assert.equal(typeof (await write).action, 'string');
  });

  test('gives everything up with { abort: true }', async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    const client = new Etcd(wire.host);
    const rejected = rejection(client.get(t.key));
    await waitUntil(async () => (await wire.requests()).length === 1);
    const drained = client.close();
    await client.close({ abort: true });
    await drained;
    assert.equal((await rejected).code, 'ABORT_ERR');
    assert.throws(() => client.close({ abort: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => client.close('now'), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  test('lets nothing begin any more', async () => {
    await t.etcd.close();
    const [err] = await called((done) => t.etcd.get(t.key, done));
    const rejected = await rejection(t.etcd.set(t.key, 1));
    const codes = [err.code, rejected.code, t.etcd.getSync(t.key).err.code];
    assert.deepEqual(codes, Array(3).fill('ERR_CLIENT_CLOSED'));
    assert.throws(() => t.etcd.watcher(t.key), { code: 'ERR_CLIENT_CLOSED' });
    await t.etcd.close();
    assert.deepEqual(t.etcd.getHosts(), [t.url]);
  });

  test('leaves other clients alone', async () => {
    const other = t.connect();
    const waiting = other.watch(t.key);
    await t.etcd.close();
    await other.set(t.key, 'v', { signal: undefined });
    assert.equal((await other.set(t.key, 'w')).node.value, 'w');
    waiting.abort();
  });

  test('can be called in a callback of the client, and is what `await using` calls', async () => {
    await new Promise((resolve) => t.etcd.set(t.key, 1, () => resolve(t.etcd.close())));
    if (Symbol.asyncDispose) assert.equal(t.etcd[Symbol.asyncDispose], t.etcd.close);
  });

  test('closes the kept connections, those of Sync calls too', { skip: process.platform !== 'linux' }, async () => {
    const open = await printedBy(`
      const fs = require('node:fs');
      const Etcd = require('.');
      const sockets = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
        try { return fs.readlinkSync('/proc/self/fd/' + fd).startsWith('socket:'); } catch { return false; }
      }).length;
      const until = async (count) => { while (sockets() !== count) await new Promise(setImmediate); };
      (async () => {
        const etcd = new Etcd(${JSON.stringify(t.host)});
        const before = sockets();
        await etcd.get('/');
        etcd.getSync('/');
        const during = sockets() - before;
        await etcd.close();
        await until(before);
        console.log(JSON.stringify({ during }));
      })();
    `);
    assert.deepEqual(open, { during: 2 });
  });

  test('with { abort: true } ends all that a client can have under way', {
    skip: process.platform !== 'linux',
  }, async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    const source = `
      const fs = require('node:fs');
      const Etcd = require('.');
      const [host, silent, refusing] = process.argv.slice(1);
      const descriptors = () => fs.readdirSync('/proc/self/fd').length;
      const ends = {};
      const count = (name) => { ends[name] = (ends[name] ?? 0) + 1; };
      function startAll(etcd) {
        const { signal } = new AbortController();
        for (let i = 0; i < 5; i++) {
          etcd.set('k', i, () => count('callback'));
          etcd.watch('k', () => count('callback'));
          for (const token of [etcd.get('k', { quorum: true, wait: true }), etcd.watch('k', { signal })]) {
            token.catch((err) => count(err.code));
          }
          etcd.watcher('k').on('stop', () => count('stop'));
          etcd.watcher('k', 1, { recursive: true })[Symbol.asyncIterator]().next().then(() => count('loop'));
        }
      }
      (async () => {
        const first = new Etcd(host);
        await first.get('/');
        first.getSync('/');
        await first.close();
        const before = descriptors();
        const clients = [
          new Etcd(silent, { maxSockets: 2 }), // the rest waits for a connection
          new Etcd([silent, refusing]),
          new Etcd(refusing), // waits for its next round
          new Etcd(silent),
        ];
        clients.forEach(startAll);
        for (let told = false; !told; told = fs.existsSync(process.argv[4])) await new Promise((done) => setTimeout(done, 10));
        clients.forEach(startAll); // these have not left yet
        await Promise.all(clients.map((etcd) => etcd.close({ abort: true })));
        while (descriptors() > before) { gc(); await new Promise((done) => setTimeout(done, 10)); }
        console.log(JSON.stringify(ends));
      })();`;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-close-'));
    try {
      const file = path.join(folder, 'go');
      const args = [t.host, wire.host, `127.0.0.1:${await freePort()}`, file];
      const ended = printedBy(source, { args, execArgv: ['--expose-gc'], timeoutMs: 50_000 });
      await wire.waitFor(10);
      fs.writeFileSync(file, '');
      assert.deepEqual(await ended, { stop: 40, loop: 40, ABORT_ERR: 80 });
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});

'use strict';

// The ways in which programs build on node-etcd's Etcd.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const util = require('node:util');
const bluebird = require('bluebird');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { called } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('inheritance');

/** Uses a bit of everything of an object that inherits. */
async function exercise(etcd) {
  assert.ok(etcd instanceof Etcd);
  assert.deepEqual(etcd.getHosts(), [t.url]);
  const [err, body] = await called((done) => etcd.set(t.key, 'v', done));
  assert.deepEqual([err, body.node.value], [null, 'v']);
  assert.equal((await etcd.compareAndSwap(t.key, 'w', 'v')).node.value, 'w');
  assert.equal(etcd.getSync(t.key).body.node.value, 'w');
  const watcher = etcd.watcher(t.key, body.node.modifiedIndex);
  assert.equal(watcher.etcd, etcd);
  await new Promise((resolve) => watcher.once('change', resolve));
  watcher.stop();
  assert.equal((await etcd.del(t.key)).action, 'delete');
}

describe('an object inherits', () => {
  test('by util.inherits and Etcd.call', async () => {
    function Client(host) {
      Etcd.call(this, host);
      this.own = true;
    }
    util.inherits(Client, Etcd);
    Client.prototype.read = function read(name, callback) {
      return this.get(name, callback);
    };
    const client = new Client(t.host);
    assert.equal(client.own, true);
    await client.set(t.key, 'v');
    const [err, body] = await called((done) => client.read(t.key, done));
    assert.deepEqual([err, body.node.value], [null, 'v']);
    await exercise(client);
  });

  test('by Object.create and Etcd.apply', async () => {
    function Client(...args) {
      Etcd.apply(this, args);
    }
    Client.prototype = Object.create(Etcd.prototype);
    await exercise(new Client(t.host));
    const bare = Object.create(Etcd.prototype);
    Etcd.apply(bare, [t.host]);
    await exercise(bare);
  });

  test('by class extends', async () => {
    class Client extends Etcd {
      constructor(host) {
        super(host, { maxRetries: 0 });
        this.gets = 0;
      }
      get(name, ...rest) {
        this.gets += 1;
        return super.get(`${name}`, ...rest);
      }
    }
    const client = new Client(t.host);
    await exercise(client);
    // getSync, at least, goes through get.
    assert.ok(client.gets >= 1);
  });

  test('by class extends of a class that extends', async () => {
    class One extends Etcd {}
    class Two extends One {}
    await exercise(new Two(t.host));
  });
});

describe('Etcd', () => {
  test('cannot be called without new', () => {
    const expected = { name: 'TypeError', message: /without 'new'/ };
    assert.throws(() => Etcd(t.host), expected);
    assert.throws(() => Reflect.apply(Etcd, {}, [t.host]), expected);
  });

  test('is its own property, and default, next to the other classes', () => {
    assert.equal(Etcd.Etcd, Etcd);
    assert.equal(Etcd.default, Etcd);
    assert.equal(typeof Etcd.Watcher, 'function');
    assert.equal(typeof Etcd.CancellationToken, 'function');
  });

  test('has every method of node-etcd', () => {
    const before = require('node-etcd');
    const names = Object.getOwnPropertyNames(before.prototype).filter((name) => !/^(_|constructor$)/.test(name));
    assert.ok(names.length > 25);
    for (const name of names) assert.equal(typeof Etcd.prototype[name], 'function', name);
  });
});

describe('promisifying', () => {
  test('a method with util.promisify', async () => {
    const set = util.promisify(t.etcd.set).bind(t.etcd);
    const get = util.promisify(t.etcd.get);
    assert.equal((await set(t.key, 'v', { ttl: 100 })).node.value, 'v');
    assert.equal((await get.call(t.etcd, t.key)).node.value, 'v');
    await assert.rejects(get.call(t.etcd, `${t.key}-none`), { errorCode: 100 });
  });

  test('all of the prototype with bluebird', async () => {
    class Client extends Etcd {}
    bluebird.promisifyAll(Client.prototype);
    const etcd = new Client(t.host);
    assert.equal((await etcd.setAsync(t.key, 'v')).node.value, 'v');
    assert.equal((await etcd.getAsync(t.key, { quorum: true })).node.value, 'v');
    assert.equal((await etcd.compareAndSwapAsync(t.key, 'w', 'v')).node.value, 'w');
    assert.equal((await etcd.delAsync(t.key)).action, 'delete');
    await assert.rejects(etcd.getAsync(t.key), { errorCode: 100 });
  });

  test("Etcd's own prototype with bluebird", async () => {
    const source = `
      const Etcd = require('.');
      require('bluebird').promisifyAll(Etcd.prototype);
      const [host, key] = process.argv.slice(1);
      const etcd = new Etcd(host);
      (async () => {
        const { node } = await etcd.mkdirAsync(key);
        const version = await etcd.versionAsync();
        const { errorCode } = await etcd.getAsync(key + '-none').catch((err) => err);
        const plain = await etcd.get(key);
        console.log(JSON.stringify([node.dir, Object.keys(version).length, errorCode, plain.action]));
      })();`;
    assert.deepEqual(await printedBy(source, { args: [t.host, t.key] }), [true, 2, 100, 'get']);
  });
});

describe('a replaced method', () => {
  const replaced = [
    ['set', (etcd) => etcd.mkdir('k'), 'PUT'],
    ['set', (etcd) => etcd.compareAndSwap('k', 'v', 'w'), 'PUT'],
    ['set', (etcd) => etcd.testAndSet('k', 'v', 'w'), 'PUT'],
    ['set', (etcd) => etcd.setSync('k', 'v'), 'PUT'],
    ['mkdir', (etcd) => etcd.mkdirSync('k'), 'PUT'],
    ['del', (etcd) => etcd.rmdir('k'), 'DELETE'],
    ['del', (etcd) => etcd.compareAndDelete('k', 'w'), 'DELETE'],
    ['del', (etcd) => etcd.delSync('k'), 'DELETE'],
    ['rmdir', (etcd) => etcd.rmdirSync('k'), 'DELETE'],
    ['get', (etcd) => etcd.watch('k'), 'GET'],
    ['get', (etcd) => etcd.getSync('k'), 'GET'],
    ['watch', (etcd) => etcd.watchIndex('k', 1), 'GET'],
  ];

  for (const [name, call, method] of replaced) {
    test(`${name} of one object is used by ${/\.(\w+)/.exec(call)[1]}`, async () => {
      const wire = await scripted([], { fallback: { echo: true } });
      const etcd = new Etcd(wire.host);
      const original = etcd[name];
      etcd[name] = function replacement(first, ...rest) {
        return original.call(this, `prefix/${first}`, ...rest);
      };
      await call(etcd);
      await call(new Etcd(wire.host));
      assert.deepEqual(
        (await wire.requests()).map((request) => `${request.method} ${request.path}`),
        [`${method} /v2/keys/prefix/k`, `${method} /v2/keys/k`],
      );
    });
  }
});

describe('an ES module', () => {
  async function run(source, options) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-esm-'));
    try {
      const file = path.join(folder, 'test.mjs');
      fs.writeFileSync(file, source.replace('PACKAGE', pathToFileURL(path.resolve(__dirname, '../../index.mjs')).href));
      return await printedBy(file, options);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }

  test('imports the class and the others by name', async () => {
    const source = `
      import Etcd, { CancellationToken, Etcd as Named, Watcher } from 'PACKAGE';
      import { createRequire } from 'node:module';
      const required = createRequire(process.cwd() + '/x.js')('./index.js');
      const [host, key] = process.argv.slice(2);
      const etcd = new Etcd(host);
      const pending = etcd.set(key, 'v');
      const { node } = await pending;
      const watcher = etcd.watcher(key, node.modifiedIndex);
      watcher.stop();
      const checks = [Named === Etcd, required === Etcd, pending instanceof CancellationToken, watcher instanceof Watcher];
      console.log(JSON.stringify([node.value, ...checks]));`;
    assert.deepEqual(await run(source, { args: [t.host, t.key] }), ['v', true, true, true, true]);
  });

  test('finds the package by its name', async () => {
    const source = `
      import('node-etcd-native').then(({ default: Etcd }) => {
        console.log(JSON.stringify(Etcd === require('node-etcd-native')));
      });`;
    // A package can refer to itself by its name.
    assert.equal(await printedBy(source), true);
  });
});

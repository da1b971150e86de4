'use strict';

const assert = require('node:assert/strict');
const { beforeEach, describe, test } = require('node:test');
const Etcd = require('../..');
const { called, scriptedServers } = require('../support/helpers');
const { freshPrefix, withEtcd } = require('../support/etcd');

const server = withEtcd();
const scripted = scriptedServers();
let etcd;
let key;

beforeEach(() => {
  etcd = new Etcd(server.host);
  key = freshPrefix('arguments');
});

/** Expects a TypeError or RangeError with a code, whose message names the argument. */
function assertThrows(work, code, name) {
  assert.throws(work, (error) => {
    assert.ok(error instanceof TypeError || error instanceof RangeError, `${error.stack}`);
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(name), `"${error.message}" does not name ${name}`);
    return true;
  });
}

const TYPE = 'ERR_INVALID_ARG_TYPE';
const VALUE = 'ERR_INVALID_ARG_VALUE';

/** Every method with a key or directory first, called with that and the last two arguments. */
const onKeys = {
  set: (first, ...last) => etcd.set(first, 'v', ...last),
  get: (first, ...last) => etcd.get(first, ...last),
  del: (first, ...last) => etcd.del(first, ...last),
  delete: (first, ...last) => etcd.delete(first, ...last),
  create: (first, ...last) => etcd.create(first, 'v', ...last),
  post: (first, ...last) => etcd.post(first, 'v', ...last),
  mkdir: (first, ...last) => etcd.mkdir(first, ...last),
  rmdir: (first, ...last) => etcd.rmdir(first, ...last),
  compareAndSwap: (first, ...last) => etcd.compareAndSwap(first, 'v', 'w', ...last),
  testAndSet: (first, ...last) => etcd.testAndSet(first, 'v', 'w', ...last),
  compareAndDelete: (first, ...last) => etcd.compareAndDelete(first, 'w', ...last),
  testAndDelete: (first, ...last) => etcd.testAndDelete(first, 'w', ...last),
  watch: (first, ...last) => etcd.watch(first, ...last),
  watchIndex: (first, ...last) => etcd.watchIndex(first, 1, ...last),
};
const synchronous = {
  setSync: (first, options) => etcd.setSync(first, 'v', options),
  getSync: (first, options) => etcd.getSync(first, options),
  delSync: (first, options) => etcd.delSync(first, options),
  mkdirSync: (first, options) => etcd.mkdirSync(first, options),
  rmdirSync: (first, options) => etcd.rmdirSync(first, options),
};
const watcher = { watcher: (first, options) => etcd.watcher(first, null, options) };
const onServers = {
  raw: (_first, ...last) => etcd.raw('GET', 'version', null, ...last),
  machines: (_first, ...last) => etcd.machines(...last),
  leader: (_first, ...last) => etcd.leader(...last),
  leaderStats: (_first, ...last) => etcd.leaderStats(...last),
  selfStats: (_first, ...last) => etcd.selfStats(...last),
  version: (_first, ...last) => etcd.version(...last),
};

describe('a key that is no string', () => {
  for (const [name, call] of Object.entries({ ...onKeys, ...synchronous, ...watcher })) {
    test(`is refused by ${name}`, () => {
      for (const wrong of [undefined, null, 5, true, {}, [], Symbol('s'), Buffer.from('k'), () => {}]) {
        assertThrows(() => call(wrong), TYPE, /create|post|dir/.test(name) ? '"dir"' : '"key"');
      }
      assertThrows(() => call('a\ud800b'), VALUE, 'surrogate');
    });
  }
});

describe('options that are no object', () => {
  for (const [name, call] of Object.entries({ ...onKeys, ...synchronous, ...watcher, ...onServers })) {
    test(`are refused by ${name}`, () => {
      for (const wrong of [5, 'text', true, Symbol('s'), 5n]) assertThrows(() => call(key, wrong), TYPE, 'options');
    });
  }
});

describe('a callback that is no function', () => {
  for (const [name, call] of Object.entries({ ...onKeys, ...onServers })) {
    test(`is refused by ${name}`, () => {
      for (const wrong of [5, 'text', {}, []]) assertThrows(() => call(key, {}, wrong), TYPE, 'callback');
    });
  }
});

describe('an option of a call that cannot be used', () => {
  const wrong = [
    [{ timeout: '5' }, TYPE, 'timeout'],
    [{ timeout: -1 }, VALUE, 'timeout'],
    [{ timeout: Number.NaN }, VALUE, 'timeout'],
    [{ maxRetries: '3' }, TYPE, 'maxRetries'],
    [{ maxRetries: -1 }, VALUE, 'maxRetries'],
    [{ maxRetries: Number.NaN }, VALUE, 'maxRetries'],
    [{ signal: {} }, TYPE, 'signal'],
    [{ signal: 'abort' }, TYPE, 'signal'],
    [{ signal: new AbortController() }, TYPE, 'signal'],
    [{ ttl: Symbol('s') }, TYPE, 'ttl'],
    [{ prevValue: new Date(Number.NaN) }, VALUE, 'prevValue'],
  ];

  for (const [options, code, name] of wrong) {
    test(`such as ${name}: ${String(Object.values(options)[0])} is named`, () => {
      for (const call of [
        onKeys.set,
        onKeys.mkdir,
        onKeys.watch,
        onServers.raw,
        onServers.version,
        synchronous.getSync,
      ]) {
        assertThrows(() => call(key, options), code, name);
      }
    });
  }

  test('is refused before anything is sent', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    for (const [options] of wrong) assert.throws(() => client.set('k', 'v', options));
    await client.version();
    assert.equal((await wire.requests()).length, 1);
  });
});

test('an unlimited timeout or number of retries is allowed', async () => {
  await etcd.set(key, 'v', { timeout: Number.POSITIVE_INFINITY, maxRetries: Number.POSITIVE_INFINITY });
  const client = new Etcd(server.host, { timeout: Number.POSITIVE_INFINITY, maxRetries: Number.POSITIVE_INFINITY });
  assert.equal((await client.get(key)).node.value, 'v');
});

describe('options of a call', () => {
  test('are never changed', async () => {
    for (const call of Object.values(onKeys)) {
      const options = { maxRetries: 0 };
      const token = call(key, options, () => {});
      token.abort();
      assert.deepEqual(options, { maxRetries: 0 });
    }
    for (const call of Object.values(synchronous)) {
      const options = { maxRetries: 0 };
      call(key, options);
      assert.deepEqual(options, { maxRetries: 0 });
    }
  });

  test('can be frozen, and work', async () => {
    const frozen = Object.freeze({});
    assert.equal((await etcd.mkdir(key, frozen)).node.dir, true);
    assert.equal((await etcd.rmdir(key, frozen)).action, 'delete');
    await etcd.set(key, 1, frozen);
    assert.equal((await etcd.compareAndSwap(key, 2, 1, frozen)).action, 'compareAndSwap');
    assert.equal((await etcd.watchIndex(key, 1, frozen)).action, 'set');
    assert.equal(etcd.getSync(key, frozen).body.node.value, '2');
    assert.equal((await etcd.compareAndDelete(key, 2, frozen)).action, 'compareAndDelete');
  });

  test('count if they are inherited, or without a prototype', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    await client.mkdir('k', Object.create({ ttl: 5 }));
    await client.mkdir('k', Object.assign(Object.create(null), { ttl: 5 }));
    const [inherited, bare] = (await wire.requests()).map(({ query }) => query);
    assert.deepEqual([inherited, bare], ['ttl=5&dir=true', 'ttl=5&dir=true']);
  });
});

describe('the last two arguments', () => {
  for (const [name, call] of Object.entries({ ...onKeys, ...onServers })) {
    test(`of ${name} may be left out, null or a callback alone`, async () => {
      const wire = await scripted([], { fallback: { echo: true } });
      etcd = new Etcd(wire.host);
      await call(key);
      await call(key, undefined);
      await call(key, null);
      await call(key, {}, null);
      await call(key, null, undefined);
      for (const start of [(done) => call(key, done), (done) => call(key, null, done), (done) => call(key, {}, done)]) {
        const [err, body] = await called(start);
        assert.deepEqual([err, typeof body], [null, 'object']);
      }
      await called((done) => call(key, undefined, done));
      await called((done) => call(key, done, () => assert.fail('the first function is the callback')));
      assert.equal(new Set((await wire.requests()).map(({ url }) => url)).size, 1);
    });
  }
});

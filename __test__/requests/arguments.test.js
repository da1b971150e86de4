'use strict';

const assert = require('node:assert/strict');
const vm = require('node:vm');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { called } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('arguments');

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
  set: (first, ...last) => t.etcd.set(first, 'v', ...last),
  get: (first, ...last) => t.etcd.get(first, ...last),
  del: (first, ...last) => t.etcd.del(first, ...last),
  delete: (first, ...last) => t.etcd.delete(first, ...last),
  create: (first, ...last) => t.etcd.create(first, 'v', ...last),
  post: (first, ...last) => t.etcd.post(first, 'v', ...last),
  mkdir: (first, ...last) => t.etcd.mkdir(first, ...last),
  rmdir: (first, ...last) => t.etcd.rmdir(first, ...last),
  compareAndSwap: (first, ...last) => t.etcd.compareAndSwap(first, 'v', 'w', ...last),
  testAndSet: (first, ...last) => t.etcd.testAndSet(first, 'v', 'w', ...last),
  compareAndDelete: (first, ...last) => t.etcd.compareAndDelete(first, 'w', ...last),
  testAndDelete: (first, ...last) => t.etcd.testAndDelete(first, 'w', ...last),
  watch: (first, ...last) => t.etcd.watch(first, ...last),
  watchIndex: (first, ...last) => t.etcd.watchIndex(first, 1, ...last),
};
const synchronous = {
  setSync: (first, options) => t.etcd.setSync(first, 'v', options),
  getSync: (first, options) => t.etcd.getSync(first, options),
  delSync: (first, options) => t.etcd.delSync(first, options),
  mkdirSync: (first, options) => t.etcd.mkdirSync(first, options),
  rmdirSync: (first, options) => t.etcd.rmdirSync(first, options),
};
const watcher = { watcher: (first, options) => t.etcd.watcher(first, null, options) };
const onServers = {
  raw: (_first, ...last) => t.etcd.raw('GET', 'version', null, ...last),
  machines: (_first, ...last) => t.etcd.machines(...last),
  leader: (_first, ...last) => t.etcd.leader(...last),
  leaderStats: (_first, ...last) => t.etcd.leaderStats(...last),
  selfStats: (_first, ...last) => t.etcd.selfStats(...last),
  version: (_first, ...last) => t.etcd.version(...last),
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

describe('options that are no object of names and values', () => {
  for (const [name, call] of Object.entries({ ...onKeys, ...synchronous, ...watcher, ...onServers })) {
    test(`are refused by ${name}`, () => {
      const scalars = [5, 'text', true, Symbol('s'), 5n];
      const objects = [
        new Map([['prevExist', false]]),
        [],
        new Date(),
        Promise.resolve({}),
        new URLSearchParams('a=1'),
      ];
      for (const wrong of [...scalars, ...objects]) assertThrows(() => call(t.key, wrong), TYPE, 'options');
    });
  }
});

/** What no query can hold, by words for it. */
const UNWRITABLE = {
  'an empty object': {},
  'an object': { valueOf: () => 5, toString: () => 'v' },
  'an array': ['v'],
  'an empty array': [],
  'a function': () => 'v',
  'a symbol': Symbol('s'),
  'a boxed string': new String('v'),
  'a boxed number': new Number(5),
  'a boxed boolean': new Boolean(false),
  'a Uint16Array': new Uint16Array([118]),
  'a DataView': new DataView(new ArrayBuffer(1)),
  'an ArrayBuffer': new ArrayBuffer(1),
  'a Map': new Map(),
  'a RegExp': /v/,
  'an object of another realm': vm.runInNewContext('({})'),
  'an array of another realm': vm.runInNewContext("['v']"),
};

describe('a value that cannot be written', () => {
  const options = ['prevIndex', 'prevExist', 'ttl', 'recursive', 'refresh', 'anything'];
  const { set, del } = onKeys;
  const { setSync, delSync } = synchronous;

  for (const [what, value] of Object.entries(UNWRITABLE)) {
    test(`such as ${what} is refused in any option of any method, which is named`, async () => {
      await t.etcd.set(t.key, 'before');
      for (const call of Object.values({ ...onKeys, ...synchronous, ...watcher, ...onServers })) {
        for (const name of options) assertThrows(() => call(t.key, { [name]: value }), TYPE, `"options.${name}"`);
      }
      for (const call of [set, del, setSync, delSync, onServers.raw]) {
        assertThrows(() => call(t.key, { prevValue: value }), TYPE, '"options.prevValue"');
      }
      for (const name of ['compareAndSwap', 'compareAndDelete']) {
        const args = name === 'compareAndSwap' ? ['after', value] : [value];
        assertThrows(() => t.etcd[name](t.key, ...args), TYPE, '"oldValue"');
      }
      assert.equal((await t.etcd.get(t.key)).node.value, 'before');
    });
  }

  test('is refused with words for what the option takes', () => {
    const expected = [
      ['ttl', /must be a number of seconds/],
      ['prevIndex', /must be a whole number/],
      ['prevExist', /must be a boolean/],
      ['prevValue', /must be a string, number, boolean, bigint, Date or Buffer/],
    ];
    for (const [name, message] of expected) assert.throws(() => t.etcd.set(t.key, 'v', { [name]: {} }), { message });
  });

  test('is refused as an option of no name but `__proto__` as well, which gives no options to others', async () => {
    const options = JSON.parse('{ "__proto__": { "prevExist": true } }');
    for (const call of [onKeys.set, onKeys.mkdir, synchronous.setSync, synchronous.mkdirSync, onServers.raw]) {
      assertThrows(() => call(t.key, options), TYPE, '"options.__proto__"');
    }
    assert.equal((await t.etcd.set(t.key, 'v')).action, 'set');
  });

  test('is no matter in what a library gave to all objects', async () => {
    Object.prototype.isOurs = () => true;
    try {
      assert.equal((await t.etcd.mkdir(t.key, {})).node.dir, true);
      assert.equal(t.etcd.rmdirSync(t.key, {}).err, null);
    } finally {
      delete Object.prototype.isOurs;
    }
  });
});

test('a Date and bytes of another realm are conditions, values and options like any other', async () => {
  const date = vm.runInNewContext('new Date(0)');
  const bytes = new (vm.runInNewContext('Uint8Array'))(Buffer.from('v'));
  for (const [value, text] of [
    [date, '1970-01-01T00:00:00.000Z'],
    [bytes, 'v'],
  ]) {
    assert.equal((await t.etcd.set(t.key, value)).node.value, text);
    assert.equal((await t.etcd.compareAndSwap(t.key, value, value)).action, 'compareAndSwap');
    await t.etcd.set(t.key, 'something else');
    const { err } = t.etcd.setSync(t.key, 'after', { prevValue: value });
    assert.deepEqual([err.errorCode, err.error.cause], [101, `[${text} != something else]`]);
    assert.equal(t.etcd.delSync(t.key, { prevValue: value }).err.errorCode, 101);
  }
});

test("an odd value of a condition is etcd's to refuse, and never none", async () => {
  await t.etcd.set(t.key, 'before');
  for (const value of [null, '', 'x', Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, new Date(0), Buffer.from('?')]) {
    for (const name of ['prevValue', 'prevIndex', 'prevExist']) {
      for (const { err } of [
        t.etcd.setSync(t.key, 'after', { [name]: value }),
        t.etcd.delSync(t.key, { [name]: value }),
      ]) {
        // A deletion has no prevExist.
        if (err) assert.ok([101, 201, 203, 209].includes(err.errorCode), `${name}: ${String(value)}: ${err}`);
        else assert.fail(`${name}: ${String(value)}`);
      }
    }
  }
  assert.equal((await t.etcd.get(t.key)).node.value, 'before');
});

describe('a callback that is no function', () => {
  for (const [name, call] of Object.entries({ ...onKeys, ...onServers })) {
    test(`is refused by ${name}`, () => {
      for (const wrong of [5, 'text', {}, []]) assertThrows(() => call(t.key, {}, wrong), TYPE, 'callback');
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
        assertThrows(() => call(t.key, options), code, name);
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
  await t.etcd.set(t.key, 'v', { timeout: Number.POSITIVE_INFINITY, maxRetries: Number.POSITIVE_INFINITY });
  const client = t.connect({ timeout: Number.POSITIVE_INFINITY, maxRetries: Number.POSITIVE_INFINITY });
  assert.equal((await client.get(t.key)).node.value, 'v');
});

test('the smallest timeout is one', async () => {
  const wire = await scripted([], { fallback: { stall: true } });
  const { err } = new Etcd(wire.host, { maxRetries: 0 }).getSync('k', { timeout: 1e-7 });
  assert.match(err.errors[0].httperror.code, /TIMEDOUT$/);
});

test('the path of raw keeps its options behind a #', async () => {
  const wire = await scripted([], { fallback: { echo: true } });
  await new Etcd(wire.host).raw('GET', 'v2/keys/a#b', null, { recursive: true });
  assert.equal((await wire.requests())[0].url, '/v2/keys/a%23b?recursive=true');
});

describe('options of a call', () => {
  test('are never changed', async () => {
    for (const call of Object.values(onKeys)) {
      const options = { maxRetries: 0 };
      const token = call(t.key, options, () => {});
      token.abort();
      assert.deepEqual(options, { maxRetries: 0 });
    }
    for (const call of Object.values(synchronous)) {
      const options = { maxRetries: 0 };
      call(t.key, options);
      assert.deepEqual(options, { maxRetries: 0 });
    }
  });

  test('can be frozen, and work', async () => {
    const frozen = Object.freeze({});
    assert.equal((await t.etcd.mkdir(t.key, frozen)).node.dir, true);
    assert.equal((await t.etcd.rmdir(t.key, frozen)).action, 'delete');
    await t.etcd.set(t.key, 1, frozen);
    assert.equal((await t.etcd.compareAndSwap(t.key, 2, 1, frozen)).action, 'compareAndSwap');
    assert.equal((await t.etcd.watchIndex(t.key, 1, frozen)).action, 'set');
    assert.equal(t.etcd.getSync(t.key, frozen).body.node.value, '2');
    assert.equal((await t.etcd.compareAndDelete(t.key, 2, frozen)).action, 'compareAndDelete');
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
      t.etcd = new Etcd(wire.host);
      await call(t.key);
      await call(t.key, undefined);
      await call(t.key, null);
      await call(t.key, {}, null);
      await call(t.key, null, undefined);
      for (const start of [
        (done) => call(t.key, done),
        (done) => call(t.key, null, done),
        (done) => call(t.key, {}, done),
      ]) {
        const [err, body] = await called(start);
        assert.deepEqual([err, typeof body], [null, 'object']);
      }
      await called((done) => call(t.key, undefined, done));
      await called((done) => call(t.key, done, () => assert.fail('the first function is the callback')));
      assert.equal(new Set((await wire.requests()).map(({ url }) => url)).size, 1);
    });
  }
});

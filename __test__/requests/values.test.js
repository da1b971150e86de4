'use strict';

const assert = require('node:assert/strict');
const { withClient } = require('../support/etcd');
const { describe, test } = require('../support/test');

const t = withClient('values');

const stored = async (value) => (await t.etcd.set(t.key, value)).node.value;

describe('a value is stored as text', () => {
  const cases = [
    ['a string', 'text', 'text'],
    ['an empty string', '', ''],
    ['a number', -1.5, '-1.5'],
    ['zero', 0, '0'],
    ['true', true, 'true'],
    ['false', false, 'false'],
    ['a bigint', 2n ** 64n, '18446744073709551616'],
    ['a Date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a Buffer', Buffer.from('ü'), 'ü'],
    ['a Uint8Array that shows part of a buffer', new Uint8Array([64, 65, 66, 67]).subarray(1, 3), 'AB'],
  ];

  for (const [what, value, text] of cases) {
    test(what, async () => {
      assert.equal(await stored(value), text);
      assert.equal((await t.etcd.get(t.key)).node.value, text);
    });
  }

  test('whatever characters it has', async () => {
    const texts = [
      'a&b=c+d e%20f;g',
      '!\'()*~`"<>',
      'ü 日本 😀',
      'line\r\nline\ttab',
      'nul\0',
      '\u2028\ufeff',
      '%',
      '?#/\\',
    ];
    for (const text of texts) assert.equal(await stored(text), text);
  });

  test('however long it is, up to what etcd takes', async () => {
    const text = 'ü0'.repeat(300_000);
    assert.equal(await stored(text), text);
    assert.equal(t.etcd.getSync(t.key).body.node.value, text);
  });
});

describe('a value that is no text', () => {
  const cases = [
    ['an object', { a: 1 }],
    ['an empty object', {}],
    ['an array', ['a']],
    ['an empty array', []],
    ['a boxed string', new String('abc')],
    ['a Map', new Map()],
    ['a symbol', Symbol('s')],
  ];
  const methods = [
    ['set', (value) => t.etcd.set(t.key, value)],
    ['create', (value) => t.etcd.create(t.key, value)],
    ['compareAndSwap', (value) => t.etcd.compareAndSwap(t.key, value, 'v')],
    ['raw', (value) => t.etcd.raw('PUT', `v2/keys/${t.key}`, value)],
    ['setSync', (value) => t.etcd.setSync(t.key, value)],
  ];

  for (const [what, value] of cases) {
    test(`such as ${what} throws at once and names the argument`, () => {
      for (const [name, call] of methods) {
        assert.throws(
          () => call(value),
          (error) => {
            assert.ok(error instanceof TypeError, `${name}: ${error}`);
            assert.equal(error.code, 'ERR_INVALID_ARG_TYPE');
            assert.match(error.message, /"value".*JSON\.stringify/);
            return true;
          },
        );
      }
    });
  }

  test('such as an invalid Date throws and names the argument', () => {
    const wanted = { code: 'ERR_INVALID_ARG_VALUE', message: /value/ };
    assert.throws(() => t.etcd.set(t.key, new Date(Number.NaN)), wanted);
  });

  test('such as a lone surrogate throws and names the argument', () => {
    const wanted = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: /value/ };
    assert.throws(() => t.etcd.set(t.key, 'a\ud800'), wanted);
  });

  test('leaves the key as it was', async () => {
    await t.etcd.set(t.key, 'before');
    assert.throws(() => t.etcd.set(t.key, {}));
    assert.equal((await t.etcd.get(t.key)).node.value, 'before');
  });
});

test('a function in the place of the value is the value, as in node-etcd, and is not called', async () => {
  let calls = 0;
  const { node } = await t.etcd.set(t.key, () => {
    calls += 1;
  });
  assert.deepEqual([node.value, calls], ['', 0]);
});

'use strict';

// The URL of a request: the key in its path, the options in its query.

const key = (text, rest) => ({ name: `get(${JSON.stringify(text)})`, call: ['get', text], ...rest });
const sentAs = (difference, sent, theirs) => ({
  difference,
  expected: { wire: [`GET /v2/keys/${sent}`] },
  ...(theirs && { theirs: { wire: [`GET /v2/keys/${theirs}`] } }),
});
const encoded = (text, sent, theirs) => key(text, sentAs('key-characters', sent, theirs));
const BAD_TYPE = { difference: 'bad-arguments', expected: { thrown: 'ERR_INVALID_ARG_TYPE', wire: [] } };
const query = (options, rest) => ({ name: `get with ${rest.of}`, call: ['get', 'k', options], ...rest });

const raw = (args, rest) => ({
  name: `raw(${args.map((value) => (value === undefined ? 'undefined' : JSON.stringify(value))).join(', ')})`,
  call: ['raw', args[0], args[1], args[2], args[3] ?? {}],
  ...rest,
});

class Inherited {}
Inherited.prototype.recursive = true;

/** Written in a query as nothing that etcd reads, or as nothing at all. */
const UNWRITABLE = { difference: 'option-objects', expected: { thrown: 'ERR_INVALID_ARG_TYPE', wire: [] } };

/** Without a condition that etcd knows, the write would take place in any case. */
const OLD_OBJECT = { difference: 'old-value-objects', expected: { wire: [] } };

module.exports = {
  title: 'URLs and queries',
  needs: ['etcd'],
  cases: [
    ...[
      'k',
      '/k',
      'a/b/c',
      '/a/b/c',
      '',
      '/',
      'a b',
      'a|b',
      'a"b',
      'a<b>',
      'a{b}',
      'a^b',
      'a`b',
      "a'b",
      'a\tb',
      'a\nb',
      'a%20b',
      'a%2Fb',
      'a%2fb',
      'a+b',
      'a&b;c=d,e',
      'a:b@c',
      'a[b]',
      'a~b!$*()',
      'a-b_c.d',
      '...',
      '.hidden',
      '_hidden',
      'x'.repeat(3000),
    ].map((text) => key(text, text.length > 100 ? { name: 'get of a long key' } : {})),
    encoded('ü', '%C3%BC', 'ü'),
    encoded('日本', '%E6%97%A5%E6%9C%AC'),
    encoded('😀', '%F0%9F%98%80'),
    encoded('a?b=1', 'a%3Fb=1', 'a?b=1'),
    encoded('a#f', 'a%23f', 'a'),
    encoded('a\\b', 'a%5Cb', 'a/b'),
    encoded('a%zz', 'a%25zz', 'a%zz'),
    encoded('a%', 'a%25', 'a%'),
    encoded('a\0b', 'a%00b'),
    key('a//b', sentAs('key-slashes', 'a/b')),
    key('//a', sentAs('key-slashes', 'a')),
    key('a///', sentAs('key-slashes', 'a')),
    key('dir/', sentAs('key-slashes', 'dir')),
    ...['..', '.', 'a/../b', './a', 'a/.', '%2e%2e/x'].map((text) =>
      key(text, { difference: 'key-dots', expected: { wire: [] } }),
    ),
    key('\ud800', { difference: 'surrogates', expected: { thrown: 'ERR_INVALID_ARG_VALUE' } }),
    {
      name: 'the key that was written is read again, whatever characters it has',
      difference: 'key-characters',
      etcd: true,
      hosts: '127.0.0.1:{etcd}',
      run: async (_, { call }) => {
        const found = {};
        for (const text of ['ünï', 'a b+c', '100%', 'a?b', 'a#b', '日本']) {
          await call('set', text, `value of ${text}`);
          found[text] = (await call('get', text)).arguments[1]?.node?.value;
        }
        return found;
      },
    },
    ...[5, null, undefined, {}, ['k'], true].map((value) => ({
      name: `get of a key that is no string: ${JSON.stringify(value)}`,
      call: ['get', value],
      ...BAD_TYPE,
    })),
    ...[
      [{ recursive: true, sorted: false }, 'booleans'],
      [{ waitIndex: 5, ttl: 1.5, big: 1e21, negative: -3 }, 'numbers'],
      [{ nothing: null, more: 1 }, 'null'],
      [{ missing: undefined, more: 1 }, 'undefined'],
      [{ missing: undefined }, 'nothing but undefined'],
      [{ empty: '' }, 'an empty text'],
      [{ text: "a b&c=d+e/f?g#h%20!'()*~" }, 'special characters'],
      [{ text: 'ü😀' }, 'characters beyond ASCII'],
      [{ 'na me': 1, 'ü&': 2 }, 'special characters in a name'],
      [{ when: new Date(0) }, 'a date'],
      [{ not: Number.NaN, huge: Number.POSITIVE_INFINITY }, 'NaN and Infinity'],
      [{ bytes: Buffer.from('bytes') }, 'a Buffer'],
      [{}, 'no options'],
      [null, 'null for options'],
      [undefined, 'undefined for options'],
      [new Inherited(), 'inherited options'],
      [{ b: 1, a: 2, 1: 3 }, 'options in their order'],
      [{ maxRetries: 1, recursive: true }, 'maxRetries, which is not sent'],
      [Object.freeze({ recursive: true }), 'frozen options'],
      [{ path: 'x', json: false, method: 'PUT', uri: 'y', form: 1 }, 'names that are options elsewhere'],
    ].map(([options, of]) => query(options, { of })),
    ...[
      [{ list: [1, 'b', true] }, 'a list'],
      [{ list: [] }, 'an empty list'],
      [{ object: { a: 1, b: { c: 2 } } }, 'objects'],
      [{ object: {} }, 'an empty object'],
      [{ work: () => 1, more: 1 }, 'a function'],
      [{ number: new Number(3), text: new String('s') }, 'boxed values'],
      [{ map: new Map([[1, 2]]) }, 'a map'],
    ].map(([options, of]) => query(options, { of, ...UNWRITABLE })),
    {
      name: 'a condition that is an array',
      ...UNWRITABLE,
      call: ['set', 'k', 'v', { prevValue: [] }],
      theirs: { wire: ['PUT /v2/keys/k value=v'] },
    },
    {
      name: 'compare-and-swap with no old value but an option',
      difference: 'old-value-option',
      call: ['compareAndSwap', 'k', 'v', undefined, { prevValue: 'old' }],
      expected: { wire: ['PUT /v2/keys/k value=v&prevValue=old'] },
      theirs: { wire: ['PUT /v2/keys/k value=v'] },
    },
    query({ big: 10n }, { of: 'a bigint', difference: 'value-types', expected: { wire: ['GET /v2/keys/k?big=10'] } }),
    query({ sign: Symbol('s') }, { of: 'a symbol', ...BAD_TYPE }),
    query(
      { invalid: new Date(Number.NaN) },
      {
        of: 'an invalid date',
        difference: 'bad-arguments',
        expected: { thrown: 'ERR_INVALID_ARG_VALUE', wire: [] },
      },
    ),
    query(
      { text: '\ud800' },
      { of: 'a lone surrogate', difference: 'surrogates', expected: { thrown: 'ERR_INVALID_ARG_VALUE' } },
    ),
    query(
      { timeout: 5000, recursive: true },
      {
        of: 'a timeout',
        difference: 'call-timeout',
        expected: { wire: ['GET /v2/keys/k?recursive=true'] },
        theirs: { wire: ['GET /v2/keys/k?timeout=5000&recursive=true'] },
      },
    ),
    query({ signal: undefined, recursive: true }, { of: 'a signal of undefined' }),
    ...['text', 5, true].map((options) => query(options, { of: `${typeof options} for options`, ...BAD_TYPE })),
    {
      name: 'mkdir and rmdir say dir last',
      run: async (_, { call }) => [await call('mkdir', 'd', { ttl: 5 }), await call('rmdir', 'd', { recursive: true })],
    },
    {
      name: "the caller's dir gives way",
      run: async (_, { call }) => [
        await call('mkdir', 'd', { dir: false, ttl: 1 }),
        await call('rmdir', 'd', { dir: 'x' }),
      ],
    },
    {
      name: 'conditions of a set',
      difference: 'put-conditions',
      compares: ['sent'],
      call: ['set', 'k', 'v', { prevValue: 'a b', ttl: 5, prevIndex: 7, prevExist: true }],
      expected: { sent: ['PUT /v2/keys/k?ttl=5 value=v&prevValue=a%20b&prevIndex=7&prevExist=true'] },
      theirs: { sent: ['PUT /v2/keys/k?prevValue=a%20b&ttl=5&prevIndex=7&prevExist=true value=v'] },
    },
    {
      name: 'a deletion with an old value of 5 KB',
      difference: 'long-lines',
      etcd: true,
      hosts: '127.0.0.1:{etcd}',
      call: ['compareAndDelete', 'k', 'x'.repeat(5000), { maxRetries: 0 }],
      theirs: { codes: ['ECONNRESET'] },
    },
    {
      name: 'compare-and-swap says prevValue last',
      run: (_, { call }) => call('compareAndSwap', 'k', 'new', 'old', { ttl: 5 }),
    },
    {
      name: 'compare-and-delete says prevValue last',
      run: (_, { call }) => call('compareAndDelete', 'k', 'old', { prevIndex: 5 }),
    },
    {
      name: "the caller's prevValue gives way",
      run: (_, { call }) => call('compareAndSwap', 'k', 'new', 'old', { prevValue: 'older', ttl: 1 }),
    },
    ...[null, undefined, 0, '', false, 5, new Date(0), ['a'], { a: 1 }].map((value) => ({
      ...(value?.constructor === Array || value?.constructor === Object ? OLD_OBJECT : {}),
      name: `compare-and-swap with ${value === undefined ? 'undefined' : JSON.stringify(value)} as the old value`,
      run: async (_, { call }) => [
        await call('compareAndSwap', 'k', 'new', value),
        await call('compareAndDelete', 'k', value),
      ],
    })),
    {
      name: 'watchIndex says waitIndex, then wait',
      run: async (_, { call }) => [
        await call('watchIndex', 'k', 7, { recursive: true }),
        await call('watchIndex', 'k', null),
        await call('watchIndex', 'k', undefined),
        await call('watchIndex', 'k', '12'),
        await call('watch', 'k', { waitIndex: 3, wait: false }),
      ],
    },
    ...[
      ['GET', 'v2/keys/a?x=1', undefined, { y: 2 }],
      ['GET', 'version'],
      ['GET', 'v2/keys/a b'],
      ['GET', 'v2/keys/a\\b'],
      ['GET', 'v2/keys/a%20b%'],
      ['GET', 5],
      ['GET', ''],
      ['GET', undefined],
      ['get', 'version'],
      ['HEAD', 'version'],
      ['PUT', 'v2/keys/k', 'value', { ttl: 5 }],
      ['POST', 'v2/keys/k', 'value'],
      ['DELETE', 'v2/keys/k'],
      ['DELETE', 'v2/keys/k', 'value'],
      ['GET', 'v2/keys/k', 'value'],
      ['PATCH', 'v2/keys/k', 'value'],
      ['OPTIONS', 'v2/keys/k'],
      ['ODD', 'v2/keys/k'],
    ].map((args) => raw(args)),
    raw(['GET', 'v2/keys/a#f', undefined, { y: 2 }], {
      difference: 'raw-paths',
      expected: { wire: ['GET /v2/keys/a%23f?y=2'] },
    }),
    raw(['GET', '/version'], { difference: 'raw-paths', expected: { wire: ['GET /version'] } }),
    raw(['GET', 'v2/../x'], { difference: 'raw-paths', expected: { wire: ['GET /x'] } }),
    raw(['GET', 'v2/keys/ü'], { difference: 'raw-paths', expected: { wire: ['GET /v2/keys/%C3%BC'] } }),
    raw(['GET', 'v2/keys/日本'], { difference: 'raw-paths', expected: { wire: ['GET /v2/keys/%E6%97%A5%E6%9C%AC'] } }),
    raw(['BAD METHOD', 'v2/keys/k'], { difference: 'bad-arguments', expected: { wire: [] } }),
    raw(['', 'v2/keys/k'], { difference: 'bad-arguments', expected: { wire: [] } }),
    raw([5, 'v2/keys/k'], BAD_TYPE),
    raw([undefined, 'v2/keys/k'], BAD_TYPE),
    {
      name: 'a path in the host stays before a key that starts with a slash',
      hosts: 'http://127.0.0.1:{a}/prefix/',
      run: async (_, { call }) => [
        await call('get', '/k', { recursive: true }),
        await call('raw', 'GET', 'version', null),
      ],
    },
  ],
};

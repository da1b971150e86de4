'use strict';

// What is sent besides method and URL.

const value = (what, text, rest) => ({ name: `set of ${text}`, call: ['set', 'k', what], ...rest });
const withHeaders = (headers, text, rest) => ({
  name: `headers: ${text}`,
  options: { headers },
  run: async (_, { call }) => [await call('get', 'k'), await call('set', 'k', 'v')],
  ...rest,
});

module.exports = {
  title: 'bodies and headers',
  cases: [
    ...[
      ['text', 'a text'],
      ['', 'an empty text'],
      ["a b&c=d+e/f?g#h%20!'()*~\r\n\t", 'special characters'],
      ['ü日本😀', 'characters beyond ASCII'],
      ['a\0b', 'a NUL'],
      [5, 'a number'],
      [0, 'zero'],
      [-0, 'minus zero'],
      [1e21, 'a large number'],
      [Number.NaN, 'NaN'],
      [true, 'true'],
      [false, 'false'],
      [null, 'null'],
      [undefined, 'undefined'],
      [new Date(0), 'a date'],
      [Buffer.from('bytes ü'), 'a Buffer'],
      ['x'.repeat(200_000), 'a long text'],
    ].map(([what, text]) => value(what, text)),
    value(10n, 'a bigint'),
    value(Buffer.from([0xff, 0xfe]), 'bytes that are no text'),
    value(new Uint8Array([65, 66]), 'a Uint8Array'),
    value({ a: 1 }, 'an object'),
    value({}, 'an empty object'),
    value([1, 2], 'a list'),
    value([], 'an empty list'),
    value(new Number(3), 'a boxed number'),
    value(new String('abc'), 'a boxed text'),
    value(new Map(), 'a map'),
    value(Symbol('s'), 'a symbol'),
    value('\ud800', 'a lone surrogate'),
    value(new Date(Number.NaN), 'an invalid date'),
    {
      name: 'set of a function takes it as the value',
      run: async (etcd, { received, call, sleep }) => {
        let called = false;
        etcd.set('k', () => {
          called = true;
        });
        await received(1);
        const later = await call('get', 'k');
        await sleep(20);
        return { called, later };
      },
    },
    { name: 'create with and without a value', run: async (_, { call }) => [await call('create', 'd', 'v'), await call('create', 'd', null)] },
    { name: 'set without a value has no content type', call: ['set', 'k', null, { ttl: 5 }] },
    { name: 'del and rmdir have no body', run: async (_, { call }) => [await call('del', 'k'), await call('rmdir', 'd')] },
    { name: 'a swap to null', call: ['compareAndSwap', 'k', null, 'old'] },
    withHeaders({ 'x-own': 'yes' }, 'one of our own'),
    withHeaders({ 'X-Mixed-Case': 'Kept?' }, 'mixed case'),
    withHeaders({ accept: 'text/plain' }, 'another accept'),
    withHeaders({ Accept: 'text/plain' }, 'another Accept'),
    withHeaders({ 'user-agent': 'me/1' }, 'a user agent'),
    withHeaders({ host: 'other.example' }, 'another host'),
    withHeaders({ authorization: 'Token x' }, 'authorization'),
    withHeaders({ 'content-type': 'text/plain' }, 'another content type'),
    withHeaders({ 'Content-Type': 'text/plain' }, 'another Content-Type'),
    withHeaders({ 'x-number': 5 }, 'a number'),
    withHeaders({ 'x-true': true }, 'a boolean'),
    withHeaders({ 'x-list': ['a', 'b'] }, 'a list'),
    withHeaders({ 'x-latin': 'ü' }, 'latin-1'),
    withHeaders({ 'x-empty': '' }, 'an empty value'),
    withHeaders({ cookie: 'a=b' }, 'a cookie'),
    withHeaders({}, 'none'),
    withHeaders(undefined, 'undefined'),
    withHeaders(null, 'null'),
    withHeaders({ 'x-null': null }, 'null as value'),
    withHeaders({ 'x-undefined': undefined }, 'undefined as value'),
    withHeaders({ 'x-bad': 'a\r\nb: c' }, 'a line break in a value'),
    withHeaders({ 'bad name': 'x' }, 'a space in a name'),
    withHeaders({ '': 'x' }, 'an empty name'),
    withHeaders({ 'x-beyond': '日本' }, 'a value beyond latin-1'),
    withHeaders({ connection: 'close' }, 'connection'),
    withHeaders({ 'transfer-encoding': 'chunked' }, 'transfer-encoding'),
    withHeaders({ 'content-length': '3' }, 'content-length'),
    withHeaders({ expect: '100-continue' }, 'expect'),
    withHeaders('text', 'a text'),
    {
      name: 'header names on the wire keep their case',
      options: { headers: { 'X-Mixed-Case': 'a' } },
      run: async (_, { call, heads }) => {
        await call('set', 'k', 'v');
        return (await heads())[0].map(([name]) => name).sort();
      },
    },
  ],
};

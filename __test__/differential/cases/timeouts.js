'use strict';

// Limits of time. Cases wait on a server that does nothing, never on a clock.

const HOST = '127.0.0.1:{a}';
/** Of etcd, to whatever was asked. */
const ANSWER = { action: 'get', node: { key: '/k', value: 'v' } };
const slow = { reply: { chunks: [...'{"action":"get","node":{}}'].map((data) => ({ data, delayMs: 25 })) } };

const codes = ({ arguments: args }) =>
  args[0].errors.map(({ httperror: { code, connect, message } }) => ({ code, connect, message }));

module.exports = {
  title: 'timeouts',
  needs: ['deaf'],
  cases: [
    { name: 'no answer', options: { timeout: 500 }, fallback: { stall: true }, call: ['get', 'k'] },
    { name: 'no answer to a write', options: { timeout: 500 }, fallback: { stall: true }, call: ['set', 'k', 'v'] },
    {
      name: 'a body that stops',
      options: { timeout: 500 },
      fallback: { reply: { chunks: ['{"acti'], hold: true } },
      call: ['get', 'k'],
    },
    { name: 'a slow body whose bytes keep coming', options: { timeout: 400 }, fallback: slow, call: ['get', 'k'] },
    {
      name: 'each host has its time',
      hosts: [HOST, HOST],
      options: { timeout: 500 },
      fallback: { stall: true },
      run: async (_, { call }) => codes(await call('get', 'k')),
    },
    {
      name: 'after a timeout comes the next host',
      hosts: [HOST, HOST],
      options: { timeout: 500 },
      steps: [{ stall: true }],
      call: ['get', 'k'],
    },
    {
      name: 'a timeout is not tried again, nor is an election beside it',
      hosts: [HOST, HOST],
      options: { timeout: 500 },
      steps: [{ stall: true }, { close: true }],
      call: ['get', 'k'],
    },
    {
      name: 'no connection',
      skip: process.platform !== 'linux',
      hosts: '127.0.0.1:{deaf}',
      options: { timeout: 150 },
      call: ['get', 'k'],
    },
    {
      name: 'a refused connection is not a timeout',
      hosts: '127.0.0.1:{refused}',
      options: { timeout: 500 },
      call: ['get', 'k'],
    },
    ...[0, undefined, null].map((timeout) => ({
      name: `${timeout} is no limit`,
      options: { timeout },
      steps: [{ delayMs: 100, reply: { json: ANSWER } }],
      call: ['get', 'k'],
    })),
    ...['50', -1, Number.NaN, {}].map((timeout) => ({
      difference: 'bad-arguments',
      name: `a timeout of ${typeof timeout === 'string' ? `'${timeout}'` : timeout}`,
      options: { timeout },
      steps: [{ delayMs: 100, reply: { json: ANSWER } }],
      call: ['get', 'k'],
    })),
    {
      name: 'Infinity',
      options: { timeout: Number.POSITIVE_INFINITY },
      steps: [{ delayMs: 50, reply: { json: ANSWER } }],
      call: ['get', 'k'],
    },
    {
      name: 'the wait for a free connection does not count',
      options: { timeout: 1000, pool: { maxSockets: 1 } },
      fallback: { delayMs: 450, reply: { json: ANSWER } },
      run: (_, { call }) => Promise.all(['a', 'b', 'c'].map((key) => call('get', key))),
      compares: ['result'],
    },
    {
      name: 'a timeout of a single call',
      difference: 'call-timeout',
      fallback: { delayMs: 2000, reply: { json: ANSWER } },
      call: ['get', 'k', { timeout: 500 }],
      expected: { wire: ['GET /v2/keys/k'], codes: ['ESOCKETTIMEDOUT'] },
      theirs: { wire: ['GET /v2/keys/k?timeout=500'], codes: undefined },
    },
    {
      name: 'a watch without an event, though its headers came',
      difference: 'watch-timeout',
      theirs: { codes: ['ESOCKETTIMEDOUT'] },
      options: { timeout: 500 },
      steps: [
        {
          reply: {
            headers: { 'X-Etcd-Index': '7' },
            chunks: [{ data: '{"action":"set"}', delayMs: 2000 }],
          },
        },
      ],
      call: ['watch', 'k'],
    },
    { name: 'a watch without headers', options: { timeout: 500 }, fallback: { stall: true }, call: ['watch', 'k'] },
    {
      name: 'a Sync call',
      options: { timeout: 500 },
      fallback: { stall: true },
      run: (_, { sync }) => sync('getSync', 'k'),
    },
  ],
};

'use strict';

// Calls that return when they are done.

const answer = (value) => ({ action: 'get', node: { key: '/k', value } });
const CALLS = {
  setSync: ['k', 'v'],
  getSync: ['k'],
  delSync: ['k'],
  mkdirSync: ['d'],
  rmdirSync: ['d'],
};
const ASYNC = {
  set: ['k', 'v'],
  get: ['k'],
  create: ['d', 'v'],
  del: ['k'],
  mkdir: ['d'],
  rmdir: ['d'],
  compareAndSwap: ['k', 'new', 'old'],
  compareAndDelete: ['k', 'old'],
  raw: ['GET', 'version', null],
  watch: ['k'],
  watchIndex: ['k', 7],
};
const error = { errorCode: 100, message: 'Key not found', cause: '/k', index: 9 };
const returned = (name, rest) => ({ name, run: (_, { sync }) => sync('getSync', 'k'), ...rest });

module.exports = {
  title: 'Sync methods',
  cases: [
    ...Object.entries(CALLS).map(([method, args]) => ({
      name: `${method} with and without options`,
      run: (_, { sync }) => [
        sync(method, ...args),
        sync(method, ...args, null),
        sync(method, ...args, {}),
        sync(method, ...args, { ttl: 5, recursive: true }),
        Object.keys(sync(method, ...args).returned),
      ],
    })),
    ...Object.entries(ASYNC).map(([method, args]) => ({
      name: `${method} with synchronous: true`,
      run: (_, { sync }) => sync(method, ...args, { synchronous: true, ttl: 5 }),
    })),
    { name: 'setSync without a value', run: (_, { sync }) => [sync('setSync', 'k'), sync('setSync', 'k', null)] },
    {
      name: 'synchronous: true with a callback',
      run: (etcd, { sleep }) => {
        let called = false;
        const outcome = etcd.get('k', { synchronous: true }, () => {
          called = true;
        });
        return sleep(20).then(() => [outcome, called]);
      },
    },
    {
      name: 'synchronous that is not true',
      run: (_, { call }) =>
        Promise.all([call('get', 'k', { synchronous: 1 }), call('get', 'k', { synchronous: false })]),
    },
    returned('an error of etcd', { fallback: { reply: { status: 404, json: error } } }),
    returned('an empty reply', { difference: 'not-etcd', fallback: { reply: { status: 204 } } }),
    returned('a reply that is not JSON', { difference: 'not-etcd', fallback: { reply: { body: 'text' } } }),
    returned('a page of 404', {
      difference: 'not-etcd',
      fallback: { reply: { status: 404, body: '404 page not found\n' } },
    }),
    returned('503', { fallback: { reply: { status: 503, body: 'none' } } }),
    returned('an election that ends', { steps: [{ reply: { status: 500, json: { errorCode: 301, message: 'x' } } }] }),
    returned('an election that does not end', {
      fallback: { reply: { status: 500, json: { errorCode: 301, message: 'x' } } },
    }),
    returned('maxRetries', {
      fallback: { reply: { status: 500, json: { errorCode: 301, message: 'x' } } },
      run: (_, { sync }) => sync('getSync', 'k', { maxRetries: 1 }),
    }),
    returned('the next host', {
      hosts: ['127.0.0.1:{a}', '127.0.0.1:{a}'],
      steps: [{ reply: { status: 500, body: 'x' } }],
    }),
    returned('a closed connection', { fallback: { close: true } }),
    returned('a port where nobody listens', { difference: 'sync-refused', hosts: '127.0.0.1:{refused}' }),
    returned('no hosts', { hosts: [], difference: 'sync-no-hosts' }),
    returned('a key that is no string', {
      run: (_, { sync }) => sync('getSync', 5),
      difference: 'bad-arguments',
      expected: { thrown: 'ERR_INVALID_ARG_TYPE' },
    }),
    returned('an odd key', { difference: 'key-characters', run: (_, { sync }) => sync('getSync', 'ü') }),
    returned('a redirect', { steps: [{ reply: { status: 307, headers: { Location: '/to' } } }] }),
    {
      name: 'in a callback',
      run: (etcd) => new Promise((resolve) => etcd.get('outer', (...args) => resolve([args, etcd.getSync('inner')]))),
    },
    {
      name: 'in a timer, a microtask and a promise',
      run: async (etcd) => [
        await new Promise((resolve) => setTimeout(() => resolve(etcd.getSync('timer')), 1)),
        await new Promise((resolve) => process.nextTick(() => resolve(etcd.getSync('tick')))),
        await Promise.resolve().then(() => etcd.getSync('promise')),
      ],
    },
    {
      name: 'beside an asynchronous request in flight',
      steps: [{ match: /slow/, delayMs: 100, reply: { json: answer('slow') } }],
      run: async (etcd, { outcomeOf, received }) => {
        const slow = outcomeOf((callback) => etcd.get('slow', callback));
        await received(1);
        return [etcd.getSync('k'), await slow];
      },
    },
    {
      name: 'timers during a call',
      difference: 'sync-blocks',
      steps: [{ delayMs: 150, reply: { json: answer('timers') } }],
      run: (etcd) => {
        let fired = false;
        setTimeout(() => {
          fired = true;
        }, 10);
        const outcome = etcd.getSync('k');
        return { outcome, fired };
      },
    },
    {
      name: 'one call during another',
      difference: 'sync-blocks',
      expected: { result: { outer: answer('outer'), inner: answer('inner') } },
      theirs: { result: { outer: answer('inner'), inner: answer('inner') } },
      steps: [
        { match: /outer/, delayMs: 150, reply: { json: answer('outer') } },
        { match: /inner/, delayMs: 250, reply: { json: answer('inner') } },
      ],
      run: async (etcd) => {
        const inner = new Promise((resolve) => setTimeout(() => resolve(etcd.getSync('inner').body), 10));
        const outer = etcd.getSync('outer').body;
        return { outer, inner: await inner };
      },
    },
  ],
};

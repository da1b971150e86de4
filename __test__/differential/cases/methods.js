'use strict';

// Every method against a real etcd; both clients have one of their own, which has seen the same.

const ETCD = { etcd: true, hosts: '127.0.0.1:{etcd}' };

/** An outcome without the length of its body, in which a time of expiration has more or fewer digits. */
function steady(outcome) {
  const headers = outcome.arguments ? outcome.arguments[2] : outcome.returned.headers;
  if (headers) delete headers['content-length'];
  return outcome;
}

/** Calls one after the other, each a method with its arguments. */
const sequence = (name, calls, rest) => ({
  ...ETCD,
  name,
  run: async (_, { call }) => {
    const outcomes = [];
    for (const args of calls) outcomes.push(steady(await call(...args)));
    return outcomes;
  },
  ...rest,
});

const syncSequence = (name, calls, rest) => ({
  ...ETCD,
  name,
  run: (_, { sync }) => calls.map((args) => steady(sync(...args))),
  ...rest,
});

module.exports = {
  title: 'methods on a real etcd',
  needs: ['etcd'],
  cases: [
    sequence('set, get, del', [
      ['set', 'a', 'one'],
      ['get', 'a'],
      ['set', '/a', 'two'],
      ['get', '/a', { quorum: true }],
      ['del', 'a'],
      ['get', 'a'],
      ['del', 'a'],
      ['delete', 'a'],
    ]),
    sequence('set with conditions', [
      ['set', 'c', '1', { prevExist: true }],
      ['set', 'c', '1', { prevExist: false }],
      ['set', 'c', '1', { prevExist: false }],
      ['set', 'c', '2', { prevValue: '1' }],
      ['set', 'c', '2', { prevValue: 'x' }],
      ['set', 'c', '3', { prevIndex: 1 }],
      ['set', 'c', '3', { noValueOnSuccess: true }],
      ['set', 'c', null, { prevExist: true }],
      ['get', 'c'],
    ]),
    sequence('set of nothing', [
      ['set', 'n', undefined],
      ['get', 'n'],
      ['set', 'n', null],
      ['set', 'n', ''],
    ]),
    sequence('values of all types', [
      ['set', 't/number', 5],
      ['set', 't/true', true],
      ['set', 't/date', new Date(0)],
      ['set', 't/bytes', Buffer.from('bytes ü')],
      ['set', 't/text', "a b&c=d+e/f?g#h%20!'()*~\r\n\t日本😀"],
      ['get', 't', { sorted: true, recursive: true }],
    ]),
    sequence('what etcd refuses', [
      ['set', '/', 'x'],
      ['set', 'r', 'x', { ttl: 'soon' }],
      ['set', 'r', 'x', { ttl: -1 }],
      ['set', 'r', 'x', { prevExist: 'maybe' }],
      ['set', 'r', 'x', { prevIndex: 'x' }],
      ['set', 'r', 'x', { refresh: true }],
      ['get', 'r', { recursive: 'x' }],
      ['set', 'r', 'x'],
      ['set', 'r/below', 'x'],
      ['create', 'r', 'x'],
      ['mkdir', 'r/below'],
      ['get', 'missing', { recursive: true }],
    ]),
    sequence('time to live', [
      ['set', 'l', 'x', { ttl: 100 }],
      ['set', 'l', null, { ttl: 200, refresh: true, prevExist: true }],
      ['set', 'l', 'x'],
      ['set', 'l', 'x', { ttl: '' }],
    ]),
    sequence('keys in order', [
      ['create', 'q', 'first'],
      ['post', 'q', 'second', { ttl: 100 }],
      ['create', 'q', null],
      ['get', 'q', { sorted: true }],
    ]),
    sequence('directories', [
      ['mkdir', 'd'],
      ['mkdir', 'd'],
      ['mkdir', 'd/e/f', { ttl: 100 }],
      ['set', 'd/g', 'x'],
      ['get', 'd', { recursive: true, sorted: true }],
      ['get', 'd', { sorted: true }],
      ['del', 'd'],
      ['del', 'd/g', { dir: true }],
      ['rmdir', 'd'],
      ['rmdir', 'd/e/f'],
      ['rmdir', 'd', { recursive: true }],
      ['rmdir', 'd'],
      ['set', 'file', 'x'],
      ['rmdir', 'file'],
      ['mkdir', 'over'],
      ['set', 'over', 'x'],
      ['set', 'dir-by-option', null, { dir: true }],
    ]),
    sequence('compare and swap', [
      ['set', 's', 'old'],
      ['compareAndSwap', 's', 'new', 'old'],
      ['compareAndSwap', 's', 'new', 'old'],
      ['testAndSet', 's', 'newer', 'new', { ttl: 100 }],
      ['compareAndSwap', 'none', 'new', 'old'],
      ['compareAndSwap', 's', 'new', ''],
      ['compareAndSwap', 's', 'new', null],
      ['compareAndSwap', 's', 'plain', undefined],
      ['compareAndDelete', 's', 'x'],
      ['compareAndDelete', 's', 'new'],
      ['compareAndDelete', 's', 'plain'],
      ['testAndDelete', 's', 'plain'],
    ]),
    sequence('hidden keys and the root', [
      ['set', 'h/_hidden', 'x'],
      ['set', 'h/seen', 'x'],
      ['get', 'h', { recursive: true }],
      ['get', 'h/_hidden'],
    ]),
    sequence('special characters', [
      ['set', 'x/a b', 1],
      ['set', 'x/a+b', 2],
      ['set', 'x/a%20c', 3],
      ['set', "x/'quoted'", 4],
      ['set', 'x/{a|b}', 5],
      ['set', 'x/a&b;c:d@e', 6],
      ['get', 'x', { sorted: true }],
      ['get', 'x/a b'],
      ['get', 'x/a%20b'],
    ]),
    sequence('what the server tells about itself', [['machines'], ['leader'], ['version']]),
    {
      ...ETCD,
      name: 'statistics have the same fields',
      run: async (_, { call }) => {
        const [self, leader] = [await call('selfStats'), await call('leaderStats')];
        return [self, leader].map(({ arguments: [err, body] }) => [err, Object.keys(body).sort()]);
      },
    },
    sequence('raw requests', [
      ['raw', 'PUT', 'v2/keys/raw', 'x', { ttl: 100 }],
      ['raw', 'GET', 'v2/keys/raw', null, {}],
      ['raw', 'DELETE', 'v2/keys/raw', null, {}],
      ['raw', 'GET', 'health', null, {}],
      ['raw', 'GET', 'nowhere', null, {}],
      ['raw', 'PUT', 'v2/members', 'x', {}],
    ]),
    {
      ...ETCD,
      name: 'a watch sees the next change',
      run: async (etcd, { call, outcomeOf, sleep }) => {
        await call('set', 'w', 'before');
        let event;
        const seen = outcomeOf((callback) => etcd.watch('w', callback)).then((outcome) => {
          event = outcome;
        });
        // Nobody tells when the watch is registered: only what comes after that is seen.
        while (!event) {
          await call('set', 'w', 'after');
          await sleep(20);
        }
        await seen;
        const [error, { action, node }, headers] = event.arguments;
        return { error, action, key: node.key, value: node.value, headers: Object.keys(headers) };
      },
    },
    {
      ...ETCD,
      name: 'a watch with an index sees the past',
      run: async (_, { call }) => {
        const index = (await call('set', 'wi', 'one')).arguments[1].node.modifiedIndex;
        await call('set', 'wi', 'two');
        await call('del', 'wi');
        return [
          await call('watchIndex', 'wi', index),
          await call('watchIndex', 'wi', index + 1),
          await call('watchIndex', '/', index + 2, { recursive: true }),
        ];
      },
    },
    syncSequence('Sync methods', [
      ['setSync', 'sync/a', 'one'],
      ['setSync', 'sync/a', 'two', { prevValue: 'one' }],
      ['getSync', 'sync/a'],
      ['getSync', 'sync', { recursive: true }],
      ['delSync', 'sync/a'],
      ['delSync', 'sync/a'],
      ['mkdirSync', 'sync/d'],
      ['mkdirSync', 'sync/d', { ttl: 100 }],
      ['rmdirSync', 'sync/d'],
      ['rmdirSync', 'sync', { recursive: true }],
      ['setSync', 'sync-none'],
      ['set', 'sync-option', 'x', { synchronous: true }],
      ['compareAndSwap', 'sync-option', 'y', 'x', { synchronous: true }],
      ['create', 'sync-queue', 'y', { synchronous: true }],
    ]),
  ],
};

'use strict';

// What is special about a store in this process, and its handle for tests of programs. What it answers is what etcd
// answers.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { beforeEach, describe, test } = require('node:test');
const { Worker } = require('node:worker_threads');
const Etcd = require('../..');
const { keep } = require('../support/clean-up');
const { rejection } = require('../support/promises');

const ROOT = path.join(__dirname, '..', '..');
const store = Etcd.memory();
const etcd = new Etcd('memory:');

beforeEach(() => store.reset());

/** The first `count` changes of a watcher, as action and key. */
async function changes(watcher, count) {
  const seen = [];
  for await (const { action, node } of watcher) {
    seen.push(`${action} ${node.key}`);
    if (seen.length === count) return seen;
  }
}

describe('a store in this process', () => {
  test('is shared by all clients that name it, and by its handle', async () => {
    await new Etcd('memory:').set('a', '1');
    assert.equal((await new Etcd(' MEMORY: ').get('a')).node.value, '1');
    assert.equal((await new Etcd(['memory:']).get('a')).node.value, '1');
    assert.deepEqual(Etcd.memory('').dump(), { '/a': '1' });
  });

  test('is another one by another name, in which upper and lower case differ', async () => {
    const [one, other] = [new Etcd('memory:one'), new Etcd('memory:One')];
    await one.set('a', '1');
    assert.equal((await rejection(other.get('a'))).errorCode, 100);
    assert.deepEqual(Etcd.memory('one').dump(), { '/a': '1' });
    assert.deepEqual([one.getHosts(), Etcd.memory('One').host], [['memory:one'], 'memory:One']);
  });

  test('gives Sync methods, callbacks and promises the same data', async () => {
    assert.ifError(etcd.setSync('a', 'sync').err);
    assert.equal((await etcd.get('a')).node.value, 'sync');
    await new Promise((resolve) => etcd.set('a', 'callback', resolve));
    assert.equal(etcd.getSync('a').body.node.value, 'callback');
  });

  test('calls back after the method has returned', async () => {
    let returned = false;
    const called = new Promise((resolve) => etcd.set('a', '1', () => resolve(returned)));
    returned = true;
    assert.equal(await called, true);
  });

  test('is shared by worker threads, whose watchers see what others write', async () => {
    const work = `
      const { parentPort, workerData } = require('node:worker_threads');
      const Etcd = require(workerData);
      const etcd = new Etcd('memory:');
      const watcher = etcd.watcher('main', etcd.setSync('worker', 'here').body.node.modifiedIndex);
      watcher.once('change', ({ node }) => { watcher.stop(); parentPort.postMessage(node.value); });
      parentPort.postMessage('ready');`;
    const worker = new Worker(work, { eval: true, workerData: ROOT });
    await once(worker, 'message');
    assert.deepEqual(store.dump(), { '/worker': 'here' });
    const [told, ended] = [once(worker, 'message'), once(worker, 'exit')];
    await etcd.set('main', 'seen');
    assert.deepEqual([await told, await ended], [['seen'], [0]]);
  });

  test('is shared by a second copy of the JavaScript, as test runners load one', async () => {
    const loaded = Object.keys(require.cache).filter((file) => /^(index\.js|lib)/.test(path.relative(ROOT, file)));
    const kept = loaded.map((file) => [file, require.cache[file]]);
    for (const file of loaded) delete require.cache[file];
    const Other = require('../..');
    Object.assign(require.cache, Object.fromEntries(kept));
    assert.notEqual(Other, Etcd);
    await new Other('memory:').set('a', 'other');
    assert.equal(etcd.getSync('a').body.node.value, 'other');
    assert.deepEqual(Other.memory().dump(), { '/a': 'other' });
  });

  test('answers about itself as an etcd with one member', async () => {
    assert.match((await etcd.version()).etcdserver, /^3\.4\./);
    assert.equal((await etcd.selfStats()).state, 'StateLeader');
    assert.deepEqual((await etcd.leaderStats()).followers, {});
    await etcd.set('a', '1');
    assert.equal((await etcd.raw('GET', 'v2/stats/store')).setsSuccess, 1);
    assert.equal((await etcd.raw('GET', 'v2/keys/a')).node.value, '1');
  });
});

describe('a client of a store in this process', () => {
  const refused = (hosts, options, message) =>
    assert.throws(() => new Etcd(hosts, options), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message });

  test('has no other hosts', () => {
    const message = 'A store in this process ("memory:") cannot be combined with other hosts';
    refused(['memory:', '127.0.0.1:2379'], {}, message);
    refused(['127.0.0.1:2379', ' Memory:a'], {}, message);
    refused(['memory:a', 'memory:b'], {}, message);
  });

  test('takes the options of requests', async () => {
    const client = new Etcd('memory:', { timeout: 100, maxRetries: 0, resendWrites: false, ca: null, gzip: undefined });
    assert.equal((await client.set('a', '1')).node.value, '1');
  });

  for (const [name, value] of Object.entries({
    auth: { user: 'u', pass: 'p' },
    ca: 'pem',
    headers: { 'x-a': 'b' },
    proxy: null,
    maxSockets: 1,
    maxResponseSize: 1,
    rejectUnauthorized: false,
    whatever: 1,
  })) {
    test(`refuses the option ${name}, as there is no connection`, () => {
      const supported = 'the options of a store in this process ("memory:"): timeout, maxRetries, resendWrites';
      refused('memory:', { [name]: value }, `The option "${name}" is not supported. Supported in ${supported}`);
    });
  }
});

describe('the handle', () => {
  test('has a name that is a string', () => {
    for (const name of [1, null, {}]) assert.throws(() => Etcd.memory(name), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  const TREE = {
    '/_hidden': 'too',
    '/a': '1',
    '/dir/b': 'ü\n',
    '/dir/empty/': {},
    '/leased/': { ttl: 50 },
    '/leased/c': { value: '', ttl: 40.5 },
  };

  test('loads what it dumps', () => {
    store.load(TREE);
    const dumped = store.dump();
    assert.deepEqual(Object.keys(dumped), Object.keys(TREE).sort());
    assert.ok(dumped['/leased/'].ttl > 49 && dumped['/leased/'].ttl <= 50);
    store.reset();
    assert.deepEqual(store.dump(), {});
    store.load(dumped);
    const { ttl, value } = store.dump()['/leased/c'];
    assert.ok(ttl > 39 && ttl <= 40.5);
    assert.equal(value, '');
  });

  test('loads paths as clients name keys, and clients read them', async () => {
    store.load({ 'a//b': '1', 'd/': {} });
    assert.equal((await etcd.get('a/b')).node.value, '1');
    assert.equal((await etcd.get('d')).node.dir, true);
    assert.deepEqual(store.dump(), { '/a/b': '1', '/d/': {} });
  });

  test('loads in place of what was there, which watchers see', async () => {
    store.load({ '/a': '1', '/dir/b': '2' });
    const { headers } = etcd.getSync('/');
    const watcher = etcd.watcher('/', Number(headers['x-etcd-index']) + 1, { recursive: true });
    store.load({ '/c': '3' });
    assert.deepEqual(await changes(watcher, 3), ['delete /a', 'delete /dir', 'set /c']);
    assert.deepEqual(store.dump(), { '/c': '3' });
  });

  for (const [what, tree, message] of [
    ['a number as value', { '/a': 1 }, 'Cannot load "/a": expected a text or {"value": "…", "ttl": 5}, got 1'],
    [
      'a key without a value',
      { '/a': {} },
      /Cannot load "\/a": expected a text as value; a directory ends with a slash/,
    ],
    ['a directory with a value', { '/a/': { value: 'x' } }, /Cannot load "\/a\/": a directory, .* has no value/],
    ['a text as directory', { '/a/': 'x' }, /Cannot load "\/a\/": expected \{\} or \{"ttl": 5\}/],
    ['an unknown field', { '/a': { value: 'x', tll: 1 } }, /Cannot load "\/a": expected a text or/],
    ['a negative TTL', { '/a': { value: 'x', ttl: -1 } }, 'Cannot load "/a": expected seconds as ttl, got -1'],
    ['a key within a key', { '/a': 'x', '/a/b': 'y' }, /Cannot load "\/a\/b": "\/a" has a value/],
    ['one path twice', { '/a': 'x', a: 'y' }, 'Cannot load "a": the same path is given twice'],
    ['the root', { '/': {} }, 'Cannot load "/": the root is there already'],
  ]) {
    test(`loads nothing if there is ${what}`, () => {
      store.load({ '/kept': '1' });
      assert.throws(() => store.load({ '/new': '2', ...tree }), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_VALUE',
        message,
      });
      assert.deepEqual(store.dump(), { '/kept': '1' });
    });
  }

  test('loads only objects', () => {
    for (const tree of [undefined, null, 'text', []]) {
      assert.throws(() => store.load(tree), {
        code: 'ERR_INVALID_ARG_TYPE',
        message: /"tree" argument must be an object/,
      });
    }
  });

  test('resets everything', async () => {
    await etcd.set('a', '1', { ttl: 60 });
    store.fail({ times: 5 });
    store.delay(Infinity);
    store.advance(1000);
    store.disconnect();
    store.reset();
    assert.deepEqual(store.requests(), []);
    const { node } = await etcd.set('b', '2', { ttl: 10 });
    assert.deepEqual(store.dump(), { '/b': { value: '2', ttl: store.dump()['/b'].ttl } });
    assert.equal(node.modifiedIndex, 4); // the first that an etcd gives
    const ahead = Date.parse(node.expiration) - Date.now();
    assert.ok(ahead <= 10_000, `expires in ${ahead} ms`);
  });

  test('resets under a watcher, which is told by a resync and goes on', async () => {
    for (let i = 0; i < 10; i++) etcd.setSync('a', i);
    const watcher = keep(etcd.watcher('a', 4));
    await once(watcher, 'change');
    const resync = once(watcher, 'resync');
    store.reset();
    const [err] = await resync;
    assert.deepEqual([err.errorCode, err.error.index], [401, 4]);
    assert.match(err.message, /^The store went back to an earlier state/);
    const change = once(watcher, 'change');
    await etcd.set('a', 'new');
    const [event] = await change;
    assert.deepEqual([event.node.value, event.node.modifiedIndex], ['new', 4]);
  });

  test('resets under polls: one for what is far now fails as a watcher is told, others wait for the new store', async () => {
    for (let i = 0; i < 10; i++) etcd.setSync('a', i);
    const { node } = etcd.getSync('a').body;
    const later = rejection(etcd.watchIndex('a', node.modifiedIndex + 1));
    const next = etcd.watch('a');
    while ((await etcd.raw('GET', 'v2/stats/store')).watchers < 2);
    store.reset();
    const err = await later;
    assert.deepEqual([err.errorCode, err.error.index], [401, 4]);
    assert.match(err.error.cause, new RegExp(`was at index ${node.modifiedIndex}$`));
    while ((await etcd.raw('GET', 'v2/stats/store')).watchers < 1);
    await etcd.set('a', 'new');
    assert.equal((await next).node.value, 'new');
  });

  test('tells what was asked, in order, however it was asked', async () => {
    await etcd.set('a b', 'v', { ttl: 60, prevExist: false });
    etcd.getSync('/dir/', { recursive: true });
    await etcd.version();
    await etcd.create('queue', 1);
    assert.deepEqual(store.requests(), [
      { method: 'PUT', key: '/a b', query: 'ttl=60&prevExist=false', value: 'v' },
      { method: 'GET', key: '/dir', query: 'recursive=true' },
      { method: 'GET', path: '/version', query: '' },
      { method: 'POST', key: '/queue', query: '', value: '1' },
    ]);
  });

  test('remembers the last 10,000 requests', () => {
    for (let i = 0; i < 10_001; i++) etcd.setSync('a', i);
    const values = store.requests().map(({ value }) => value);
    assert.deepEqual([values.length, values[0], values.at(-1)], [10_000, '1', '10000']);
  });
});

describe('TTLs', () => {
  test('end at once, in order and with events when the clock is set forward', async () => {
    const { node } = await etcd.set('third', 'x', { ttl: 30 });
    await etcd.set('first', 'x', { ttl: 10 });
    await etcd.mkdir('second', { ttl: 20 });
    await etcd.set('second/inside', 'x');
    await etcd.set('stays', 'x', { ttl: 60 });
    const watcher = etcd.watcher('/', node.modifiedIndex + 4, { recursive: true });
    store.advance(30_000);
    assert.deepEqual(Object.keys(store.dump()), ['/stays']);
    assert.deepEqual(await changes(watcher, 4), ['set /stays', 'expire /first', 'expire /second', 'expire /third']);
    const { ttl } = (await etcd.get('stays')).node;
    assert.ok(ttl > 20 && ttl <= 30, `${ttl}`);
  });

  test('end by themselves while somebody watches', async () => {
    const { node } = await etcd.set('a', 'x', { ttl: 1 });
    const event = await etcd.watchIndex('a', node.modifiedIndex + 1);
    assert.deepEqual([event.action, event.prevNode.value], ['expire', 'x']);
  });

  test('have ended for the next who asks, when nobody watches', async () => {
    store.load({ '/a': { value: 'x', ttl: 0.001 } });
    while ((await etcd.get('/')).node.nodes) assert.ok(store.requests().length < 9000, 'a millisecond is over');
    assert.deepEqual(store.dump(), {});
  });

  test('move with the clock, which is not set back', () => {
    store.load({ '/a': { value: 'x', ttl: 100 } });
    store.advance(0);
    store.advance(40_000.5);
    assert.ok(store.dump()['/a'].ttl < 60);
    for (const [time, code] of [
      [-1, 'ERR_INVALID_ARG_VALUE'],
      [NaN, 'ERR_INVALID_ARG_VALUE'],
      [Infinity, 'ERR_INVALID_ARG_VALUE'],
      [1e300, 'ERR_INVALID_ARG_VALUE'],
      ['1', 'ERR_INVALID_ARG_TYPE'],
      [undefined, 'ERR_INVALID_ARG_TYPE'],
    ]) {
      assert.throws(() => store.advance(time), { code, message: /"milliseconds" argument/ });
    }
  });
});

'use strict';

// Failures that tests of programs order: clients must see them as they see real ones.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { beforeEach, describe, test } = require('node:test');
const Etcd = require('../..');
const { keep } = require('../support/clean-up');
const { printedBy } = require('../support/node-script');
const { called, rejection } = require('../support/promises');

const store = Etcd.memory();
const etcd = new Etcd('memory:', { maxRetries: 0 });

beforeEach(() => store.reset());

/** What a failure is in `errors`, and whether the write took place all the same. */
const KINDS = {
  refused: { httperror: { code: 'ECONNREFUSED', syscall: 'connect' }, status: undefined, isDone: false },
  timeout: { httperror: { code: 'ESOCKETTIMEDOUT', connect: false }, status: undefined, isDone: false },
  unavailable: { httperror: null, status: 503, isDone: false },
  election: { httperror: null, status: 500, isDone: false },
  lost: { httperror: { code: 'ECONNRESET' }, status: undefined, isDone: true },
};

describe('a request that is to fail', () => {
  for (const [kind, { httperror, status, isDone }] of Object.entries(KINDS)) {
    test(`as "${kind}": tells so in errors, also by Sync and in the token`, async () => {
      store.fail({ times: 2, with: kind });
      const token = etcd.set('a', '1');
      const error = await rejection(token);
      assert.deepEqual(Object.keys(store.dump()), isDone ? ['/a'] : []);
      assert.deepEqual([error.message, error.retries], ['All servers returned error', 0]);
      assert.equal(token.errors, error.errors);
      for (const { errors } of [error, etcd.setSync('a', '1').err]) {
        assert.equal(errors.length, 1);
        const [failure] = errors;
        assert.deepEqual([failure.server, failure.httpstatus], ['memory:', status]);
        assert.equal(failure.httperror === null, httperror === null);
        for (const name in httperror) assert.equal(failure.httperror[name], httperror[name]);
      }
      assert.equal((await etcd.set('a', '2')).node.value, '2');
    });
  }

  test('is refused if nothing else is said', async () => {
    store.fail();
    assert.equal((await rejection(etcd.get('a'))).errors[0].httperror.code, 'ECONNREFUSED');
    store.fail({});
    assert.equal((await rejection(etcd.get('a'))).errors[0].httperror.code, 'ECONNREFUSED');
    assert.equal((await rejection(etcd.get('a'))).errorCode, 100);
  });

  test('is one with the method and the key of the rule', async () => {
    store.load({ '/a b': '1', '/c': '2' });
    store.fail({ method: 'delete', key: 'a b' });
    await etcd.get('a b');
    await etcd.del('c');
    assert.equal((await rejection(etcd.del('/a%20b'))).errors.length, 1);
    await etcd.del('a b');
    store.fail({ key: '/version' });
    assert.equal((await rejection(etcd.version())).errors.length, 1);
  });

  test('fails as the rule says that was given first, then as the next one', async () => {
    store.fail({ with: 'unavailable' });
    store.fail({ with: 'election' });
    const statuses = [];
    for (let i = 0; i < 2; i++) statuses.push((await rejection(etcd.get('a'))).errors[0].httpstatus);
    assert.deepEqual(statuses, [503, 500]);
  });

  test('is remembered among the requests', async () => {
    store.fail();
    await rejection(etcd.set('a', '1'));
    assert.deepEqual(store.requests(), [{ method: 'PUT', key: '/a', query: '', value: '1' }]);
  });

  test('fails for ever with times: Infinity, until the store is reset', async () => {
    store.fail({ times: Infinity });
    for (let i = 0; i < 20; i++) assert.equal((await rejection(etcd.get('a'))).errors.length, 1);
    store.reset();
    await etcd.set('a', '1');
  });

  test('is one that a rule can be understood for', () => {
    const refused = (rule, code, message) =>
      assert.throws(() => store.fail(rule), { name: 'TypeError', code, message });
    refused(
      { with: 'fire' },
      'ERR_INVALID_ARG_VALUE',
      /^rule.with is one of refused, timeout, unavailable, election, lost$/,
    );
    refused({ keys: 'a' }, 'ERR_INVALID_ARG_VALUE', 'rule.keys is not known. Known: method, key, times, with');
    refused({ method: 1 }, 'ERR_INVALID_ARG_TYPE', /rule.method/);
    refused({ key: 1 }, 'ERR_INVALID_ARG_TYPE', /rule.key/);
    refused({ key: 'a/../b' }, 'ERR_INVALID_ARG_VALUE', /^Invalid key "a\/..\/b"/);
    refused({ times: -1 }, 'ERR_INVALID_ARG_VALUE', /rule.times/);
    refused('lost', 'ERR_INVALID_ARG_TYPE', /options/);
    assert.throws(() => store.delay(1, { with: 'lost' }), { code: 'ERR_INVALID_ARG_VALUE', message: /rule.with/ });
    assert.throws(() => store.delay(), { code: 'ERR_INVALID_ARG_TYPE', message: /"milliseconds"/ });
    assert.deepEqual(etcd.setSync('a', '1').err, null);
  });
});

describe('retries', () => {
  const retrying = (source) =>
    printedBy(
      `const Etcd = require('.');
       const [store, etcd] = [Etcd.memory(), new Etcd('memory:')];
       (async () => console.log(JSON.stringify(await (${source})())))();`,
      { env: { RUNNING_UNIT_TESTS: 'true' } },
    );

  test('go on through elections and refusals to a success', async () => {
    const printed = await retrying(`async () => {
      store.fail({ times: 2, with: 'election' });
      store.fail({ with: 'refused' });
      const token = etcd.set('a', '1');
      const { node } = await token;
      return [node.value, token.retries, token.errors.length, store.requests().length];
    }`);
    assert.deepEqual(printed, ['1', 3, 3, 4]);
  });

  test('end when there are no more of them', async () => {
    const printed = await retrying(`async () => {
      store.fail({ times: Infinity });
      const failed = await etcd.set('a', '1').catch((error) => error);
      const fewer = await etcd.get('a', { maxRetries: 1 }).catch((error) => error);
      return [failed, fewer].map(({ retries, errors }) => [retries, errors.length]);
    }`);
    assert.deepEqual(printed, [
      [3, 4],
      [1, 2],
    ]);
  });

  test('send a write again whose reply was lost, which may then find its own work', async () => {
    const printed = await retrying(`async () => {
      store.fail({ with: 'lost' });
      const created = await etcd.create('queue', 'job');
      store.fail({ with: 'lost' });
      const { errorCode } = await etcd.set('once', '1', { prevExist: false }).catch((error) => error);
      return [Object.values(store.dump()), errorCode, created.node.key];
    }`);
    assert.deepEqual(printed, [['1', 'job', 'job'], 105, printed[2]]);
  });
});

describe('a client with resendWrites: false', () => {
  const careful = new Etcd('memory:', { resendWrites: false });

  for (const kind of ['lost', 'timeout']) {
    test(`does not send a write again after "${kind}", whose outcome is unknown`, async () => {
      store.fail({ with: kind });
      const [error] = await called((done) => careful.create('queue', 'job', done));
      assert.equal(error.code, 'ERR_UNKNOWN_OUTCOME');
      assert.equal(Object.keys(store.dump()).length, kind === 'lost' ? 1 : 0);
      assert.equal(store.requests().length, 1);
    });
  }

  test('reads again, and writes again after what was not sent', async () => {
    store.fail({ method: 'PUT', with: 'refused' });
    store.fail({ method: 'GET', with: 'lost' });
    assert.equal((await careful.set('a', '1')).node.value, '1');
    assert.equal((await careful.get('a')).node.value, '1');
  });
});

describe('a delay', () => {
  test('holds a request back, and lets others pass', async () => {
    store.delay(100, { key: 'slow' });
    const done = [];
    const slow = etcd.set('slow', '1').then(() => done.push('slow'));
    await etcd.set('fast', '1').then(() => done.push('fast'));
    assert.deepEqual(Object.keys(store.dump()), ['/fast']);
    await slow;
    assert.deepEqual(done, ['fast', 'slow']);
  });

  test('goes with a failure, and with a Sync call', () => {
    store.delay(1);
    store.fail();
    assert.equal(etcd.getSync('a').err.errors[0].httperror.code, 'ECONNREFUSED');
    assert.equal(etcd.getSync('a').err.errorCode, 100);
  });

  test('without end is ended by an abort, and nothing was written', async () => {
    store.delay(Infinity);
    const controller = new AbortController();
    const pending = etcd.set('a', '1', { signal: controller.signal });
    await etcd.set('b', '1');
    controller.abort();
    assert.equal((await rejection(pending)).name, 'AbortError');
    assert.deepEqual(store.dump(), { '/b': '1' });
  });
});

describe('a delay that is longer than the timeout', () => {
  test('is an ESOCKETTIMEDOUT, and nothing was written', async () => {
    store.delay(5000, { times: 2 });
    const error = await rejection(etcd.set('a', '1', { timeout: 20 }));
    const { err } = etcd.setSync('a', '1', { timeout: 20 });
    for (const { errors } of [error, err]) assert.equal(errors[0].httperror.code, 'ESOCKETTIMEDOUT');
    assert.deepEqual(store.dump(), {});
  });
});

describe('a store without connection', { timeout: 30_000 }, () => {
  test('refuses everybody, and keeps its contents', async () => {
    store.load({ '/a': '1' });
    store.disconnect();
    for (const error of [await rejection(etcd.get('a')), etcd.getSync('a').err]) {
      assert.equal(error.errors[0].httperror.code, 'ECONNREFUSED');
    }
    store.reconnect();
    assert.equal((await etcd.get('a')).node.value, '1');
  });

  test('has polls fail that were waiting', async () => {
    const failed = rejection(etcd.watch('a'));
    while ((await etcd.raw('GET', 'v2/stats/store')).watchers === 0);
    store.disconnect();
    assert.equal((await failed).errors[0].httperror.code, 'ECONNRESET');
  });

  test('has watchers reconnect, which miss nothing of what happened meanwhile', async () => {
    const { node } = await etcd.set('a', '0');
    const watcher = keep(etcd.watcher('a', node.modifiedIndex));
    await once(watcher, 'change');
    const cut = once(watcher, 'reconnect');
    store.disconnect();
    assert.equal((await cut)[0].error.errors[0].httperror.code, 'ECONNRESET');
    assert.equal((await once(watcher, 'reconnect'))[0].error.errors[0].httperror.code, 'ECONNREFUSED');
    store.load({ '/a': 'meanwhile' });
    store.reconnect();
    const seen = [];
    for await (const { action } of watcher) if (seen.push(action) === 2) break;
    assert.deepEqual(seen, ['delete', 'set']);
  });
});

describe('a watcher', { timeout: 30_000 }, () => {
  for (const kind of Object.keys(KINDS)) {
    test(`whose beginning fails as "${kind}" reconnects`, async () => {
      const { node } = await etcd.set('a', '1');
      store.fail({ method: 'GET', key: 'a', with: kind });
      const watcher = keep(etcd.watcher('a', node.modifiedIndex));
      const [error] = await once(watcher, 'reconnect');
      assert.equal(error.error.errors.length, 1);
      assert.equal((await once(watcher, 'change'))[0].node.value, '1');
    });
  }

  test('that was stopped takes no failure which is ordered later', async () => {
    for (let round = 0; round < 100; round++) {
      const { node } = await etcd.set('a', '0');
      const stopped = keep(etcd.watcher('a', node.modifiedIndex));
      await once(stopped, 'change');
      store.disconnect();
      for (let i = 0; i < 2; i++) await once(stopped, 'reconnect');
      store.load({ '/a': 'meanwhile' });
      store.reconnect();
      // Stopped by the second of two changes that come at once, while it reads on.
      let seen = 0;
      for await (const _ of stopped) if (++seen === 2) break;
      store.reset();
      store.fail({ method: 'GET', key: 'a' });
      await etcd.raw('GET', 'v2/stats/store');
      assert.equal((await rejection(etcd.get('a'))).errorCode, undefined, `round ${round}`);
      store.reset();
    }
  });

  test('that starts before a compaction gets a resync, and goes on', async () => {
    const { node } = await etcd.set('a', '1');
    await etcd.set('a', '2');
    store.compact();
    const watcher = keep(etcd.watcher('a', node.modifiedIndex));
    const [error] = await once(watcher, 'resync');
    assert.equal(error.errorCode, 401);
    const next = new Promise((resolve) => watcher.on('change', (event) => event.node.value === '3' && resolve()));
    await etcd.set('a', '3');
    await next;
  });

  test('that was cut off while there was a compaction gets one resync', async () => {
    const { node } = await etcd.set('a', '0');
    const watcher = keep(etcd.watcher('a', node.modifiedIndex));
    await once(watcher, 'change');
    let resyncs = 0;
    watcher.on('resync', () => {
      resyncs += 1;
    });
    store.disconnect();
    store.load({ '/a': 'lost' });
    store.compact();
    store.reconnect();
    await once(watcher, 'resync');
    const next = new Promise((resolve) => watcher.on('change', (event) => event.node.value === 'next' && resolve()));
    while ((await etcd.raw('GET', 'v2/stats/store')).watchers === 0);
    await etcd.set('a', 'next');
    await next;
    assert.equal(resyncs, 1);
  });

  test('that was cut off while the store was reset goes on in the new one', async () => {
    for (let i = 0; i < 10; i++) etcd.setSync('a', i);
    const watcher = keep(etcd.watcher('a', 4));
    await once(watcher, 'change');
    store.disconnect();
    await once(watcher, 'reconnect');
    const resync = once(watcher, 'resync');
    store.reset();
    assert.equal((await resync)[0].errorCode, 401);
    const change = once(watcher, 'change');
    await etcd.set('a', 'new');
    assert.equal((await change)[0].node.value, 'new');
  });
});

test('a poll for an event before a compaction is refused with 401', { timeout: 30_000 }, async () => {
  const { node } = await etcd.set('a', '1');
  await etcd.set('a', '2');
  assert.equal((await etcd.watchIndex('a', node.modifiedIndex)).node.value, '1');
  store.compact();
  const error = await rejection(etcd.watchIndex('a', node.modifiedIndex));
  assert.equal(error.errorCode, 401);
  assert.match(error.error.cause, /^the requested history has been cleared /);
});

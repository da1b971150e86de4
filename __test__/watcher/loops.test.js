'use strict';

// What a watcher offers beside node-etcd's: `for await`, close(), ref(), unref() and liveness.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const Etcd = require('../..');
const { cleanUp, keep, scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { rejection, waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('loop');

const watch = (client, ...args) => keep(client.watcher(...args));

/** Watches from now on: with the index, nothing depends on when the watch is registered. */
async function watchFromNow(options) {
  const { node } = await t.etcd.set(`${t.key}-start`, 0);
  return watch(t.etcd, t.key, node.modifiedIndex + 1, options);
}

async function write(count) {
  for (let i = 0; i < count; i++) await t.etcd.set(t.key, i);
}

/** Takes so many changes and leaves the loop. */
async function take(count, changes) {
  const values = [];
  for await (const { node } of changes) {
    if (values.push(node.value) === count) break;
  }
  return values;
}

const upTo = (count) => Array.from({ length: count }, (_, i) => String(i));

describe('a loop over a watcher', { timeout: 60_000 }, () => {
  test('gets each change in order, and stops the watcher when it is left', async () => {
    const watcher = await watchFromNow();
    const [values] = await Promise.all([take(20, watcher), write(20)]);
    assert.deepEqual([values, watcher.stopped], [upTo(20), true]);
  });

  test('stops the watcher when its body throws', async () => {
    const watcher = await watchFromNow();
    const loop = async () => {
      for await (const change of watcher) throw new Error(change.action);
    };
    const [error] = await Promise.all([rejection(loop()), write(1)]);
    assert.deepEqual([error.message, watcher.stopped], ['set', true]);
  });

  test('that is slow loses nothing, though no more events are read than the buffer takes', async () => {
    const watcher = await watchFromNow({ buffer: 10 });
    let read = 0;
    watcher.on('change', () => {
      read += 1;
    });
    const changes = watcher[Symbol.asyncIterator]();
    const other = take(200, await watchFromNow());
    await write(200);
    await other;
    // The first one waits in the loop, and ten in the buffer.
    assert.ok(read <= 11, `${read} were read`);
    assert.deepEqual(await take(200, changes), upTo(200));
  });

  test('shares the watcher with others and with listeners, and each gets everything', async () => {
    const watcher = await watchFromNow();
    const heard = [];
    watcher.on('set', ({ node }) => heard.push(node.value));
    const loops = [watcher, watcher].map((changes) => {
      const iterator = changes[Symbol.asyncIterator]();
      return Promise.all(Array.from({ length: 5 }, async () => (await iterator.next()).value.node.value));
    });
    await write(5);
    assert.deepEqual([...(await Promise.all(loops)), heard], [upTo(5), upTo(5), upTo(5)]);
    assert.equal(watcher.stopped, false);
  });

  test('ends when the watcher is stopped, at once also with changes left', async () => {
    const watcher = await watchFromNow();
    const changes = watcher[Symbol.asyncIterator]();
    const seen = once(watcher, 'change');
    await write(1);
    await seen;
    watcher.stop();
    assert.deepEqual(await changes.next(), { done: true, value: undefined });
    const waiting = (await watchFromNow())[Symbol.asyncIterator]();
    const next = waiting.next();
    await waiting.return();
    assert.deepEqual([await next, await take(1, watcher)], [{ done: true, value: undefined }, []]);
  });

  test('at lost events ends after the watcher has told of them', async () => {
    const lost = { status: 400, json: { errorCode: 401, message: 'outdated', cause: '', index: 2000 } };
    const wire = await scripted([{ reply: lost }], { fallback: { stall: true } });
    const watcher = new Etcd(wire.host).watcher('k', 1);
    const names = [];
    for (const name of ['resync', 'stop']) watcher.on(name, () => names.push(name));
    const err = await watcher[Symbol.asyncIterator]()
      .next()
      .catch((error) => error);
    assert.deepEqual([err.errorCode, names], [401, ['resync', 'stop']]);
  });

  test('ends with an error where events are lost, after the changes before them', async () => {
    const event = { json: { action: 'set', node: { key: '/k', value: 'v', modifiedIndex: 4, createdIndex: 4 } } };
    const outdated = { status: 400, json: { errorCode: 401, message: 'outdated', cause: '', index: 2000 } };
    const wire = await scripted([{ reply: event }, { reply: outdated }], { fallback: { stall: true } });
    const watcher = watch(new Etcd(wire.host), 'k', 3);
    const changes = watcher[Symbol.asyncIterator]();
    await once(watcher, 'resync');
    assert.equal((await changes.next()).value.node.value, 'v');
    const error = await rejection(changes.next());
    assert.deepEqual([error.errorCode, error.error.index, watcher.stopped], [401, 2000, true]);
    assert.deepEqual(await changes.next(), { done: true, value: undefined });
  });

  test('ends with an error when the key cannot be watched', async () => {
    const watcher = watch(t.etcd, 'a/../b');
    watcher.on('error', () => {});
    assert.equal((await rejection(take(1, watcher))).code, 'ERR_INVALID_KEY');
    assert.equal((await rejection(take(1, watcher))).code, 'ERR_INVALID_KEY');
  });
});

describe('close()', () => {
  test('stops the watcher once, and can be awaited', async () => {
    const watcher = await watchFromNow();
    let stops = 0;
    watcher.on('stop', () => {
      stops += 1;
    });
    await watcher.close();
    await watcher.close();
    assert.deepEqual([watcher.stopped, stops], [true, 1]);
    if (Symbol.asyncDispose) assert.equal(watcher[Symbol.asyncDispose], watcher.close);
  });
});

describe('a process', { timeout: 60_000 }, () => {
  const watching = (then) => `
    const Etcd = require('.');
    const etcd = new Etcd(${JSON.stringify(t.host)});
    const watcher = etcd.watcher('k', 1);
    watcher.on('reconnect', () => {});
    ${then}`;

  test('ends while a watcher watches that is unreferenced, also with a loop', async () => {
    const printed = await printedBy(
      watching(`
      (async () => { for await (const change of watcher) change; })();
      console.log(JSON.stringify(watcher.unref() === watcher));`),
    );
    assert.equal(printed, true);
  });

  test('goes on for a watcher that is referenced again, and for a request beside an unreferenced one', async () => {
    const printed = await printedBy(
      watching(`
      watcher.unref().ref().unref();
      etcd.set('other', 1, () => {
        watcher.ref();
        watcher.on('change', ({ node }) => {
          console.log(JSON.stringify(node.value));
          watcher.stop();
          watcher.ref();
        });
        setTimeout(() => etcd.set('k', 'v', () => {}), 100).unref();
      });`),
    );
    assert.equal(printed, 'v');
  });
});

describe('the liveness of a watcher', { timeout: 60_000 }, () => {
  test('is how soon it notices a server that has become silent, and then it loses nothing', async () => {
    const watcher = await watchFromNow({ liveness: 1000 });
    const [[change]] = await Promise.all([once(watcher, 'change'), write(1)]);
    t.server.pause();
    cleanUp(() => t.server.resume());
    const [{ error }] = await once(watcher, 'reconnect');
    // The former if a connection was being made when the server fell silent.
    assert.match(error.errors[0].httperror.code, /^(ETIMEDOUT|ESOCKETTIMEDOUT)$/);
    t.server.resume();
    const [[next], { node }] = await Promise.all([once(watcher, 'change'), t.etcd.set(t.key, 'after')]);
    assert.deepEqual([change.node.value, next.node.modifiedIndex], ['0', node.modifiedIndex]);
  });

  test('must be a number of milliseconds from 100 on', () => {
    for (const liveness of ['1000', 99, Number.NaN, Infinity]) {
      assert.throws(() => t.etcd.watcher(t.key, 1, { liveness }), /"options.liveness"/);
    }
  });

  test('keeps a server that lives, whose poll is renewed again and again', async () => {
    const wire = await scripted([], {
      fallback: { reply: { headers: { 'X-Etcd-Index': '7' }, chunks: [], hold: true } },
    });
    const names = [];
    const watcher = watch(new Etcd(wire.host), 'k', 3, { liveness: 400 });
    watcher.on('reconnect', () => names.push('reconnect'));
    await waitUntil(async () => (await wire.requests()).length >= 5);
    assert.deepEqual(names, []);
  });
});

'use strict';

// Tools for tests replace timers, process.nextTick and the clock while a test runs. Our users' tests talk to etcd then.

const assert = require('node:assert/strict');
const { mock } = require('node:test');
const { freePort, freshPrefix, withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { describe, test } = require('../support/test');

const server = withEtcd();

/** Replaces what sinon, jest and vitest do, by things that wait for somebody to move the clock: nobody does. */
const REPLACED_GLOBALS = `
  const never = () => 1;
  process.nextTick = never;
  process.hrtime = Object.assign(() => [0, 0], { bigint: () => 0n });
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'clearTimeout', 'clearInterval',
    'clearImmediate']) globalThis[name] = never;
  Object.assign(require('node:timers'), { setTimeout: never, setInterval: never, setImmediate: never });
  class FakeDate extends Date {
    constructor() {
      super(0);
    }
    static now() {
      return 0;
    }
  }
  globalThis.Date = FakeDate;
  Object.defineProperty(globalThis, 'performance', { value: { now: () => 0 }, configurable: true });`;

const MOCK_TIMERS = `require('node:test').mock.timers.enable();`;

/** Everything of the package that could wait for a timer; what is printed must not go through a stream that does. */
const source = (replace) => `
  const fs = require('node:fs');
  const SystemDate = Date;
  const born = new Date(86_400_000);
  const replies = [];
  require('node:diagnostics_channel').subscribe('node-etcd-native:request:reply', ({ ms }) => replies.push(ms));
  const Etcd = require('.');
  const [host, refusing, key] = process.argv.slice(1);
  ${replace}
  const called = (start) => new Promise((resolve) => start((...args) => resolve(args)));
  const print = (result) => fs.writeSync(1, JSON.stringify(result));
  (async () => {
    const etcd = new Etcd(host);
    const [err, body] = await called((done) => etcd.set(key, 'callback', done));
    const watcher = etcd.watcher(key, body.node.modifiedIndex);
    const seen = [];
    const changed = new Promise((resolve) => watcher.on('set', ({ node }) => {
      if (seen.push(node.value) === 3) resolve();
    }));
    const { node } = await etcd.set(key, 'promise');
    const looped = [];
    const sync = etcd.setSync(key, 'sync');
    await changed;
    for await (const change of etcd.watcher(key, node.modifiedIndex)) {
      if (looped.push(change.node.value) === 2) break;
    }
    const controller = new AbortController();
    const aborted = etcd.watch(key, { signal: controller.signal }).catch(({ name }) => name);
    controller.abort();
    const refused = await new Etcd(refusing, { maxRetries: 1 }).get(key).catch((error) => error);
    const dated = (await etcd.set(key, born, { prevValue: 'sync' })).node.value;
    const closing = etcd.close();
    await closing;
    const [closed] = await called((done) => etcd.get(key, done));
    print({
      err, seen, looped, sync: sync.body.node.value, aborted: await aborted, dated, closed: closed.code,
      refused: refused.errors.length, attempted: refused.errors[0].timestamp.getTime() > 86_400_000,
      isDate: refused.errors[0].timestamp instanceof SystemDate, timed: replies.length > 0 && replies.every((ms) => ms > 0),
    });
  })();`;

describe('everything works', { timeout: 60_000 }, () => {
  for (const [name, replace, skip] of [
    ['when timers, nextTick, Date and performance are replaced after the package was loaded', REPLACED_GLOBALS],
    ['under the mock timers of node:test', MOCK_TIMERS, !mock.timers && 'this Node has no mock timers'],
  ]) {
    test(name, { skip: skip || false }, async () => {
      const args = [server.host, `127.0.0.1:${await freePort()}`, freshPrefix('fake-timers')];
      assert.deepEqual(await printedBy(source(replace), { args }), {
        err: null,
        seen: ['callback', 'promise', 'sync'],
        looped: ['promise', 'sync'],
        sync: 'sync',
        aborted: 'AbortError',
        dated: new Date(86_400_000).toISOString(),
        closed: 'ERR_CLIENT_CLOSED',
        refused: 2,
        attempted: true,
        isDate: true,
        timed: true,
      });
    });
  }
});

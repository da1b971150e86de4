'use strict';

// A panic in Rust is a defect of ours, and an error of whoever met it: the process goes on. Builds for debugging panic where
// NODE_ETCD_NATIVE_PANIC asks for it; a release has nothing of that, so there only the sources are looked at.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { printedBy } = require('../support/node-script');
const { scripted } = require('../support/clean-up');

const BINDING = path.join(__dirname, '..', '..', 'src', 'binding');

/**
 * What a script prints, in which `during(place, work)` is some work while that place panics, and `thrownBy(call)` the
 * message of what a call throws that panics.
 */
function outcomeOf(source, host) {
  const prelude = `
    const addon = require('./lib/addon');
    const dispatch = require('./lib/dispatch');
    const Etcd = require('.');
    function during(place, work) {
      process.env.NODE_ETCD_NATIVE_PANIC = place;
      const end = () => { delete process.env.NODE_ETCD_NATIVE_PANIC; };
      return work().finally(end);
    }
    function thrownBy(work) {
      process.env.NODE_ETCD_NATIVE_PANIC = 'Entry';
      try {
        work();
        return null;
      } catch (error) {
        return error.message;
      } finally {
        delete process.env.NODE_ETCD_NATIVE_PANIC;
      }
    }
    const print = (value) => console.log(JSON.stringify(value));
  `;
  return printedBy(`${prelude}(async () => {${source}})()`, { args: [host ?? ''] });
}

test('each function that JavaScript calls has a net', () => {
  const sources = fs.readdirSync(BINDING).map((file) => fs.readFileSync(path.join(BINDING, file), 'utf8'));
  const entries = sources.flatMap((source) => source.match(/#\[napi[^\]]*\](?=\s+pub (async )?fn)/g) ?? []);
  assert.ok(entries.length > 20);
  assert.deepEqual([...new Set(entries)].sort(), ['#[napi(catch_unwind)]', '#[napi(constructor, catch_unwind)]']);
});

describe('a panic', {
  skip: process.env.ADDON_BUILD === 'release' && 'a release does not panic on demand: npm test -- processes/panics',
}, () => {
  test('in any function that JavaScript calls is an exception, and the function works afterwards', async () => {
    const { thrown, route } = await outcomeOf(`
      const { readOptions } = require('./lib/options');
      const { native } = readOptions(['h:1', 'i:1']);
      const instances = {
        Environment: new addon.Environment(() => {}),
        NativeClient: new addon.NativeClient(dispatch.native, native),
        NativeMemory: new addon.NativeMemory('panics'),
      };
      const argumentsOf = {
        NativeClient: {
          constructor: [dispatch.native, native],
          send: [1, false, 'GET', 'a', true, '', null, false, 0, 0, null],
          watch: [1, 'a', '', null, 0, 1, 1, 0],
          setProxies: [null],
        },
        Environment: { constructor: [() => {}], abort: [1], setReferenced: [1, true], setPaused: [1, true] },
        NativeMemory: {
          constructor: ['panics'], load: ['{}'], advance: [1],
          fail: [null, null, 1, 'refused'], delay: [null, null, 1, 1],
        },
      };
      const thrown = {};
      for (const [name, instance] of Object.entries(instances)) {
        const { constructor } = instance;
        for (const method of Object.getOwnPropertyNames(constructor.prototype)) {
          const args = argumentsOf[name][method] ?? [];
          const call = () => method === 'constructor' ? new constructor(...args) : instance[method](...args);
          thrown[name + '.' + method] = thrownBy(call);
        }
      }
      print({ thrown, route: instances.NativeClient.route().sort() });
    `);
    assert.ok(Object.keys(thrown).length > 20);
    for (const [name, message] of Object.entries(thrown)) assert.match(String(message), /NODE_ETCD_NATIVE_PANIC/, name);
    assert.deepEqual(route, [0, 1]);
  });

  test('in a request or a watch is its error, and the next one is answered', async () => {
    const server = await scripted([{ echo: true, times: Number.MAX_SAFE_INTEGER }]);
    const result = await outcomeOf(
      `
      const etcd = new Etcd(process.argv[1]);
      const codeOf = (error) => error.code;
      const sync = await during('Task', async () => etcd.getSync('a').err.code);
      const promise = await during('Task', () => etcd.get('a').then(() => null, codeOf));
      const watcher = await during('Task', () => new Promise((resolve) => {
        const it = etcd.watcher('a').once('error', (error) => { it.stop(); resolve(error.code); });
      }));
      const event = await during('Event', () => etcd.get('a').then(() => null, codeOf));
      const { action } = await etcd.get('a');
      print({ sync, promise, watcher, event, action, later: etcd.getSync('a').body.action });
    `,
      server.host,
    );
    const failed = 'ERR_INTERNAL';
    const { action, later, ...failures } = result;
    assert.deepEqual(failures, { sync: failed, promise: failed, watcher: failed, event: failed });
    assert.equal(typeof action, 'string');
    assert.equal(later, action);
  });

  test('in what JavaScript no longer holds is nobody’s, and the process goes on', async () => {
    const ended = await outcomeOf(`
      const { Worker } = require('node:worker_threads');
      await during('Finalizer', async () => {
        const worker = new Worker(\`
          const Etcd = require('.');
          new Etcd('127.0.0.1:1').get('a').catch(() => {});
          setImmediate(() => process.exit(7));
        \`, { eval: true });
        const [code] = await require('node:events').once(worker, 'exit');
        print(code);
      });
    `);
    assert.equal(ended, 7);
  });
});

'use strict';

// A process whose clock is set while it waits: a day ahead, and a day back.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { scripted } = require('../support/clean-up');
const { freePort, freshPrefix, withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { compileLibrary, testFolder } = require('../support/preload');
const { describe, test } = require('../support/test');

const server = withEtcd();

const SOURCE = `
  const fs = require('node:fs');
  const Etcd = require('.');
  const [file, host, silent, slow, refusing, key] = process.argv.slice(1);
  const DAY = 86_400;
  const etcd = new Etcd(host, { timeout: 30_000 });
  const outcome = (token) => token.then((body) => body.node.value, (err) => err.errors.at(-1).httperror.code);

  function setClock(seconds) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    const began = Date.now();
    fs.writeFileSync(file, bytes, { flag: 'r+' });
    return Math.round((Date.now() - began) / 1000);
  }

  async function jump(watcher, to) {
    const waiting = [
      outcome(new Etcd(slow, { api: 'v2', timeout: 30_000 }).set(key, 'late')),
      outcome(new Etcd(silent, { api: 'v2', timeout: 500 }).get(key)),
      outcome(new Etcd(refusing, { api: 'v2', timeout: 500, maxRetries: 1 }).get(key)),
    ];
    await etcd.get('/');
    const moved = setClock(to);
    const change = new Promise((resolve) => watcher.once('change', (body) => resolve(body.node.value)));
    await etcd.set(key, 'at ' + to);
    return { moved, outcomes: await Promise.all(waiting), seen: await change, sync: etcd.getSync(key).body.node.value };
  }

  (async () => {
    const { node } = await etcd.set(key, 'first');
    const watcher = etcd.watcher(key, node.modifiedIndex + 1);
    console.log(JSON.stringify([await jump(watcher, DAY), await jump(watcher, -DAY)]));
    watcher.stop();
  })();`;

describe('the system clock', {
  skip: process.platform !== 'linux' && 'for the linker of Linux',
  timeout: 60_000,
}, () => {
  test('may jump a day ahead and back: timeouts, waits and watchers go on', async (t) => {
    const folder = testFolder();
    const library = compileLibrary('clock', folder);
    if (!library) return t.skip('there is no C compiler');
    const file = path.join(folder, 'offset');
    fs.writeFileSync(file, Buffer.alloc(8));
    const silent = await scripted([], { fallback: { stall: true } });
    const slow = await scripted([], { fallback: { echo: true, delayMs: 1000 } });
    const key = freshPrefix('clock');
    const args = [file, server.host, silent.host, slow.host, `127.0.0.1:${await freePort()}`, key];
    const env = { LD_PRELOAD: library, CLOCK_OFFSET: file };
    const [ahead, back] = await printedBy(SOURCE, { args, env, timeoutMs: 50_000 });
    const outcomes = ['late', 'ESOCKETTIMEDOUT', 'ECONNREFUSED'];
    assert.deepEqual(ahead, { moved: 86_400, outcomes, seen: 'at 86400', sync: 'at 86400' });
    assert.deepEqual(back, { moved: -2 * 86_400, outcomes, seen: 'at -86400', sync: 'at -86400' });
  });
});

'use strict';

// Watchers behind a real nginx with its defaults: it holds the headers of a poll back until there is an event, and a
// stream until its buffer is full.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, test } = require('node:test');
const Etcd = require('../..');
const { startNginx, whyNoNginx } = require('../../scripts/nginx');
const { cleanUp, keep } = require('../support/clean-up');
const { freshPrefix, startEtcd } = require('../support/etcd');
const { waitUntil } = require('../support/promises');
const { record } = require('../support/record');

const skip = whyNoNginx();

/** What passes requests on to this port as nginx does if nothing else is said. */
const proxyTo = (target) => (port) =>
  `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${target}; } }`;

/** An etcd, a client of it, and one behind nginx. */
async function proxied() {
  const server = keep(await startEtcd());
  const nginx = keep(await startNginx(proxyTo(server.port)));
  return { server, nginx, direct: new Etcd(server.host), behind: new Etcd(nginx.host) };
}

const upTo = (count) => Array.from({ length: count }, (_, i) => String(i));

describe('behind a proxy that buffers', { timeout: 120_000, skip }, () => {
  test('a watcher knows from where it watches before the first event', async () => {
    const { direct, behind } = await proxied();
    const { node } = await direct.set('other', 1);
    const watcher = behind.watcher('k');
    const seen = record(watcher);
    await waitUntil(() => watcher.index !== null);
    assert.equal(watcher.index, node.modifiedIndex + 1);
    const change = once(watcher, 'change');
    await direct.set('k', 'first');
    await change;
    assert.deepEqual([seen.values, seen.others], [['first'], []]);
  });

  test('40 watchers of quiet keys get their only event, and reconnect never', async () => {
    const { direct, behind } = await proxied();
    const prefix = freshPrefix('quiet');
    // Each poll is renewed within a second.
    const watchers = upTo(40).map((i) => behind.watcher(`${prefix}/${i}`, null, { liveness: 2000 }));
    const seen = watchers.map(record);
    await waitUntil(() => watchers.every(({ index }) => index !== null));
    for (const i of upTo(40)) {
      await Promise.all([once(watchers[i], 'change'), direct.set(`${prefix}/${i}`, i)]);
    }
    assert.deepEqual(
      seen.map(({ values, others }) => [...values, ...others]),
      upTo(40).map((i) => [i]),
    );
  });

  test('a burst of 900 events comes as a whole, in order', async () => {
    const { direct, behind } = await proxied();
    const { node } = await direct.set('burst/start', 0);
    const seen = record(behind.watcher('burst', node.modifiedIndex + 1, { recursive: true }));
    for (let i = 0; i < 900; i += 10) {
      await Promise.all(upTo(10).map((at) => direct.set(`burst/${at}`, i + Number(at))));
    }
    await waitUntil(() => seen.values.length >= 900);
    assert.deepEqual(seen.others, []);
    assert.deepEqual(
      seen.indexes,
      Array.from({ length: 900 }, (_, i) => node.modifiedIndex + 1 + i),
    );
    assert.deepEqual(
      seen.values.map(Number).sort((a, b) => a - b),
      upTo(900).map(Number),
    );
  });

  test('an etcd that is gone is noticed all the same', async () => {
    const { server, behind } = await proxied();
    const watcher = behind.watcher('k', null, { liveness: 2000 });
    record(watcher);
    await waitUntil(() => watcher.index !== null);
    const reconnect = once(watcher, 'reconnect');
    server.pause();
    cleanUp(() => server.resume());
    const [{ error }] = await reconnect;
    assert.equal(error.errors[0].httperror.code, 'ESOCKETTIMEDOUT');
  });
});

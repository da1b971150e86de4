'use strict';

// v2 on v3 behind a real nginx, set as docs/stores.md says: gRPC by grpc_pass, and the JSON gateway by proxy_pass.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { startNginx, whyNoNginx } = require('../../scripts/nginx');
const { cleanUp, keep } = require('../support/clean-up');
const { freePort } = require('../support/etcd');
const { rejection, waitUntil } = require('../support/promises');
const { record } = require('../support/record');

const WATCHERS = 40;
const EVENTS = 900;
/** What must be noticed soon. */
const LIVENESS = 2000;

/** How nginx takes requests and passes them on, by the API. */
const WAYS = {
  v3: { listen: 'http2', pass: (host) => `grpc_pass grpc://${host}; client_max_body_size 0;` },
  'v3-json': { listen: '', pass: (host) => `proxy_pass http://${host}; proxy_buffering off;` },
};
const AS_PACKAGED = { listen: '', pass: (host) => `proxy_pass http://${host};` };

const upTo = (count) => Array.from({ length: count }, (_, i) => i);

/** An etcd, a client of it, and nginx before it: with further directives of that server, and other servers beside it. */
async function proxied({ listen, pass }, { directives = '', beside = '' } = {}) {
  const server = keep(await startEtcd({ etcd: findEtcdV3() }));
  const configure = (port) => `
    server { listen 127.0.0.1:${port} ${listen}; ${directives} location / { ${pass(server.host)} } }
    ${beside}`;
  const nginx = keep(await startNginx(configure));
  return { server, nginx, direct: keep(closing(new Etcd(server.host, { api: 'v3' }))) };
}

/** With what `keep` calls. */
const closing = (etcd) => Object.assign(etcd, { stop: () => etcd.close({ abort: true }) });

/** The connections to nginx that are open, without the one that asks nginx's status at this port. */
async function connectionsAt(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  return Number(/Active connections: (\d+)/.exec(text)[1]) - 1;
}

/** All that a client can ask, but watches. */
async function exercise(etcd) {
  await etcd.set('dir/k', 'a value', { ttl: 60 });
  assert.equal((await etcd.get('dir', { recursive: true })).node.nodes[0].value, 'a value');
  assert.equal(etcd.getSync('dir/k').body.node.value, 'a value');
  assert.equal((await rejection(etcd.get('nothing'))).errorCode, 100);
  assert.equal((await rejection(etcd.compareAndSwap('dir/k', 'new', 'other'))).errorCode, 101);
  assert.equal((await etcd.create('dir', 'in order')).node.key.startsWith('/dir/'), true);
}

for (const [api, way] of Object.entries(WAYS)) {
  describe(`${api} behind nginx`, { timeout: 120_000, skip: whyNoNginx() }, () => {
    const connect = (nginx, options) => keep(closing(new Etcd(nginx.host, { api, ...options })));

    test('has requests and Sync calls answered, and refused by etcd', async () => {
      const { nginx } = await proxied(way);
      await exercise(connect(nginx, { maxRetries: 0 }));
    });

    test(`${WATCHERS} watchers of quiet keys get their only event, and reconnect never`, async () => {
      const { direct, nginx } = await proxied(way);
      const etcd = connect(nginx);
      const watchers = upTo(WATCHERS).map((i) => etcd.watcher(`quiet/${i}`, null, { liveness: LIVENESS }));
      const seen = watchers.map(record);
      await waitUntil(() => watchers.every(({ index }) => index !== null));
      for (const i of upTo(WATCHERS)) {
        await Promise.all([once(watchers[i], 'change'), direct.set(`quiet/${i}`, i)]);
      }
      assert.deepEqual(
        seen.map(({ values, others }) => [...values, ...others]),
        upTo(WATCHERS).map((i) => [String(i)]),
      );
    });

    test(`a burst of ${EVENTS} events comes as a whole, in order`, async () => {
      const { direct, nginx } = await proxied(way);
      const { node } = await direct.set('burst/start', 0);
      const seen = record(connect(nginx).watcher('burst', node.modifiedIndex + 1, { recursive: true }));
      const written = [];
      for (let i = 0; i < EVENTS; i += 10) {
        written.push(...(await Promise.all(upTo(10).map((at) => direct.set(`burst/${at}`, i + at)))));
      }
      await waitUntil(() => seen.values.length >= EVENTS);
      const inOrder = written.map((body) => body.node).sort((a, b) => a.modifiedIndex - b.modifiedIndex);
      assert.deepEqual(seen, {
        values: inOrder.map(({ value }) => value),
        indexes: inOrder.map(({ modifiedIndex }) => modifiedIndex),
        others: [],
      });
    });

    test('an etcd that hangs is noticed, and what happens after it goes on is told', async () => {
      const { server, direct, nginx } = await proxied(way);
      const watcher = connect(nginx).watcher('k', null, { liveness: LIVENESS });
      const seen = record(watcher);
      await waitUntil(() => watcher.index !== null);
      const reconnect = once(watcher, 'reconnect');
      server.pause();
      cleanUp(() => server.resume());
      await reconnect;
      server.resume();
      await direct.set('k', 'after');
      await waitUntil(() => seen.values.length > 0);
      assert.deepEqual(seen.values, ['after']);
    });

    test('an etcd that was killed is noticed, and what happens after its start is told', async () => {
      const { server, direct, nginx } = await proxied(way);
      const watcher = connect(nginx).watcher('k', null, { liveness: LIVENESS });
      const seen = record(watcher);
      await waitUntil(() => watcher.index !== null);
      const reconnect = once(watcher, 'reconnect');
      await server.kill();
      await reconnect;
      await server.start();
      await direct.set('k', 'after');
      await waitUntil(() => seen.values.length > 0);
      assert.deepEqual(seen.values, ['after']);
    });

    test('a connection that nginx ends after some requests, or for being idle, costs no write', async () => {
      const port = await freePort();
      const { nginx } = await proxied(way, {
        directives: 'keepalive_requests 5; keepalive_timeout 1s;',
        beside: `server { listen 127.0.0.1:${port}; keepalive_timeout 0; location / { stub_status; } }`,
      });
      const etcd = connect(nginx, { maxRetries: 0, resendWrites: false });
      // The last connection has served two of its five, and is ended for being idle.
      for (const i of upTo(32)) await etcd.set('k', i);
      await waitUntil(async () => (await connectionsAt(port)) === 0);
      assert.equal((await etcd.set('k', 'after')).prevNode.value, '31');
    });

    test('a watch that nginx ends for being silent goes on, and loses nothing', async () => {
      const { direct, nginx } = await proxied(way, { directives: 'grpc_read_timeout 1s; proxy_read_timeout 1s;' });
      const watcher = connect(nginx).watcher('k');
      const seen = record(watcher);
      await waitUntil(() => watcher.index !== null);
      for (const value of ['1', '2', '3']) {
        const { length } = seen.others;
        await waitUntil(() => seen.others.length > length);
        await direct.set('k', value);
      }
      await waitUntil(() => seen.values.length >= 3);
      assert.deepEqual(seen.values, ['1', '2', '3']);
    });
  });
}

describe('v3 behind nginx, with many watchers', { timeout: 120_000, skip: whyNoNginx() }, () => {
  test('has them all on one request, which is longer than nginx takes unless it is told to', async () => {
    const { nginx } = await proxied(WAYS.v3);
    const etcd = keep(closing(new Etcd(nginx.host, { api: 'v3' })));
    const watchers = upTo(1500).map((i) => etcd.watcher(`${'long'.repeat(100)}/${i}`));
    const seen = watchers.map(record);
    await waitUntil(() => watchers.every(({ index }) => index !== null), { timeoutMs: 60_000 });
    assert.deepEqual(
      seen.flatMap(({ others }) => others),
      [],
    );
  });
});

describe('v3-json behind nginx as packaged', { timeout: 120_000, skip: whyNoNginx() }, () => {
  const connect = (nginx, options) => keep(closing(new Etcd(nginx.host, { api: 'v3-json', ...options })));

  test('has requests and Sync calls answered, and refused by etcd', async () => {
    const { nginx } = await proxied(AS_PACKAGED);
    await exercise(connect(nginx, { maxRetries: 0 }));
  });

  test('a watcher is told late, when etcd ends its reply, but in order, and nothing is lost', async () => {
    const { direct, nginx } = await proxied(AS_PACKAGED);
    const { node } = await direct.set('k', 'first');
    const quiet = connect(nginx).watcher('quiet', null, { liveness: LIVENESS });
    const seen = [quiet, connect(nginx).watcher('k', node.modifiedIndex, { liveness: LIVENESS })].map(record);
    const written = [node.modifiedIndex];
    for (let i = 0; i < 100; i++) written.push((await direct.set('k', 'v'.repeat(100))).node.modifiedIndex);
    await waitUntil(() => quiet.index !== null && seen[1].indexes.length === written.length);
    await Promise.all([once(quiet, 'change'), direct.set('quiet', 'not yet')]);
    assert.deepEqual(seen[1].indexes, written);
    assert.deepEqual([seen[0].values, seen[0].others, seen[1].others], [['not yet'], [], []]);
  });
});

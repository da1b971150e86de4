'use strict';

// v2 on v3 through a real HTTP proxy: gRPC by a tunnel, the JSON gateway as any request.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { freshPrefix } = require('../support/etcd');
const { rejection } = require('../support/promises');
const { startTinyproxy, whyNoTinyproxy } = require('../support/tinyproxy');

const USER = { user: 'jo', password: 'open_sesame' };

describe('through a proxy', { skip: whyNoTinyproxy(), timeout: 60_000 }, () => {
  let server;
  let open;
  let guarded;
  before(async () => {
    server = await startEtcd({ etcd: findEtcdV3() });
    open = await startTinyproxy();
    guarded = await startTinyproxy({ [USER.user]: USER.password });
  });
  after(() => Promise.all([server, open, guarded].map((one) => one?.stop())));

  async function exercise(options) {
    const etcd = new Etcd(server.host, options);
    const key = freshPrefix('proxy');
    const { node } = await etcd.set(key, 'a value', { ttl: 60 });
    assert.equal(etcd.getSync(key).body.node.value, 'a value');
    const watcher = etcd.watcher(key, node.modifiedIndex);
    try {
      assert.equal((await once(watcher, 'change'))[0].node.value, 'a value');
    } finally {
      watcher.stop();
    }
  }

  for (const [api, line] of Object.entries({ v3: 'CONNECT HOST', 'v3-json': 'POST http://HOST/v3/kv/txn' })) {
    const asked = () => line.replace('HOST', server.host);

    test(`go requests, Sync calls and watches over ${api}`, async () => {
      const before = open.requests().length;
      await exercise({ api, proxy: open.url });
      const seen = open.requests().slice(before);
      assert.ok(seen.length >= 2 && seen.some((request) => request.startsWith(asked())), seen.join(', '));
    });

    test(`goes over ${api} who has its password, and nobody without`, async () => {
      await exercise({ api, proxy: guarded.url.replace('//', `//${USER.user}:${USER.password}@`) });
      const err = await rejection(new Etcd(server.host, { api, proxy: guarded.url, maxRetries: 0 }).get('k'));
      assert.deepEqual([err.message, err.errors.length], ['All servers returned error', 1]);
    });
  }
});

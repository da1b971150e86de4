'use strict';

// v2 on v3 with users and roles: what a role that may read and write one directory alone is enough for.

const assert = require('node:assert/strict');
const { after, before, beforeEach, describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { keep } = require('../support/clean-up');
const { rejection, waitUntil } = require('../support/promises');
const { RawV3, encode } = require('../support/raw-v3');

const KEYS = { key: encode('/team/app/'), range_end: encode('/team/app0') };

for (const api of ['v3', 'v3-json']) {
  describe(`with the right to one directory alone, over ${api}`, () => {
    let server;
    let root;
    let app;

    before(async () => {
      server = await startEtcd({ etcd: findEtcdV3() });
      const admin = new RawV3(server.url);
      for (const [name, password] of Object.entries({ root: 'r', app: 'a' })) {
        await admin.call('auth/user/add', { name, password });
        await admin.call('auth/role/add', { name });
        await admin.call('auth/user/grant', { user: name, role: name });
      }
      await admin.call('auth/role/grant', { name: 'app', perm: { permType: 'READWRITE', ...KEYS } });
      await admin.call('auth/enable');
      const as = (user, pass) => new Etcd(server.host, { api, maxRetries: 0, auth: { user, pass } });
      root = as('root', 'r');
    });
    after(() => server?.stop());
    // Each test begins without knowing what it may not ask for.
    beforeEach(() => {
      app = new Etcd(server.host, { api, maxRetries: 0, auth: { user: 'app', pass: 'a' } });
    });

    const use = async () => {
      assert.equal((await app.set('/team/app/x', '1')).action, 'set');
      assert.equal((await app.get('/team/app/x')).node.value, '1');
      assert.equal((await app.compareAndSwap('/team/app/x', '2', '1')).node.value, '2');
      assert.equal((await app.set('/team/app/d/e', '1', { prevExist: false })).action, 'create');
      assert.equal((await app.create('/team/app/q', 'v', { ttl: 60 })).action, 'create');
      assert.equal((await app.set('/team/app/x', '3', { ttl: 60 })).prevNode.value, '2');
      assert.equal((await rejection(app.get('/team/app/none'))).error.cause, '/team/app/none');
      assert.equal((await app.del('/team/app/d', { recursive: true })).node.dir, true);
      assert.equal((await app.compareAndDelete('/team/app/x', '3')).action, 'compareAndDelete');
    };

    test('its keys can be used where the directory has no marker', use);

    test('and where it has', async () => {
      await root.mkdir('/team/app/sub');
      await use();
    });

    test('they can be watched', async () => {
      const told = [];
      keep(app.watcher('/team/app/w')).on('change', ({ action }) => told.push(action));
      await waitUntil(async () => {
        await app.set('/team/app/w', 'v');
        return told.length > 0;
      });
      await app.del('/team/app/w');
      await waitUntil(() => told.at(-1) === 'delete');
    });

    test('all else is refused with error 110, which names the key and no secret', async () => {
      for (const forbidden of [app.get('/other'), app.set('/other', 'v'), app.del('/other'), app.get('/team/app')]) {
        const { errorCode, error } = await rejection(forbidden);
        assert.equal(errorCode, 110);
        assert.match(error.cause, /^Insufficient credentials for \/(other|team\/app): /);
      }
      const wrong = new Etcd(server.host, { api, maxRetries: 0, auth: { user: 'app', pass: 'geheim' } });
      const err = await rejection(wrong.get('/team/app/x'));
      assert.equal(err.errorCode, 110);
      assert.doesNotMatch(JSON.stringify([err.message, err.error]), /geheim/);
      assert.equal((await rejection(new Etcd(server.host, { api, maxRetries: 0 }).get('/team/app/x'))).errorCode, 110);
    });
  });
}

'use strict';

// Which API keeps the keys, and what a v2 client says to an etcd that has no v2 API.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { scripted } = require('../support/clean-up');
const { printedBy } = require('../support/node-script');
const { called, rejection, waitUntil } = require('../support/promises');
const { RawV3 } = require('../support/raw-v3');

let server;
before(async () => {
  server = await startEtcd({ etcd: findEtcdV3() });
});
after(() => server?.stop());

describe('api', () => {
  for (const api of ['v3', 'v3-json']) {
    test(`${api} keeps the same API on etcd v3`, async () => {
      const etcd = new Etcd(server.host, { api });
      assert.equal((await etcd.set('api', api)).node.value, api);
      assert.equal(etcd.getSync('api').body.node.value, api);
      assert.match((await etcd.version()).etcdserver, /^3\.[67]/);
    });
  }

  test('comes from NODE_ETCD_API for programs that do not name it', async () => {
    const source = `
      const Etcd = require('.');
      new Etcd(process.argv.at(-1)).set('by-environment', 'v').then(({ node }) => console.log(JSON.stringify(node.value)));`;
    assert.equal(await printedBy(source, { args: [server.host], env: { NODE_ETCD_API: 'v3' } }), 'v');
  });

  test('wins over the environment', async () => {
    const source = `
      const Etcd = require('.');
      new Etcd(process.argv.at(-1), { api: 'v2' }).get('k').catch(({ code }) => console.log(JSON.stringify(code)));`;
    assert.equal(await printedBy(source, { args: [server.host], env: { NODE_ETCD_API: 'v3' } }), 'ERR_NOT_ETCD');
  });

  test('is refused with the list of what there is', async () => {
    for (const api of ['v4', '', 'V3']) {
      assert.throws(() => new Etcd(server.host, { api }), {
        code: 'ERR_INVALID_ARG_VALUE',
        message: /"v2", "v3", "v3-json"/,
      });
    }
    assert.throws(() => new Etcd(server.host, { api: 3 }), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /"v2", "v3", "v3-json"/,
    });
    const source = `try { new (require('.'))('h:1'); } catch ({ message }) { console.log(JSON.stringify(message)); }`;
    assert.match(
      await printedBy(source, { env: { NODE_ETCD_API: 'v4' } }),
      /NODE_ETCD_API is "v4".*"v2", "v3", "v3-json"/,
    );
  });
});

describe('namespace', () => {
  test('is the prefix of all keys', async () => {
    const [one, other] = ['/one', '/two/'].map((namespace) => new Etcd(server.host, { api: 'v3', namespace }));
    await one.set('a/b', '1');
    await other.set('a/b', '2');
    assert.deepEqual(await new RawV3(server.url).list('/two/a/b', '/two/a/b\0'), { '/two/a/b': '2' });
    assert.equal((await one.get('a/b')).node.key, '/a/b');
    assert.deepEqual(
      (await one.get('/')).node.nodes.map(({ key }) => key),
      ['/a'],
    );
    await one.del('a', { recursive: true });
    assert.equal((await other.get('a/b')).node.value, '2');
  });

  test('is refused without v3, and if it is no text', () => {
    assert.throws(() => new Etcd(server.host, { namespace: '/a', api: 'v2' }), { code: 'ERR_INVALID_ARG_VALUE' });
    assert.throws(() => new Etcd(server.host, { namespace: 5, api: 'v3' }), { code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('a v2 client of an etcd without the v2 API', () => {
  const expected = (version) =>
    new RegExp(`etcd ${version.replaceAll('.', '\\.')}, which has no v2 API.*api to 'v3'.*NODE_ETCD_API=v3`);

  test('says which etcd that is, and what to set', async () => {
    const etcd = new Etcd(server.host, { api: 'v2' });
    const [err, body] = await called((done) => etcd.get('k', done));
    assert.deepEqual([err.code, err.httpstatus, body], ['ERR_NOT_ETCD', 404, '']);
    assert.match(err.message, expected(server.version));
    assert.match((await rejection(etcd.set('k', 'v'))).message, expected(server.version));
    assert.match(etcd.getSync('k').err.message, expected(server.version));
    assert.match(new Etcd(server.host, { api: 'v2' }).getSync('k').err.message, expected(server.version));
  });

  test('asks for the version once', async () => {
    const version = { match: '/version', reply: { json: { etcdserver: '3.6.1', etcdcluster: '3.6.0' } } };
    const wire = await scripted([version], { fallback: { reply: { status: 404, body: '404 page not found\n' } } });
    const etcd = new Etcd(wire.host, { api: 'v2' });
    for (let i = 0; i < 3; i++) assert.match((await rejection(etcd.get('k'))).message, expected('3.6.1'));
    const paths = (await wire.requests()).map(({ path }) => path);
    assert.equal(paths.filter((path) => path === '/version').length, 1);
  });

  test('can be aborted while it asks for the version', async () => {
    const wire = await scripted([{ match: '/version', stall: true }], {
      fallback: { reply: { status: 404, body: '404 page not found\n' } },
    });
    const etcd = new Etcd(wire.host, { api: 'v2' });
    const token = etcd.get('k');
    await waitUntil(async () => (await wire.requests()).some(({ path }) => path === '/version'));
    token.abort();
    assert.equal((await rejection(token)).code, 'ABORT_ERR');
    await etcd.close({ abort: true });
  });
});

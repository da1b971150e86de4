'use strict';

const assert = require('node:assert/strict');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { called, rejection } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('names');

describe('a key is stored under the name it was given', () => {
  const names = [
    'with space',
    ' spaces around ',
    'ü',
    'ÿþ',
    '日本語',
    '😀',
    'e\u0301 combining',
    'a?b=1',
    'a#fragment',
    'a\\b',
    '100%',
    '%',
    'a%zzb%2',
    'tab\tnew\nline\r',
    'quotes "\'`',
    'brackets <>{}[]()',
    'a|b^c',
    '+&;:@~!$*,=',
    'http://host/x'.replaceAll('//', '/'),
    '...',
    '.hidden.',
    'a..b',
    'nul\0byte',
    'x'.repeat(1000),
  ];

  for (const name of names) {
    test(JSON.stringify(name.slice(0, 30)), async () => {
      const key = `${t.key}/${name}`;
      const stored = await t.etcd.set(key, 'v');
      assert.deepEqual([stored.action, stored.node.key], ['set', `/${key}`]);
      assert.equal((await t.etcd.get(key)).node.value, 'v');
      assert.equal(t.etcd.getSync(key).body.node.key, `/${key}`);
      assert.equal((await t.etcd.compareAndSwap(key, 'w', 'v')).node.value, 'w');
      assert.equal((await t.etcd.del(key)).prevNode.value, 'w');
    });
  }

  test('and a new key in a directory with such a name too', async () => {
    const { node } = await t.etcd.create(`${t.key}/ü ?#`, 'v');
    assert.ok(node.key.startsWith(`/${t.key}/ü ?#/`));
  });

  test('and watched under it', async () => {
    const key = `${t.key}/ü ?#\\%`;
    const { node } = await t.etcd.set(key, 'v');
    assert.equal((await t.etcd.watchIndex(key, node.modifiedIndex)).node.key, `/${key}`);
  });
});

test('what a caller has percent-encoded passes through', async () => {
  await t.etcd.set(`${t.key}/a%20b%2Fc%C3%BC`, 'v');
  assert.equal((await t.etcd.get(`${t.key}/a b/cü`)).node.value, 'v');
});

describe('slashes', () => {
  test('at the start and the end, and repeated ones, make no difference', async () => {
    const key = `${t.key}/a/b`;
    for (const spelling of [`/${key}`, `${key}/`, `//${key}`, key.replaceAll('/', '//'), `///${key}///`]) {
      const { action, node } = await t.etcd.set(spelling, spelling);
      assert.deepEqual([action, node.key], ['set', `/${key}`]);
      assert.equal((await t.etcd.get(key)).node.value, spelling);
    }
  });

  test('are sent as one', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    await new Etcd(wire.host).set('//a///b/', 'v');
    const [{ method, url }] = await wire.requests();
    assert.deepEqual([method, url], ['PUT', '/v2/keys/a/b']);
  });
});

describe('a dot segment', () => {
  const spellings = ['.', '..', './a', '../a', 'a/.', 'a/..', 'a/./b', 'a/../b', '/..', '//../', '%2e', '%2E%2e/x'];
  spellings.push('.%2e', '%2E.', 'a%2f..%2Fb', 'a%2F.', '..%2fa', '../../version', 'a/%2e./b');
  const calls = {
    set: (client, key, done) => client.set(key, 'v', done),
    get: (client, key, done) => client.get(key, done),
    del: (client, key, done) => client.del(key, done),
    create: (client, key, done) => client.create(key, 'v', done),
    mkdir: (client, key, done) => client.mkdir(key, done),
    rmdir: (client, key, done) => client.rmdir(key, { recursive: true }, done),
    compareAndSwap: (client, key, done) => client.compareAndSwap(key, 'new', 'old', done),
    compareAndDelete: (client, key, done) => client.compareAndDelete(key, 'old', done),
    watch: (client, key, done) => client.watch(key, done),
    watchIndex: (client, key, done) => client.watchIndex(key, 1, done),
  };

  test('is refused in every spelling, and nothing is sent', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    for (const key of spellings) {
      const [err, body, headers] = await called((done) => client.set(key, 'v', done));
      assert.equal(err?.code, 'ERR_INVALID_KEY', key);
      assert.ok(err.message.includes(JSON.stringify(key)), err.message);
      assert.deepEqual([body, headers], [undefined, undefined]);
    }
    await client.version();
    assert.deepEqual(
      (await wire.requests()).map(({ url }) => url),
      ['/version'],
    );
  });

  for (const [name, call] of Object.entries(calls)) {
    test(`is refused by ${name}`, async () => {
      const wire = await scripted([], { fallback: { echo: true } });
      const [err] = await called((done) => call(new Etcd(wire.host), 'a/../b', done));
      assert.equal(err?.code, 'ERR_INVALID_KEY');
      assert.deepEqual(await wire.requests(), []);
    });
  }

  test('rejects a promise, and is in the err of a Sync call', async () => {
    assert.equal((await rejection(t.etcd.get('..'))).code, 'ERR_INVALID_KEY');
    for (const name of ['setSync', 'getSync', 'delSync', 'mkdirSync', 'rmdirSync']) {
      const { err, body, headers } = t.etcd[name]('..');
      assert.deepEqual([err?.code, body, headers], ['ERR_INVALID_KEY', undefined, undefined], name);
    }
  });

  test('that is encoded twice is a name', async () => {
    const { node } = await t.etcd.set(`${t.key}/%252e%252e`, 'v');
    assert.equal(node.key, `/${t.key}/%2e%2e`);
  });
});

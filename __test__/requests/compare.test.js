'use strict';

// Directories, and writes that depend on what is there.

const assert = require('node:assert/strict');
const { beforeEach, describe, test } = require('node:test');
const Etcd = require('../..');
const { called, rejection, scriptedServers } = require('../support/helpers');
const { freshPrefix, withEtcd } = require('../support/etcd');

const server = withEtcd();
const scripted = scriptedServers();
let etcd;
let key;

beforeEach(() => {
  etcd = new Etcd(server.host);
  key = freshPrefix('compare');
});

const errorOf = async (start) => (await called(start))[0].errorCode;

describe('mkdir', () => {
  test('makes a directory, and those above it', async () => {
    const [err, body] = await called((done) => etcd.mkdir(`${key}/a/b`, done));
    assert.deepEqual([err, body.node.key, body.node.dir], [null, `/${key}/a/b`, true]);
    assert.deepEqual((await etcd.get(`${key}/a`)).node.nodes[0].key, `/${key}/a/b`);
  });

  test('of a directory that is there is error 102', async () => {
    await etcd.mkdir(key);
    assert.equal(await errorOf((done) => etcd.mkdir(key, done)), 102);
  });

  test('takes a ttl, for what is in the directory too', async () => {
    assert.equal((await etcd.mkdir(key, { ttl: 1 })).node.ttl, 1);
    const { node } = await etcd.set(`${key}/child`, 'v');
    const event = await etcd.watchIndex(`${key}/child`, node.modifiedIndex + 1);
    assert.deepEqual([event.action, event.node.key], ['expire', `/${key}`]);
    assert.equal((await rejection(etcd.get(`${key}/child`))).errorCode, 100);
  });

  test('honours prevExist', async () => {
    assert.equal(await errorOf((done) => etcd.mkdir(key, { prevExist: true }, done)), 100);
    await etcd.mkdir(key, { prevExist: false });
    assert.equal(await errorOf((done) => etcd.mkdir(key, { prevExist: false }, done)), 105);
  });

  test('replaces a key of that name', async () => {
    await etcd.set(key, 'v');
    const { node, prevNode } = await etcd.mkdir(key, null);
    assert.deepEqual([node.dir, prevNode.value], [true, 'v']);
  });
});

describe('rmdir', () => {
  test('removes an empty directory', async () => {
    await etcd.mkdir(key);
    const [err, body] = await called((done) => etcd.rmdir(key, done));
    assert.deepEqual([err, body.action, body.prevNode.dir], [null, 'delete', true]);
    assert.equal(await errorOf((done) => etcd.get(key, done)), 100);
  });

  test('removes one with something in it only with recursive', async () => {
    await etcd.set(`${key}/child`, 'v');
    assert.equal(await errorOf((done) => etcd.rmdir(key, done)), 108);
    assert.equal((await etcd.rmdir(key, { recursive: true })).action, 'delete');
    assert.equal(await errorOf((done) => etcd.get(`${key}/child`, done)), 100);
  });
});

for (const name of ['compareAndSwap', 'testAndSet']) {
  describe(name, () => {
    test('writes only if the value is the expected one', async () => {
      await etcd.set(key, 'old');
      const [err, body] = await called((done) => etcd[name](key, 'new', 'old', done));
      assert.deepEqual([err, body.action, body.node.value], [null, 'compareAndSwap', 'new']);
      const [failure] = await called((done) => etcd[name](key, 'newer', 'old', done));
      assert.deepEqual([failure.errorCode, failure.error.cause], [101, '[old != new]']);
      assert.equal((await etcd.get(key)).node.value, 'new');
    });

    test('of a missing key is error 100', async () => {
      assert.equal(await errorOf((done) => etcd[name](key, 'new', 'old', done)), 100);
    });

    test('compares with what a number, a boolean or a Date is stored as', async () => {
      for (const value of [0, false, new Date(0), 7n]) {
        await etcd.set(key, value);
        assert.equal((await etcd[name](key, 'new', value)).node.value, 'new');
      }
    });

    test('refuses to compare with nothing', async () => {
      await etcd.set(key, '');
      for (const nothing of ['', null]) {
        assert.equal(await errorOf((done) => etcd[name](key, 'new', nothing, done)), 201);
      }
    });

    test('without an old value is a plain set, as in node-etcd', async () => {
      await etcd.set(key, 'old');
      assert.equal((await etcd[name](key, 'new', undefined)).action, 'set');
    });

    test('takes further conditions and a ttl', async () => {
      const { node } = await etcd.set(key, 'old');
      const late = { prevIndex: node.modifiedIndex + 1 };
      assert.equal(await errorOf((done) => etcd[name](key, 'new', 'old', late, done)), 101);
      const onTime = { prevIndex: node.modifiedIndex, ttl: 100 };
      assert.equal((await etcd[name](key, 'new', 'old', onTime)).node.ttl, 100);
    });
  });
}

for (const name of ['compareAndDelete', 'testAndDelete']) {
  describe(name, () => {
    test('deletes only if the value is the expected one', async () => {
      await etcd.set(key, 'v');
      const [failure] = await called((done) => etcd[name](key, 'w', done));
      assert.deepEqual([failure.errorCode, failure.error.cause], [101, '[w != v]']);
      const [err, body] = await called((done) => etcd[name](key, 'v', done));
      assert.deepEqual([err, body.action, body.prevNode.value], [null, 'compareAndDelete', 'v']);
      assert.equal(await errorOf((done) => etcd[name](key, 'v', done)), 100);
    });

    test('refuses to compare with nothing, and deletes without an old value', async () => {
      await etcd.set(key, 'v');
      assert.equal(await errorOf((done) => etcd[name](key, '', done)), 201);
      assert.equal((await etcd[name](key, undefined)).action, 'delete');
    });

    test('does not delete a directory', async () => {
      await etcd.mkdir(key);
      assert.equal(await errorOf((done) => etcd[name](key, 'v', done)), 102);
    });
  });
}

describe('on the wire', () => {
  const cases = [
    ['mkdir', ['d', { ttl: 5 }], 'PUT /v2/keys/d?ttl=5&dir=true', ''],
    ['rmdir', ['d', { recursive: true }], 'DELETE /v2/keys/d?recursive=true&dir=true', ''],
    ['compareAndSwap', ['k', 'new', 'old', { ttl: 5 }], 'PUT /v2/keys/k?ttl=5&prevValue=old', 'value=new'],
    ['compareAndDelete', ['k', "a&b'!"], 'DELETE /v2/keys/k?prevValue=a%26b%27%21', ''],
    ['create', ['d', 'v', { ttl: 5 }], 'POST /v2/keys/d?ttl=5', 'value=v'],
    ['watch', ['k', { recursive: true }], 'GET /v2/keys/k?recursive=true&wait=true', ''],
    ['watchIndex', ['k', 7, { recursive: true }], 'GET /v2/keys/k?recursive=true&waitIndex=7&wait=true', ''],
    [
      'get',
      ['k', { a: null, b: [1, 2], c: { d: 'ü' }, e: undefined, f: false }],
      'GET /v2/keys/k?a=&b%5B0%5D=1&b%5B1%5D=2&c%5Bd%5D=%C3%BC&f=false',
      '',
    ],
  ];

  for (const [method, args, line, body] of cases) {
    test(`${method} asks ${line}`, async () => {
      const wire = await scripted([], { fallback: { echo: true } });
      await new Etcd(wire.host)[method](...args);
      const [request] = await wire.requests();
      assert.deepEqual([`${request.method} ${request.url}`, request.body], [line, body]);
      assert.equal(request.headers.accept, 'application/json');
      assert.equal(request.headers['content-type'], body ? 'application/x-www-form-urlencoded' : undefined);
    });
  }

  test('maxRetries, timeout, signal and synchronous of a call are no parameters', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const { signal } = new AbortController();
    await new Etcd(wire.host).get('k', { maxRetries: 1, timeout: 5000, signal, synchronous: false, x: 1 });
    assert.equal((await wire.requests())[0].url, '/v2/keys/k?x=1');
  });
});

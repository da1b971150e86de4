'use strict';

// Directories, and writes that depend on what is there.

const assert = require('node:assert/strict');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { withClient } = require('../support/etcd');
const { called, rejection } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('compare');

const errorOf = async (start) => (await called(start))[0].errorCode;

describe('mkdir', () => {
  test('makes a directory, and those above it', async () => {
    const [err, body] = await called((done) => t.etcd.mkdir(`${t.key}/a/b`, done));
    assert.deepEqual([err, body.node.key, body.node.dir], [null, `/${t.key}/a/b`, true]);
    assert.deepEqual((await t.etcd.get(`${t.key}/a`)).node.nodes[0].key, `/${t.key}/a/b`);
  });

  test('of a directory that is there is error 102', async () => {
    await t.etcd.mkdir(t.key);
    assert.equal(await errorOf((done) => t.etcd.mkdir(t.key, done)), 102);
  });

  test('takes a ttl, for what is in the directory too', async () => {
    assert.equal((await t.etcd.mkdir(t.key, { ttl: 1 })).node.ttl, 1);
    const { node } = await t.etcd.set(`${t.key}/child`, 'v');
    const event = await t.etcd.watchIndex(`${t.key}/child`, node.modifiedIndex + 1);
    assert.deepEqual([event.action, event.node.key], ['expire', `/${t.key}`]);
    assert.equal((await rejection(t.etcd.get(`${t.key}/child`))).errorCode, 100);
  });

  test('honours prevExist', async () => {
    assert.equal(await errorOf((done) => t.etcd.mkdir(t.key, { prevExist: true }, done)), 100);
    await t.etcd.mkdir(t.key, { prevExist: false });
    assert.equal(await errorOf((done) => t.etcd.mkdir(t.key, { prevExist: false }, done)), 105);
  });

  test('replaces a key of that name', async () => {
    await t.etcd.set(t.key, 'v');
    const { node, prevNode } = await t.etcd.mkdir(t.key, null);
    assert.deepEqual([node.dir, prevNode.value], [true, 'v']);
  });
});

describe('rmdir', () => {
  test('removes an empty directory', async () => {
    await t.etcd.mkdir(t.key);
    const [err, body] = await called((done) => t.etcd.rmdir(t.key, done));
    assert.deepEqual([err, body.action, body.prevNode.dir], [null, 'delete', true]);
    assert.equal(await errorOf((done) => t.etcd.get(t.key, done)), 100);
  });

  test('removes one with something in it only with recursive', async () => {
    await t.etcd.set(`${t.key}/child`, 'v');
    assert.equal(await errorOf((done) => t.etcd.rmdir(t.key, done)), 108);
    assert.equal((await t.etcd.rmdir(t.key, { recursive: true })).action, 'delete');
    assert.equal(await errorOf((done) => t.etcd.get(`${t.key}/child`, done)), 100);
  });
});

for (const name of ['compareAndSwap', 'testAndSet']) {
  describe(name, () => {
    test('writes only if the value is the expected one', async () => {
      await t.etcd.set(t.key, 'old');
      const [err, body] = await called((done) => t.etcd[name](t.key, 'new', 'old', done));
      assert.deepEqual([err, body.action, body.node.value], [null, 'compareAndSwap', 'new']);
      const [failure] = await called((done) => t.etcd[name](t.key, 'newer', 'old', done));
      assert.deepEqual([failure.errorCode, failure.error.cause], [101, '[old != new]']);
      assert.equal((await t.etcd.get(t.key)).node.value, 'new');
    });

    test('of a missing key is error 100', async () => {
      assert.equal(await errorOf((done) => t.etcd[name](t.key, 'new', 'old', done)), 100);
    });

    test('compares with what a number, a boolean or a Date is stored as', async () => {
      for (const value of [0, false, new Date(0), 7n]) {
        await t.etcd.set(t.key, value);
        assert.equal((await t.etcd[name](t.key, 'new', value)).node.value, 'new');
      }
    });

    test('refuses to compare with nothing', async () => {
      await t.etcd.set(t.key, '');
      for (const nothing of ['', null]) {
        assert.equal(await errorOf((done) => t.etcd[name](t.key, 'new', nothing, done)), 201);
      }
    });

    test('without an old value is a plain set, as in node-etcd', async () => {
      await t.etcd.set(t.key, 'old');
      assert.equal((await t.etcd[name](t.key, 'new', undefined)).action, 'set');
    });

    test('without an old value keeps the condition that is an option', async () => {
      await t.etcd.set(t.key, 'old');
      assert.equal(await errorOf((done) => t.etcd[name](t.key, 'new', undefined, { prevValue: 'x' }, done)), 101);
    });

    test('takes further conditions and a ttl', async () => {
      const { node } = await t.etcd.set(t.key, 'old');
      const late = { prevIndex: node.modifiedIndex + 1 };
      assert.equal(await errorOf((done) => t.etcd[name](t.key, 'new', 'old', late, done)), 101);
      const onTime = { prevIndex: node.modifiedIndex, ttl: 100 };
      assert.equal((await t.etcd[name](t.key, 'new', 'old', onTime)).node.ttl, 100);
    });
  });
}

for (const name of ['compareAndDelete', 'testAndDelete']) {
  describe(name, () => {
    test('deletes only if the value is the expected one', async () => {
      await t.etcd.set(t.key, 'v');
      const [failure] = await called((done) => t.etcd[name](t.key, 'w', done));
      assert.deepEqual([failure.errorCode, failure.error.cause], [101, '[w != v]']);
      const [err, body] = await called((done) => t.etcd[name](t.key, 'v', done));
      assert.deepEqual([err, body.action, body.prevNode.value], [null, 'compareAndDelete', 'v']);
      assert.equal(await errorOf((done) => t.etcd[name](t.key, 'v', done)), 100);
    });

    test('refuses to compare with nothing, and deletes without an old value', async () => {
      await t.etcd.set(t.key, 'v');
      assert.equal(await errorOf((done) => t.etcd[name](t.key, '', done)), 201);
      assert.equal((await t.etcd[name](t.key, undefined)).action, 'delete');
    });

    test('without an old value keeps the condition that is an option', async () => {
      await t.etcd.set(t.key, 'v');
      assert.equal(await errorOf((done) => t.etcd[name](t.key, undefined, { prevValue: 'x' }, done)), 101);
    });

    test('does not delete a directory', async () => {
      await t.etcd.mkdir(t.key);
      assert.equal(await errorOf((done) => t.etcd[name](t.key, 'v', done)), 102);
    });
  });
}

describe('on the wire', () => {
  const cases = [
    ['mkdir', ['d', { ttl: 5 }], 'PUT /v2/keys/d?ttl=5&dir=true', ''],
    ['rmdir', ['d', { recursive: true }], 'DELETE /v2/keys/d?recursive=true&dir=true', ''],
    ['compareAndSwap', ['k', 'new', 'old', { ttl: 5 }], 'PUT /v2/keys/k?ttl=5', 'value=new&prevValue=old'],
    ['compareAndDelete', ['k', "a&b'!"], 'DELETE /v2/keys/k?prevValue=a%26b%27%21', ''],
    ['create', ['d', 'v', { ttl: 5 }], 'POST /v2/keys/d?ttl=5', 'value=v'],
    ['watch', ['k', { recursive: true }], 'GET /v2/keys/k?recursive=true&wait=true', ''],
    ['watchIndex', ['k', 7, { recursive: true }], 'GET /v2/keys/k?recursive=true&waitIndex=7&wait=true', ''],
    [
      'get',
      ['k', { a: null, 'b[]': 1, c: 'ü', e: undefined, f: false }],
      'GET /v2/keys/k?a=&b%5B%5D=1&c=%C3%BC&f=false',
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

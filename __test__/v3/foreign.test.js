'use strict';

// v2 on v3 beside other clients of v3, who know nothing of directories, actions and TTLs as v2 has them.

const assert = require('node:assert/strict');
const { after, before, beforeEach, describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { keep } = require('../support/clean-up');
const { freshPrefix } = require('../support/etcd');
const { rejection, waitUntil } = require('../support/promises');
const { RawV3, encode } = require('../support/raw-v3');

let server;
let other;
let etcd;
let key;
before(async () => {
  server = await startEtcd({ etcd: findEtcdV3() });
  other = new RawV3(server.url);
  etcd = new Etcd(server.host, { api: 'v3', maxRetries: 0 });
});
after(() => server?.stop());
beforeEach(() => {
  key = `/${freshPrefix('foreign')}`;
});

const errorOf = async (promise) => (await rejection(promise)).error;
const names = (node) => (node.nodes ?? []).map((child) => child.key.slice(node.key?.length ?? 0));

/** What a watcher is told from now on, in short. */
async function record(path, options) {
  const { index } = await errorOf(etcd.get(`${key}/never`));
  const told = [];
  const watcher = keep(etcd.watcher(path, index + 1, options));
  watcher.on('change', ({ action, node, prevNode }) => {
    told.push([action, node.key, node.value ?? null, prevNode?.value ?? null, node.modifiedIndex]);
  });
  return told;
}

describe('a value', () => {
  test('that v2 set is a plain key of v3, and the other way round', async () => {
    await etcd.set(`${key}/a`, 'v');
    assert.equal((await other.list(`${key}/a`, `${key}/a\0`))[`${key}/a`], 'v');
    await other.put(`${key}/a`, 'w');
    const { node } = await etcd.get(`${key}/a`);
    assert.deepEqual([node.value, node.createdIndex], ['w', node.modifiedIndex]);
  });

  test('that is no UTF-8 is shown as far as it can be read, and can be removed', async () => {
    await other.call('kv/put', { key: encode(key), value: Buffer.from([0x61, 0xff, 0x62]).toString('base64') });
    assert.equal((await etcd.get(key)).node.value, 'a\ufffdb');
    await etcd.set(key, null, { refresh: true, ttl: 60 });
    const { kvs } = await other.call('kv/range', { key: encode(key) });
    assert.equal(Buffer.from(kvs[0].value, 'base64').toString('hex'), '61ff62', 'a refresh keeps the bytes');
    assert.equal((await etcd.del(key)).prevNode.value, 'a\ufffdb');
  });

  test('of a key that no path can name is not listed', async () => {
    await other.put(`${key}/a`, '1');
    await other.put(`${key}//b`, '2');
    await other.put(`${key}/../c`, '3');
    assert.deepEqual(names((await etcd.get(key, { recursive: true })).node), ['/a']);
  });
});

describe('a directory without a marker', () => {
  beforeEach(() => other.put(`${key}/d/e/f`, '1'));

  test('is there, and so is what is in it', async () => {
    assert.deepEqual(names((await etcd.get(key)).node), ['/d']);
    const { node } = await etcd.get(`${key}/d`, { recursive: true });
    assert.deepEqual([names(node), names(node.nodes[0])], [['/e'], ['/f']]);
    assert.equal((await errorOf(etcd.get(`${key}/d/x/y`))).cause, `${key}/d/x`);
  });

  test('is a directory to every method', async () => {
    assert.equal((await errorOf(etcd.set(`${key}/d`, 'v'))).errorCode, 102);
    assert.equal((await errorOf(etcd.mkdir(`${key}/d`))).errorCode, 102);
    assert.equal((await errorOf(etcd.set(`${key}/d`, 'v', { prevExist: false }))).errorCode, 105);
    assert.equal((await errorOf(etcd.compareAndSwap(`${key}/d`, 'v', 'w'))).errorCode, 102);
    assert.equal((await errorOf(etcd.del(`${key}/d`))).errorCode, 102);
    assert.equal((await errorOf(etcd.rmdir(`${key}/d`))).errorCode, 108);
    assert.equal((await errorOf(etcd.set(`${key}/d/e/f/g`, 'v'))).errorCode, 104);
  });

  test('gets a marker with the next write below it, and stays without its keys', async () => {
    await etcd.set(`${key}/d/e/g`, '2');
    assert.deepEqual(names((await etcd.get(`${key}/d/e`)).node), ['/f', '/g']);
    await etcd.del(`${key}/d/e/g`);
    await other.delete(`${key}/d/e/f`);
    assert.deepEqual(names((await etcd.get(`${key}/d/e`)).node), []);
  });

  test('is gone with its keys', async () => {
    await other.delete(`${key}/d/e/f`);
    assert.equal((await errorOf(etcd.get(`${key}/d`))).errorCode, 100);
  });

  test('can be removed, which those who watch it or what is in it are told once', async () => {
    const told = await Promise.all([
      record(key, { recursive: true }),
      record(`${key}/d/e`, { recursive: true }),
      record(`${key}/d/e/f`),
    ]);
    const { node, prevNode } = await etcd.del(`${key}/d`, { recursive: true });
    assert.deepEqual([node.dir, prevNode.dir], [true, true]);
    await etcd.set(`${key}-last`, 'v');
    await waitUntil(() => told.every(({ length }) => length > 0));
    const event = ['delete', `${key}/d`, null, null, node.modifiedIndex];
    assert.deepEqual(told, [[event], [event], [event]]);
    await waitUntil(async () => Object.keys(await other.list(`${key}/`, `${key}0`)).length === 0);
  });
});

describe('one who watches', () => {
  test('is told each key that another client changes in one transaction, in order and with the same index', async () => {
    await other.put(`${key}/b`, '0');
    const told = await record(key, { recursive: true });
    await other.putAll({ [`${key}/c`]: '3', [`${key}/a`]: '1', [`${key}/b`]: '2' });
    await waitUntil(() => told.length >= 3);
    const index = await other.revision();
    assert.deepEqual(told, [
      ['set', `${key}/a`, '1', null, index],
      ['set', `${key}/b`, '2', '0', index],
      ['set', `${key}/c`, '3', null, index],
    ]);
  });

  test('is told of deletions, and of what expires with a lease', async () => {
    const told = await record(key, { recursive: true });
    await other.put(`${key}/a`, '1');
    await other.delete(`${key}/a`);
    const { ID } = await other.call('lease/grant', { TTL: '60' });
    await other.call('kv/put', { key: encode(`${key}/l`), value: encode('2'), lease: ID });
    await other.call('lease/revoke', { ID });
    await waitUntil(() => told.length >= 4);
    assert.deepEqual(
      told.map(([action, name, , before]) => [action, name.slice(key.length), before]),
      [
        ['set', '/a', null],
        ['delete', '/a', '1'],
        ['set', '/l', null],
        ['expire', '/l', '2'],
      ],
    );
  });
});

describe('a large tree', () => {
  test('is listed one level at a time without what is in its directories, and as a whole', async () => {
    const put = async (from, to, name) => {
      const entries = Array.from({ length: to - from }, (_, i) => [`${key}/${name(from + i)}`, 'v']);
      for (let at = 0; at < entries.length; at += 100)
        await other.putAll(Object.fromEntries(entries.slice(at, at + 100)));
    };
    const digits = (i) => String(i).padStart(4, '0');
    await put(0, 700, (i) => `a/${digits(i)}`);
    await put(0, 700, (i) => `b/x/${digits(i)}`);
    await put(0, 1200, (i) => `c${digits(i)}`);
    const { node } = await etcd.get(key);
    assert.equal(node.nodes.length, 1202);
    assert.deepEqual(names(node).slice(0, 3), ['/a', '/b', '/c0000']);
    const whole = (await etcd.get(key, { recursive: true })).node;
    assert.deepEqual([whole.nodes[0].nodes.length, whole.nodes[1].nodes[0].nodes.length], [700, 700]);
    const small = new Etcd(server.host, { api: 'v3', maxRetries: 0, maxResponseSize: 20_000 });
    const err = await rejection(small.get(key, { recursive: true }));
    assert.equal(err.errors[0].httperror.code, 'ERR_RESPONSE_TOO_LARGE');
  });

  test('is refused when its values would fill the heap', async () => {
    const many = `${key}-many`;
    let next = 0;
    const putSome = async () => {
      while (next < 215_000) {
        const first = next;
        next += 120;
        await other.putAll(Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`${many}/${first + i}`, ''])));
      }
    };
    await Promise.all(Array.from({ length: 16 }, putSome));
    const etcd = new Etcd(server.host, { api: 'v3', maxRetries: 0 });
    const err = await rejection(etcd.get(many));
    assert.equal(err.errors[0].httperror.code, 'ERR_RESPONSE_TOO_LARGE');
    assert.match(err.errors[0].httperror.message, /^The reply holds more than 1048576 values/);
  });
});

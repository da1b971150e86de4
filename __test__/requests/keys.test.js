'use strict';

const assert = require('node:assert/strict');
const { withClient } = require('../support/etcd');
const { called, rejection } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('keys');

/** A callback's error that etcd itself answered, checked as a whole. */
function assertRefused([err, body, headers], errorCode, message) {
  assert.ok(err instanceof Error);
  assert.deepEqual([err.errorCode, err.message], [errorCode, message]);
  assert.deepEqual([err.error.errorCode, err.error.message], [errorCode, message]);
  assert.equal(body, '');
  assert.equal(headers['content-type'], 'application/json');
}

describe('set', () => {
  test('stores a value and answers with the node and the response headers', async () => {
    const [err, body, headers] = await called((done) => t.etcd.set(t.key, 'red', done));
    assert.equal(err, null);
    const index = body.node.modifiedIndex;
    assert.deepEqual(body, {
      action: 'set',
      node: { key: `/${t.key}`, value: 'red', modifiedIndex: index, createdIndex: index },
    });
    assert.equal(headers['x-etcd-index'], String(index));
    assert.equal((await t.etcd.get(t.key)).node.value, 'red');
  });

  test('tells the node before', async () => {
    await t.etcd.set(t.key, 'old');
    const { node, prevNode } = await t.etcd.set(t.key, 'new');
    assert.deepEqual([node.value, prevNode.value], ['new', 'old']);
  });

  test('without a value stores an empty one', async () => {
    for (const value of [undefined, null]) assert.equal((await t.etcd.set(t.key, value)).node.value, '');
    assert.equal((await t.etcd.set(t.key)).node.value, '');
  });

  test('makes the directories above the key', async () => {
    await t.etcd.set(`${t.key}/a/b`, 1);
    assert.equal((await t.etcd.get(`${t.key}/a`)).node.dir, true);
  });

  test('honours prevExist, prevValue and prevIndex', async () => {
    assertRefused(await called((done) => t.etcd.set(t.key, 1, { prevExist: true }, done)), 100, 'Key not found');
    const { node, action } = await t.etcd.set(t.key, 1, { prevExist: false });
    assert.equal(action, 'create');
    assertRefused(await called((done) => t.etcd.set(t.key, 1, { prevExist: false }, done)), 105, 'Key already exists');
    assert.equal((await t.etcd.set(t.key, 2, { prevExist: true })).action, 'update');
    const old = { prevIndex: node.modifiedIndex };
    assertRefused(await called((done) => t.etcd.set(t.key, 3, old, done)), 101, 'Compare failed');
    assertRefused(await called((done) => t.etcd.set(t.key, 3, { prevValue: 1 }, done)), 101, 'Compare failed');
    assert.equal((await t.etcd.set(t.key, 3, { prevValue: 2 })).action, 'compareAndSwap');
  });

  test('leaves the nodes out with noValueOnSuccess', async () => {
    assert.deepEqual(await t.etcd.set(t.key, 1, { noValueOnSuccess: true }), { action: 'set' });
  });

  test('makes a directory with dir', async () => {
    assert.equal((await t.etcd.set(t.key, null, { dir: true })).node.dir, true);
  });
});

describe('a time to live', () => {
  test('is set, renewed without a new value, and removed by a set without it', async () => {
    const first = await t.etcd.set(t.key, 'v', { ttl: 100 });
    assert.equal(first.node.ttl, 100);
    assert.ok(Date.parse(first.node.expiration) > Date.now());
    const renewed = await t.etcd.set(t.key, null, { ttl: 200, refresh: true, prevExist: true });
    assert.deepEqual([renewed.node.ttl, renewed.node.value], [200, 'v']);
    assert.equal('ttl' in (await t.etcd.set(t.key, 'v')).node, false);
  });

  test('ends the key', async () => {
    const { node } = await t.etcd.set(t.key, 'v', { ttl: 1 });
    const event = await t.etcd.watchIndex(t.key, node.modifiedIndex + 1);
    assert.deepEqual([event.action, event.prevNode.value], ['expire', 'v']);
    assert.equal((await rejection(t.etcd.get(t.key))).errorCode, 100);
  });

  test('is refused if etcd cannot take it', async () => {
    const [err] = await called((done) => t.etcd.set(t.key, 'v', { ttl: 1.5 }, done));
    assert.equal(err.errorCode, 202);
  });
});

describe('get', () => {
  test('of a missing key is error 100, with what etcd says about it', async () => {
    const outcome = await called((done) => t.etcd.get(t.key, done));
    assertRefused(outcome, 100, 'Key not found');
    const [{ error }, , headers] = outcome;
    const expected = { errorCode: 100, message: 'Key not found', cause: `/${t.key}`, index: error.index };
    assert.deepEqual(error, expected);
    assert.equal(headers['x-etcd-index'], String(error.index));
  });

  test('lists a directory: its children, all below it with recursive, in order with sorted', async () => {
    for (const name of ['c', 'a/x', 'b']) await t.etcd.set(`${t.key}/${name}`, name);
    const list = await t.etcd.get(t.key, { sorted: true });
    assert.deepEqual(
      list.node.nodes.map((node) => [node.key, node.value, node.dir, node.nodes]),
      [
        [`/${t.key}/a`, undefined, true, undefined],
        [`/${t.key}/b`, 'b', undefined, undefined],
        [`/${t.key}/c`, 'c', undefined, undefined],
      ],
    );
    const tree = await t.etcd.get(t.key, { sorted: true, recursive: true });
    assert.equal(tree.node.nodes[0].nodes[0].value, 'a/x');
  });

  test('with quorum reads what was written', async () => {
    await t.etcd.set(t.key, 'v');
    assert.equal((await t.etcd.get(t.key, { quorum: true })).node.value, 'v');
  });

  test('takes null options', async () => {
    await t.etcd.set(t.key, 'v', null);
    const [err, body] = await called((done) => t.etcd.get(t.key, null, done));
    assert.deepEqual([err, body.node.value], [null, 'v']);
  });

  test('lists the root for an empty key, which cannot be written', async () => {
    await t.etcd.set(t.key, 'v');
    for (const root of ['', '/']) {
      const { node } = await t.etcd.get(root);
      assert.ok(node.nodes.some((child) => child.key === `/${t.key}`));
      assertRefused(await called((done) => t.etcd.set(root, 1, done)), 107, 'Root is read only');
    }
  });

  test('does not list hidden keys but reads them', async () => {
    await t.etcd.set(`${t.key}/_hidden`, 'v');
    assert.equal((await t.etcd.get(t.key)).node.nodes, undefined);
    assert.equal((await t.etcd.get(`${t.key}/_hidden`)).node.value, 'v');
  });
});

for (const name of ['del', 'delete']) {
  describe(name, () => {
    test('removes a key and tells what it held', async () => {
      await t.etcd.set(t.key, 'v');
      const [err, body] = await called((done) => t.etcd[name](t.key, done));
      assert.deepEqual([err, body.action, body.prevNode.value], [null, 'delete', 'v']);
      assertRefused(await called((done) => t.etcd[name](t.key, done)), 100, 'Key not found');
    });

    test('removes a directory only with recursive, or with dir if it is empty', async () => {
      await t.etcd.set(`${t.key}/child`, 1);
      assertRefused(await called((done) => t.etcd[name](t.key, done)), 102, 'Not a file');
      assertRefused(await called((done) => t.etcd[name](t.key, { dir: true }, done)), 108, 'Directory not empty');
      assert.equal((await t.etcd[name](t.key, { recursive: true })).action, 'delete');
      await t.etcd.mkdir(t.key);
      assert.equal((await t.etcd[name](t.key, { dir: true })).action, 'delete');
    });

    test('compares first with prevValue', async () => {
      await t.etcd.set(t.key, 'v');
      assertRefused(await called((done) => t.etcd[name](t.key, { prevValue: 'w' }, done)), 101, 'Compare failed');
      assert.equal((await t.etcd[name](t.key, { prevValue: 'v' })).action, 'compareAndDelete');
    });
  });
}

for (const name of ['create', 'post']) {
  describe(name, () => {
    test('makes keys whose names grow', async () => {
      const [err, body] = await called((done) => t.etcd[name](t.key, 'first', done));
      assert.deepEqual([err, body.action, body.node.value], [null, 'create', 'first']);
      assert.match(body.node.key, new RegExp(`^/${t.key}/\\d{20}$`));
      await t.etcd[name](t.key, 'second', { ttl: 100 });
      const { node } = await t.etcd.get(t.key, { sorted: true });
      assert.deepEqual(
        node.nodes.map(({ value, ttl }) => [value, ttl]),
        [
          ['first', undefined],
          ['second', node.nodes[1].ttl],
        ],
      );
      assert.ok(node.nodes[1].ttl > 0);
    });

    test('in something that is no directory is error 104', async () => {
      await t.etcd.set(t.key, 'v');
      assertRefused(await called((done) => t.etcd[name](t.key, 'w', done)), 104, 'Not a directory');
    });
  });
}

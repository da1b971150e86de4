'use strict';

const assert = require('node:assert/strict');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { freshPrefix, withClient } = require('../support/etcd');
const { called, rejection } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('information');

/** What each method answers on this etcd: a check of the body. */
const answers = {
  version(body) {
    assert.equal(body.etcdserver, t.version);
    assert.match(body.etcdcluster, /^\d+\.\d+/);
  },
  selfStats(body) {
    assert.deepEqual([body.name, body.state], [t.name, 'StateLeader']);
    assert.equal(body.leaderInfo.leader, body.id);
  },
  leaderStats(body) {
    assert.deepEqual(body.followers, {});
    assert.equal(typeof body.leader, 'string');
  },
  leader(body) {
    assert.equal(body, '404 page not found\n');
  },
};

for (const [name, check] of Object.entries(answers)) {
  describe(name, () => {
    const forms = {
      'a callback': (done) => t.etcd[name](done),
      'options and a callback': (done) => t.etcd[name]({ maxRetries: 1 }, done),
      'null for options and a callback': (done) => t.etcd[name](null, done),
    };
    for (const [form, start] of Object.entries(forms)) {
      test(`answers with ${form}`, async () => {
        const [err, body, headers] = await called(start);
        assert.equal(err, null);
        check(body);
        assert.ok(Number(headers['content-length']) > 0);
      });
    }

    test('can be awaited, with and without options', async () => {
      check(await t.etcd[name]());
      check(await t.etcd[name](null));
      check(await t.etcd[name]({ maxRetries: 1 }));
    });

    test('blocks with synchronous', () => {
      const { err, body, headers } = t.etcd[name]({ synchronous: true });
      assert.equal(err, null);
      check(body);
      assert.ok(Number(headers['content-length']) > 0);
    });
  });
}

describe('machines', () => {
  test('is error 100 since etcd no longer lists them there', async () => {
    const [err, body] = await called((done) => t.etcd.machines(done));
    assert.deepEqual([err.errorCode, err.error.cause, body], [100, '/_etcd', '']);
    assert.equal((await rejection(t.etcd.machines())).errorCode, 100);
    assert.equal(t.etcd.machines({ synchronous: true }).err.errorCode, 100);
  });

  test('reads what a server of the time lists', async () => {
    const body = { action: 'get', node: { key: '/_etcd/machines', dir: true, nodes: [] } };
    const old = await scripted([{ match: '/v2/keys/_etcd/machines', reply: { json: body } }]);
    assert.deepEqual(await new Etcd(old.host).machines(), body);
  });
});

test('each asks for its path, with further options as parameters', async () => {
  const wire = await scripted([], { fallback: { echo: true } });
  const client = new Etcd(wire.host);
  for (const name of ['machines', 'leader', 'leaderStats', 'selfStats', 'version']) await client[name]({ x: 1 });
  assert.deepEqual(
    (await wire.requests()).map(({ method, url }) => `${method} ${url}`),
    [
      'GET /v2/keys/_etcd/machines?x=1',
      'GET /v2/leader?x=1',
      'GET /v2/stats/leader?x=1',
      'GET /v2/stats/self?x=1',
      'GET /version?x=1',
    ],
  );
});

test('a follower that has no statistics of the leader is no error', async () => {
  const json = { message: 'not current leader' };
  const follower = await scripted([], { fallback: { reply: { status: 403, json } } });
  const [err, body] = await called((done) => new Etcd(follower.host).leaderStats(done));
  assert.deepEqual([err, body], [null, json]);
});

describe('raw', () => {
  test('reads any path', async () => {
    const { members } = await t.etcd.raw('GET', 'v2/members');
    assert.deepEqual([members.length, members[0].name], [1, t.name]);
    assert.equal(await t.etcd.raw('GET', 'v2/machines'), t.url);
  });

  test('writes a value with options, and reads, creates and deletes', async () => {
    const path = `v2/keys/${freshPrefix('raw')}`;
    const [err, body, headers] = await called((done) => t.etcd.raw('PUT', `${path}/a`, 'v', { ttl: 100 }, done));
    assert.deepEqual([err, body.node.value, body.node.ttl], [null, 'v', 100]);
    assert.equal(headers['x-etcd-index'], String(body.node.modifiedIndex));
    assert.equal((await t.etcd.raw('GET', `${path}/a`)).node.value, 'v');
    assert.equal((await t.etcd.raw('POST', path, 'w')).node.value, 'w');
    assert.equal((await t.etcd.raw('DELETE', `${path}/a`)).action, 'delete');
  });

  test('has the error that etcd answers', async () => {
    const [err, body] = await called((done) => t.etcd.raw('GET', 'v2/keys/no-such-key', null, done));
    assert.deepEqual([err.errorCode, err.message, body], [100, 'Key not found', '']);
  });

  test('takes a callback in every place after the path', async () => {
    for (const start of [
      (done) => t.etcd.raw('GET', 'version', undefined, done),
      (done) => t.etcd.raw('GET', 'version', null, null, done),
      (done) => t.etcd.raw('GET', 'version', null, {}, done),
    ]) {
      const [err, body] = await called(start);
      assert.deepEqual([err, body.etcdserver], [null, t.version]);
    }
  });

  test('hands text, nothing and other statuses over as they are', async () => {
    const wire = await scripted([
      { reply: { body: 'text' } },
      { reply: { status: 204 } },
      { reply: { status: 404, json: { message: 'none' } } },
    ]);
    const client = new Etcd(wire.host);
    const outcomes = [];
    for (let i = 0; i < 3; i++) {
      const [err, body] = await called((done) => client.raw('GET', 'x', null, done));
      outcomes.push([err, body]);
    }
    assert.deepEqual(outcomes, [
      [null, 'text'],
      [null, undefined],
      [null, { message: 'none' }],
    ]);
  });

  test('sends the path as it is, with or without a leading slash, and the query after its own', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const client = new Etcd(wire.host);
    await client.raw('GET', 'a/b?x=1', null, { y: 2 });
    await client.raw('GET', '/a');
    await client.raw('get', 5);
    await client.raw('DELETE', 'a');
    assert.deepEqual(
      (await wire.requests()).map(({ method, url, headers }) => [method, url, headers['content-length']]),
      [
        ['GET', '/a/b?x=1&y=2', undefined],
        ['GET', '/a', undefined],
        ['GET', '/5', undefined],
        ['DELETE', '/a', '0'],
      ],
    );
  });

  test('blocks with synchronous', () => {
    const { err, body } = t.etcd.raw('GET', 'version', null, { synchronous: true });
    assert.deepEqual([err, body.etcdserver], [null, t.version]);
  });

  test('with a method that is none is an error of the request', async () => {
    const [err] = await called((done) => t.etcd.raw('NO WAY', 'version', null, done));
    assert.equal(err.code, 'ERR_INVALID_HTTP_TOKEN');
    assert.throws(() => t.etcd.raw(7, 'version'), { name: 'TypeError', message: /"method"/ });
  });
});

'use strict';

// What becomes of a reply: body, headers, and what no etcd would answer.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { startEtcd } = require('../support/etcd');
const { called, rejection } = require('../support/promises');

/** The arguments of get's callback after this reply. */
async function outcomeOf(step) {
  const server = await scripted([step]);
  return called((done) => new Etcd(server.host, { maxRetries: 0 }).get('k', done));
}

const reply = (fields) => ({ reply: fields });

describe('the headers', () => {
  test('have lower-case names; repeated ones are joined, cookies a list', async () => {
    const list = [
      ['X-A', '1'],
      ['x-a', '2'],
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['X-Empty', ''],
      ['__proto__', 'odd'],
    ];
    const [, , headers] = await outcomeOf(reply({ json: {}, headers: list }));
    const { 'x-a': joined, 'set-cookie': cookies, 'x-empty': empty } = headers;
    assert.deepEqual([joined, cookies, empty], ['1, 2', ['a=1', 'b=2'], '']);
    assert.equal(Object.getOwnPropertyDescriptor(headers, '__proto__').value, 'odd');
  });

  test('are on the token once there is a reply', async () => {
    const server = await scripted([reply({ json: { action: 'get', node: {} }, headers: { 'X-Etcd-Index': '7' } })]);
    const token = new Etcd(server.host).get('k');
    assert.equal(token.headers, undefined);
    await token;
    assert.equal(token.headers['x-etcd-index'], '7');
    assert.equal(token.headers, token.headers);
  });
});

describe('the body', () => {
  test('is whatever JSON.parse makes of it', async () => {
    for (const rest of [
      '"big":1e400,"a":1,"a":2,"b":"\\ud800"}',
      `"nodes":${'['.repeat(1000)}${']'.repeat(1000)}}`,
      '"__proto__":{"x":1}}',
      '"prevNode":null}\n',
    ]) {
      const text = ` \n{"action":"get","node":{},${rest}`;
      const [err, body] = await outcomeOf(reply({ body: text }));
      assert.equal(err, null);
      assert.deepEqual(body, JSON.parse(text));
    }
  });

  test('is put together from chunks that cut characters', async () => {
    const bytes = Buffer.from('{"action":"get","node":{"value":"ü日😀"}}');
    const chunks = Array.from(bytes, (byte) => Buffer.of(byte));
    assert.equal((await outcomeOf(reply({ chunks })))[1].node.value, 'ü日😀');
  });

  test('that is empty is the end of a watch without an event, and a success', async () => {
    for (const fields of [{ body: '' }, { status: 204 }, { chunks: [] }]) {
      const server = await scripted([], { fallback: reply(fields) });
      const etcd = new Etcd(server.host);
      const [err, body, headers] = await called((done) => etcd.watch('k', done));
      assert.deepEqual([err, body, typeof headers], [null, undefined, 'object']);
      assert.equal(await etcd.watchIndex('k', 7), undefined);
      assert.equal(await etcd.get('k', { wait: true }), undefined);
    }
  });

  test('has no node if that was asked for', async () => {
    const server = await scripted([], { fallback: reply({ json: { action: 'set' } }) });
    const etcd = new Etcd(server.host);
    for (const noValueOnSuccess of [true, '1']) {
      assert.deepEqual(await etcd.set('k', 'v', { noValueOnSuccess }), { action: 'set' });
    }
    assert.equal((await rejection(etcd.set('k', 'v', { noValueOnSuccess: false }))).code, 'ERR_NOT_ETCD');
  });

  test('that ends with the connection is complete', async () => {
    const json = { action: 'get', node: {} };
    assert.deepEqual((await outcomeOf(reply({ json, contentLength: false })))[1], json);
  });
});

describe('an error that etcd answers', () => {
  test('is known by its errorCode, whatever the status', async () => {
    for (const [status, errorCode] of [
      [200, 0],
      [404, 100],
      [200, 'text'],
    ]) {
      const json = { errorCode, message: 'No', index: 5 };
      const [err, body, headers] = await outcomeOf(reply({ status, json, headers: { 'X-Etcd-Index': '5' } }));
      assert.deepEqual([err.message, err.errorCode, err.error, body], ['No', errorCode, json, '']);
      assert.equal(headers['x-etcd-index'], '5');
    }
  });

  test('has a message of its own if etcd gave none', async () => {
    assert.equal((await outcomeOf(reply({ json: { errorCode: 5 } })))[0].message, 'Etcd error');
  });

  test('is none if its errorCode is null', async () => {
    const json = { action: 'get', node: {}, errorCode: null };
    assert.deepEqual((await outcomeOf(reply({ json })))[1], json);
  });
});

describe('a reply to a request on a key that no etcd gives', () => {
  const cases = [
    ['a page of a proxy', { body: '<html>Log in</html>' }, 200, '<html>Log in</html>'],
    ['half a JSON text', { body: '{"node":{"va' }, 200, '{"node":{"va'],
    ['a list', { json: [1] }, 200, [1]],
    ['a number', { body: '5' }, 200, 5],
    ['null', { body: 'null' }, 200, null],
    ['a text with a status of 400', { status: 400, body: '400 Bad Request' }, 400, '400 Bad Request'],
    ['an object with a status of 403', { status: 403, json: { message: 'no' } }, 403, { message: 'no' }],
    ['nothing, with a status of 404', { status: 404 }, 404, undefined],
    ['a redirect to nowhere', { status: 302 }, 302, undefined],
    ['nothing', {}, 200, undefined],
    ['nothing, with a status of 201', { status: 201 }, 201, undefined],
    ['nothing, with a status of 204', { status: 204 }, 204, undefined],
    ['nothing, in chunks', { chunks: [] }, 200, undefined],
    ['an empty object', { json: {} }, 200, {}],
    ['an empty list', { json: [] }, 200, []],
    ['an empty text', { json: '' }, 200, ''],
    ['JSON of something else', { json: { status: 'ok' } }, 200, { status: 'ok' }],
    ['an action without a node', { json: { action: 'set' } }, 200, { action: 'set' }],
    ['a node without an action', { json: { node: {} } }, 200, { node: {} }],
    ['a node that is none', { json: { action: 'get', node: [] } }, 200, { action: 'get', node: [] }],
  ];

  for (const [what, fields, status, expected] of cases) {
    test(`such as ${what} is an error that shows it`, async () => {
      const [err, body, headers] = await outcomeOf(reply(fields));
      assert.ok(err instanceof Error);
      assert.deepEqual([err.httpstatus, err.httpbody, body], [status, expected, '']);
      assert.equal(typeof headers, 'object');
    });
  }

  test('acknowledges no request of any method, sent once', async () => {
    const methods = {
      set: ['k', 'v'],
      get: ['k'],
      create: ['k', 'v'],
      del: ['k'],
      mkdir: ['k'],
      rmdir: ['k'],
      compareAndSwap: ['k', 'new', 'old'],
      compareAndDelete: ['k', 'old'],
    };
    for (const fields of [{ status: 204 }, { json: {} }, { body: 'null' }, { json: [] }, { json: '' }]) {
      const server = await scripted([], { fallback: reply(fields) });
      const etcd = new Etcd(server.host);
      for (const [method, args] of Object.entries(methods)) {
        assert.equal((await rejection(etcd[method](...args))).code, 'ERR_NOT_ETCD', method);
        const { err, body } = etcd[method](...args, { synchronous: true });
        assert.deepEqual([err.code, body], ['ERR_NOT_ETCD', ''], method);
      }
      assert.equal((await server.requests()).length, 2 * Object.keys(methods).length);
    }
  });

  test('rejects a promise and is in the err of a Sync call', async () => {
    const server = await scripted([], { fallback: reply({ body: 'page' }) });
    const etcd = new Etcd(server.host);
    assert.equal((await rejection(etcd.set('k', 'v'))).httpbody, 'page');
    const { err, body, headers } = etcd.setSync('k', 'v');
    assert.deepEqual([err.httpstatus, body, headers['content-length']], [200, '', '4']);
  });

  test('is a success for requests on anything else', async () => {
    const server = await scripted([], { fallback: reply({ status: 403, body: 'page' }) });
    const etcd = new Etcd(server.host);
    for (const body of [await etcd.version(), await etcd.raw('GET', 'v2/keys/k')]) assert.equal(body, 'page');
    assert.equal(await etcd.raw('HEAD', 'v2/keys/k'), undefined);
  });
});

describe('an etcd whose v2 API is off', () => {
  let server;
  before(async () => {
    server = await startEtcd({ args: ['--enable-v2=false'] });
  });
  after(() => server?.stop());

  test('is no success, and the message says what to do', async () => {
    const [err, body] = await called((done) => new Etcd(server.host).set('k', 'v', done));
    assert.deepEqual([err.httpstatus, err.httpbody, body], [404, '404 page not found\n', '']);
    assert.match(err.message, /--enable-v2/);
  });
});

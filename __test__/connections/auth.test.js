'use strict';

// An etcd with users: who may do what, and what everybody else is told, in each style of call. How credentials look on
// the wire is compared in differential/cases/auth.js.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { startEtcd } = require('../support/etcd');
const { called, rejection } = require('../support/promises');

const ROOT = { user: 'root', pass: 'the root' };
const READER = { user: 'jörg', pass: 'p:ä@/?#ß' };

let server;

async function put(path, body) {
  const authorization = `Basic ${Buffer.from(`${ROOT.user}:${ROOT.pass}`).toString('base64')}`;
  const headers = { 'content-type': 'application/json', authorization };
  const options = { method: 'PUT', headers, body: body && JSON.stringify(body) };
  const response = await fetch(`${server.url}/v2/auth/${path}`, options);
  assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`);
}

before(async () => {
  server = await startEtcd();
  await new Etcd(server.host).set('public/k', 'v');
  await put('users/root', { user: ROOT.user, password: ROOT.pass });
  const permissions = { kv: { read: ['/public/*'], write: [] } };
  await put('roles/reader', { role: 'reader', permissions });
  await put(`users/${encodeURIComponent(READER.user)}`, {
    user: READER.user,
    password: READER.pass,
    roles: ['reader'],
  });
  await put('enable');
  await put('roles/guest', { role: 'guest', revoke: { kv: { read: ['/*'], write: ['/*'] } } });
});
after(() => server?.stop());

const as = (auth) => new Etcd(server.host, { auth });
const inUrl = ({ user, pass }) => new Etcd(`${encodeURIComponent(user)}:${encodeURIComponent(pass)}@${server.host}`);

/** What reads and writes in each style of call get: errors, or null. (etcd takes its time over each password.) */
async function errorsOf(etcd, key, value) {
  const [byCallback] = await called((done) => etcd.get(key, done));
  const byPromise = await etcd.set(key, value).then(
    () => null,
    (error) => error,
  );
  return { reads: [byCallback, etcd.getSync(key).err], writes: [byPromise, etcd.setSync(key, value).err] };
}

function assertRefused(errors) {
  for (const error of errors) {
    assert.equal(error?.errorCode, 110, String(error));
    assert.equal(error.message, 'The request requires user authentication');
    assert.equal(error.error.cause, 'Insufficient credentials');
  }
}

describe('an etcd with users', () => {
  for (const [how, login] of Object.entries({ 'the option auth': as, 'the host': inUrl })) {
    test(`lets root in by ${how}, for everything`, async () => {
      const { reads, writes } = await errorsOf(login(ROOT), 'public/k', 'v');
      assert.deepEqual([...reads, ...writes], Array(4).fill(null));
    });

    test(`lets a user in by ${how}, for what is allowed`, async () => {
      const { reads, writes } = await errorsOf(login(READER), 'public/k', 'changed');
      assert.deepEqual(reads, [null, null]);
      assertRefused(writes);
      assertRefused([login(READER).getSync('secret/k').err]);
      assert.equal((await login(ROOT).get('public/k')).node.value, 'v');
    });
  }

  for (const [who, client] of Object.entries({
    'with a wrong password': () => as({ ...ROOT, pass: 'wrong' }),
    'with an empty password': () => as({ user: ROOT.user }),
    'with a wrong password in the host': () => inUrl({ ...READER, pass: 'wrong' }),
    'that nobody knows': () => as({ user: 'nobody', pass: ROOT.pass }),
    'with a token, which v2 does not have': () => as({ bearer: ROOT.pass }),
    'without a name': () => new Etcd(server.host),
  })) {
    test(`refuses somebody ${who}, by callback, promise and Sync call`, async () => {
      const { reads, writes } = await errorsOf(client(), 'public/k', 'changed');
      assertRefused([...reads, ...writes]);
      assert.equal((await as(ROOT).get('public/k')).node.value, 'v');
    });
  }

  test('is asked once: a refusal is an answer, and no other host is tried', async () => {
    const etcd = new Etcd([server.host, server.host], { auth: { ...ROOT, pass: 'wrong' } });
    const token = etcd.get('public/k');
    assertRefused([await rejection(token)]);
    assert.deepEqual([token.retries, token.errors], [0, []]);
  });

  test('tells a watcher, which goes on', async () => {
    const watcher = as({ ...ROOT, pass: 'wrong' }).watcher('public/k');
    try {
      const [error] = await once(watcher, 'error');
      assert.equal(error.response.errorCode, 110);
      assert.equal(watcher.stopped, false);
    } finally {
      watcher.stop();
    }
  });
});

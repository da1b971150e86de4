'use strict';

// Requests with long keys, values and options: what etcd takes arrives, and what it does not take is refused before it is
// sent.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { makeCertificates } = require('../support/certificates');
const { scripted } = require('../support/clean-up');
const { startEtcd } = require('../support/etcd');
const { rejection } = require('../support/promises');

/** How long the line of a request may be, where one of the hosts is http, and where none is. */
const PLAIN = 4096;
const SECURE = 65_534;
/** Of a deletion with an old value, without that value. */
const REST = 'DELETE /v2/keys/k?prevValue= HTTP/1.1\r\n'.length;
const TOO_LONG = { code: 'ERR_REQUEST_TOO_LONG', errors: undefined };

let server;
before(async () => {
  server = await startEtcd();
});
after(() => server?.stop());

/** A text that must not be part of an error, of so many bytes. */
const secret = (length) => 'secret'.repeat(length / 6 + 1).slice(0, length);

function assertTooLong(err, what) {
  assert.deepEqual({ code: err.code, errors: err.errors }, TOO_LONG);
  assert.match(err.message, what);
  assert.doesNotMatch(JSON.stringify([err, err.message]), /secret/);
}

describe('the line of a request over http', () => {
  test('may have as many bytes as etcd takes on a new connection, and no more', async () => {
    const etcd = new Etcd(server.host, { forever: false });
    const longest = secret(PLAIN - REST);
    assert.equal((await rejection(etcd.del('k', { prevValue: longest }))).errorCode, 100);
    assert.equal(etcd.delSync('k', { prevValue: longest }).err.errorCode, 100);
    assertTooLong(await rejection(etcd.del('k', { prevValue: `${longest}s` })), /4097 bytes, and may have 4096/);
  });

  const calls = {
    'the old value of a deletion': [
      (etcd) => etcd.compareAndDelete('k', secret(5000)),
      /"options.prevValue" takes 5000/,
    ],
    'an option of a read': [(etcd) => etcd.get('k', { other: secret(5000) }), /"options.other" takes 5000/],
    'a key that is read': [(etcd) => etcd.get(secret(5000)), /the key takes 5001/],
    'a key that is written': [(etcd) => etcd.set(secret(5000), 1), /the key takes 5001/],
    'a key that is watched': [(etcd) => etcd.watchIndex(secret(5000), 7), /the key takes 5001/],
    'a path of raw': [(etcd) => etcd.raw('GET', `version?${secret(5000)}`), /the path takes 5009/],
    'an option of raw': [(etcd) => etcd.raw('PUT', 'v2/keys/k', 1, { prevValue: secret(5000) }), /"options.prevValue"/],
  };

  for (const [name, [call, what]] of Object.entries(calls)) {
    test(`is an error that names what is too long, and nothing is sent: ${name}`, async () => {
      const wire = await scripted([], { fallback: { echo: true } });
      const etcd = new Etcd([wire.host, wire.host]);
      assertTooLong(await rejection(call(etcd)), what);
      assert.deepEqual([await wire.requests(), await wire.connections()], [[], 0]);
    });
  }

  test('is an error of a watcher, which then watches nothing', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const watcher = new Etcd(wire.host).watcher(secret(5000));
    watcher.on('reconnect', () => assert.fail('reconnected'));
    const err = await new Promise((resolve) => watcher.once('error', resolve));
    assertTooLong(err, /the key takes 5001/);
    assert.equal(await wire.connections(), 0);
  });
});

test('the line of a request over https may be longer', async () => {
  const certificates = makeCertificates();
  try {
    const [cert, key] = [certificates.read('server.pem'), certificates.read('server-key.pem')];
    const wire = await scripted([], { tls: { cert, key }, fallback: { echo: true } });
    const etcd = new Etcd(wire.url, { ca: certificates.read('ca.pem') });
    const longest = secret(SECURE - REST);
    await etcd.del('k', { prevValue: longest });
    assert.equal((await wire.requests())[0].query, `prevValue=${longest}`);
    assertTooLong(await rejection(etcd.del('k', { prevValue: `${longest}s` })), /may have 65534/);
  } finally {
    certificates.remove();
  }
});

describe('the conditions of a write', () => {
  const old = 'ü'.repeat(100_000);

  test('may be as long as a value', async () => {
    const etcd = new Etcd(server.host);
    for (const swap of [
      (key, value) => etcd.compareAndSwap(key, 'new', value),
      (key, value) => etcd.set(key, 'new', { prevValue: value, prevExist: true, ttl: 100 }),
      async (key, value) => {
        const { err, body } = etcd.setSync(key, 'new', { prevValue: value });
        if (err) throw err;
        return body;
      },
    ]) {
      await etcd.set('long', old);
      assert.equal((await rejection(swap('long', `${old}ü`))).errorCode, 101);
      assert.equal((await swap('long', old)).action, 'compareAndSwap');
    }
  });

  test('follow a redirect, whatever its location says', async () => {
    const location = `${server.url}/v2/keys/moved`;
    const wire = await scripted([], { fallback: { reply: { status: 307, headers: { location } } } });
    const etcd = new Etcd(wire.host);
    await new Etcd(server.host).set('moved', old);
    assert.equal((await rejection(etcd.compareAndSwap('moved', 'new', 'other'))).errorCode, 101);
    assert.equal((await etcd.compareAndSwap('moved', 'new', old)).action, 'compareAndSwap');
  });
});

'use strict';

// What is told of requests to those who listen: NODE_DEBUG=etcd and the channels of node:diagnostics_channel. That no
// credentials are among it is tested in connections/boundaries.test.js.

const assert = require('node:assert/strict');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const Etcd = require('../..');
const { cleanUp, scripted } = require('../support/clean-up');
const { freshPrefix, withEtcd } = require('../support/etcd');
const { runScript } = require('../support/node-script');
const { rejection } = require('../support/promises');
const { describe, test } = require('../support/test');

const server = withEtcd();

describe('NODE_DEBUG=etcd', () => {
  const source = `
    const Etcd = require('.');
    const [host, broken] = process.argv.slice(1);
    (async () => {
      const etcd = new Etcd('jo:geheim@' + host);
      await etcd.set('/debug/ü', 'v', { ttl: 5 });
      etcd.getSync('debug/none');
      await etcd.version();
      await new Etcd(broken, { maxRetries: 1 }).get('k').catch(() => {});
    })();`;
  const election = { reply: { status: 500, json: { errorCode: 301, message: 'During Leader Election' } } };

  test('prints a line for each try', async () => {
    const broken = await scripted([election], { fallback: { reply: { status: 503 } } });
    const env = { NODE_DEBUG: 'etcd', RUNNING_UNIT_TESTS: 'true' };
    const { code, stdout, stderr } = await runScript(source, { args: [server.host, broken.host], env });
    const lines = stderr.trim().split('\n');
    const shown = lines.map((line) => /^ETCD \d+: (.*) \d+\.\d ms, attempt (\d)$/.exec(line)?.slice(1) ?? line);
    assert.deepEqual(shown, [
      [`PUT ${server.url}/v2/keys/debug/ü?ttl=5 201`, '1'],
      [`GET ${server.url}/v2/keys/debug/none 404`, '1'],
      [`GET ${server.url}/version 200`, '1'],
      [`GET ${broken.url}/v2/keys/k 500`, '1'],
      [`GET ${broken.url}/v2/keys/k 503`, '2'],
    ]);
    assert.deepEqual([code, stdout], [0, '']);
  });

  test('is silent for others', async () => {
    const env = { NODE_DEBUG: 'http2,other' };
    const { stderr } = await runScript(source, { args: [server.host, server.host], env });
    assert.equal(stderr, '');
  });
});

describe('the channels', () => {
  const NAMES = ['start', 'reply', 'error', 'retry'].map((name) => `node-etcd-native:request:${name}`);
  const heard = [];
  const listen = (message, name) => heard.push([name.split(':').at(-1), message]);

  function listenToAll() {
    heard.length = 0;
    for (const name of NAMES) subscribe(name, listen);
    cleanUp(() => {
      for (const name of NAMES) unsubscribe(name, listen);
    });
  }

  for (const [how, get] of Object.entries({
    'an awaited call': (etcd, key) => etcd.get(key, { sorted: true }),
    'a callback': (etcd, key) => new Promise((resolve) => etcd.get(key, { sorted: true }, () => resolve())),
    'a Sync call': (etcd, key) => etcd.getSync(key, { sorted: true }),
  })) {
    test(`tell of the start and the reply of ${how}`, async () => {
      const etcd = server.connect();
      const key = freshPrefix('channels');
      await etcd.set(key, 'v');
      listenToAll();
      await get(etcd, key);
      assert.deepEqual(
        heard.map(([name, { method, target, query }]) => [name, method, target, query]),
        ['start', 'reply'].map((name) => [name, 'GET', key, 'sorted=true']),
      );
      const [[, start], [, reply]] = heard;
      assert.deepEqual([reply.status, reply.server], [200, server.url]);
      assert.ok(reply.ms > 0 && Number.isFinite(reply.ms));
      assert.equal(reply.token, start.token);
      assert.deepEqual(reply.token.servers, [server.url]);
    });
  }

  test('tell of a refusal as a reply and an error', async () => {
    listenToAll();
    const err = await rejection(server.connect().get(freshPrefix('none')));
    assert.deepEqual(
      heard.map(([name, { status, error }]) => [name, status, error]),
      [
        ['start', undefined, undefined],
        ['reply', 404, undefined],
        ['error', undefined, err],
      ],
    );
  });

  test('tell of a retry, and of the error in the end', async () => {
    const wire = await scripted([], { fallback: { close: true } });
    listenToAll();
    const err = await rejection(new Etcd(wire.host, { maxRetries: 1 }).get('k'));
    assert.deepEqual(
      heard.map(([name, { retries, error }]) => [name, retries, error]),
      [
        ['start', undefined, undefined],
        ['retry', 1, undefined],
        ['error', undefined, err],
      ],
    );
  });

  for (const name of ['start', 'retry', 'reply', 'error']) {
    test(`may abort a request at its ${name}, whose callback is then not called`, async () => {
      const wire = await scripted([], { fallback: name === 'reply' ? { echo: true } : { close: true } });
      const etcd = new Etcd(wire.host, { maxRetries: 1 });
      const channel = `node-etcd-native:request:${name}`;
      const abort = ({ token }) => token.abort();
      subscribe(channel, abort);
      cleanUp(() => unsubscribe(channel, abort));
      etcd.set('k', 1, () => assert.fail('called back'));
      assert.equal((await rejection(etcd.set('k', 2))).code, 'ABORT_ERR');
      if (name !== 'start') return;
      assert.equal(etcd.setSync('k', 3).err.code, 'ABORT_ERR');
      assert.deepEqual(await wire.requests(), []);
    });
  }

  test('tell nothing of what never began', async () => {
    listenToAll();
    server
      .connect()
      .get('k', () => {})
      .abort();
    await server.connect().version();
    assert.deepEqual(
      heard.map(([name, { target }]) => [name, target]),
      [
        ['start', '/version'],
        ['reply', '/version'],
      ],
    );
  });
});

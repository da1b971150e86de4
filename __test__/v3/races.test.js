'use strict';

// Several clients of v2 on v3 at the same keys at once: who loses a race tries again, and nothing is lost.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { after, before, beforeEach, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { cleanUp, scripted } = require('../support/clean-up');
const { freshPrefix } = require('../support/etcd');
const { rejection, waitUntil } = require('../support/promises');

let server;
let clients;
let key;
before(async () => {
  server = await startEtcd({ etcd: findEtcdV3() });
  clients = Array.from({ length: 6 }, () => new Etcd(server.host, { api: 'v3', maxRetries: 0 }));
});
after(() => server?.stop());
beforeEach(() => {
  key = `/${freshPrefix('races')}`;
});

/** Errors as well as bodies. */
const settled = (promises) =>
  Promise.all(
    promises.map((promise) =>
      promise.then(
        (body) => body,
        (err) => err,
      ),
    ),
  );

test('in-order keys of several clients are all there, and their names rise with their indexes', async () => {
  const made = await Promise.all(
    clients.map(async (client, i) => {
      const bodies = [];
      for (let n = 0; n < 20; n++) bodies.push(await client.create(key, `${i}-${n}`));
      return bodies.map(({ node }) => node);
    }),
  );
  const nodes = made.flat().sort((a, b) => a.createdIndex - b.createdIndex);
  const names = nodes.map((node) => node.key);
  assert.deepEqual(names, [...new Set(names)].sort());
  const { node } = await clients[0].get(key, { sorted: true });
  assert.deepEqual(
    node.nodes.map((one) => one.value),
    nodes.map((one) => one.value),
  );
});

test('in-order keys of one client at once are all made', async () => {
  const nodes = await Promise.all(Array.from({ length: 50 }, (_, i) => clients[0].create(key, i)));
  assert.equal(new Set(nodes.map(({ node }) => node.key)).size, 50);
});

test('the index that comes with "Key not found" is before that of who makes the key in that moment', async () => {
  for (let i = 0; i < 200; i++) {
    const path = `${key}/${i}`;
    const [found, { node }] = await settled([clients[0].get(path), clients[1].set(path, 'v')]);
    const index = found.errorCode === 100 ? found.error.index : found.node.modifiedIndex;
    assert.equal(index < node.modifiedIndex, found.errorCode === 100, `${index} and ${node.modifiedIndex}`);
  }
});

test('an in-order key that a silent member is asked for holds up none that another member is asked for', async () => {
  const silent = await scripted([], { fallback: { stall: true } });
  const etcd = new Etcd([`127.0.0.1:${silent.port}`, server.host], { api: 'v3-json' });
  cleanUp(() => etcd.close({ abort: true }));
  let made = 0;
  const createSome = () => {
    for (let i = 0; i < 20; i++)
      etcd.create(key, i).then(
        () => {
          made += 1;
        },
        () => {}, // those that the silent member was asked for are given up
      );
  };
  createSome();
  await silent.waitFor(1);
  made = 0;
  createSome(); // about half of them at each member
  await waitUntil(() => made > 0);
});

/** A client whose way to etcd waits for `rival(n)` before its n-th transaction that would write. */
async function overtakenBy(rival) {
  let writes = 0;
  const way = http.createServer(async (request, response) => {
    try {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      if (request.url === '/v3/kv/txn' && JSON.parse(body).success?.some((op) => op.request_put)) await rival(++writes);
      const reply = await fetch(`${server.url}${request.url}`, { method: request.method, body });
      response.writeHead(reply.status, { 'content-type': 'application/json' });
      response.end(await reply.text());
    } catch (error) {
      response.destroy(error);
    }
  });
  way.listen(0, '127.0.0.1');
  await once(way, 'listening');
  cleanUp(() => {
    way.close();
    way.closeAllConnections();
  });
  return new Etcd(`127.0.0.1:${way.address().port}`, { api: 'v3-json', maxRetries: 0 });
}

const valuesIn = async (directory) => {
  const { node } = await clients[0].get(directory, { sorted: true });
  return node.nodes.map(({ value }) => value);
};

test('an in-order key is made by whoever was overtaken again and again, after the others', async () => {
  await clients[0].mkdir(key);
  const etcd = await overtakenBy((n) => n <= 20 && clients[0].create(key, 'rival'));
  await etcd.create(key, 'own');
  assert.deepEqual(await valuesIn(key), [...Array(20).fill('rival'), 'own']);
});

test('an in-order key is given up after 500 tries, and nothing is made', async () => {
  await clients[0].mkdir(key);
  const etcd = await overtakenBy(() => clients[0].create(key, 'rival'));
  const { errors } = await rejection(etcd.create(key, 'own'));
  assert.deepEqual(
    errors.map(({ httperror }) => httperror.code),
    ['ERR_TOO_MANY_WRITERS'],
  );
  assert.deepEqual(await valuesIn(key), Array(500).fill('rival'));
});

test('no increment by compareAndSwap is lost', async () => {
  await clients[0].set(key, 0);
  const increment = async (client) => {
    for (;;) {
      const { value } = (await client.get(key)).node;
      const outcome = await client.compareAndSwap(key, Number(value) + 1, value).catch((err) => err.errorCode);
      if (outcome !== 101) return assert.equal(outcome.action, 'compareAndSwap');
    }
  };
  await Promise.all(
    clients.map(async (client) => {
      for (let n = 0; n < 10; n++) await increment(client);
    }),
  );
  assert.equal((await clients[0].get(key)).node.value, String(clients.length * 10));
});

test('of those who create the same key below missing directories one does', async () => {
  const outcomes = await settled(clients.map((client) => client.set(`${key}/a/b`, 'v', { prevExist: false })));
  assert.equal(outcomes.filter(({ action }) => action === 'create').length, 1);
  assert.deepEqual([...new Set(outcomes.filter(({ action }) => !action).map(({ errorCode }) => errorCode))], [105]);
});

test('a name becomes a file or a directory, never both', async () => {
  const outcomes = await settled(clients.map((client, i) => client.set(i % 2 ? `${key}/x` : `${key}/x/y`, 'v')));
  const { node } = await clients[0].get(`${key}/x`);
  const refused = outcomes.map(({ errorCode }) => errorCode).filter(Boolean);
  assert.deepEqual([...new Set(refused)], [node.dir ? 102 : 104]);
  if (!node.dir) assert.equal((await rejection(clients[0].get(`${key}/x/y`))).errorCode, 104);
});

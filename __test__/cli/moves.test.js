'use strict';

// Trees go from each kind of store to each other one, to one with users and TLS, and while they change. SEED=… repeats what is
// random in a run.

const assert = require('node:assert/strict');
const { test } = require('../support/test');
const Etcd = require('../..');
const { makeCertificates } = require('../support/certificates');
const { cleanUp, keep } = require('../support/clean-up');
const { runCli, startCli } = require('../support/cli');
const { findEtcdV3 } = require('../../scripts/etcd');
const { freshPrefix, startEtcd, withEtcd } = require('../support/etcd');
const { Changes } = require('../support/move-run/changes');
const { Client } = require('../support/move-run/client');
const { Tree } = require('../support/move-run/tree');
const { waitUntil } = require('../support/promises');
const { chooseSeed } = require('../support/random');
const { RawV3, encode } = require('../support/raw-v3');
const { contents, fill } = require('../support/sample-tree');

const v2 = withEtcd();
const v3 = withEtcd({ etcd: findEtcdV3() });
const STORES = { v2, v3, 'v3-json': v3 };

const side = (name, api) => [`--${name}`, STORES[api].host, `--${name}-api`, api];
const connect = (api) => STORES[api].connect({ api });

async function succeeds(args, options) {
  const result = await runCli(args, options);
  assert.equal(result.code, 0, result.stderr + result.stdout);
  return result.stdout;
}

for (const [from, to] of [
  ['v3', 'v2'],
  ['v2', 'v3-json'],
  ['v3-json', 'v2'],
  ['v2', 'v2'],
]) {
  test(`a tree goes from ${from} to ${to}`, async () => {
    const key = freshPrefix();
    const sides = [...side('from', from), ...side('to', to), key, '--hidden', `${key}/_hidden`];
    await fill(connect(from), key);
    const before = await contents(connect(from), key);
    // Of the same store it is a copy onto itself, which has nothing to write.
    await succeeds(['copy', ...sides, '--delete']);
    assert.deepEqual(await contents(connect(to), key), before);
    assert.equal(await succeeds(['diff', ...sides]), '');
  });
}

for (const api of ['v2', 'v3', 'v3-json']) {
  test(`what is dumped from ${api} is loaded into a store in memory, and back into it`, async () => {
    const [key, etcd] = [freshPrefix(), connect(api)];
    const there = ['--endpoints', STORES[api].host, '--api', api];
    await fill(etcd, key);
    const before = await contents(etcd, key);
    const dumped = await succeeds(['dump', key, '--hidden', `${key}/_hidden`, ...there]);
    Etcd.memory(key).load(JSON.parse(dumped));
    const memory = new Etcd(`memory:${key}`);
    assert.deepEqual(await contents(memory, key), before);
    assert.equal((await memory.get(`${key}/_hidden/secret`)).node.value, 's');
    await etcd.rmdir(key, { recursive: true });
    await succeeds(['load', ...there], { input: dumped });
    assert.deepEqual(await contents(etcd, key), before);
  });
}

/** An etcd that knows a user for `/app` alone, and talks to those who show a certificate. */
async function startSecured(authority) {
  const open = await startEtcd({ etcd: findEtcdV3(), dataDir: authority.file('data') });
  const admin = new RawV3(open.url);
  for (const [name, password] of Object.entries({ root: 'r', app: 'a:b' })) {
    await admin.call('auth/user/add', { name, password });
    await admin.call('auth/role/add', { name });
    await admin.call('auth/user/grant', { user: name, role: name });
  }
  const perm = { permType: 'READWRITE', key: encode('/app'), range_end: encode('/app0') };
  await admin.call('auth/role/grant', { name: 'app', perm });
  await admin.call('auth/enable');
  await open.stop();
  const [cert, key, clientCa] = ['server.pem', 'server-key.pem', 'ca.pem'].map((name) => authority.file(name));
  return keep(await startEtcd({ etcd: findEtcdV3(), dataDir: open.dataDir, tls: { cert, key, clientCa } }));
}

test('a tree goes to an etcd with users and TLS, by a certificate and a password, and back', async () => {
  const authority = makeCertificates();
  cleanUp(() => authority.remove());
  const secured = await startSecured(authority);
  const files = { cacert: 'ca.pem', cert: 'client.pem', key: 'client-key.pem' };
  const secure = (name) => [
    ...[`--${name}`, secured.url, `--${name}-api`, 'v3', `--${name}-user`, 'app:a:b'],
    ...Object.entries(files).flatMap(([option, file]) => [`--${name}-${option}`, authority.file(file)]),
  ];
  await fill(connect('v2'), '/app');
  const before = await contents(connect('v2'), '/app');
  await succeeds(['copy', ...side('from', 'v2'), ...secure('to'), '/app']);
  assert.equal(await succeeds(['diff', ...side('from', 'v2'), ...secure('to'), '/app']), '');
  await connect('v2').rmdir('/app', { recursive: true });
  await succeeds(['copy', ...secure('from'), ...side('to', 'v2'), '/app']);
  assert.deepEqual(await contents(connect('v2'), '/app'), before);
  const refused = await runCli(['copy', ...side('from', 'v2'), ...secure('to'), '/']);
  assert.equal(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, /The request requires user authentication/);
  assert.doesNotMatch(refused.stderr, /a:b/);
});

/** Makes so many changes, many at a time. */
async function change(client, changes, count) {
  await client.makeAll(Array.from({ length: count }, () => changes.next()).values());
}

for (const [from, to] of [
  ['v2', 'v3'],
  ['v3', 'v2'],
]) {
  test(`a copy from ${from} to ${to} that follows all kinds of changes, many at a time, ends alike`, {
    timeout: 120_000,
  }, async (t) => {
    const seed = chooseSeed();
    t.diagnostic(`SEED=${seed}`);
    const tree = new Tree(seed, { keys: 300, directories: 30, ttls: 30, hidden: 3, root: `/${freshPrefix()}` });
    const client = new Client({ host: STORES[from].host, api: from });
    for (const one of tree.mkdirs()) await client.make(one);
    await client.makeAll(tree.sets());
    const hidden = tree.hidden.flatMap((key) => ['--hidden', key]);
    const sides = [...side('from', from), ...side('to', to), tree.root, ...hidden];
    const changes = new Changes(seed, tree);
    const copy = startCli(['copy', ...sides, '--follow', '--delete']);
    await change(client, changes, 1000);
    await Promise.race([copy.ended, waitUntil(() => /following/.test(copy.printed.stderr))]);
    await change(client, changes, 1000);
    const last = `${tree.root}/last`;
    await client.make({ method: 'set', key: last, value: 'v' });
    const isThere = async () =>
      (await connect(to)
        .get(last)
        .catch(() => undefined)) !== undefined;
    await Promise.race([copy.ended, waitUntil(isThere, { timeoutMs: 60_000 })]);
    copy.child.kill('SIGINT');
    const { code, stderr } = await copy.ended;
    assert.equal(code, 0, stderr);
    await succeeds(['diff', ...sides, '--ttl-tolerance', '5', '-o', 'json']);
    await client.close();
  });
}

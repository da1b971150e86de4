'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('../support/test');
const Etcd = require('../..');
const { cleanUp, scripted } = require('../support/clean-up');
const { runCli, startCli } = require('../support/cli');
const { findEtcdV3 } = require('../../scripts/etcd');
const { freshPrefix, withEtcd } = require('../support/etcd');
const { waitUntil } = require('../support/promises');
const { Dice } = require('../support/random');
const { contents, fill } = require('../support/sample-tree');

const source = withEtcd();
const target = withEtcd({ etcd: findEtcdV3() });
const sides = () => ['--from', source.host, '--to', target.host];
const replica = () => target.connect({ api: 'v3' });

async function succeeds(args, options) {
  const result = await runCli(args, options);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

const differences = async (...args) => (await runCli(['diff', ...sides(), ...args])).stdout;

test('a copy has the values, directories, names and times to live of the source', async () => {
  const key = freshPrefix();
  await fill(source.connect(), key);
  await succeeds(['copy', ...sides(), key, '--hidden', `${key}/_hidden`]);
  assert.deepEqual(await contents(replica(), key), await contents(source.connect(), key));
  assert.equal((await replica().get(`${key}/_hidden/secret`)).node.value, 's');
  assert.equal(await differences(key, '--hidden', `${key}/_hidden`), '');
});

test('hidden keys can be named in a file', async () => {
  const key = freshPrefix();
  await fill(source.connect(), key);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hidden-'));
  cleanUp(() => fs.rmSync(folder, { recursive: true }));
  fs.writeFileSync(path.join(folder, 'keys'), `/${key}/_hidden\n\n`);
  await succeeds(['copy', ...sides(), key, '--hidden-file', path.join(folder, 'keys')]);
  assert.equal((await replica().get(`${key}/_hidden/secret`)).node.value, 's');
});

test('a key in its last moment, which has no ttl any more, does not stay in the copy', async () => {
  const key = freshPrefix();
  const node = { key: `/${key}`, value: 'v', expiration: '2030-01-31T00:00:00Z', modifiedIndex: 4, createdIndex: 4 };
  const headers = { 'X-Etcd-Index': '4', 'X-Etcd-Cluster-Id': '1', 'Content-Type': 'application/json' };
  const refusal = { errorCode: 100, message: 'Key not found', cause: `/${key}/_`, index: 4 };
  const server = await scripted([
    { match: /wait=true/, times: 100, stall: true },
    { match: /\/_(\?|$)/, times: 100, reply: { status: 404, headers, json: refusal } },
    { match: { path: new RegExp(`${key}$`) }, times: 100, reply: { headers, json: { action: 'get', node } } },
  ]);
  await succeeds(['copy', '--from', server.host, '--to', target.host, key]);
  const copied = (
    await replica()
      .get(key)
      .catch(() => undefined)
  )?.node;
  assert.ok(copied === undefined || copied.ttl <= 1, JSON.stringify(copied));
});

test('a copy that is run again writes nothing', async () => {
  const key = freshPrefix();
  await fill(source.connect(), key);
  await succeeds(['copy', ...sides(), key]);
  const { stderr } = await succeeds(['copy', ...sides(), key]);
  assert.match(stderr, /^0 left, .*, 0 written\n$/m);
});

test('a copy repairs what differs, and removes what is only in the target if it is told to', async () => {
  const key = freshPrefix();
  await fill(source.connect(), key);
  const copy = replica();
  await copy.set(`${key}/plain`, 'other');
  await copy.set(`${key}/deep`, 'a key where a directory should be');
  await copy.set(`${key}/empty/dir`, 'a directory where a key should be');
  await copy.set(`${key}/extra/key`, 'kept');
  await succeeds(['copy', ...sides(), key]);
  assert.equal(await differences(key), `+ /${key}/extra\n`);
  await succeeds(['copy', ...sides(), key, '--delete']);
  assert.equal(await differences(key), '');
});

test('diff says what differs, and its status is 1', async () => {
  const key = freshPrefix();
  const [a, b] = [source.connect(), replica()];
  await Promise.all([a, b].map((etcd) => etcd.set(`${key}/same`, '1', { ttl: 100 })));
  await a.set(`${key}/missing`, '1');
  await b.set(`${key}/extra`, '1');
  await a.set(`${key}/kind`, '1');
  await b.mkdir(`${key}/kind`);
  await a.set(`${key}/value`, '1');
  await b.set(`${key}/value`, '2');
  await a.set(`${key}/ttl`, '1', { ttl: 100 });
  await b.set(`${key}/ttl`, '1', { ttl: 90 });
  const { code, stdout } = await runCli(['diff', ...sides(), key]);
  assert.equal(code, 1);
  const lines = ['missing', 'extra', 'kind', 'value', 'ttl'].map((name) => {
    const sign = { missing: '-', extra: '+', kind: '!' }[name];
    return sign ? `${sign} /${key}/${name}` : `~ /${key}/${name} (${name})`;
  });
  assert.deepEqual(stdout.trim().split('\n').sort(), lines.sort());
  const tolerant = await runCli(['diff', ...sides(), key, '--ttl-tolerance', '15', '-o', 'json']);
  const found = tolerant.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).what);
  assert.deepEqual(found.sort(), ['extra', 'kind', 'missing', 'value']);
});

test('a source without the key is an error that names it', async () => {
  const { code, stderr } = await runCli(['copy', ...sides(), '/not/there']);
  assert.equal(code, 3);
  assert.match(stderr, /the source has no \/not\/there\n$/);
});

test('what changes while a tree is copied is copied too, and --follow goes on with it in order', async () => {
  const key = freshPrefix();
  const etcd = source.connect();
  for (let i = 0; i < 500; i++) await etcd.set(`${key}/d${i % 20}/k${i}`, '0');
  const seen = [];
  const watcher = replica()
    .watcher(`${key}/last`, null)
    .on('change', (event) => seen.push(event.node.value));
  cleanUp(() => watcher.stop());
  const { child, printed, ended } = startCli(['copy', ...sides(), key, '--follow']);
  const dice = new Dice(1);
  for (let i = 0; i < 2000; i++) {
    const one = `${key}/d${dice.below(25)}/k${dice.below(500)}`;
    const what = dice.below(10);
    if (what === 0) await etcd.del(one).catch(() => {});
    else if (what === 1) await etcd.del(`${key}/d${dice.below(25)}`, { recursive: true }).catch(() => {});
    else await etcd.set(one, String(i));
  }
  await waitUntil(() => /following/.test(printed.stderr));
  for (let i = 1; i <= 50; i++) await etcd.set(`${key}/last`, String(i));
  await waitUntil(() => seen.length === 50, { timeoutMs: 60_000 });
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, i) => String(i + 1)),
  );
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.equal(await differences(key), '');
});

test('--until-idle ends a copy that follows when nothing has changed', async () => {
  const key = freshPrefix();
  await fill(source.connect(), key);
  await succeeds(['copy', ...sides(), key, '--follow', '--until-idle', '0.5']);
  assert.equal(await differences(key), '');
});

test('a copy that follows keeps alive what is refreshed in the source, and lets end what is not', async () => {
  const key = freshPrefix();
  const etcd = source.connect();
  await etcd.set(`${key}/refreshed`, 'v', { ttl: 3 });
  await etcd.set(`${key}/ends`, 'v', { ttl: 3 });
  const { child, ended } = startCli(['copy', ...sides(), key, '--follow']);
  const copy = replica();
  await waitUntil(async () => (await copy.get(`${key}/ends`).catch(() => undefined)) !== undefined);
  await etcd.set(`${key}/refreshed`, undefined, { ttl: 300, refresh: true, prevExist: true });
  await waitUntil(async () => (await copy.get(`${key}/refreshed`)).node.ttl > 200);
  await waitUntil(async () => (await copy.get(`${key}/ends`).catch((error) => error)).errorCode === 100);
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

test('a target that others write to ends a copy that follows with status 4, unless it is forced', async () => {
  const key = freshPrefix();
  const etcd = source.connect();
  await etcd.set(`${key}/a`, '1');
  const others = replica();
  for (const flags of [[], ['--force']]) {
    const { child, printed, ended } = startCli(['copy', ...sides(), key, '--follow', ...flags]);
    await waitUntil(() => /following/.test(printed.stderr));
    await others.set(`${key}/a`, 'by others');
    await etcd.set(`${key}/a`, String(flags.length + 2));
    if (flags.length > 0) {
      await waitUntil(async () => (await others.get(`${key}/a`)).node.value === '3');
      child.kill('SIGTERM');
    }
    const { code, stderr } = await ended;
    assert.equal(code, flags.length > 0 ? 0 : 4, stderr);
    if (flags.length === 0) assert.match(stderr, new RegExp(`/${key}/a was changed by others in the target`));
  }
});

test('a copy that is killed at any moment is finished by the same command', { timeout: 300_000 }, async (t) => {
  const seed = Number(process.env.SEED ?? 7);
  t.diagnostic(`SEED=${seed}`);
  const dice = new Dice(seed);
  const key = freshPrefix();
  const etcd = source.connect();
  await Promise.all(Array.from({ length: 1500 }, (_, i) => etcd.set(`${key}/d${i % 50}/k${i}`, 'v'.repeat(i % 99))));
  for (let round = 0; round < 5; round++) {
    const { child, ended } = startCli(['copy', ...sides(), key, '--delete']);
    const enough = dice.below(1500);
    const copy = replica();
    await Promise.race([ended, waitUntil(async () => (await countBelow(copy, key)) >= enough)]);
    child.kill('SIGKILL');
    await ended;
    await etcd.del(`${key}/d${dice.below(50)}`, { recursive: true }).catch(() => {});
    await etcd.set(`${key}/d${dice.below(50)}/new${round}`, String(round));
  }
  await succeeds(['copy', ...sides(), key, '--delete']);
  assert.equal(await differences(key), '');
});

async function countBelow(etcd, key) {
  const body = await etcd.get(key, { recursive: true }).catch(() => undefined);
  const count = (node) => (node.nodes ?? []).reduce((sum, child) => sum + (child.dir ? count(child) : 1), 0);
  return body === undefined ? 0 : count(body.node);
}

test('Ctrl-C ends a copy with status 130, and says how to go on', async () => {
  const key = freshPrefix();
  const etcd = source.connect();
  await Promise.all(Array.from({ length: 3000 }, (_, i) => etcd.set(`${key}/d${i % 300}/k${i}`, 'v')));
  const { child, ended } = startCli(['copy', ...sides(), key]);
  await waitUntil(async () => (await countBelow(replica(), key)) > 0);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /the same command goes on with it\n$/);
});

test('dump prints what a store in memory loads, and load writes it to an etcd', async () => {
  const key = freshPrefix();
  await fill(source.connect(), key);
  const { stdout } = await succeeds(['dump', key, '--endpoints', source.host]);
  const store = Etcd.memory(key);
  store.load(JSON.parse(stdout));
  assert.deepEqual(await contents(new Etcd(`memory:${key}`), key), await contents(source.connect(), key));
  const there = ['--endpoints', target.host, '--api', 'v3'];
  await succeeds(['load', ...there], { input: JSON.stringify(store.dump()) });
  assert.equal(await differences(key), '');
});

test('a tree goes back from v3 to v2, and from v3 to v3 below a namespace', async () => {
  const key = freshPrefix();
  await fill(replica(), key);
  const back = ['--from', target.host, '--from-api', 'v3', '--to', source.host, '--to-api', 'v2', key];
  await succeeds(['copy', ...back]);
  assert.deepEqual(await contents(source.connect(), key), await contents(replica(), key));
  const below = [
    '--from',
    target.host,
    '--from-api',
    'v3',
    '--to',
    target.host,
    '--to-namespace',
    `/${key}-below`,
    key,
  ];
  await succeeds(['copy', ...below]);
  assert.equal((await runCli(['diff', ...below])).code, 0);
});

test('a tree that is none is refused before anything is written', async () => {
  for (const [tree, message] of [
    ['[]', /a tree is an object/],
    ['{"/a": 1}', /\/a: expected a text/],
    ['{"/a/": "v"}', /\/a\/: a directory has no value/],
    ['{"/a": {"value": "v", "ttl": -1}}', /\/a: ttl is not a number of seconds/],
    ['nonsense', /no tree can be read/],
  ]) {
    const { code, stderr } = await runCli(['load', '--endpoints', target.host], { input: tree });
    assert.equal(code, 2, tree);
    assert.match(stderr, message);
  }
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('../support/test');
const { freshPrefix, withEtcd } = require('../support/etcd');
const { runCli, startCli } = require('../support/cli');
const { waitUntil } = require('../support/promises');

const server = withEtcd();
const run = (...args) => runCli([...args, '--endpoints', server.host]);

/** What a command printed that went well. */
async function printed(...args) {
  const { code, stdout, stderr } = await run(...args);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  return stdout;
}

test('set prints the value and get prints it again', async () => {
  const key = freshPrefix();
  assert.equal(await printed('set', `/${key}`, 'hello world'), 'hello world\n');
  assert.equal(await printed('get', key), 'hello world\n');
});

test('a value may come from the standard input', async () => {
  const key = freshPrefix();
  const { code, stdout } = await runCli(['set', key, '--endpoints', server.host], { input: 'two\nlines' });
  assert.deepEqual([code, stdout], [0, 'two\nlines\n']);
});

test('a key with a percent sign means itself', async () => {
  const key = freshPrefix();
  await printed('set', `/${key}/%41 b?c#d`, 'v');
  assert.equal(await printed('ls', key), `/${key}/%41 b?c#d\n`);
  assert.equal(await printed('get', `/${key}/%41 b?c#d`), 'v\n');
});

test('set takes conditions, and says why it did not write', async () => {
  const key = freshPrefix();
  await printed('set', key, 'a');
  assert.equal(await printed('set', key, 'b', '--swap-with-value', 'a'), 'b\n');
  const { code, stderr } = await run('set', key, 'c', '--swap-with-value', 'a');
  assert.equal(code, 3);
  assert.match(stderr, /Compare failed \(\[a != b\]\)\n$/);
  const index = JSON.parse(await printed('get', key, '-o', 'json')).node.modifiedIndex;
  assert.equal(await printed('set', key, 'd', '--swap-with-index', String(index)), 'd\n');
});

test('mk makes only what is not there', async () => {
  const key = freshPrefix();
  assert.equal(await printed('mk', key, '1'), '1\n');
  const { code, stderr } = await run('mk', key, '2');
  assert.deepEqual([code, stderr], [3, `node-etcd-native: Key already exists (/${key})\n`]);
});

test('mk --in-order makes keys whose names rise', async () => {
  const key = freshPrefix();
  await printed('mk', '--in-order', key, 'first');
  await printed('mk', '--in-order', key, 'second');
  const names = (await printed('ls', '--sort', key)).trim().split('\n');
  const values = await Promise.all(names.map((name) => printed('get', name)));
  assert.deepEqual(values, ['first\n', 'second\n']);
});

test('ls prints names, with -p a slash behind directories, with -r all that is below', async () => {
  const key = freshPrefix();
  await printed('set', `${key}/a/b`, '1');
  await printed('mkdir', `${key}/empty`);
  assert.equal(await printed('ls', key, '--sort'), `/${key}/a\n/${key}/empty\n`);
  assert.equal(await printed('ls', key, '--sort', '-rp'), `/${key}/a/\n/${key}/a/b\n/${key}/empty/\n`);
  assert.equal(await printed('ls', `${key}/a/b`), `/${key}/a/b\n`);
});

test('a ttl ends a key or a directory', async () => {
  const key = freshPrefix();
  await printed('set', `${key}/a`, '1', '--ttl', '100');
  await printed('mkdir', `${key}/d`, '--ttl', '100');
  const { node } = JSON.parse(await printed('ls', key, '-o', 'json'));
  assert.deepEqual(
    node.nodes.map(({ ttl }) => ttl > 90 && ttl <= 100),
    [true, true],
  );
});

test('rm removes keys, with --dir empty directories, with -r everything', async () => {
  const key = freshPrefix();
  await printed('set', `${key}/a/b`, '1');
  assert.match((await run('rm', `${key}/a`)).stderr, /Not a file/);
  assert.match((await run('rm', '--dir', `${key}/a`)).stderr, /Directory not empty/);
  assert.equal(await printed('rm', `${key}/a/b`), 'PrevNode.Value: 1\n');
  assert.equal(await printed('rm', '--dir', `${key}/a`), '');
  await printed('set', `${key}/a/b`, '1');
  assert.equal(await printed('rm', '-r', key), '');
  assert.equal((await run('get', key)).code, 3);
});

test('get of a directory is refused', async () => {
  const key = freshPrefix();
  await printed('mkdir', key);
  const { code, stderr } = await run('get', key);
  assert.deepEqual([code, stderr], [2, `node-etcd-native: /${key}: is a directory\n`]);
});

test('watch prints one change and ends', async () => {
  const key = freshPrefix();
  const etcd = server.connect();
  const { node } = await etcd.set(key, 'before');
  const watching = run('watch', key, '--after-index', String(node.modifiedIndex));
  await etcd.set(key, 'after');
  const { code, stdout } = await watching;
  assert.deepEqual([code, stdout], [0, 'after\n']);
});

test('watch --forever -r prints changes with their keys until a signal comes', async () => {
  const key = freshPrefix();
  const etcd = server.connect();
  const { node } = await etcd.set(`${key}/a`, '1');
  const after = ['--after-index', String(node.modifiedIndex), '--endpoints', server.host];
  const { child, printed: out, ended } = startCli(['watch', key, '-f', '-r', ...after]);
  await etcd.set(`${key}/b`, '2');
  await etcd.del(`${key}/a`);
  const expected = `[set] /${key}/b\n2\n[delete] /${key}/a\nPrevNode.Value: 1\n`;
  await waitUntil(() => out.stdout === expected);
  child.kill('SIGINT');
  assert.equal((await ended).code, 0);
});

test('watch --exec runs a command for each change, one after the other', {
  skip: process.platform === 'win32',
}, async () => {
  const key = freshPrefix();
  const etcd = server.connect();
  const { node } = await etcd.set(key, '0');
  const command = 'echo "$ETCD_WATCH_ACTION $ETCD_WATCH_KEY $ETCD_WATCH_VALUE"';
  const after = ['--after-index', String(node.modifiedIndex), '--endpoints', server.host];
  const { child, printed: out, ended } = startCli(['watch', key, '--exec', command, ...after]);
  for (const value of ['1', '2', '3']) await etcd.set(key, value);
  await waitUntil(() => out.stdout === `set /${key} 1\nset /${key} 2\nset /${key} 3\n`);
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

test('the variables of etcdctl choose the etcd', async () => {
  const key = freshPrefix();
  await server.connect().set(key, 'v');
  const { code, stdout } = await runCli(['get', key], { env: { ETCDCTL_ENDPOINTS: `127.0.0.1:1,${server.host}` } });
  assert.deepEqual([code, stdout], [0, 'v\n']);
});

for (const [what, args, message] of [
  ['an unknown command', ['frobnicate'], /there is no command frobnicate/],
  ['an unknown option', ['get', '/a', '--nope'], /--nope/],
  ['a missing key', ['get'], /a key is missing/],
  ['too many arguments', ['get', '/a', '/b'], /too many arguments: \/b/],
  ['a format that is not known', ['get', '/a', '-o', 'xml'], /--output xml: expected simple or json/],
  ['a file that is not there', ['get', '/a', '--cacert', '/nope/ca.pem'], /no such file or directory/],
  ['a missing side of a copy', ['copy', '--from', '127.0.0.1:1'], /--to HOSTS is missing/],
  [
    'a user without a password and without a terminal',
    ['get', '/a', '--user', 'me'],
    /no password for me: set ETCDCTL_PASSWORD/,
  ],
]) {
  test(`${what} is one line of error, and status 2`, async () => {
    const { code, stdout, stderr } = await runCli(args);
    assert.deepEqual([code, stdout, stderr.trim().split('\n').length], [2, '', 1]);
    assert.match(stderr, message);
  });
}

test('an etcd that cannot be reached is named, and the status is 3', async () => {
  const { code, stderr } = await runCli(['get', '/a', '--endpoints', '127.0.0.1:1'], {
    env: { RUNNING_UNIT_TESTS: 'true' },
  });
  assert.deepEqual([code, stderr], [3, 'node-etcd-native: http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n']);
});

test('every command has help', async () => {
  const { stdout } = await runCli(['--help']);
  const names = [...stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) => name);
  assert.deepEqual(names, ['copy', 'diff', 'dump', 'load', 'get', 'ls', 'set', 'mk', 'mkdir', 'rm', 'watch']);
  for (const name of names) {
    const { code, stdout: text } = await runCli([name, '--help']);
    assert.equal(code, 0);
    assert.match(text, new RegExp(`^Usage: node-etcd-native ${name} `));
  }
});

test('the password that ETCDCTL_PASSWORD holds is sent, and none is ever printed', async () => {
  const { code, stderr } = await runCli(['get', '/a', '--user', 'me', '--endpoints', '127.0.0.1:1'], {
    env: { ETCDCTL_PASSWORD: 'hidden-word', RUNNING_UNIT_TESTS: 'true' },
  });
  assert.equal(code, 3);
  assert.doesNotMatch(stderr, /hidden-word/);
});

'use strict';

// A handful of requests of each kind, for a Node that is watched and slow (scripts/test-memory.js).
//   node memory.js <host>

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Worker, isMainThread } = require('node:worker_threads');
const Etcd = require('../../..');

const host = process.argv[2];
const LARGE = 'v'.repeat(100_000);

async function work() {
  const etcd = new Etcd([host, '127.0.0.1:1'], { gzip: true, auth: { user: 'u', pass: 'p' } });
  const { node } = await etcd.set('memory', LARGE);
  assert.equal(etcd.getSync('memory').body.node.value, LARGE);
  assert.equal(etcd.getSync('memory/none').err.errorCode, 104);
  await assert.rejects(etcd.get('none'), { errorCode: 100 });
  await assert.rejects(etcd.get('..'), { code: 'ERR_INVALID_KEY' });
  const watcher = etcd.watcher('memory', node.modifiedIndex + 1);
  const changes = once(watcher, 'change');
  await new Promise((resolve) => etcd.set('memory', 'changed', resolve));
  assert.equal((await changes)[0].node.value, 'changed');
  watcher.stop();
  etcd.watch('memory', () => {}).abort();
  const watch = etcd.watch('memory');
  await etcd.get('memory');
  await Promise.all([assert.rejects(watch, { code: 'ABORT_ERR' }), etcd.close({ abort: true })]);
  const refused = new Etcd('127.0.0.1:1', { maxRetries: 1, timeout: 5000 });
  assert.equal((await refused.get('a').catch((err) => err)).errors.length, 2);
}

work().then(async () => {
  if (!isMainThread) return;
  const [code] = await once(new Worker(__filename, { argv: process.argv.slice(2) }), 'exit');
  assert.equal(code, 0);
});

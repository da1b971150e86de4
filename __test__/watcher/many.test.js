'use strict';

// Thousands of watchers on one client: each has a connection, and none of the places that requests take turns in.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { spawnSync } = require('node:child_process');
const { freshPrefix, withEtcd } = require('../support/etcd');
const { waitUntil } = require('../support/promises');
const { before, test } = require('../support/test');

const COUNT = 10_000;
/** A connection of each watcher, and of those that are renewed another one; the same in etcd. */
const FILES = 2 * COUNT;

before(() => {
  // Node takes what the hard limit allows. Only root can raise that, and not everywhere.
  if (fileLimit() < FILES) spawnSync('prlimit', [`--pid=${process.pid}`, `--nofile=${FILES}:${FILES}`]);
});
const server = withEtcd();

/** How many files this process, and what it starts, may open. */
function fileLimit() {
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY;
  return Number(/^Max open files\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))[1]);
}

/** Calls `work(i)` for all `i`, so many at once. */
async function inParallel(count, concurrency, work) {
  let next = 0;
  const one = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, one));
}

test('10,000 watchers of one client are all served, and requests meanwhile', { timeout: 120_000 }, async (t) => {
  if (fileLimit() < FILES) return t.skip(`${FILES} open files are needed, ${fileLimit()} are allowed`);
  const etcd = server.connect();
  const prefix = freshPrefix('many');
  const seen = Array.from({ length: COUNT }, () => []);
  const problems = [];
  const watchers = seen.map((values, i) => {
    const watcher = etcd.watcher(`${prefix}/${i}`, null);
    watcher.on('change', ({ node }) => values.push(node.value));
    for (const name of ['reconnect', 'resync', 'error']) watcher.on(name, (err) => problems.push(err));
    return watcher;
  });
  try {
    await inParallel(100, 10, (i) => etcd.set(`${prefix}-other`, i));
    await waitUntil(() => watchers.every(({ index }) => index !== null), { timeoutMs: 60_000 });
    await inParallel(COUNT, 64, (i) => etcd.set(`${prefix}/${i}`, i));
    await waitUntil(() => seen.every((values) => values.length > 0), { timeoutMs: 60_000 });
    assert.deepEqual(
      seen.filter((values, i) => values.length !== 1 || values[0] !== String(i)),
      [],
    );
    assert.deepEqual(problems, []);
  } finally {
    for (const watcher of watchers) watcher.stop();
  }
  if (process.platform === 'linux') {
    await waitUntil(() => fs.readdirSync('/proc/self/fd').length < 300, { timeoutMs: 30_000 });
  }
});

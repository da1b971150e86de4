'use strict';

// A process that does one thing many times over. Prints what it held before, after each batch, and in the end:
// { before, batches, after }, each { heapUsed, rss, descriptors, threads }.
//   node --expose-gc leaks.js <requests | watches | clients> <host> <count>

const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('../../..');

const [what, host] = process.argv.slice(2);
const count = Number(process.argv[4]);
const BATCHES = 10;
const AT_ONCE = 50;
const KEY = 'leaks';
const COLLECTED_WITHIN = 10_000;

/** What one of them is: done when the promise is fulfilled. */
const LOADS = {
  async requests(etcd, i) {
    if (i % 20 === 0) return etcd.set(KEY, i);
    if (i % 20 === 1) return void etcd.getSync(KEY);
    if (i % 20 === 2) return etcd.get('none').catch(() => {});
    if (i % 3 > 0) return new Promise((resolve) => etcd.get(KEY, resolve));
    return etcd.get(KEY, { signal: new AbortController().signal });
  },
  async watches(etcd, i) {
    const { signal } = new AbortController();
    const token = etcd.watch(KEY, { signal }, () => {});
    // From before it is sent to long after it waits at the server.
    if (i % 4 > 0) await sleep(i % 30);
    token.abort();
    if (i % 10 > 0) return undefined;
    const watcher = etcd.watcher(KEY);
    await sleep(i % 30);
    return watcher.stop();
  },
  /** Dropped without close(). */
  async clients() {
    const etcd = new Etcd(host);
    await Promise.all([etcd.set(KEY, 'v'), etcd.get(KEY)]);
    etcd.getSync(KEY);
    etcd.watcher(KEY).stop();
  },
};

async function batch(etcd, size) {
  let next = 0;
  const work = async () => {
    while (next < size) await LOADS[what](etcd, next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

const listed = (name) => (process.platform === 'linux' ? fs.readdirSync(`/proc/self/${name}`).length : 0);

/** What is held when all that nobody holds was collected. */
async function measure() {
  for (let i = 0; i < 3; i++) {
    gc();
    await sleep(20);
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heapUsed, rss, descriptors: listed('fd'), threads: listed('task') };
}

/** The same, once it is no more than that. */
async function measureUntil({ descriptors, threads }) {
  const deadline = Date.now() + COLLECTED_WITHIN;
  let now = await measure();
  while ((now.descriptors > descriptors || now.threads > threads) && Date.now() < deadline) now = await measure();
  return now;
}

async function main() {
  const first = new Etcd(host);
  const { node } = await first.set(KEY, 'v');
  first.getSync(KEY);
  // What a store in this process does not answer at once needs a thread, as everything does over HTTP.
  await Promise.all([first.watchIndex(KEY, node.modifiedIndex + 1), first.set(KEY, 'w')]);
  await first.close();
  const before = await measure();
  const etcd = new Etcd(host);
  const batches = [];
  for (let i = 0; i < BATCHES; i++) {
    await batch(etcd, count / BATCHES);
    batches.push(await measure());
  }
  await etcd.close();
  console.log(JSON.stringify({ before, batches, after: await measureUntil(before) }));
}

main();

'use strict';

// A thread that increments counters, which others increment too, and watches all of them. `workerData` is { host, key,
// since, counters, count }. It posts { written, lost } when it has incremented `count` times: the indexes of its writes, and
// how often somebody was quicker. After a message with the last index of all it posts { seen }: the indexes that its
// watcher was told.

const { once } = require('node:events');
const { parentPort, workerData } = require('node:worker_threads');
const Etcd = require('../../..');
const { waitUntil } = require('../promises');

const { host, key, since, counters, count } = workerData;
const AT_ONCE = 8;

const etcd = new Etcd(host);
const seen = [];
const written = [];
let lost = 0;

const watcher = etcd.watcher(key, since, { recursive: true });
watcher.on('change', ({ node }) => seen.push(node.modifiedIndex));

/** Compares by value or by index, waiting or not. */
const WAYS = [
  (name, { value }) => etcd.compareAndSwap(name, Number(value) + 1, value),
  (name, { value, modifiedIndex }) => etcd.set(name, Number(value) + 1, { prevIndex: modifiedIndex }),
  async (name, { value, modifiedIndex }) => {
    const { err, body } = etcd.setSync(name, Number(value) + 1, { prevIndex: modifiedIndex });
    if (err) throw err;
    return body;
  },
];

async function increment(i) {
  const name = `${key}/${i % counters}`;
  for (;;) {
    const { node } = await etcd.get(name);
    try {
      const body = await WAYS[i % WAYS.length](name, node);
      return written.push(body.node.modifiedIndex);
    } catch (err) {
      if (err.errorCode !== 101) throw err;
      lost += 1;
    }
  }
}

async function main() {
  let next = 0;
  const work = async () => {
    while (next < count) await increment(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const told = once(parentPort, 'message');
  parentPort.postMessage({ written, lost });
  const [last] = await told;
  await waitUntil(() => seen.at(-1) >= last);
  watcher.stop();
  parentPort.postMessage({ seen });
}

main();

'use strict';

// Writes to an etcd from a process or thread of its own, as fast as `concurrency` allows:
//   node writes.js <host or URL> <prefix> <from> <to> <keys> <concurrency> [pause in ms after each]
// sets <prefix>/k<n> to i, for i from `from` up to but without `to`, where n is i modulo `keys`. When etcd cannot be reached it
// tries the same value again, so that each is written at least once. Prints { "indexes": [[modifiedIndex, i], …] }
// at the end, those that etcd confirmed. A store in this process, and
// v2 kept on v3, are written by this package, as nothing else does.

const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('../../..');
const { RawEtcd } = require('../raw-etcd');

const [host, prefix, ...numbers] = process.argv.slice(2);
const [from, to, keys, concurrency, pause = 0] = numbers.map(Number);
const isOurs = host.startsWith('memory:') || Boolean(process.env.NODE_ETCD_API);
const etcd = isOurs ? new Etcd(host, { maxRetries: 0 }) : new RawEtcd(host, concurrency);
const indexes = [];
let next = from;

async function put(i) {
  const key = `/${prefix}/k${i % keys}`;
  if (isOurs) return (await etcd.set(key, i)).node.modifiedIndex;
  const { status, body } = await etcd.ask('PUT', key, { form: { value: i } });
  if (status >= 400) throw new Error(JSON.stringify(body));
  return body.node.modifiedIndex;
}

async function work() {
  while (next < to) {
    const i = next++;
    for (;;) {
      try {
        indexes.push([await put(i), i]);
        if (pause > 0) await sleep(pause);
        break;
      } catch {
        await sleep(20);
      }
    }
  }
}

Promise.all(Array.from({ length: concurrency }, work)).then(() => {
  etcd.close();
  console.log(JSON.stringify({ indexes }));
});

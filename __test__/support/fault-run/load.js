'use strict';

// The process of a fault run (see index.js, which starts it): requests of all kinds to a host whose connections fail,
// held against what each is promised. Prints what happened, and ends by itself.
//   node --expose-gc load.js <host> <prefix> <seed> <requests> <whether the host lies>

const fs = require('node:fs');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const Etcd = require('../../..');
const { Dice } = require('../random');

const [host, prefix] = process.argv.slice(2);
const [seed, requests] = process.argv.slice(4).map(Number);
const isLiar = process.argv[6] === 'true';

/** Two rounds at most, as the wait before a third is longer. */
const OPTIONS = { timeout: 300, maxRetries: 1 };
const AT_ONCE = 32;
/** One Sync call of the worker for so many requests. */
const SYNC_SHARE = 10;
const LARGE = 'v'.repeat(20_000);
const short = (value) => value.replace(LARGE, '*');
/** Against hangs alone. */
const LONGEST = 20_000;
const QUIET_WITHIN = 20_000;
/** What garbage collection and the allocator may keep. */
const HEAP_GROWTH = 8e6;
const RSS_GROWTH = 100e6;
/** So many equal counts in a row are what is held. */
const STEADY = 20;

const sum = { calls: 0, failed: 0, foreign: 0, aborted: 0, longest: 0 };
/** [key, value], shortened, of the writes that were acknowledged, and the keys whose deletion was. */
const acknowledged = [];
const deleted = [];
const wrong = [];

/** One call: how often it settles, and how. */
class Call {
  times = 0;
  allowed = 1;
  #began = performance.now();

  constructor(name) {
    this.name = name;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    all.push(this);
    sum.calls += 1;
  }

  /** Takes the outcome; a success must satisfy `isOwn(body)`, unless another reply was passed off as this one. */
  settle(err, body, isOwn) {
    this.times += 1;
    if (this.times > this.allowed) wrong.push(`${this.name} settled ${this.times} times, not ${this.allowed}`);
    sum.longest = Math.max(sum.longest, performance.now() - this.#began);
    if (err) sum.failed += 1;
    if (err && !(err instanceof Error)) wrong.push(`${this.name} failed with ${err}`);
    const isSuccess = !err && isOwn(body);
    if (!err && !isSuccess) sum.foreign += 1;
    if (!err && !isSuccess && !isLiar) wrong.push(`${this.name} got ${JSON.stringify(body)?.slice(0, 200)}`);
    this.end(isSuccess ? body : undefined);
  }

  /** Nothing may be told of it from now on. */
  giveUp() {
    sum.aborted += 1;
    this.allowed = this.times;
    this.end();
  }
}
let all = [];

/** Calls `start(done)`, and resolves with the body of its success. */
function byCallback(name, start, isOwn) {
  const call = new Call(name);
  start((err, body) => call.settle(err, body, isOwn));
  return call.ended;
}

function byPromise(name, token, isOwn) {
  const call = new Call(name);
  token.then(
    (body) => call.settle(null, body, isOwn),
    (err) => call.settle(err),
  );
  return call.ended;
}

const isAt = (key, value) => (body) =>
  body?.node?.key === `/${key}` && (value === undefined || body.node.value === value);

/** Outside of keys any answer is a success, also etcd's to a request that was cut short. */
const isVersion = (body) => typeof body?.etcdserver === 'string' || body === '400 Bad Request';

const KINDS = {
  async set(etcd, i) {
    const [key, value] = [`${prefix}/${i}`, `${i}`];
    if (await byCallback('set', (done) => etcd.set(key, value, done), isAt(key, value)))
      acknowledged.push([key, value]);
  },
  async setLarge(etcd, i) {
    const [key, value] = [`${prefix}/${i}`, `${i}${LARGE}`];
    if (await byPromise('set', etcd.set(key, value), isAt(key, value))) acknowledged.push([key, short(value)]);
  },
  async create(etcd, i) {
    const isOwn = (body) => body?.action === 'create' && body.node.value === `${i}`;
    const body = await byPromise('create', etcd.create(`${prefix}/queue`, i), isOwn);
    if (body) acknowledged.push([body.node.key.slice(1), `${i}`]);
  },
  async delete(etcd, i) {
    const key = `${prefix}/doomed/${i}`;
    if (await byCallback('delete', (done) => etcd.del(key, done), isAt(key))) deleted.push(key);
  },
  get: (etcd) => byPromise('get', etcd.get(`${prefix}/fixed`), isAt(`${prefix}/fixed`, 'fixed')),
  getAgain: (etcd) => byCallback('get', (done) => etcd.get(`${prefix}/fixed`, done), isAt(`${prefix}/fixed`, 'fixed')),
  version: (etcd) => byPromise('version', etcd.version(), isVersion),
  missing: (etcd, i) => byPromise('get of nothing', etcd.get(`${prefix}/none/${i}`), () => false),
  swap: (etcd) => byPromise('swap', etcd.compareAndSwap(`${prefix}/fixed`, 'new', 'other'), () => false),

  async abort(etcd, i, dice) {
    const call = new Call('an aborted set');
    const token = etcd.set(`${prefix}/${i}`, i, (err, body) => call.settle(err, body, () => true));
    if (dice.below(3) > 0) await Promise.race([call.ended, sleep(dice.below(20))]);
    token.abort();
    call.giveUp();
  },
  async signal(etcd, i, dice) {
    const controller = new AbortController();
    const key = `${prefix}/${i}`;
    const ended = byPromise('a set with a signal', etcd.set(key, i, { signal: controller.signal }), isAt(key));
    if (dice.below(3) > 0) await sleep(dice.below(20));
    controller.abort();
    await ended;
  },
  async watch(etcd, i, dice) {
    const controller = new AbortController();
    const token = etcd.watch(`${prefix}/none/${i}`, { signal: controller.signal });
    const ended = byPromise('a watch', token, () => false);
    await sleep(dice.below(50));
    controller.abort();
    await ended;
  },
  async watcher(etcd, _, dice) {
    const watcher = etcd.watcher(prefix, null, { recursive: true });
    const call = new Call('a watcher');
    watcher.on('stop', () => call.settle(null, undefined, () => true));
    for (const name of ['change', 'error', 'resync', 'reconnect']) {
      watcher.on(name, () => call.times > 0 && wrong.push(`a stopped watcher emitted ${name}`));
    }
    await sleep(dice.below(100));
    watcher.stop();
    await call.ended;
  },
  async close(_, i) {
    const etcd = new Etcd(host, OPTIONS);
    const before = all.length;
    const ends = [KINDS.set(etcd, i), KINDS.get(etcd), KINDS.create(etcd, i), KINDS.missing(etcd, i)];
    const watch = etcd.watch(`${prefix}/none/${i}`).catch((err) => err.code);
    const own = all.slice(before);
    await etcd.close({ abort: i % 2 === 0 });
    if (own.some(({ name, times }) => times === 0 && name === 'set') && i % 2 === 1) wrong.push('close() left a call');
    for (const call of own) if (call.times === 0 && i % 2 === 0) call.giveUp();
    if ((await watch) !== 'ABORT_ERR') wrong.push(`a watch met close() and ended with ${await watch}`);
    await Promise.all(ends);
  },
  /** Blocks all others for as long as it takes. */
  sync(etcd) {
    const call = new Call('getSync');
    const { err, body } = etcd.getSync(`${prefix}/fixed`);
    call.settle(err, body, isAt(`${prefix}/fixed`, 'fixed'));
  },
};

const SHARES = { set: 20, setLarge: 6, create: 8, delete: 8, get: 15, getAgain: 10, version: 5, missing: 5, swap: 5 };
Object.assign(SHARES, { abort: 6, signal: 6, watch: 4, watcher: 1, close: 1, sync: 1 });
const CHOICES = Object.entries(SHARES).flatMap(([name, share]) => Array(share).fill(name));

/** The requests of these numbers, with a thread of Sync calls beside, to the last one's end and the close of the client. */
async function load(from, to) {
  const etcd = new Etcd(host, OPTIONS);
  const dice = new Dice(seed, from);
  const syncs = blocking(from, Math.floor((to - from) / SYNC_SHARE));
  let next = from;
  const work = async () => {
    while (next < to) {
      const i = next++;
      await KINDS[dice.pick(CHOICES)](etcd, i, dice);
    }
  };
  await Promise.all([syncs, ...Array.from({ length: AT_ONCE }, work)]);
  await etcd.close();
}

/** Runs Sync calls in a thread of their own, which ends by itself. */
async function blocking(from, count) {
  const worker = new Worker(__filename, { argv: process.argv.slice(2), workerData: null });
  worker.postMessage({ from, count });
  const [[result], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  if (code !== 0) wrong.push(`the thread ended with ${code}`);
  acknowledged.push(...result.acknowledged);
  wrong.push(...result.wrong);
  for (const name of ['calls', 'failed', 'foreign']) sum[name] += result.sum[name];
  sum.longest = Math.max(sum.longest, result.sum.longest);
}

/** In that thread. */
async function block() {
  const [{ from, count }] = await once(parentPort, 'message');
  const etcd = new Etcd(host, OPTIONS);
  for (let i = from; i < from + count; i++) {
    const call = new Call('setSync');
    const [key, value] = [`${prefix}/sync-${i}`, `${i}`];
    const { err, body } = etcd.setSync(key, value);
    call.settle(err, body, isAt(key, value));
    if (await call.ended) acknowledged.push([key, value]);
  }
  parentPort.postMessage({ acknowledged, wrong, sum });
}

/** Each call has settled, unless it was given up. */
function checkCalls() {
  for (const { name, times, allowed } of all) if (times < allowed) wrong.push(`${name} did not settle`);
  all = [];
}

const counted = () => ({
  descriptors: fs.readdirSync('/proc/self/fd').length,
  threads: fs.readdirSync('/proc/self/task').length,
  timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
});

/** What this process holds when nothing is under way, as soon as that is steady and no more than `before`. */
async function held(before = {}) {
  const deadline = Date.now() + QUIET_WITHIN;
  let last;
  for (let steady = 0; steady < STEADY && Date.now() < deadline; steady += 1) {
    await sleep(20);
    gc();
    const now = counted();
    if (Object.keys(now).some((name) => now[name] !== last?.[name] || now[name] > before[name])) steady = 0;
    last = now;
  }
  const { heapUsed, rss } = process.memoryUsage();
  checkCalls();
  return { ...last, heapUsed, rss };
}

function compare(before, after) {
  for (const name of ['descriptors', 'threads', 'timers']) {
    if (after[name] > before[name]) wrong.push(`${after[name]} ${name}, and ${before[name]} before`);
  }
  for (const [name, limit] of [
    ['heapUsed', HEAP_GROWTH],
    ['rss', RSS_GROWTH],
  ]) {
    if (after[name] - before[name] > limit) wrong.push(`${name} grew by ${after[name] - before[name]}`);
  }
}

async function main() {
  const warm = Math.floor(requests / 4);
  const first = new Etcd(host, OPTIONS);
  KINDS.sync(first); // what this thread needs for it stays
  await first.close();
  await load(0, warm);
  const before = await held();
  await load(warm, requests);
  const after = await held(before);
  compare(before, after);
  if (sum.longest > LONGEST) wrong.push(`a request took ${Math.round(sum.longest)} ms`);
  // Connections that are kept open do not hold the process.
  const left = new Etcd(host, OPTIONS);
  process.on('exit', () => console.log(JSON.stringify({ wrong, acknowledged, deleted, sum, before, after })));
  left.get(`${prefix}/fixed`, () => {});
}

if (isMainThread) main();
else block();

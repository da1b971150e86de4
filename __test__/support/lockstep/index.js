'use strict';

// One run of a random program on an etcd over HTTP and on a store in this process, in lockstep: what their clients are
// told must be the same.

const Etcd = require('../../..');
const { findEtcd, inspectEtcd, startEtcd } = require('../../../scripts/etcd');
const { called, waitUntil } = require('../promises');
const { difference } = require('./outcome');
const { Program } = require('./program');

const CALLS = 300;
const CLIENTS = 2;
/** Those that may wait at once. */
const POLLS = 12;
/** The seeds that are so many apart have watchers instead of polls; see Program.watcher. */
const WATCHERS_EVERY = 2;
const WATCHERS = 6;
/** A call after which nodes end, in one of so many runs, and one after which the servers have forgotten the past. */
const ENDS_AT = 150;
const ENDS_EVERY = 3;
const FORGETS_AT = 200;
const FORGETS_EVERY = 5;
const AT_ONCE = 32;
/** A single member has nobody to wait for. */
const SOON_ELECTED = ['--heartbeat-interval=10', '--election-timeout=100'];
/** Against hangs alone. */
const PATIENCE = { timeoutMs: 30_000 };
/** Numbers that tell of what etcd does by itself. */
const OWN_STATISTICS = ['getsFail', 'watchers'];

let stores = 0;

const shown = ({ method, args, how = 'callback' }) =>
  `${method}(${args.map((arg) => JSON.stringify(arg)).join(', ')}) ${how}`;

/** One of the two: its clients, and the calls that wait. */
class Side {
  constructor(host) {
    this.clients = Array.from({ length: CLIENTS }, () => new Etcd(host, { maxRetries: 0 }));
  }

  async perform({ method, args, how }, client = 0) {
    const etcd = this.clients[client];
    if (how === 'Sync') return etcd[method](...args.slice(0, -1), { ...args.at(-1), synchronous: true });
    const [err, body, headers] = await called((done) => etcd[method](...args, done));
    return { err, body, headers };
  }

  /** A call that waits: { token, outcome }, the outcome once there is one. */
  wait({ method, args }) {
    const poll = {};
    poll.token = this.clients[0][method](...args, (err, body, headers) => {
      poll.outcome = { err, body, headers };
    });
    return poll;
  }

  async statistics() {
    return this.clients[0].raw('GET', 'v2/stats/store');
  }

  async watching() {
    return (await this.statistics()).watchers;
  }

  async close() {
    await Promise.all(this.clients.map((client) => client.close({ abort: true })));
  }
}

/** A run, until something differs. */
class Lockstep {
  wrong = [];
  counts = { calls: 0, refused: 0, polls: 0, changes: 0 };
  codes = new Set();
  #polls = [];
  #watchers = [];
  #index = 0;
  #slowest = 0;

  constructor(seed, etcd, memory, store) {
    this.seed = seed;
    this.store = store;
    this.hasWatchers = seed % WATCHERS_EVERY === 0;
    this.program = new Program(seed, { isPlain: this.hasWatchers });
    this.sides = [etcd, memory];
  }

  async run() {
    const before = await this.#statistics();
    for (let i = 0; i < CALLS && this.wrong.length === 0; i++) {
      await this.#step(i);
    }
    if (this.wrong.length === 0) await this.#finish();
    if (this.wrong.length === 0) this.#expectSame('statistics', ...(await this.#grown(before)));
    return { wrong: this.wrong, codes: [...this.codes], ...this.counts };
  }

  async #step(i) {
    const { program, seed } = this;
    if (i === ENDS_AT && seed % ENDS_EVERY === 0) await this.#letEnd();
    if (i === FORGETS_AT && !this.hasWatchers && seed % FORGETS_EVERY === 0) await this.#flood();
    if (this.hasWatchers && this.#watchers.length < WATCHERS && program.chance(0.05)) this.#watch();
    if (!this.hasWatchers && program.chance(0.2)) await this.#poll();
    if (program.chance(0.05)) await this.#readAtOnce();
    await this.#both(program.call(), program.below(CLIENTS));
  }

  /** Makes a call on both sides, and expects the same outcome. */
  async #both(call, client) {
    const began = performance.now();
    const outcomes = await Promise.all(this.sides.map((side) => side.perform(call, client)));
    this.#slowest = Math.max(this.#slowest, performance.now() - began);
    this.#note(call, outcomes);
  }

  #note(call, [etcd, memory]) {
    this.#expectSame(shown(call), etcd, memory, /^(true|1)$/.test(call.args.at(-1)?.sorted));
    this.counts.calls += 1;
    if (etcd.err) {
      this.counts.refused += 1;
      this.codes.add(etcd.err.errorCode ?? etcd.err.code);
    }
    this.program.learn(etcd.body?.node);
    this.#index = Number(etcd.headers?.['x-etcd-index'] || this.#index);
  }

  #expectSame(what, etcd, memory, isSorted = false) {
    const seconds = 1 + this.#slowest / 1000;
    const found = difference(etcd, memory, { isSorted, seconds });
    if (found) this.wrong.push(`${what}\n${found}`);
  }

  /** Reads of several clients at once: nothing changes meanwhile, so the order does not matter. */
  async #readAtOnce() {
    const calls = Array.from({ length: 4 }, () => this.program.read());
    await Promise.all(calls.map((call, i) => this.#both(call, i % CLIENTS)));
  }

  /** Has a poll wait on both sides: what comes next comes after it. */
  async #poll() {
    if (this.#polls.length === POLLS) await this.#giveUp(this.#polls.splice(this.program.below(POLLS), 1));
    const call = this.program.poll(this.#index);
    const before = await this.#watching();
    const polls = this.sides.map((side) => side.wait(call));
    const isThere = async () => {
      const now = await this.#watching();
      return polls.every(({ outcome }, i) => outcome || now[i] > before[i]);
    };
    await waitUntil(isThere, PATIENCE);
    this.#polls.push({ call, polls });
    this.counts.polls += 1;
    this.#expectSame(`${shown(call)}: how many wait`, ...(await this.#watching()).map((body) => ({ body })));
    this.#collect();
  }

  #watching() {
    return Promise.all(this.sides.map((side) => side.watching()));
  }

  /** Compares the polls that have ended. */
  #collect() {
    const ended = this.#polls.filter(({ polls }) => polls.every(({ outcome }) => outcome));
    this.#polls = this.#polls.filter((poll) => !ended.includes(poll));
    for (const { call, polls } of ended) {
      const outcomes = polls.map(({ outcome }) => outcome);
      this.#expectSame(shown(call), ...outcomes);
      if (outcomes[0].err) this.codes.add(outcomes[0].err.errorCode);
      else this.counts.changes += 1;
    }
  }

  /** Ends polls that wait, and waits until the servers know. */
  async #giveUp(given) {
    const waiting = given.filter(({ polls }) => polls.every(({ outcome }) => !outcome));
    const before = await this.#watching();
    for (const { polls } of waiting) for (const { token } of polls) token.abort();
    const haveGone = async () => (await this.#watching()).every((count, i) => count <= before[i] - waiting.length);
    if (waiting.length > 0) await waitUntil(haveGone, PATIENCE);
    this.#polls.push(...given.filter((poll) => !waiting.includes(poll)));
  }

  #watch() {
    const args = this.program.watcher(this.#index);
    const told = this.sides.map(({ clients }) => {
      const events = [];
      const watcher = clients[1].watcher(...args);
      watcher.on('change', (body, headers) =>
        events.push({ body, headers: { 'content-type': headers['content-type'] } }),
      );
      for (const name of ['error', 'reconnect', 'resync']) watcher.on(name, (err) => events.push({ err, body: name }));
      return events;
    });
    this.#watchers.push({ args, told });
  }

  /** Makes nodes that end soon, and waits until they have. */
  async #letEnd() {
    for (const call of this.program.ending()) await this.#both(call);
    const isLeft = ([key, { ttl }]) => key.startsWith('/ttl/') && ttl !== undefined;
    const haveEnded = async () => {
      if (Object.entries(this.store.dump()).some(isLeft)) return false;
      const [etcd, memory] = await Promise.all(this.sides.map((side) => side.statistics()));
      return etcd.expireCount === memory.expireCount;
    };
    await waitUntil(haveEnded, PATIENCE).catch(() => {}); // the next reply shows what has not
    await this.#both({ method: 'get', args: ['/ttl', { recursive: true, sorted: true }] });
  }

  async #flood() {
    const calls = this.program.flood();
    for (let at = 0; at < calls.length; at += AT_ONCE) {
      const some = calls.slice(at, at + AT_ONCE);
      // They are the same, so that the order of the replies does not matter, which are not compared.
      await Promise.all(this.sides.flatMap((side) => some.map((call) => side.perform(call))));
    }
    await this.#both({ method: 'get', args: ['/flood', {}] });
  }

  /** Expects that all who wait were told the same. */
  async #finish() {
    await this.#both({ method: 'set', args: ['/last', 'v', {}] });
    for (const { args, told } of this.#watchers) {
      const [etcd, memory] = told;
      const isLast = (events) => events.at(-1)?.body.node?.key === '/last';
      const areThere = () => (args[0] === '/' ? told.every(isLast) : etcd.length >= memory.length);
      await waitUntil(areThere, PATIENCE).catch(() => {});
      for (let i = 0; i < Math.max(etcd.length, memory.length) && this.wrong.length === 0; i++) {
        this.#expectSame(`event ${i} of watcher(${JSON.stringify(args)})`, etcd[i] ?? {}, memory[i] ?? {});
      }
      this.counts.changes += etcd.length;
    }
    const haveEnded = () => this.#polls.every(({ polls: [etcd, memory] }) => !etcd.outcome === !memory.outcome);
    await waitUntil(haveEnded, PATIENCE).catch(() => {
      for (const { call, polls } of this.#polls)
        this.#expectSame(shown(call), ...polls.map(({ outcome }) => outcome ?? {}));
    });
    this.#collect();
    if (this.wrong.length === 0) await this.#giveUp(this.#polls);
  }

  /** What the statistics say of this run. */
  async #grown(before) {
    const after = await this.#statistics();
    const difference = (numbers, side) => numbers.map(([name, count], i) => [name, count - before[side][i][1]]);
    return after.map((numbers, side) => ({ body: difference(numbers, side) }));
  }

  async #statistics() {
    const all = await Promise.all(this.sides.map((side) => side.statistics()));
    const own = ([name]) => !OWN_STATISTICS.includes(name);
    return all.map((numbers) => Object.entries(numbers).filter(own).sort());
  }
}

/** Whether the etcd that is tested with can be compared: from 3.5 on each update of a directory is a status of 500. */
const canBeCompared = () => inspectEtcd(findEtcd()).version.startsWith('3.4.');

/** Makes the indexes of a store those of an etcd, which wrote something before it was ready. */
async function align(etcd, memory) {
  const indexOf = async (side) =>
    Number((await side.perform({ method: 'get', args: ['/', {}] })).headers['x-etcd-index']);
  const write = { method: 'set', args: ['/first', 'v', {}] };
  const decided = async () => /^3\.[1-9]/.test((await etcd.clients[0].version()).etcdcluster);
  await waitUntil(decided, PATIENCE);
  for (const side of [etcd, memory]) await side.perform(write);
  while ((await indexOf(memory)) < (await indexOf(etcd))) await memory.perform(write);
  while ((await indexOf(etcd)) < (await indexOf(memory))) await etcd.perform(write);
}

/** Resolves with { wrong, codes, …counts }; of what is wrong only the first things, as others follow from them. */
async function runLockstep(seed) {
  const server = await startEtcd({ args: SOON_ELECTED });
  stores += 1;
  const store = Etcd.memory(`lockstep-${stores}`);
  const [etcd, memory] = [new Side(server.host), new Side(store.host)];
  try {
    await align(etcd, memory);
    return await new Lockstep(seed, etcd, memory, store).run();
  } finally {
    await Promise.all([etcd.close(), memory.close()]);
    store.reset();
    await server.stop();
  }
}

module.exports = { canBeCompared, runLockstep };

'use strict';

// One run of the watcher's model test: etcd, a writer, a recorder and fault proxies, each in a process of its own, and
// watchers in this one.

const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { startEtcd } = require('../../../scripts/etcd');
const { waitUntil } = require('../promises');
const { startFaultProxy } = require('../fault-proxy');
const { Follower } = require('./follower');
const { RawEtcd } = require('../raw-etcd');
const { Dice } = require('../random');
const { RemoteProcess } = require('../remote-process');
const { HISTORY, visible } = require('./watch-model');

const WRITER = path.join(__dirname, 'writer.js');
const RECORDER = path.join(__dirname, 'recorder.js');

/** So many rounds through all keys are written before the first watches begin, and so many operations after that. */
const ROUNDS_BEFORE = 8;
const OPERATIONS = 1200;
/** How many of them are under way at once. */
const CONCURRENCY = [1, 4, 16];
/** So many events the writer may be ahead of the slowest watcher, as etcd keeps 1,000. */
const LEAD = 600;
/** A single member has nobody to wait for. */
const SOON_ELECTED = ['--heartbeat-interval=10', '--election-timeout=100'];
/** Against hangs alone. */
const PATIENCE = { timeoutMs: 90_000 };

/** What the connections of the watchers meet. */
const PLAN = {
  faults: {
    reset: 0.12,
    stall: 0.08,
    blackHole: 0.08,
    delay: 0.08,
    halfClose: 0.06,
    cutHead: 0.05,
    cutBody: 0.05,
    duplicate: 0.05,
    garbage: 0.04,
    drip: 0.04,
    refuse: 0.03,
  },
  inARow: 4,
  bytes: 12_000,
  replies: 20,
  // For ever: it is for the watchers to notice.
  holdMs: null,
  delayMs: [1, 100],
  delays: 10,
};

/** So many of these watches take part in a run. */
const WATCHERS = 6;
const WATCHES = [
  { key: '/', recursive: true },
  { key: '/m', recursive: true },
  { key: '/m/d1', recursive: true },
  { key: '/m/d1/a' },
  { key: '/m/d1x' },
  { key: '/m/k1' },
  { key: '/m/d2' },
  { key: '/m/_h', recursive: true },
  { key: '/m/_h/_y' },
];

/** All that the seed decides here; what it decides in the writer and the proxies is theirs. */
function choices(seed) {
  const dice = new Dice(seed);
  return {
    watches: dice.sample(WATCHES, WATCHERS).map((watch) => ({
      watch,
      // At an index of the past, at the registration before the writer goes on, or at one while it writes.
      start: dice.pick(['past', 'now', 'late']),
      share: dice.number(),
      through: dice.pick([[0], [1], [0, 1]]),
    })),
    concurrency: [dice.pick(CONCURRENCY), dice.pick(CONCURRENCY)],
    expireAfter: dice.below(OPERATIONS),
    killAfter: dice.within([50, OPERATIONS / 2]),
    downMs: dice.below(200),
  };
}

class ModelRun {
  #open = [];
  #followers = [];
  #history = [];
  /** The last index recorded. */
  #recorded;
  #slowest;
  #failure;

  constructor(seed, { overrun = false } = {}) {
    this.seed = seed;
    this.choices = choices(seed);
    this.overrun = overrun;
  }

  async run() {
    try {
      await this.#start();
      this.#follow(['past', 'now']);
      await this.#until(() => this.#areRegistered());
      await this.#write();
      return await this.#verdict();
    } finally {
      for (const thing of this.#open.reverse()) await thing.stop();
    }
  }

  #keep(thing) {
    this.#open.push(thing);
    return thing;
  }

  #remote(file, ...args) {
    const remote = this.#keep(new RemoteProcess(file, args));
    remote.ended.then((code) => this.#fail(new Error(`${path.basename(file)} has ended with ${code}`)));
    return remote;
  }

  #fail(error) {
    this.#failure ??= error;
  }

  #until(condition) {
    return waitUntil(() => {
      if (this.#failure) throw this.#failure;
      return condition();
    }, PATIENCE);
  }

  async #start() {
    this.etcd = this.#keep(await startEtcd({ args: SOON_ELECTED }));
    const { port, host } = this.etcd;
    this.writer = this.#remote(WRITER, host, this.seed);
    await this.#record();
    this.proxies = await Promise.all(
      [1, 2].map(async (n) => this.#keep(await startFaultProxy(port, { seed: this.seed * 2 + n, plan: PLAN }))),
    );
    const steering = setInterval(() => this.#steer(), 5);
    this.#keep({ stop: () => clearInterval(steering) });
    await this.writer.call('rounds', ROUNDS_BEFORE);
  }

  async #record() {
    const etcd = new RawEtcd(this.etcd.host);
    const { index } = await etcd.ask('GET', '/');
    etcd.close();
    this.#recorded = index;
    this.first = index + 1;
    const recorder = this.#remote(RECORDER, this.etcd.host);
    recorder.on('event', (event) => {
      this.#history.push(event);
      this.#recorded = event.node.modifiedIndex;
    });
    recorder.call('record', this.first).catch((error) => this.#fail(error));
  }

  /** Lets the writer go on as far as all can follow, or in an overrun as the recorder can. */
  #steer() {
    const positions = this.overrun ? [] : this.#followers.map(({ position }) => position);
    const slowest = Math.min(this.#recorded, ...positions);
    if (slowest === this.#slowest) return;
    this.#slowest = slowest;
    this.writer.call('allow', slowest + LEAD).catch((error) => this.#fail(error));
  }

  /** Begins the watches that start so. */
  #follow(starts) {
    for (const { watch, start, share, through } of this.choices.watches) {
      if (!starts.includes(start)) continue;
      const past = this.first + Math.floor(share * (this.#recorded - this.first));
      const hosts = through.map((n) => this.proxies[n].host);
      const follower = this.#keep(new Follower(hosts, watch, start === 'past' ? past : null));
      follower.isLate = start === 'late';
      this.#followers.push(follower);
    }
  }

  #areRegistered() {
    return this.#followers.every(({ isRegistered }) => isRegistered);
  }

  async #write() {
    const { killAfter, downMs } = this.choices;
    const began = this.#recorded;
    const writing = this.#writeAll();
    writing.catch((error) => this.#fail(error));
    await this.#until(() => this.#recorded > began + 20);
    this.#follow(['late']);
    await this.#until(() => this.#recorded > began + killAfter);
    await this.etcd.kill();
    await sleep(downMs);
    await this.etcd.start();
    await writing;
    if (this.overrun) await this.#overrun();
    await this.#until(() => this.#areRegistered());
  }

  async #writeAll() {
    const { expireAfter, concurrency } = this.choices;
    await this.writer.call('write', expireAfter, concurrency[0]);
    await this.writer.call('expire');
    await this.writer.call('write', OPERATIONS - expireAfter, concurrency[1]);
  }

  /** Nobody can connect until etcd has forgotten what they have not seen. */
  async #overrun() {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    const closed = this.#recorded;
    const writing = this.writer.call('write', 2 * HISTORY, 16);
    await this.#until(() => this.#recorded > closed + HISTORY + 200);
    await Promise.all(this.proxies.map((proxy) => proxy.open()));
    await writing;
  }

  async #verdict() {
    const reports = await Promise.all(this.proxies.map((proxy) => proxy.report()));
    await Promise.all(this.proxies.map((proxy) => proxy.calm()));
    // The second round shows what came twice in the first.
    const last = await this.writer.call('rounds', 2);
    await this.#until(() => this.#recorded >= last);
    const history = this.#history.filter(({ node }) => node.modifiedIndex <= last);
    const waiting = this.#followers.map((follower) => [follower, lastIndexOf(follower.watch, history)]);
    // What does not come is lost, says the judge.
    await this.#until(() => waiting.every(([{ position }, index]) => position >= index)).catch(() => {});
    if (this.#failure) throw this.#failure;
    const wrong = this.#followers.flatMap((follower) => follower.judge(history, last));
    return { seed: this.seed, wrong, events: history.length, ...this.#counts(), ...totals(reports) };
  }

  #counts() {
    const sum = (count) => this.#followers.reduce((total, follower) => total + count(follower), 0);
    return {
      emitted: sum(({ emitted }) => emitted.length),
      reconnects: sum(({ counts }) => counts.reconnect),
      resyncs: this.#followers.map(({ counts }) => counts.resync),
      errors: sum(({ counts }) => counts.error),
    };
  }
}

/** The last index which a watch must see. */
function lastIndexOf(watch, history) {
  const always = visible(watch, 0, history).filter(({ sight }) => sight === 'always');
  return always.at(-1).event.node.modifiedIndex;
}

/** Of the proxies' reports. */
function totals(reports) {
  const struck = {};
  for (const report of reports) {
    for (const [name, times] of Object.entries(report.struck)) struck[name] = (struck[name] ?? 0) + times;
  }
  return { connections: reports.reduce((total, { connections }) => total + connections, 0), struck };
}

/**
 * Runs the model with a seed. Resolves with { wrong, resyncs, events, emitted, reconnects, errors, connections, struck }:
 * what is wrong as texts, resyncs for each watcher, and what happened. With `overrun` the writer does not wait for the
 * watchers, and connections fail for longer than etcd's history reaches.
 */
function runModel(seed, options) {
  return new ModelRun(seed, options).run();
}

module.exports = { runModel };

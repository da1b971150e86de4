'use strict';

// One run of the watcher's model test: etcd, a writer, a recorder and fault proxies, each in a process of its own, and
// watchers in this one.

const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('../../..');
const { findEtcdV3, startCluster, startEtcd } = require('../../../scripts/etcd');
const { waitUntil } = require('../promises');
const { startFaultProxy } = require('../fault-proxy');
const { Follower } = require('./follower');
const { RawEtcd } = require('../raw-etcd');
const { RawV3 } = require('../raw-v3');
const { Dice } = require('../random');
const { RemoteProcess } = require('../remote-process');
const { HISTORY, visible } = require('./watch-model');

const WRITER = path.join(__dirname, 'writer.js');
const RECORDER = path.join(__dirname, 'recorder.js');
const RECORDER_OF_V3 = path.join(__dirname, 'recorder-v3.js');

/** So many rounds through all keys are written before the first watches begin, and so many operations after that. */
const ROUNDS_BEFORE = 8;
const OPERATIONS = 1200;
/** How many of them are under way at once. */
const CONCURRENCY = [1, 4, 16];
/** So many events the writer may be ahead of the slowest watcher, as etcd keeps 1,000. */
const LEAD = 600;
/** After so many of them something happens to etcd. */
const DURING = [50, OPERATIONS / 2];
const LONG_DOWN_MS = 3000;
const COMPACTIONS = 5;
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
/** On v3 a connection lasts until it is harmed. */
const PLAN_OF_V3 = { ...PLAN, bytes: 4000 };

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
    incidents: [{ after: dice.within(DURING), what: 'kill', downMs: dice.below(200) }],
  };
}

/** What happens to an etcd of v3 beside its compactions. */
const OUTAGES = ['kill', 'end', 'hang'];

/** What happens to an etcd of v3. */
function incidentsOfV3(seed, outages) {
  const dice = new Dice(seed, 2);
  const happen = (count, whats) =>
    Array.from({ length: count }, () => ({
      after: dice.within(DURING),
      what: dice.pick(whats),
      downMs: dice.below(LONG_DOWN_MS),
    }));
  const compaction = dice.pick(['compactBehind', 'compactBefore']);
  return [...happen(1, outages), ...happen(COMPACTIONS, [compaction])];
}

class ModelRun {
  #open = [];
  #followers = [];
  #history = [];
  /** The last index recorded. */
  #recorded;
  #slowest;
  #failure;
  /** On v3, what is before this revision is forgotten, or will be at once. */
  #compacted = 0;

  constructor(seed, { overrun = false, api = 'v2', leaving = false } = {}) {
    this.seed = seed;
    this.api = api;
    this.isV3 = api !== 'v2';
    this.choices = choices(seed);
    this.overrun = overrun;
    this.leaving = leaving;
    // Of a member that has left nothing more can become.
    if (leaving) this.choices.incidents = incidentsOfV3(seed, ['leave']);
    else if (this.isV3) this.choices.incidents.push(...incidentsOfV3(seed, OUTAGES));
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
    const members = await this.#members();
    // Of a cluster something happens to the first member. The last one is what nobody harms.
    this.etcd = members[0];
    this.safe = members.at(-1);
    this.writer = this.#remote(WRITER, this.safe.host, this.seed, this.api);
    await this.#record();
    const plan = this.isV3 ? PLAN_OF_V3 : PLAN;
    this.proxies = await Promise.all(
      [members[0], members.at(1) ?? members[0]].map(async ({ port }, n) =>
        this.#keep(await startFaultProxy(port, { seed: this.seed * 2 + n + 1, plan })),
      ),
    );
    const steering = setInterval(() => this.#steer(), 5);
    this.#keep({ stop: () => clearInterval(steering) });
    await this.writer.call('rounds', ROUNDS_BEFORE);
  }

  async #members() {
    const etcd = this.isV3 ? findEtcdV3() : undefined;
    if (this.leaving) return this.#keep(await startCluster({ etcd })).members;
    return [this.#keep(await startEtcd({ etcd, args: SOON_ELECTED }))];
  }

  async #record() {
    this.#recorded = await this.#index();
    this.first = this.#recorded + 1;
    const recorder = this.#remote(this.isV3 ? RECORDER_OF_V3 : RECORDER, this.safe.host);
    recorder.on('event', (event) => {
      this.#history.push(event);
      this.#recorded = event.node.modifiedIndex;
    });
    recorder.call('record', this.first).catch((error) => this.#fail(error));
  }

  /** Where etcd is. */
  async #index() {
    if (this.isV3) return new RawV3(this.safe.url).revision();
    const etcd = new RawEtcd(this.safe.host);
    const { index } = await etcd.ask('GET', '/');
    etcd.close();
    return index;
  }

  /** The last index that all have passed who must. */
  #slowestOf(followers) {
    return Math.min(this.#recorded, ...followers.map(({ position }) => position));
  }

  /** Lets the writer go on as far as all can follow, or in an overrun as the recorder can. */
  #steer() {
    const slowest = this.#slowestOf(this.overrun ? [] : this.#followers);
    if (slowest === this.#slowest) return;
    this.#slowest = slowest;
    this.writer.call('allow', slowest + LEAD).catch((error) => this.#fail(error));
  }

  /** Begins the watches that start so. */
  #follow(starts) {
    for (const { watch, start, share, through } of this.choices.watches) {
      if (!starts.includes(start)) continue;
      const past = this.first + Math.floor(share * (this.#recorded - this.first));
      const hosts = (this.leaving ? [0, 1] : through).map((n) => this.proxies[n].host);
      const etcd = new Etcd(hosts, { api: this.api });
      const compacted = () => (this.isV3 ? this.#compacted : undefined);
      const follower = this.#keep(new Follower(etcd, watch, start === 'past' ? past : null, compacted));
      follower.isLate = start === 'late';
      this.#followers.push(follower);
    }
  }

  #areRegistered() {
    return this.#followers.every(({ isRegistered }) => isRegistered);
  }

  async #write() {
    const began = this.#recorded;
    const writing = this.#writeAll();
    writing.catch((error) => this.#fail(error));
    await this.#until(() => this.#recorded > began + 20);
    this.#follow(['late']);
    for (const { after, what, downMs } of this.choices.incidents.sort((one, other) => one.after - other.after)) {
      await this.#until(() => this.#recorded > began + after);
      await this.#incidents[what](downMs);
    }
    await writing;
    if (this.overrun) await this.#overrun();
    await this.#until(() => this.#areRegistered());
  }

  #incidents = {
    kill: (downMs) => this.#restart('SIGKILL', downMs),
    end: (downMs) => this.#restart('SIGTERM', downMs),
    hang: async (downMs) => {
      this.etcd.pause();
      await sleep(downMs);
      this.etcd.resume();
    },
    leave: async () => {
      const cluster = new RawV3(this.safe.url);
      const { members } = await cluster.call('cluster/member/list');
      const { ID } = members.find(({ name }) => name === this.etcd.name);
      // etcd lets nobody leave in the first seconds of a cluster.
      const isRemoved = () => cluster.call('cluster/member/remove', { ID }).then(Boolean, () => sleep(100));
      await this.#until(isRemoved);
    },
    /** What all have seen. */
    compactBehind: () => this.#compact(this.#slowestOf(this.#followers)),
    /** What some may not have seen. */
    compactBefore: () => this.#compact(this.#recorded),
  };

  async #restart(signal, downMs) {
    await this.etcd.kill(signal);
    await sleep(downMs);
    await this.etcd.start();
  }

  async #compact(revision) {
    if (revision <= this.#compacted) return;
    this.#compacted = revision;
    const etcd = new RawV3(this.safe.url);
    // Who elects a leader refuses, and may have carried it out all the same.
    const isCompacted = () =>
      etcd
        .call('kv/compaction', { revision: String(revision) })
        .then(Boolean, ({ message }) => /has been compacted/.test(message) || sleep(50));
    await this.#until(isCompacted);
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
    if (this.isV3) await this.#compact(this.#recorded);
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
 * watchers, and connections fail for longer than etcd's history reaches. With `api` on v3, where more happens to etcd, and
 * its history is compacted: a resync is wrong unless that overtook the watcher. With `leaving` a member leaves its cluster.
 */
function runModel(seed, options) {
  return new ModelRun(seed, options).run();
}

module.exports = { runModel };

'use strict';

// A tree is moved from one etcd to another by the package's command while a process changes it, and is then compared.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { findEtcdV3, startEtcd } = require('../../../scripts/etcd');
const { spawnCli } = require('../cli-process');
const { waitUntil } = require('../promises');
const { Dice } = require('../random');
const { RemoteProcess } = require('../remote-process');
const { Client } = require('./client');
const { Lag } = require('./lag');
const { Meter, cpuSeconds, machineSeconds } = require('./measured');
const { Tree } = require('./tree');

const SHAPE = { keys: 100_000, directories: 5000, ttls: 2000, hidden: 100 };
/** Changes a second, and for how many seconds they go on once the copy follows them. */
const RATE = 1000;
const SECONDS = 20;
const KILLS = 20;
/** Seconds without a change that end a copy which follows. */
const IDLE = 2;
/** Milliseconds for a copy to have caught up. */
const PATIENCE = 600_000;
/** Seconds that times to live may differ by on a machine that is busy with all of this. */
const TOLERANCE = 5;
/** What is shown of many differences, and of a long one. */
const FEW = 5;
const LINE = 300;

class Move {
  #options;
  #dice;
  #seed;
  #open = [];
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-move-'));
  /** Milliseconds that a copy took. */
  #copyTime;
  wrong = [];

  constructor(seed, options) {
    this.#seed = seed;
    this.#dice = new Dice(seed, 2);
    this.#options = { ...SHAPE, rate: RATE, seconds: SECONDS, kills: KILLS, say: () => {}, ...options };
  }

  async run() {
    try {
      await this.#prepare();
      await this.#copyAtRest();
      await this.#copyInWindow();
      await this.#follow();
      await this.#kill();
    } finally {
      for (const thing of this.#open.reverse()) await thing.stop();
      fs.rmSync(this.#folder, { recursive: true });
    }
  }

  /** Two etcds, a tree in one of them, and who will change that. */
  async #prepare() {
    const { keys, directories, ttls, hidden } = this.#options;
    const shape = { keys, directories, ttls, hidden };
    this.source = this.#keep(await startEtcd());
    this.target = this.#keep(await startEtcd({ etcd: findEtcdV3() }));
    this.#say('servers', { from: this.source.version, to: this.target.version });
    this.from = { host: this.source.host, api: 'v2' };
    this.tree = new Tree(this.#seed, shape);
    const client = new Client(this.from);
    const start = performance.now();
    for (const change of this.tree.mkdirs()) await client.make(change);
    const made = await client.makeAll(this.tree.sets());
    this.#say('tree', { ...shape, 'made keys/s': perSecond(made, start) });
    await client.close();
    fs.writeFileSync(this.#hiddenFile, this.tree.hidden.join('\n'));
    this.writer = this.#keep(new RemoteProcess(require.resolve('./writer')));
    await this.writer.call('prepare', this.from, this.#seed, shape);
  }

  /** What a copy is like that nothing disturbs. */
  async #copyAtRest() {
    const { ms } = await this.#copy('copy at rest', '/rest');
    this.#copyTime = ms;
    await this.#compare('copy at rest', '/rest');
  }

  /** A copy while the tree changes, and another one when that has stopped. */
  async #copyInWindow() {
    await this.#startWriter();
    await this.#copy('copy under writes', '/window', ['--delete']);
    await this.#stopWriter('copy under writes');
    await this.#copy('copy in the window', '/window', ['--delete']);
    await this.#compare('copy in the window', '/window');
  }

  async #follow() {
    const lag = new Lag(
      this.from,
      { host: this.target.host, api: 'v3', namespace: '/follow' },
      `${this.tree.root}/lag`,
    );
    await this.#startWriter();
    const copy = this.#startCopy('/follow', ['--delete', '--follow', '--until-idle', String(IDLE)]);
    await Promise.race([copy.ended, waitUntil(() => /following/.test(copy.printed.stderr), { timeoutMs: PATIENCE })]);
    lag.start();
    await Promise.race([copy.ended, sleep(this.#options.seconds * 1000)]);
    lag.pause();
    await this.#stopWriter('copy --follow');
    await this.#finish('copy --follow', copy);
    this.#say('copy --follow: lag in ms', await lag.stop());
    await this.#compare('copy --follow', '/follow');
  }

  /** Copies that are killed, some of them while they follow, and one at last that is not. */
  async #kill() {
    const { kills } = this.#options;
    if (kills === 0) return;
    await this.#startWriter();
    for (let i = 0; i < kills; i++) {
      const copy = this.#startCopy('/kill', ['--delete', ...(i % 2 ? ['--follow'] : [])]);
      await Promise.race([copy.ended, sleep(this.#dice.below(1.5 * this.#copyTime))]);
      copy.child.kill('SIGKILL');
      const { code, stderr } = await copy.ended;
      if (code) this.wrong.push(`killed copy: status ${code}: ${lastLine(stderr)}`);
    }
    await this.#stopWriter(`${kills} copies that are killed`);
    await this.#copy('copy after kills', '/kill', ['--delete']);
    await this.#compare('copy after kills', '/kill');
  }

  #startWriter() {
    return this.writer.call('start', this.#options.rate);
  }

  async #stopWriter(what) {
    const { rate, wrong } = await this.writer.call('stop');
    this.wrong.push(...wrong.map((text) => `${what}: writer: ${text}`));
    this.#say(`${what}: writer`, { 'changes/s': Math.round(rate) });
  }

  get #hiddenFile() {
    return path.join(this.#folder, 'hidden');
  }

  #sides(namespace) {
    const { host, api } = this.from;
    const sides = ['--from', host, '--from-api', api, '--to', this.target.host, '--to-namespace', namespace];
    return [...sides, this.tree.root, '--hidden-file', this.#hiddenFile];
  }

  #startCopy(namespace, flags) {
    const counters = {
      'cpu of the source': () => cpuSeconds(this.source.pid),
      'of the target': () => cpuSeconds(this.target.pid),
      'of the machine': machineSeconds,
    };
    const before = Object.values(counters).map((counter) => counter());
    const cli = spawnCli(['copy', ...this.#sides(namespace), ...flags]);
    const used = () =>
      Object.entries(counters).map(([name, counter], i) => [`${name}, s`, (counter() - before[i]).toFixed(1)]);
    return { ...cli, meter: new Meter(cli.child), start: performance.now(), used };
  }

  async #copy(what, namespace, flags = []) {
    return this.#finish(what, this.#startCopy(namespace, flags));
  }

  async #finish(what, { ended, start, meter, used }) {
    const { code, stderr } = await ended;
    const ms = performance.now() - start;
    if (code !== 0) this.wrong.push(`${what}: status ${code}: ${lastLine(stderr)}`);
    this.#say(what, {
      seconds: (ms / 1000).toFixed(1),
      'keys/s': Math.round(this.#options.keys / (ms / 1000)),
      'MiB at most': meter.peak,
      'cpu, s': meter.cpu,
      ...Object.fromEntries(used()),
      told: lastLine(stderr),
    });
    return { ms };
  }

  async #compare(what, namespace) {
    const flags = ['-o', 'json', '--ttl-tolerance', String(TOLERANCE)];
    const { code, stdout, stderr } = await spawnCli(['diff', ...this.#sides(namespace), ...flags]).ended;
    if (code === 0) return this.#say(what, { diff: 'nothing' });
    const lines = stdout.trim().split('\n');
    const some = lines.slice(0, FEW).map((line) => line.slice(0, LINE));
    this.wrong.push(`${what}: diff: status ${code}: ${lines.length} lines\n${some.join('\n')}\n${stderr}`);
  }

  #keep(thing) {
    this.#open.push(thing);
    return thing;
  }

  #say(what, figures) {
    this.#options.say(`${what}: ${JSON.stringify(figures)}`);
  }
}

const perSecond = (count, start) => Math.round(count / ((performance.now() - start) / 1000));
const lastLine = (text) => text.trim().split('\n').at(-1);

/** Resolves with what is wrong, as texts. `options` can say `keys`, `directories`, `ttls`, `hidden`, `rate`, `seconds`, `kills` and whom to `say` what is found. */
async function runMove(seed, options) {
  const move = new Move(seed, options);
  await move.run();
  return move.wrong;
}

module.exports = { runMove };

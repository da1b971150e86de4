'use strict';

// One run of a random program on etcd's own v2 store and on one that is kept on etcd v3, in lockstep: what their clients
// are told must be the same, but for the indexes, which are translated.

const Etcd = require('../../..');
const { called, waitUntil } = require('../promises');
const { difference } = require('./outcome');
const { Program } = require('./program');
const { Translation } = require('./translation');

const CALLS = 300;
/** The seeds that are so many apart have watchers; see Program.watcher. */
const WATCHERS_EVERY = 2;
const WATCHERS = 6;
/** Further than the indexes that programs make up. */
const FIRST_INDEX = 40;
/** Against hangs alone. */
const PATIENCE = { timeoutMs: 30_000 };

const shown = ({ method, args, how = 'callback' }) =>
  `${method}(${args.map((arg) => JSON.stringify(arg)).join(', ')}) ${how}`;

async function perform(etcd, { method, args, how }) {
  if (how === 'Sync') return etcd[method](...args.slice(0, -1), { ...args.at(-1), synchronous: true });
  const [err, body, headers] = await called((done) => etcd[method](...args, done));
  return { err, body, headers };
}

/** A TTL that v2 lets wrap around, and v3 keeps. */
const wraps = ({ args }) => Number(args.at(-1)?.ttl) > 9_000_000_000;

/** The call with the name that it makes told: by that it is known again on the other side. */
function named({ method, args, how }) {
  const options = { ...args.at(-1) };
  if (method === 'create' && options.noValueOnSuccess !== '') delete options.noValueOnSuccess;
  return { method, args: [...args.slice(0, -1), options], how };
}

/** A run, until something differs. */
class TranslatedLockstep {
  wrong = [];
  counts = { calls: 0, refused: 0, changes: 0 };
  codes = new Set();
  #translation = new Translation();
  #watchers = [];
  #index = 0;
  #slowest = 0;
  #began = performance.now();

  constructor(seed, v2, v3) {
    this.hasWatchers = seed % WATCHERS_EVERY === 0;
    this.program = new Program(seed, { isPlain: this.hasWatchers });
    this.clients = [v2, v3];
  }

  async run() {
    await this.#align();
    for (let i = 0; i < CALLS && this.wrong.length === 0; i++) {
      if (this.hasWatchers && this.#watchers.length < WATCHERS && this.program.chance(0.05)) this.#watch();
      const call = named(this.program.call());
      if (!wraps(call)) await this.#both(call);
    }
    if (this.wrong.length === 0) await this.#finish();
    for (const { watchers } of this.#watchers) for (const watcher of watchers) watcher.stop();
    return { wrong: this.wrong, codes: [...this.codes], ...this.counts };
  }

  /** Brings both beyond the indexes that programs make up, so that these name no change on either. */
  async #align() {
    const write = { method: 'set', args: ['/first', 'v', {}] };
    const indexes = [0, 0];
    for (const [i, client] of this.clients.entries()) {
      while (indexes[i] < FIRST_INDEX) indexes[i] = (await perform(client, write)).body.node.modifiedIndex;
    }
    this.#translation.learn(...indexes);
  }

  async #both(call) {
    const began = performance.now();
    const calls = [call, this.#translation.call(call)];
    const outcomes = await Promise.all(this.clients.map((client, i) => perform(client, calls[i])));
    this.#slowest = Math.max(this.#slowest, performance.now() - began);
    const [first, second] = outcomes;
    if (!first.err && !second.err && first.body?.node && second.body?.node && first.body.action !== 'get') {
      this.#translation.learn(first.body.node.modifiedIndex, second.body.node.modifiedIndex);
      this.#translation.learnKeys(first.body.node.key, second.body.node.key);
    } else if (first.headers && second.headers) {
      const [one, other] = outcomes.map(({ headers }) => Number(headers['x-etcd-index'] ?? 0));
      this.#translation.learn(one, other);
    }
    this.#note(call, first, this.#translation.outcome(second, calls[1]));
  }

  #note(call, first, second) {
    this.#expectSame(shown(call), first, second, /^(true|1)$/.test(call.args.at(-1)?.sorted));
    this.counts.calls += 1;
    if (first.err) {
      this.counts.refused += 1;
      this.codes.add(first.err.errorCode ?? first.err.code);
    }
    this.program.learn(first.body?.node);
    this.#index = Number(first.headers?.['x-etcd-index'] || this.#index);
  }

  #expectSame(what, first, second, isSorted = false, seconds = 1 + this.#slowest / 1000) {
    const found = difference(first, second, { isSorted, seconds });
    if (found) this.wrong.push(`${what}\n${found}`);
  }

  #watch() {
    const [key, start, options] = this.program.watcher(this.#index);
    const args = [key, Math.max(start, this.#translation.start + 1), options];
    const call = { method: 'watcher', args };
    const calls = [call, this.#translation.call(call)];
    const told = this.clients.map(() => []);
    const watchers = this.clients.map((client, i) => {
      const watcher = client.watcher(...calls[i].args);
      watcher.on('change', (body) => told[i].push({ body }));
      for (const name of ['error', 'reconnect', 'resync']) watcher.on(name, (err) => told[i].push({ err, body: name }));
      return watcher;
    });
    this.#watchers.push({ call, told, watchers });
  }

  /** Expects that all who watch were told the same. */
  async #finish() {
    await this.#both({ method: 'set', args: ['/last', 'v', {}] });
    for (const { call, told } of this.#watchers) {
      const [first, second] = told;
      const isLast = (events) => events.at(-1)?.body.node?.key === '/last';
      const areThere = () => (call.args[0] === '/' ? told.every(isLast) : first.length <= second.length);
      await waitUntil(areThere, PATIENCE).catch(() => {});
      const translated = second.map((outcome) => this.#translation.outcome(outcome, { args: [{}] }));
      for (let i = 0; i < Math.max(first.length, second.length) && this.wrong.length === 0; i++) {
        // What is left of the TTL of a node that was replaced is what is left when v3 is asked for its past.
        const seconds = 1 + (performance.now() - this.#began) / 1000;
        const what = `event ${i} of watcher(${JSON.stringify(call.args)})`;
        this.#expectSame(what, first[i] ?? {}, translated[i] ?? {}, false, seconds);
      }
      this.counts.changes += first.length;
    }
  }
}

/**
 * Resolves with { wrong, codes, …counts }; of what is wrong only the first things, as others follow from them. Both
 * servers must be empty, the second below its namespace.
 */
async function runOnV3(seed, { v2, v3, namespace, api = 'v3' }) {
  const first = new Etcd(v2, { maxRetries: 0, api: 'v2' });
  const second = new Etcd(v3, { maxRetries: 0, api, namespace });
  try {
    return await new TranslatedLockstep(seed, first, second).run();
  } finally {
    await Promise.all([first.close({ abort: true }), second.close({ abort: true })]);
  }
}

module.exports = { runOnV3 };

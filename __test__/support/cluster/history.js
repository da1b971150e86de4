'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const { findViolation } = require('../linearizability');
const { waitUntil } = require('../promises');
const { Dice } = require('../random');
const { ABSENT, CALLS, perform, step, toldBy, toldByError } = require('./register');

const WORKERS_OF_A_CLIENT = 3;
const PAUSE_MS = 6;
/** So many operations go to a few keys, and then to new ones: the histories of the keys stay short. */
const ROUND = 300;
const KEYS_AT_ONCE = 2;
/** One in so many operations of the first worker is a Sync call. */
const SYNC_EVERY = 20;
/** As often as they are named here. */
const KINDS = [
  ...['get', 'get', 'get', 'set', 'create', 'create', 'del'],
  ...['compareAndSwap', 'compareAndSwap', 'compareAndSwap', 'compareAndDelete'],
];
/** A write goes out once: what became of it is what is told of it. */
const OPTIONS = { timeout: 1000, resendWrites: false, maxRetries: 1 };
/** How much is shown of where an order ends. */
const SHOWN = 8;

/**
 * Reads, writes and compares a few keys through several clients at once, by a seed, and remembers when each operation was
 * called, when it returned and what it told. One client knows all members, and for each there is one that knows no other.
 */
class History {
  #clock = 0; // the order in which this thread sees calls and returns has no ties
  #latest = new Map();
  #stopped = false;

  /** `connect(options, members)` makes a client; `current` are the options of a read that is not older than writes. */
  constructor(connect, { members, prefix, seed, current }) {
    Object.assign(this, { prefix, current });
    Object.assign(this, { operations: [], told: 0, unknown: 0, failed: 0, errors: [] });
    const alone = members.map((member) => [member]);
    this.clients = [members, ...alone].map((some) => connect(OPTIONS, some));
    const workers = Array.from({ length: WORKERS_OF_A_CLIENT }, () => this.clients).flat();
    this.ended = Promise.all(workers.map((client, worker) => this.#work(client, worker, new Dice(seed, worker))));
  }

  async #work(client, worker, dice) {
    for (let n = 1; !this.#stopped; n++) {
      const key = `${this.prefix}/${Math.floor(this.told / ROUND)}-${dice.below(KEYS_AT_ONCE)}`;
      const operation = { key, kind: dice.pick(KINDS), value: `${worker}.${n}`, old: this.#latest.get(key) || 'no.ne' };
      await this.#perform(client, operation, { synchronous: worker === 0 && n % SYNC_EVERY === 0 });
      await sleep(dice.below(PAUSE_MS));
    }
  }

  async #perform(client, operation, options = {}) {
    operation.call = ++this.#clock;
    try {
      const more = operation.kind === 'get' ? this.current : {};
      const answer = await CALLS[operation.kind](client, operation, { ...options, ...more });
      if (answer.err) throw answer.err;
      operation.told = toldBy(operation.kind, answer.body ?? answer);
    } catch (error) {
      operation.told = toldByError(error);
      if (operation.told === undefined) return this.#noteFailure(operation, error);
    }
    operation.end = ++this.#clock;
    this.#note(operation);
    this.operations.push(operation);
    this.told += 1;
  }

  /** What the next comparison expects: what is there now as far as this operation tells. */
  #note(operation) {
    const { key, told } = operation;
    if (told === '105') return; // which does not say what there is
    const seen = told.replace(/^10[01] ?/, '');
    this.#latest.set(key, seen === told ? perform(seen, operation).after : seen);
  }

  /** A write of which nothing is known is part of the history. What reached no server, and a read, did nothing. */
  #noteFailure(operation, error) {
    if (error.code === 'ERR_UNKNOWN_OUTCOME' && operation.kind !== 'get') {
      this.operations.push(operation);
      this.unknown += 1;
    } else if (error.message === 'All servers returned error') {
      this.failed += 1;
    } else {
      this.errors.push(`${operation.kind}: ${error.code} ${error.message}`);
    }
  }

  /** Resolves when so many further operations were told something. */
  async progress(count = 300) {
    const wanted = this.told + count;
    await waitUntil(() => this.told >= wanted, { timeoutMs: 40_000 });
  }

  async stop() {
    this.#stopped = true;
    await this.ended;
  }

  /** What each key has in the end, as the last operations of the history. */
  async #readAll() {
    for (const key of new Set(this.operations.map((operation) => operation.key))) {
      const before = this.told;
      while (this.told === before) await this.#perform(this.clients[0], { key, kind: 'get' });
    }
  }

  /** Ends it, and tells how it went as plain data; `wrong` are the keys whose history has no order. */
  async result() {
    await this.stop();
    await this.#readAll();
    const { told, unknown, failed, errors } = this;
    return { told, unknown, failed, errors, wrong: violations(this.operations) };
  }
}

/** The histories, by key, that are not linearizable, each as text. */
function violations(operations) {
  const byKey = new Map();
  for (const operation of operations) byKey.set(operation.key, [...(byKey.get(operation.key) ?? []), operation]);
  return [...byKey.values()].flatMap((history) => {
    const violation = findViolation(history, step, ABSENT);
    if (!violation) return [];
    const lines = (list) => list.map((operation) => JSON.stringify(operation)).join('\n');
    return [`After\n${lines(violation.order.slice(-SHOWN))}\nnone of these can follow\n${lines(violation.next)}`];
  });
}

module.exports = { History, violations };

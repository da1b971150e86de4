'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const { waitUntil } = require('../promises');

/** One in so many writes of the first worker is a Sync call. */
const SYNC_EVERY = 10;

/**
 * Keeps writing keys below a prefix, each once and with a value of its own, and reading them back, until it is stopped.
 * The keys are named here, or `inOrder` by etcd, in a directory of each worker: a write that took place twice made two.
 * `pause`, in ms, is between the writes of each of the `workers`.
 * - acknowledged: [key, value, index] of each write that succeeded
 * - lost: keys that were acknowledged, and then not there
 * - errors: of the requests that failed
 * - longest: how long the slowest request took, in ms
 */
class Workload {
  constructor(etcd, prefix, { inOrder = false, workers = 6, pause = 20, current = {} } = {}) {
    Object.assign(this, { etcd, prefix, inOrder, pause, current });
    Object.assign(this, { acknowledged: [], lost: [], errors: [], longest: 0, stopped: false });
    this.ended = Promise.all(Array.from({ length: workers }, (_, worker) => this.work(worker)));
  }

  async work(worker) {
    for (let n = 0; !this.stopped; n++) {
      const value = `${worker}.${n}`;
      const synchronous = worker === 0 && n % SYNC_EVERY === 0;
      const { node } = (await this.timed(() => this.write(worker, n, value, { synchronous }))) ?? {};
      if (node) {
        const key = node.key.slice(1);
        this.acknowledged.push([key, value, node.modifiedIndex]);
        await this.timed(() => this.etcd.get(key, this.current), key);
      }
      await sleep(this.pause);
    }
  }

  write(worker, n, value, options) {
    const { etcd, prefix } = this;
    if (this.inOrder) return etcd.create(`${prefix}/${worker}`, value, options);
    return etcd.set(`${prefix}/${worker}-${n}`, value, options);
  }

  /** The body of the answer, or undefined for a request that failed. */
  async timed(request, key) {
    const start = performance.now();
    try {
      const answer = await request();
      if (answer.err) throw answer.err;
      return 'body' in answer ? answer.body : answer;
    } catch (error) {
      if (key && error.errorCode === 100) this.lost.push(key);
      else this.errors.push(error);
      return undefined;
    } finally {
      this.longest = Math.max(this.longest, performance.now() - start);
    }
  }

  /** Resolves when so many further writes have been acknowledged. */
  async progress(count = 30) {
    const wanted = this.acknowledged.length + count;
    await waitUntil(() => this.acknowledged.length >= wanted, { timeoutMs: 40_000 });
  }

  async stop() {
    this.stopped = true;
    await this.ended;
  }

  /**
   * Ends it, and tells how it went as plain data; `missing` are acknowledged writes that are not in etcd now, and `twice`
   * are values that several keys have.
   */
  async result() {
    await this.stop();
    const { node } = await this.etcd.get(this.prefix, { recursive: true, timeout: 0, ...this.current });
    const files = node.nodes.flatMap((one) => (one.dir ? one.nodes : one));
    const values = new Map(files.map(({ key, value }) => [key.slice(1), value]));
    const missing = this.acknowledged.filter(([key, value]) => values.get(key) !== value);
    const once = new Set();
    const twice = [...values.values()].filter((value) => once.has(value) || !once.add(value));
    const errors = this.errors.map(({ code, message }) => code ?? message);
    return { acknowledged: this.acknowledged.length, missing, twice, lost: this.lost, errors, longest: this.longest };
  }
}

/** A load of writes that are not sent again, so many at once that some are under way whenever a member fails. */
function writesOnce(connect, prefix, current) {
  const how = { inOrder: true, workers: 24, pause: 1, current };
  return new Workload(connect({ timeout: 1000, resendWrites: false }), prefix, how);
}

module.exports = { Workload, writesOnce };

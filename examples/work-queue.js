'use strict';

// Jobs in the order in which they came, each done by one of several workers. None is lost: a job is removed when it is done,
// and until then a worker has a lock on it, which ends with the worker.
//   node examples/work-queue.js                                 jobs and two workers, on a store in this process
//   node examples/work-queue.js 127.0.0.1:2379 add one two      adds jobs, on an etcd
//   node examples/work-queue.js 127.0.0.1:2379 work ann         works on them until it is ended

const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('node-etcd-native');
const { LiveDirectory } = require('./live-directory');
const { Lock } = require('./lock');

class WorkQueue {
  constructor(etcd, directory, { owner = '', ttl = 10 } = {}) {
    Object.assign(this, { etcd, directory, owner, ttl });
  }

  /** etcd names the job's key, by a number that rises. */
  add(job) {
    return this.etcd.create(`${this.directory}/jobs`, job);
  }

  /**
   * Works on the oldest job that nobody has, again and again, until the signal aborts. `perform` gets the job, and a signal
   * that aborts if another worker may have it by now. A worker can die when a job is done and not yet removed: then it is
   * done again. If `perform` fails this ends, and the job stays for others.
   */
  async work(perform, signal) {
    const live = new LiveDirectory(this.etcd, this.directory);
    let wake = () => {};
    live.on('change', () => wake());
    signal.addEventListener('abort', () => wake());
    try {
      while (!signal.aborted) {
        // Before the look at what is there, so that no change comes in between.
        const changed = new Promise((resolve) => {
          wake = resolve;
        });
        if (!(await this.#workOnce(live.values, perform))) await changed;
      }
    } finally {
      live.close();
    }
  }

  /** Whether there was a job to do. */
  async #workOnce(values, perform) {
    const claimOf = (key) => key.replace('/jobs/', '/claims/');
    const isFree = (key) => key.startsWith(`${this.directory}/jobs/`) && !values.has(claimOf(key));
    for (const key of [...values.keys()].filter(isFree).sort()) {
      const { owner, ttl } = this;
      const claim = await new Lock(this.etcd, claimOf(key), { owner, ttl }).tryAcquire();
      if (!claim) continue; // somebody was quicker
      try {
        if (!(await this.#isThere(key))) continue;
        await perform(values.get(key), claim.signal);
        if (!claim.signal.aborted) await this.etcd.del(key);
        return true;
      } finally {
        await claim.release();
      }
    }
    return false;
  }

  /** What we know may be old: a job can have been done just before its lock became free. */
  async #isThere(key) {
    try {
      return Boolean(await this.etcd.get(key, { quorum: true }));
    } catch (err) {
      if (err.errorCode !== 100) throw err;
      return false;
    }
  }
}

async function main(host = 'memory:', verb = 'both', ...words) {
  const etcd = new Etcd(host);
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end.abort());
  const jobs = verb === 'both' ? ['one', 'two', 'three', 'four'] : words;
  let left = jobs.length;
  const work = (owner) => {
    const queue = new WorkQueue(etcd, '/examples/queue', { owner, ttl: Number(process.env.TTL ?? 10) });
    return queue.work(async (job) => {
      await sleep(Number(process.env.WORK_MS ?? 10)); // the work
      console.log(`${owner} has done ${job}`);
      left -= 1;
      if (verb === 'both' && left === 0) end.abort();
    }, end.signal);
  };
  if (verb !== 'work') for (const job of jobs) await new WorkQueue(etcd, '/examples/queue').add(job);
  if (verb !== 'add') await Promise.all((verb === 'both' ? ['ann', 'bob'] : words).map(work));
}

if (require.main === module) main(...process.argv.slice(2));

module.exports = { WorkQueue };

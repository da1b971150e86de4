'use strict';

// A lock in etcd: a key that only one can make, and that goes away by itself if its holder does.
//   node examples/lock.js                          two who want the lock, on a store in this process
//   node examples/lock.js 127.0.0.1:2379 ann       one, on an etcd: start others beside it

const { randomUUID } = require('node:crypto');
const Etcd = require('node-etcd-native');

const REMOVALS = ['delete', 'expire', 'compareAndDelete'];

class Lock {
  /** `ttl`: so many seconds the lock stays after its holder has died. */
  constructor(etcd, key, { owner = '', ttl = 10 } = {}) {
    Object.assign(this, { etcd, key, owner, ttl });
  }

  /** Waits for the lock, and resolves with a `Hold`; or with undefined once `giveUp`, a signal, has aborted. */
  async acquire(giveUp) {
    while (!giveUp?.aborted) {
      const held = await this.tryAcquire();
      if (held) return held;
      await this.#removed(giveUp);
    }
  }

  /** The same, or undefined if somebody has it. */
  async tryAcquire() {
    // Another id each time, so that no request that was under way for long fits a later holder.
    const id = `${this.owner} ${randomUUID()}`;
    const asked = performance.now();
    try {
      const { node } = await this.etcd.set(this.key, id, { prevExist: false, ttl: this.ttl });
      return new Hold(this, id, node.createdIndex, asked);
    } catch (err) {
      if (err.errorCode !== 105) throw err; // "Key already exists"
      this.refusedAt = err.error.index;
    }
  }

  /** Behind the index of the refusal no removal is missed. If events are lost (401, resync) the next try will tell. */
  async #removed(signal) {
    try {
      const watcher = this.etcd.watcher(this.key, this.refusedAt + 1, { signal });
      for await (const { action } of watcher) if (REMOVALS.includes(action)) return;
    } catch (err) {
      if (err.errorCode !== 401) throw err;
    }
  }
}

/**
 * A lock that is had, and renewed until it is released or lost: then `signal` aborts. A program can stand still for longer
 * than the TTL and not know. `fence` rises from holder to holder: what the lock protects can refuse one that is lower than
 * it has seen.
 */
class Hold {
  #lock;
  #id;
  #ended = new AbortController();
  #end;
  #renewal;

  constructor(lock, id, fence, asked) {
    this.#lock = lock;
    this.#id = id;
    this.fence = fence;
    this.signal = this.#ended.signal;
    this.#renewal = setInterval(() => this.#renew(), (lock.ttl * 1000) / 3);
    this.#isOursFrom(asked);
  }

  async release() {
    this.#stop();
    const { etcd, key } = this.#lock;
    // Not `del`, which would take it from whoever has it now if it was lost.
    await etcd.compareAndDelete(key, this.#id).catch((err) => {
      if (![100, 101].includes(err.errorCode)) throw err;
    });
  }

  async #renew() {
    const { etcd, key, ttl } = this.#lock;
    const asked = performance.now();
    try {
      const options = { ttl, refresh: true, prevExist: true, prevValue: this.#id, signal: this.signal };
      await etcd.set(key, null, options);
      if (!this.signal.aborted) this.#isOursFrom(asked);
    } catch (err) {
      if (err.errorCode) this.#stop(); // etcd says that it is not ours. Without an answer it is until its time is over.
    }
  }

  /** Its time is counted from when etcd was asked: it ends here before it does there. */
  #isOursFrom(asked) {
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.#stop(), asked + this.#lock.ttl * 1000 - performance.now());
  }

  #stop() {
    clearInterval(this.#renewal);
    clearTimeout(this.#end);
    this.#ended.abort();
  }
}

/** Reads a number, and writes one more: without the lock, what others add meanwhile would get lost. */
async function add(etcd, lock, key) {
  const held = await lock.acquire();
  try {
    const { node } = await etcd.get(key, { quorum: true });
    const sum = Number(node.value) + 1;
    await etcd.set(key, sum, { signal: held.signal });
    console.log(`${lock.owner} makes it ${sum}, with fence ${held.fence}`);
  } finally {
    await held.release();
  }
}

async function main(host = 'memory:', ...names) {
  const etcd = new Etcd(host);
  const ttl = Number(process.env.TTL ?? 10);
  await etcd.set('/examples/sum', 0, { prevExist: false }).catch((err) => {
    if (err.errorCode !== 105) throw err;
  });
  const work = async (owner) => {
    const lock = new Lock(etcd, '/examples/lock', { owner, ttl });
    for (let i = 0; i < 5; i++) await add(etcd, lock, '/examples/sum');
  };
  await Promise.all((names.length > 0 ? names : ['ann', 'bob']).map(work));
}

if (require.main === module) main(...process.argv.slice(2));

module.exports = { Lock };

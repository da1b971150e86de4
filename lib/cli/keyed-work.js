'use strict';

const { isAtOrBelow } = require('./keys');

/** Several at a time: as many as keep an etcd busy. */
const LIMIT = 64;

/**
 * Work on keys of a tree, several at a time, but in order where one can rest on another: work waits for all that was
 * begun before it at the same key, above that or below.
 */
class KeyedWork {
  #underWay = new Set();
  /** Called when something has ended. */
  #waiting = [];
  #failure;
  #fail;
  /** Rejects with the first failure; after it nothing is begun. */
  failed = new Promise((_resolve, reject) => {
    this.#fail = reject;
  });

  constructor() {
    this.failed.catch(() => {}); // somebody may look at it later
  }

  /** The mark of the oldest work that has not ended, as marks rise. */
  get oldest() {
    const marks = [...this.#underWay].map(({ mark }) => mark).filter((mark) => mark !== undefined);
    return marks.length === 0 ? undefined : Math.min(...marks);
  }

  get isIdle() {
    return this.#underWay.size === 0;
  }

  /** Resolves when there was room for it. */
  async add(key, work, mark) {
    while (this.#underWay.size >= LIMIT) await this.#end();
    if (this.#failure) throw this.#failure;
    const before = [...this.#underWay].filter((other) => isAtOrBelow(other.key, key) || isAtOrBelow(key, other.key));
    const entry = { key, mark };
    this.#underWay.add(entry);
    entry.ended = this.#run(entry, before, work);
  }

  /** Resolves when all has ended. */
  async done() {
    while (!this.isIdle) await this.#end();
  }

  /** Never rejects. */
  async #run(entry, before, work) {
    await Promise.all(before.map(({ ended }) => ended));
    try {
      if (!this.#failure) await work();
    } catch (error) {
      this.#failure ??= error;
      this.#fail(error);
    }
    this.#underWay.delete(entry);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #end() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

module.exports = { KeyedWork };

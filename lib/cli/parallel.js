'use strict';

/** Work that is done several at a time, and may bring more work. */
class Parallel {
  #limit;
  #running = 0;
  #waiting = [];
  #failed;
  #settle;

  constructor(limit) {
    this.#limit = limit;
  }

  /** How much is not done. */
  get left() {
    return this.#running + this.#waiting.length;
  }

  add(work) {
    if (this.#failed) return;
    this.#waiting.push(work);
    this.#startMore();
  }

  /** Begins nothing more. */
  stop(error) {
    this.#failed ??= { error };
    this.#waiting = [];
  }

  /** Resolves when everything is done. The first failure rejects, when what was begun has ended; nothing is begun after it. */
  done() {
    return new Promise((resolve, reject) => {
      this.#settle = () => {
        if (this.#running > 0) return;
        if (this.#failed) reject(this.#failed.error);
        else resolve();
      };
      this.#settle();
    });
  }

  #startMore() {
    while (this.#running < this.#limit && this.#waiting.length > 0) this.#run(this.#waiting.pop());
  }

  async #run(work) {
    this.#running += 1;
    try {
      await work();
    } catch (error) {
      this.stop(error);
    }
    this.#running -= 1;
    this.#startMore();
    if (this.left === 0) this.#settle?.();
  }
}

module.exports = { Parallel };
